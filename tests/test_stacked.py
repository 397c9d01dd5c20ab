"""Many critics as one batch: each scores and learns as it would alone."""

import math

import numpy as np
import pytest
import torch

from mineral import bounds
from mineral.critics import JointCritic, SeparableCritic, split_scores
from mineral.errors import InputError, OptionError
from mineral.learning import stacked
from mineral.learning.stacked import StackedJoint, StackedSeparable, estimate, padded, scored

DIMS = (1, 3, 2)  # of z: the others are padded


@pytest.fixture(autouse=True)
def _same_weights_every_time():
    with torch.random.fork_rng():
        torch.default_generator.manual_seed(0)
        yield


def together(kind):
    """Single critics, and the stack of them."""
    single = JointCritic if kind is StackedJoint else SeparableCritic
    alone = [single(2, dim, hidden=(8, 7)) for dim in DIMS]
    stack = kind(3, 2, 3, hidden=(8, 7))
    for i, critic in enumerate(alone):
        if kind is StackedJoint:
            stack.of_x.load(i, critic.of_x)
            stack.of_z.load(i, critic.of_y)
            pairs = [(stack.rest, critic.rest[1:])]
        else:
            pairs = [(stack.g, critic.g), (stack.h, critic.h)]
        for many, one in pairs:
            for layer, linear in zip(many.linear, one[::2], strict=True):
                layer.load(i, linear)
    return alone, stack


def samples(n=20, seed=1, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(3, n, 2, generator=generator)
    z = [x[i, :, :1] + torch.randn(n, d, generator=generator) for i, d in enumerate(DIMS)]
    return x.to(dtype), [each.to(dtype) for each in z]


@pytest.mark.parametrize("kind", [StackedJoint, StackedSeparable])
def test_stacked_critics_score_as_single_ones(kind):
    alone, stack = together(kind)
    x, z = samples()
    scores = stack(x, padded(z))
    assert scores.shape == (3, 20, 20)
    for i, critic in enumerate(alone):
        torch.testing.assert_close(scores[i], critic(x[i][:, None], z[i][None]))
    joint, product = scored(stack, x, padded(z))
    for i in range(3):
        expected = split_scores(scores[i])
        assert torch.equal(joint[i], expected[0]) and torch.equal(product[i], expected[1])


@pytest.mark.parametrize("kind", [StackedJoint, StackedSeparable])
@pytest.mark.parametrize("name", ["dv", "infonce", "nwj", "js"])
def test_stacked_critics_learn_as_single_ones(kind, name):
    alone, stack = together(kind)
    objective = bounds.BOUNDS[name].objective
    # In float64: a constant added to a critic changes nothing here, its gradient is rounding, and
    # Adam would make whole steps of it.
    stack.double()
    single = [torch.optim.Adam(critic.double().parameters(), lr=1e-2) for critic in alone]
    optimizer = torch.optim.Adam(stack.parameters(), lr=1e-2)
    for step in range(5):
        x, z = samples(seed=step, dtype=torch.float64)
        values = torch.vmap(objective)(*scored(stack, x, padded(z)))
        optimizer.zero_grad()
        (-values.sum()).backward()
        optimizer.step()
        for i, (critic, own) in enumerate(zip(alone, single, strict=True)):
            value = objective(*split_scores(critic(x[i][:, None], z[i][None])))
            torch.testing.assert_close(value, values[i])
            own.zero_grad()
            (-value).backward()
            own.step()
    x, z = samples(seed=10, dtype=torch.float64)
    scores = stack(x, padded(z))
    for i, critic in enumerate(alone):
        torch.testing.assert_close(scores[i], critic(x[i][:, None], z[i][None]))


def gaussian(correlations, n=4000):
    generator = torch.Generator().manual_seed(0)
    x, noise = torch.randn(2, n, 1, generator=generator)
    z = [rho * x + math.sqrt(1 - rho**2) * noise for rho in correlations]
    wide = torch.cat([z[-1], torch.randn(n, 1, generator=generator)], dim=1)
    return x[None], padded([*z[:-1], wide])


@pytest.mark.slow
@pytest.mark.parametrize("bound", ["infonce", "dv", "js"])
def test_each_data_set_gets_its_own_value(bound):
    correlations = (0.0, 0.5, 0.8, 0.9)
    x, z = gaussian(correlations)
    found = estimate(x, z, bound=bound, steps=150, held_out_block=400)
    truth = [-math.log(1 - rho**2) / 2 for rho in correlations]
    # 800 held-out rows: the error of the mean pmi at 0.9 is 0.9 / √800 = 0.03.
    assert found.values == pytest.approx(truth, abs=0.12)
    assert found.ceiling == math.log(400)
    assert ((found.best_steps > 0) & (found.best_steps <= 150)).all()


def test_each_critic_keeps_its_own_best_step(monkeypatch):
    x, z = gaussian((0.3, 0.6, 0.9), n=200)
    at = iter([[0.0, 2.0, 0.0], [1.0, 1.0, torch.nan], [0.5, 0.5, 3.0], [9.0, 9.0, 9.0]])
    seen = []

    def told(network, *_):
        seen.append([parameter.detach().clone() for parameter in network.parameters()])
        values = torch.tensor(next(at), dtype=torch.float64)
        return torch.where(values.isfinite(), values, -torch.inf)

    monkeypatch.setattr(stacked, "_held_out", told)
    found = estimate(x, z, steps=3, check_every=1)
    assert found.best_steps.tolist() == [2, 1, 3]
    first, second, third, last = seen
    for a, b, c, kept in zip(first, second, third, last, strict=True):
        assert torch.equal(kept[0], b[0]) and torch.equal(kept[1], a[1])
        assert torch.equal(kept[2], c[2])


def test_one_that_explodes_does_not_slow_the_others():
    x, z = gaussian((0.8, 0.8))
    wild = torch.cat([z[:1], 1e6 * torch.randn_like(z[1:]) ** 5])
    calm = estimate(x, torch.cat([z[:1], z[:1]]), bound="dv", steps=60)
    beside = estimate(x, wild, bound="dv", steps=60)
    assert beside.values[0] == pytest.approx(calm.values[0], abs=1e-3)


def test_the_same_seed_gives_the_same_values_and_leaves_the_global_state():
    x, z = gaussian((0.5, 0.9), n=400)
    before = torch.get_rng_state()
    first, again = (estimate(x, z, steps=20, seed=3).values for _ in range(2))
    other = estimate(x, z, steps=20, seed=4).values
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("x", "z", "options", "error", "says"),
    [
        ((2, 30, 1), (3, 30, 1), {}, InputError, r"got \(2, 30, 1\) and \(3, 30, 1\)"),
        ((3, 20, 1), (3, 30, 1), {}, InputError, "same 20 or more rows"),
        ((3, 10, 1), (3, 10, 1), {}, InputError, "same 20 or more rows"),
        ((3, 30, 1), (3, 30, 1), {"bound": "mine"}, OptionError, "'infonce', got 'mine'"),
        ((3, 30, 1), (3, 30, 1), {"bound": "tuba"}, OptionError, "got 'tuba'"),
        ((3, 30, 1), (3, 30, 1), {"bound": "magic"}, OptionError, "got 'magic'"),
    ],
)
def test_what_cannot_be_is_refused(x, z, options, error, says):
    with pytest.raises(error, match=says):
        estimate(torch.randn(x), torch.randn(z), **options)


def test_samples_of_different_rows_are_no_stack():
    with pytest.raises(InputError, match="the same number of rows"):
        padded([torch.zeros(3, 1), torch.zeros(4, 1)])
