"""Gradients that are written out: those of autograd, for one critic and for several at once."""

import copy
import math
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch
from conftest import params
from scripts import FOLDER, load
from torch import nn

from mineral import bounds
from mineral.bounds.ascent import ascent, block_scores
from mineral.critics import Concatenated, JointCritic, SeparableCritic, mlp
from mineral.networks import training
from mineral.networks.direct import direct, is_direct
from mineral.networks.scoring import score
from mineral.networks.training import Job, Schedule, train, train_together
from mineral.system.chance import seeded

DIMS = (3, 2)
OBJECTIVES = {
    "mine": bounds.MovingAverageDV,
    "dv": lambda: bounds.donsker_varadhan,
    "nwj": lambda: bounds.nwj,
    "shifted nwj": lambda: bounds.shifted_nwj,
    "infonce": lambda: bounds.infonce,
    "js": lambda: bounds.jensen_shannon,
    "gan": lambda: bounds.gan_divergence,
    "by autograd": lambda: partial(bounds.remine, weight=0.5),
}


def own(activation):
    def make(dim_x, dim_y):
        net = nn.Sequential(
            nn.Linear(dim_x + dim_y, 6),
            activation(),
            nn.Linear(6, 5),
            activation(),
            nn.Linear(5, 1),
        )
        return Concatenated(net)

    return make


CRITICS = {
    "joint": partial(JointCritic, hidden=(6, 5)),
    "joint, one layer": partial(JointCritic, hidden=(4,)),
    "separable": partial(SeparableCritic, hidden=(6,), features=3),
    "own SiLU": own(nn.SiLU),
    "own ReLU": own(nn.ReLU),
    "own ELU": own(nn.ELU),
    "no bias": lambda a, b: Concatenated(
        nn.Sequential(nn.Linear(a + b, 6, bias=False), nn.ReLU(), nn.Linear(6, 1, bias=False))
    ),
}


def made(name, seed=0):
    with seeded(seed):
        return CRITICS[name](*DIMS).double()


def pairs(n, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, DIMS[0]))
    y = x[:, : DIMS[1]] + 0.5 * rng.standard_normal((n, DIMS[1]))
    return torch.from_numpy(x), torch.from_numpy(y)


def schedule(**options):
    defaults = {"steps": 30, "batch_size": 32, "learning_rate": 1e-2, "block": 4, "check_every": 10}
    return Schedule(**(defaults | options))


def job(critic, objective, seed=0, n=100):
    return Job(
        critic=critic,
        objective=objective,
        training=pairs(n, seed),
        validation=pairs(60, seed + 1),
        rng=np.random.default_rng(seed),
    )


@pytest.fixture
def _by_autograd(monkeypatch):
    monkeypatch.setattr(training, "is_direct", lambda *_: False)


# Objectives


@pytest.mark.parametrize("scale", [1.0, 30.0])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_gradients_of_objectives_are_those_of_autograd(name, scale):
    own, theirs = ([OBJECTIVES[name]() for _ in range(2)] for _ in range(2))
    written_out = ascent(own)
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):  # a moving average moves
        scores = scale * torch.randn(2, 3, 4, 4, generator=generator, dtype=torch.float64)
        leaf = scores.clone().requires_grad_()
        values = torch.stack([f(*block_scores(each)) for f, each in zip(theirs, leaf, strict=True)])
        (expected,) = torch.autograd.grad(values.sum(), leaf)
        found = written_out(scores)
        torch.testing.assert_close(found, values.detach(), rtol=1e-6, atol=1e-6)
        # The average of MINE is a float32, of up to 100 here.
        torch.testing.assert_close(scores, expected, rtol=2e-5, atol=1e-9)
    for a, b in zip(own, theirs, strict=True):
        if isinstance(a, nn.Module):
            torch.testing.assert_close(a.log_ema, b.log_ema)


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("size", [1e3, 1e18])
def test_gradients_are_finite_for_scores_of_any_size(name, size):
    objective = ascent([OBJECTIVES[name]()])
    for sign in (1, -1):
        scores = sign * size * torch.linspace(-1, 1, 32).view(1, 2, 4, 4)
        value = objective(scores)
        assert torch.isfinite(value).all() and torch.isfinite(scores).all()


def test_the_average_that_moves_by_plain_numbers_is_that_of_tensors():
    by_number, by_tensor = bounds.MovingAverageDV(), bounds.MovingAverageDV()
    for scale in (0.0, 3.0, -2.0, 50.0):
        product = torch.full((2, 3), scale)
        by_tensor(torch.zeros(2), product)
        by_number.move(scale)
        torch.testing.assert_close(by_number.log_ema, by_tensor.log_ema)


