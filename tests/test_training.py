"""Scoring pairs, and the loop that trains: who meets whom, what is kept, and when it stops."""

import copy
import math
from itertools import chain, pairwise

import numpy as np
import pytest
import torch
from torch import nn

from mineral.bounds import MovingAverageDV, donsker_varadhan, nwj
from mineral.critics import JointCritic
from mineral.networks import scoring, training
from mineral.networks.scoring import score, score_all
from mineral.networks.training import Schedule, train
from mineral.system.chance import seeded

CPU = torch.device("cpu")


class Numbering(nn.Module):
    """f(x, y) = 1000 x + y: where x and y are row numbers, the score tells which rows met."""

    def forward(self, x, y):
        return 1000 * x[..., 0] + y[..., 0]


class Spy(nn.Module):
    """A critic that remembers which x and y it saw, and whether it was training."""

    def __init__(self, dim_x, dim_y):
        super().__init__()
        self.critic = JointCritic(dim_x, dim_y, hidden=(8,))
        self.seen = []

    def forward(self, x, y):
        self.seen.append(
            (self.training, x[..., 0].flatten().tolist(), y[..., 0].flatten().tolist())
        )
        return self.critic(x, y)


def numbered(n, first=0):
    rows = torch.arange(first, first + n, dtype=torch.float64)[:, None]
    return rows, rows.clone()


def met(scores):
    """Row numbers of x and of y from scores of `Numbering`."""
    return scores.long() // 1000, scores.long() % 1000


def schedule(**options):
    defaults = {
        "steps": 100,
        "batch_size": 32,
        "learning_rate": 1e-2,
        "block": 8,
        "check_every": 10,
    }
    return Schedule(**(defaults | options))