# Critics


@pytest.mark.parametrize("name", CRITICS)
def test_scores_and_gradients_of_critics_are_those_of_autograd(name):
    critic = made(name)
    twin = copy.deepcopy(critic)
    assert is_direct(critic, *DIMS)
    x, y = pairs(12)
    fast = direct([critic], 12, 4, DIMS[0])
    for _ in range(2):  # arrays are used again
        weights = torch.randn(1, 3, 4, 4, dtype=torch.float64)
        found = fast.scores(x[None], y[None])
        joint, product = score(twin, (x, y), 4)
        for one, other in zip(block_scores(found[0]), (joint, product), strict=True):
            torch.testing.assert_close(one, other.detach())
        grid = twin(x.view(3, 4, 1, -1), y.view(3, 1, 4, -1))
        gradients = torch.autograd.grad((grid * weights[0]).sum(), list(twin.parameters()))
        fast.backward(weights.clone())
        for (key, _), expected in zip(twin.named_parameters(), gradients, strict=True):
            torch.testing.assert_close(fast.flat.gradients[key][0], expected)


def dropping(a, b):
    return Concatenated(nn.Sequential(nn.Linear(a + b, 4), nn.Dropout(0.5), nn.Linear(4, 1)))


def frozen(a, b):
    critic = JointCritic(a, b)
    critic.of_x.weight.requires_grad_(requires_grad=False)
    return critic


def watched(a, b):
    critic = JointCritic(a, b)
    critic.of_x.register_forward_hook(lambda *_: None)
    return critic


class Other(JointCritic):
    """A class of the caller's own, whose `forward` may be another."""


def steep(a, b):
    return Concatenated(nn.Sequential(nn.Linear(a + b, 4), nn.ELU(alpha=2.0), nn.Linear(4, 1)))


def reparametrized(a, b):
    critic = JointCritic(a, b)
    nn.utils.parametrizations.weight_norm(critic.of_x)
    return critic


def half(a, b):
    return JointCritic(a, b).to(torch.bfloat16)


def wide(a, b):
    return Concatenated(mlp(a + b, 4, 2))


@pytest.mark.parametrize(
    "make", [dropping, frozen, watched, Other, steep, reparametrized, half, wide]
)
def test_other_critics_are_left_to_autograd(make):
    assert not is_direct(make(*DIMS), *DIMS)


@pytest.mark.parametrize("name", params([*CRITICS], ("joint", "separable", "own ReLU")))
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_training_is_that_by_autograd(name, objective, request):
    one = made(name)
    other = copy.deepcopy(one)
    found = train_together(
        [job(one, OBJECTIVES[objective]())], schedule(), progress=lambda _: None
    )[0]
    request.getfixturevalue("_by_autograd")
    expected = train_together(
        [job(other, OBJECTIVES[objective]())], schedule(), progress=lambda _: None
    )[0]
    assert found.steps == expected.steps and found.best == expected.best
    # The average of MINE is of float32 in both.
    assert found.validation == pytest.approx(expected.validation, rel=1e-5, abs=1e-6)
    assert found.training == pytest.approx(expected.training, rel=1e-5, abs=1e-6)
    for key, value in other.state_dict().items():
        torch.testing.assert_close(one.state_dict()[key], value, rtol=1e-4, atol=1e-6)


def test_steep_gradients_are_shortened_as_by_autograd(request):
    one = made("joint")
    other = copy.deepcopy(one)

    def steep(joint, product):
        return 1e4 * bounds.nwj(joint, product)

    for critic in (one, other):
        train_together([job(critic, steep)], schedule(), progress=lambda _: None)
        request.getfixturevalue("_by_autograd")
    for key, value in other.state_dict().items():
        torch.testing.assert_close(one.state_dict()[key], value, rtol=1e-6, atol=1e-9)


def test_parameters_of_a_trained_critic_are_its_own():
    critic = made("joint")
    train_together([job(critic, bounds.nwj)], schedule(), progress=lambda _: None)
    for parameter in critic.parameters():
        assert parameter.untyped_storage().nbytes() == parameter.numel() * 8
        assert parameter.requires_grad and parameter.grad is None


# Several at once


@pytest.mark.parametrize("name", ["joint", "separable"])
@pytest.mark.parametrize(
    "objective", ["mine", "infonce", pytest.param("by autograd", marks=pytest.mark.slow)]
)
def test_critics_trained_together_are_those_trained_alone(name, objective):
    plan = schedule(steps=200, patience=20, learning_rate=3e-2)
    alone, together = ([made(name, seed) for seed in range(4)] for _ in range(2))
    curves = [
        train_together(
            [job(critic, OBJECTIVES[objective](), seed, n=40)], plan, progress=lambda _: None
        )[0]
        for seed, critic in enumerate(alone)
    ]
    found = train_together(
        [job(c, OBJECTIVES[objective](), seed, n=40) for seed, c in enumerate(together)],
        plan,
        progress=lambda _: None,
    )
    assert len({curve.steps[-1] for curve in curves}) > 1  # some stop before others
    for one, other, a, b in zip(curves, found, alone, together, strict=True):
        assert one.steps == other.steps and one.best == other.best
        assert one.validation == pytest.approx(other.validation, rel=1e-4, abs=1e-5)
        for key, value in a.state_dict().items():
            torch.testing.assert_close(b.state_dict()[key], value, rtol=1e-3, atol=1e-4)


def test_critics_train_together_in_groups_that_a_cache_holds(monkeypatch):
    seen, shares = [], []
    train_group = training._train_group

    def watched(jobs, *rest):
        seen.append(len(jobs))
        return train_group(jobs, *rest)

    monkeypatch.setattr(training, "_train_group", watched)
    monkeypatch.setattr(training, "ENTRIES", 2 * 32 * 4 * 6)  # of two critics of width 6
    jobs = [job(made("joint", seed), bounds.nwj, seed) for seed in range(5)]
    jobs += [job(made("own ReLU"), bounds.nwj), job(Other(*DIMS).double(), bounds.nwj)]
    jobs.append(job(made("own ReLU"), bounds.nwj, n=20))  # of smaller batches
    curves = train_together(jobs, schedule(), progress=shares.append)
    assert seen == [2, 2, 1, 1, 1, 1] and len(curves) == len(jobs)
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1)


def test_one_that_diverges_leaves_the_others_as_they_are():
    critics = [made("joint", seed) for seed in range(3)]
    jobs = [job(critic, bounds.nwj, seed) for seed, critic in enumerate(critics)]
    jobs[1].training[0][:] = math.nan
    curves = train_together(jobs, schedule(), progress=lambda _: None)
    assert [curve.steps[-1] for curve in curves] == [30, 10, 30]
    alone = made("joint", 2)
    train_together([job(alone, bounds.nwj, 2)], schedule(), progress=lambda _: None)
    for key, value in alone.state_dict().items():
        torch.testing.assert_close(critics[2].state_dict()[key], value)


def test_train_is_one_of_them():
    one, other = made("joint"), made("joint")
    learn, held_out = pairs(100), pairs(60, 1)
    train(
        one,
        bounds.nwj,
        learn,
        held_out,
        schedule(),
        rng=np.random.default_rng(0),
        progress=lambda _: None,
    )
    train_together([job(other, bounds.nwj)], schedule(), progress=lambda _: None)
    for key, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[key])


def test_a_first_estimate_does_not_import_the_compiler():
    # It takes two seconds, which every run of the command would spend.
    program = (
        "import sys, numpy, mineral; x = numpy.random.default_rng(0).standard_normal(100);"
        "mineral.estimate(x, x + x[::-1], estimator=mineral.MINE(steps=2, folds=2));"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_benchmark_lists_what_became_slower(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    slower = load("speed").slower

    def row(rival, *ends):
        least, median, largest = ends
        return {
            "name": "a",
            "ratio": {rival: {"least": least, "median": median, "largest": largest}},
        }

    assert slower([row("plain", 1.0, 1.1, 1.2)], [row("plain", 1.3, 1.5, 1.7)]) != []
    assert slower([row("plain", 1.0, 1.1, 1.4)], [row("plain", 1.3, 1.5, 1.7)]) == []
    assert slower([row("plain", 2.0, 2.1, 2.4)], [row("plain", 1.3, 1.5, 1.7)]) == []
    assert slower([row("times one", 3.0, 3.1, 3.4)], [row("times one", 2.0, 2.1, 2.2)]) != []
    assert slower([row("times one", 1.0, 1.1, 1.4)], [row("times one", 2.0, 2.1, 2.2)]) == []
    assert slower([row("plain", 1.0, 1.1, 1.2)], []) == []