def noise(n, d=1, seed=0):
    """Independent x and y: there is nothing to learn, only rows to remember."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=generator), torch.randn(n, d, generator=generator)


def related(n, d=1, seed=0):
    x, other = noise(n, d, seed)
    return x, x + 0.5 * other


def fit(critic, objective, learn, validation, plan, seed=0, progress=lambda share: None):
    rng = np.random.default_rng(seed)
    return train(critic, objective, learn, validation, plan, rng=rng, progress=progress)


def new_critic(dim=1, hidden=(32,), seed=0):
    with seeded(seed):
        return JointCritic(dim, dim, hidden=hidden)


# Who meets whom


@pytest.mark.parametrize(("n", "block"), [(2, 2), (6, 3), (12, 4), (12, 12), (20, 2)])
def test_each_row_is_scored_with_itself_and_with_each_other_of_its_block(n, block):
    joint, product = score(Numbering(), numbered(n), block)
    of_x, of_y = met(joint)
    assert of_x.tolist() == of_y.tolist() == list(range(n))
    of_x, of_y = met(product)
    assert product.shape == (n, block - 1)
    for i in range(n):
        first = i - i % block
        assert of_x[i].tolist() == [i] * (block - 1)
        assert of_y[i].tolist() == [j for j in range(first, first + block) if j != i]


def blocks_of(n, block):
    """Which rows meet each row: blocks as equal as whole rows allow, none below `block`."""
    block = n // max(1, n // block)
    full = n - n % block
    for i in range(n):
        first = i - i % block if i < full else n - block
        yield [j for j in range(first, first + block) if j != i]


@pytest.mark.parametrize("n", [2, 3, 7, 16, 17, 23, 31, 40])
@pytest.mark.parametrize("block", [2, 3, 8, 100])
def test_any_number_of_rows_is_scored_in_order_and_none_is_paired_with_itself(n, block):
    joint, product = score_all(Numbering(), numbered(n), block)
    assert met(joint)[0].tolist() == met(joint)[1].tolist() == list(range(n))
    of_x, of_y = met(product)
    assert (of_x == torch.arange(n)[:, None]).all()
    assert (of_y != of_x).all()
    assert of_y.tolist() == list(blocks_of(n, block))
    assert product.shape[1] >= min(block, n) - 1  # never fewer than were asked for


@pytest.mark.parametrize(("n", "block"), [(40, 8), (43, 8), (17, 100)])
def test_a_batch_of_pairs_is_scored_like_each_pair_alone(n, block):
    critic = new_critic(3).double()
    x, y = (v.double() for v in noise(n, 3))
    joint, product = score_all(critic, (x, y), block)
    torch.testing.assert_close(joint, critic(x, y).detach())
    for i, others in enumerate(blocks_of(n, block)):
        alone = torch.stack([critic(x[i], y[j]) for j in others])
        torch.testing.assert_close(product[i], alone.detach())


@pytest.mark.parametrize("at_a_time", [1, 70, 200])
@pytest.mark.parametrize("n", [48, 51, 60])
def test_scoring_a_few_pairs_at_a_time_changes_nothing(n, at_a_time, monkeypatch):
    whole = score_all(Numbering(), numbered(n), 8)
    monkeypatch.setattr(scoring, "SCORES", at_a_time)
    parts = score_all(Numbering(), numbered(n), 8)
    assert torch.equal(parts[0], whole[0]) and torch.equal(parts[1], whole[1])


def test_memory_is_bounded_by_the_pairs_scored_at_a_time(monkeypatch):
    monkeypatch.setattr(scoring, "SCORES", 200)
    spy = Spy(1, 1)
    score_all(spy, tuple(v.float() for v in numbered(80)), 8)
    assert max(len(x) for _, x, _ in spy.seen) * 8 <= 200


def test_scoring_all_keeps_no_gradient():
    critic = new_critic()
    joint, product = score_all(critic, noise(20), 8)
    assert not joint.requires_grad and not product.requires_grad
    assert score(critic, noise(16), 8)[1].requires_grad


# Which rows train


def test_training_sees_training_rows_and_checking_sees_validation_rows():
    # A row of one part that turned up in the other would make the check blind to memorizing.
    learn = tuple(v.float() for v in numbered(64))
    validation = tuple(v.float() for v in numbered(24, first=100))
    spy = Spy(1, 1)
    fit(spy, nwj, learn, validation, schedule())
    for train_mode in (True, False):
        x = {v for mode, xs, _ in spy.seen if mode is train_mode for v in xs}
        y = {v for mode, _, ys in spy.seen if mode is train_mode for v in ys}
        expected = set(range(64)) if train_mode else set(range(100, 124))
        assert x == y == expected


@pytest.mark.parametrize(("n", "batch_size", "block"), [(64, 32, 8), (70, 20, 8), (20, 100, 6)])
def test_no_row_comes_twice_before_a_new_shuffle(n, batch_size, block):
    spy = Spy(1, 1)
    plan = schedule(steps=12, batch_size=batch_size, block=block, check_every=100)
    fit(spy, nwj, tuple(v.float() for v in numbered(n)), noise(8), plan)
    batches = [x for mode, x, _ in spy.seen if mode]
    size = min(batch_size, n) // block * block
    assert {len(batch) for batch in batches} == {size}
    a_pass = n // size
    passes = [list(chain(*batches[i : i + a_pass])) for i in range(0, 12 - a_pass + 1, a_pass)]
    assert all(len(set(rows)) == len(rows) for rows in passes)
    assert passes[0] != passes[1] and passes[0] != sorted(passes[0])


def test_batches_are_those_of_the_given_generator():
    seen = []
    for seed in (0, 0, 1):
        spy = Spy(1, 1)
        fit(spy, nwj, tuple(v.float() for v in numbered(64)), noise(8), schedule(steps=3), seed)
        seen.append([x for mode, x, _ in spy.seen if mode])
    assert seen[0] == seen[1] != seen[2]


# What is kept, and when it stops


@pytest.fixture(scope="module")
def memorized():
    """32 rows are soon remembered, and from then on the validation rows suffer."""
    critic, validation = new_critic(dim=3), related(320, d=3, seed=1)
    plan = schedule(steps=600, patience=120)
    return critic, fit(critic, nwj, related(32, d=3), validation, plan), validation, plan


def test_training_leaves_the_critic_as_it_was_at_its_best_check(memorized):
    critic, curve, validation, plan = memorized
    assert curve.validation[-1] < curve.validation[curve.best] == max(curve.validation)
    assert 0 < curve.best < len(curve.steps) - 1
    kept = float(nwj(*score_all(critic, validation, plan.block)))
    assert kept == curve.validation[curve.best]


def test_stopping_where_the_best_check_was_gives_the_same_critic():
    # The same steps with the same rates, ended by an objective that turns to NaN.
    plan = schedule(steps=600, patience=120)

    class Ended(nn.Module):
        def __init__(self, last):
            super().__init__()
            self.last, self.checks = last, 0

        def forward(self, joint, product):
            self.checks += not self.training
            return nwj(joint, product) * (torch.nan if self.checks > self.last else 1.0)

    critic = new_critic()
    curve = fit(critic, Ended(math.inf), related(32), related(320, seed=1), plan)
    assert curve.steps[-1] > curve.steps[curve.best]
    again = new_critic()
    fit(again, Ended(curve.best + 1), related(32), related(320, seed=1), plan)
    for name, value in critic.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_training_stops_after_looks_without_improvement(memorized):
    _, curve, _, plan = memorized
    assert curve.steps[-1] < plan.steps
    assert curve.steps[-1] - curve.steps[curve.best] == plan.patience


def test_looks_grow_apart_up_to_a_limit_and_end_with_the_last_step():
    plan, seen = schedule(steps=700, check_every=50), [0]
    while seen[-1] < plan.steps:
        seen.append(plan.next_check(seen[-1]))
    apart = np.diff(seen)
    assert list(apart[:8]) == [10] * 8 and max(apart) == 50 and seen[-1] == 700
    assert (np.diff(apart[:-1]) >= 0).all()


def test_a_long_climb_is_waited_for_half_as_long_again():
    class Peaks(nn.Module):
        checks = 0

        def forward(self, joint, product):
            self.checks += not self.training
            return 0 * joint.sum() - abs(self.checks - 1 - 40)

    plan = schedule(steps=900, patience=20, check_every=10)
    curve = fit(new_critic(), Peaks(), related(64), related(40), plan)
    assert curve.steps[curve.best] == 400 and curve.steps[-1] == 600


def test_a_critic_that_has_hardly_begun_is_waited_for_less():
    plan = schedule(steps=900, patience=300, at_first=100)
    assert [plan.waits(best) for best in (0, 20, 50, 75, 400, 800)] == [
        100,
        100,
        200,
        300,
        300,
        400,
    ]
    assert schedule(steps=900, patience=300).waits(0) == 300


def test_memorizing_shows_in_the_training_curve_only(memorized):
    _, curve, _, _ = memorized
    assert curve.training[-1] > curve.validation[-1] + 0.1


def test_the_curve_has_a_point_for_each_check_and_starts_untrained():
    critic, validation = new_critic(), related(40, seed=1)
    before = float(nwj(*score_all(critic, validation, 8)))
    curve = fit(critic, nwj, related(64), validation, schedule(steps=35))
    assert curve.steps == (0, 10, 20, 30, 35)
    assert len(curve.training) == len(curve.validation) == 5
    assert curve.validation[0] == curve.training[0] == before


def test_a_critic_that_only_gets_worse_is_left_untrained():
    critic = new_critic()
    before = copy.deepcopy(critic.state_dict())
    curve = fit(critic, nwj, related(64), related(40, seed=1), schedule(learning_rate=1e3))
    assert curve.best == 0
    for name, value in critic.state_dict().items():
        assert torch.equal(value, before[name])


def test_no_improvement_is_not_an_improvement():
    plan = schedule(patience=50)
    curve = fit(
        new_critic(), lambda joint, product: 0 * joint.sum(), related(64), related(40), plan
    )
    assert curve.best == 0 and curve.steps[-1] == plan.patience < plan.steps


def test_a_critic_that_turns_to_nan_ends_training_and_is_not_kept():
    class Breaks(nn.Module):
        calls = 0

        def forward(self, joint, product):
            self.calls += self.training
            return nwj(joint, product) * (torch.nan if self.calls > 25 else 1.0)

    critic = new_critic()
    curve = fit(critic, Breaks(), related(64), related(40, seed=1), schedule())
    assert curve.steps[-1] == 30 and curve.best <= 2
    assert curve.validation[-1] == -math.inf
    assert all(torch.isfinite(parameter).all() for parameter in critic.parameters())


def test_critic_and_objective_train_in_steps_and_rest_in_checks():
    modes = []

    class Watched(nn.Module):
        def forward(self, joint, product):
            modes.append((self.training, critic.training, joint.requires_grad))
            return nwj(joint, product)

    critic = new_critic()
    fit(critic, Watched(), related(64), related(40, seed=1), schedule(steps=20))
    check, step = (False, False, False), (True, True, True)
    assert modes == [check, *[step] * 10, check, *[step] * 10, check]
    assert not critic.training


def test_checks_do_not_move_the_moving_average():
    # Its average after one batch is that batch's; the two checks around it see other rows.
    objective = MovingAverageDV()
    critic = new_critic()
    untrained = copy.deepcopy(critic)
    learn = related(32)
    plan = schedule(steps=1, block=32)
    curve = fit(critic, objective, learn, related(40, seed=1), plan)
    _, product = score(untrained, learn, 32)
    torch.testing.assert_close(
        objective.log_ema, torch.logsumexp(product.flatten(), 0) - math.log(32 * 31)
    )
    dv = donsker_varadhan(*score_all(untrained, related(40, seed=1), 32))
    assert curve.validation[0] == pytest.approx(float(dv))


def test_each_step_is_adams_on_the_gradient_of_its_own_batch():
    # One block of all rows: their order does not matter, and the steps can be taken by hand.
    critic, learn = new_critic(), related(16)
    twin = copy.deepcopy(critic)
    plan = schedule(steps=4, batch_size=16, block=16, check_every=1)
    curve = fit(critic, nwj, learn, learn, plan)
    assert curve.best == 4
    by_hand = torch.optim.Adam(twin.parameters(), lr=plan.learning_rate)
    for step in range(4):
        by_hand.param_groups[0]["lr"] = plan.learning_rate * (1 + math.cos(math.pi * step / 4)) / 2
        by_hand.zero_grad()
        (-nwj(*score(twin, learn, 16))).backward()
        by_hand.step()
    for name, value in twin.state_dict().items():
        torch.testing.assert_close(critic.state_dict()[name], value, rtol=1e-4, atol=1e-6)


def test_the_rate_falls_to_zero():
    weights = []

    class Watched(nn.Module):
        def forward(self, joint, product):
            if self.training:
                weights.append(critic.of_x.weight.detach().clone())
            return nwj(joint, product)

    critic = new_critic()
    fit(critic, Watched(), related(64), related(40, seed=1), schedule(steps=40))
    moved = [float((b - a).norm()) for a, b in pairwise(weights)]
    assert np.mean(moved[-3:]) < 0.1 * np.mean(moved[:3])


@pytest.mark.parametrize("steps", [1, 7, 500])
def test_the_rate_is_that_of_torchs_cosine_schedule_to_the_bit(steps):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=5e-3)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    rate = 5e-3
    for step in range(1, steps + 1):
        optimizer.step()
        theirs.step()
        rate *= training._decay(step, steps)
        assert rate == optimizer.param_groups[0]["lr"]


def test_one_exploding_batch_does_not_end_learning():
    # Adam divides by past gradients: one of 1e8 would hold back all the following.
    class Explodes(nn.Module):
        def __init__(self, factor):
            super().__init__()
            self.factor, self.weights = factor, []

        def forward(self, joint, product):
            if self.training:
                self.weights.append(critic.of_x.weight.detach().clone())
            return nwj(joint, product) * (self.factor if len(self.weights) == 3 else 1.0)

    moved = []
    for factor in (1.0, 1e8):
        critic, objective = new_critic(), Explodes(factor)
        fit(critic, objective, related(64), related(40, seed=1), schedule(steps=150, patience=990))
        moved.append(float((objective.weights[110] - objective.weights[70]).norm()))
    assert moved[1] > 0.1 * moved[0]


def test_progress_is_told_and_ends_at_one():
    seen = []
    plan = schedule(steps=35)
    fit(new_critic(), nwj, related(64), related(40, seed=1), plan, progress=seen.append)
    assert seen == [10 / 35, 20 / 35, 30 / 35, 1.0]


def test_the_same_rows_and_generator_give_the_same_critic():
    states = []
    for _ in range(2):
        critic = new_critic()
        fit(critic, nwj, related(64), related(40, seed=1), schedule())
        states.append(critic.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
