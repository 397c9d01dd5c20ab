"""Neural estimators: what is reported was never learned from, and is what the formula says."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

import mineral
from mineral import MINE, InfoNCE, JointCritic, SeparableCritic
from mineral.errors import InputError, OptionError
from mineral.methods.neural import jackknife
from mineral.methods.neural.crossfit import VALIDATION
from mineral.networks.scoring import score_all
from mineral.samples import Standardizer, folds

TRUTH = -math.log(1 - 0.8**2) / 2  # 0.5108 nats, of a correlation of 0.8

SMALL = {
    "mine": MINE(critic=partial(JointCritic, hidden=(32,)), batch_size=128, steps=300, folds=2),
    "infonce": InfoNCE(
        critic=partial(SeparableCritic, hidden=(32,)),
        batch_size=128,
        product_samples=31,
        steps=300,
        folds=2,
    ),
}
TINY = {name: replace(estimator, steps=60) for name, estimator in SMALL.items()}
each_small = pytest.mark.parametrize("estimator", SMALL.values(), ids=SMALL)
each_tiny = pytest.mark.parametrize("estimator", TINY.values(), ids=TINY)
each_kind = pytest.mark.parametrize("kind", [MINE, InfoNCE])


def gaussian(n, d=1, rho=0.8, seed=0):
    """First coordinates correlated by rho, the others independent."""
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((n, d)), rng.standard_normal((n, d))
    y[:, 0] = rho * x[:, 0] + math.sqrt(1 - rho**2) * y[:, 0]
    return x, y


def codes(found):
    return {caution.code for caution in found.warnings}


class Fixed(nn.Module):
    """A critic that does not learn: f(x, y) is given."""

    def __init__(self, f):
        super().__init__()
        self.f, self.unused = f, nn.Parameter(torch.zeros(()))

    def forward(self, x, y):
        return self.f(x, y) + 0 * self.unused


def fixed(f):
    return lambda dim_x, dim_y: Fixed(f)


def pmi(x, y, rho=0.8):
    """Of two normals with correlation rho."""
    x, y = x[..., 0], y[..., 0]
    quadratic = rho**2 * (x**2 + y**2) - 2 * rho * x * y
    return -math.log(1 - rho**2) / 2 - quadratic / (2 * (1 - rho**2))


class Spy(nn.Module):
    """A critic that remembers which x and y it saw in each call, and whether it was training."""

    def __init__(self, dim_x, dim_y):
        super().__init__()
        self.critic = JointCritic(dim_x, dim_y, hidden=(8,))
        self.calls = []

    def forward(self, x, y):
        rows = set(x[..., 0].flatten().tolist()), set(y[..., 0].flatten().tolist())
        self.calls.append((self.training, rows))
        return self.critic(x, y)


# How close it comes


@each_small
def test_a_correlation_of_0_8_is_found_by_a_small_network(estimator):
    # The standard error is 0.017; 250 steps may leave another 0.02 unlearned.
    found = estimator.estimate(*gaussian(2000))
    assert found.value == pytest.approx(TRUTH, abs=0.075)
    assert found.stderr == pytest.approx(0.8 / math.sqrt(2000), rel=0.3)  # that of the true pmi


FULL_SIZE = pytest.mark.parametrize(
    "name", ["auto", "gaussian", "copula", "ksg", "mine", "infonce"]
)


@pytest.mark.slow
@FULL_SIZE
def test_ten_thousand_pairs_of_correlation_0_8_are_measured_to_0_03(name):
    # The standard error is 0.008: three of them and a little.
    found = mineral.estimate(*gaussian(10_000), estimator=name)
    assert found.value == pytest.approx(TRUTH, abs=0.03)


@pytest.mark.slow
@FULL_SIZE
def test_fifty_independent_coordinates_do_not_look_dependent(name):
    found = mineral.estimate(*gaussian(2000, d=50, rho=0.0), estimator=name)
    assert found.interval[0] <= 0


@pytest.mark.slow
@each_kind
def test_noise_that_was_memorized_is_reported_as_noise(kind):
    # 50 + 50 coordinates of 300 rows are remembered in no time: what trained must not be reported.
    estimator = kind(steps=200, product_samples=31, batch_size=128, folds=2)
    found = estimator.estimate(*gaussian(300, d=50, rho=0.0))
    assert min(curve.training[-1] for curve in found.evidence.curves) > 1.0
    assert found.interval[0] <= 0
    assert found.value < 0.02


# Which rows do what


@each_kind
def test_no_row_is_reported_by_a_critic_that_saw_it_in_training_or_when_it_stopped(kind):
    n = 123
    x = np.random.default_rng(0).permutation(n).astype(float)[:, None]
    y = np.random.default_rng(1).permutation(n).astype(float)[:, None]
    spies = []

    def spy(dim_x, dim_y):
        spies.append(Spy(dim_x, dim_y))
        return spies[-1]

    estimator = kind(critic=spy, steps=60, batch_size=32, product_samples=7, folds=3)
    found = estimator.estimate(x, y)
    reported = []
    for member, one in zip(found.model.members, spies, strict=True):
        probe = one.calls.pop(0)  # two rows of zeros, to see whether the critic broadcasts
        assert probe == (False, ({0.0}, {0.0}))
        as_seen = [member.inputs(x, y)[side][:, 0].tolist() for side in (0, 1)]
        row_of = [{value: row for row, value in enumerate(values)} for values in as_seen]

        def rows(calls, row_of=row_of):
            sides = [
                {numbers[value] for _, seen in calls for value in seen[side]}
                for side, numbers in enumerate(row_of)
            ]
            assert sides[0] == sides[1]  # x and y of the same rows
            return sides[0]

        in_training = [i for i, (training, _) in enumerate(one.calls) if training]
        learned = rows([one.calls[i] for i in in_training])
        first_check = rows(one.calls[: in_training[0]])
        after = one.calls[in_training[-1] + 1 :]
        last_check, report = after[: in_training[0]], rows(after[in_training[0] :])
        between = [call for call in one.calls[in_training[0] : in_training[-1]] if not call[0]]
        assert rows(last_check) == first_check and rows(between) == first_check
        assert learned.isdisjoint(first_check)
        assert report.isdisjoint(learned | first_check)
        assert learned | first_check | report == set(range(n))
        assert len(first_check) == round(VALIDATION * (n - len(report)))
        reported += report
        # Inputs are mapped by what training rows alone say of center and scale.
        fit = Standardizer.fit(x[sorted(learned)])
        assert member.of_x.center == pytest.approx(fit.center, rel=1e-12)
        assert member.of_x.scale == pytest.approx(fit.scale, rel=1e-12)
    assert sorted(reported) == list(range(n))


# What is reported


def by_definition(name, f):
    """The bound on a matrix of scores f[i, j] of x_i and y_j, as its paper writes it."""
    n = len(f)
    joint = [f[i, i] for i in range(n)]
    if name == "mine":
        chance = [math.exp(f[i, j]) for i in range(n) for j in range(n) if j != i]
        return np.mean(joint) - math.log(np.mean(chance))
    return np.mean([f[i, i] - math.log(np.mean(np.exp(f[i]))) for i in range(n)])


@each_tiny
@pytest.mark.parametrize("n", [100, 151])
def test_the_value_is_the_mean_over_folds_of_the_bound_on_all_pairs_of_their_rows(estimator, n):
    x, y = gaussian(n, d=2)
    found = estimator.estimate(x, y)
    parts = folds(n, estimator.folds, validation=VALIDATION, rng=np.random.default_rng(0))
    value, variance = 0.0, 0.0
    for member, part in zip(found.model.members, parts, strict=True):
        of_x, of_y = member.inputs(x[part.test], y[part.test])
        with torch.no_grad():
            f = member.critic(of_x[:, None], of_y[None, :]).double().numpy()
        weight = len(part.test) / n
        value += weight * by_definition(estimator.name, f)
        rest = ~np.eye(len(f), dtype=bool)
        log_partition = math.log(np.mean(np.exp(f[rest])))
        assert member.log_partition == pytest.approx(log_partition, abs=1e-5)
        own = found.evidence.pointwise[part.test]
        assert own == pytest.approx(f.diagonal() - log_partition, abs=1e-5)
        joint, product = (
            torch.tensor(f.diagonal().copy()),
            torch.tensor(f[rest].reshape(len(f), -1)),
        )
        variance += weight**2 * estimator._variance(joint, product)
    assert found.value == pytest.approx(value, abs=1e-5)
    assert found.stderr == pytest.approx(math.sqrt(variance), rel=1e-4)


@each_tiny
def test_pmi_of_the_model_is_the_mean_of_its_critics(estimator):
    x, y = gaussian(150)
    model = estimator.estimate(x, y).model
    expected = 0.0
    for member in model.members:
        with torch.no_grad():
            f = member.critic(*member.inputs(x, y)).double().numpy()
        expected = expected + (f - member.log_partition) / len(model.members)
    assert model.pmi(x, y) == pytest.approx(expected, abs=1e-6)


CRITICS = {
    "the best": pmi,
    "half of it": lambda x, y: pmi(x, y) / 2,
    "with a function of x": lambda x, y: pmi(x, y) + 0.7 * torch.sin(2 * x[..., 0]),
    "with a function of y": lambda x, y: pmi(x, y) + 0.7 * torch.sin(2 * y[..., 0]),
    "a product": lambda x, y: x[..., 0] * y[..., 0] / 2,
}


SOME = [
    f if name in ("half of it", "a product") else pytest.param(f, marks=pytest.mark.slow)
    for name, f in CRITICS.items()
]


@pytest.mark.slow
@pytest.mark.parametrize("f", SOME, ids=CRITICS)
@each_kind
def test_the_jackknife_is_as_long_as_the_errors(kind, f):
    # A row counts with its x and with its y. Leaving out only one of them is off by 70 % for a
    # product. The spread of 200 estimates is known to 5 %.
    estimator, values, variances = kind(), [], []
    for seed in range(200):
        pairs = tuple(torch.from_numpy(v) for v in gaussian(100, seed=seed))
        joint, product = score_all(Fixed(f), pairs, 50)
        values.append(float(estimator.bound(joint, product)))
        variances.append(estimator._variance(joint, product))
    assert math.sqrt(np.mean(variances)) == pytest.approx(np.std(values, ddof=1), rel=0.25)


@each_kind
def test_the_jackknife_on_a_part_of_the_blocks_speaks_for_all(kind, monkeypatch):
    pairs = tuple(torch.from_numpy(v) for v in gaussian(2000))
    joint, product = score_all(Fixed(pmi), pairs, 50)
    whole = kind()._variance(joint, product)
    monkeypatch.setattr(jackknife, "PAIRS", 20 * 50**2)
    assert kind()._variance(joint, product) == pytest.approx(whole, rel=0.5)


@each_kind
def test_rows_left_over_from_blocks_do_not_disturb_the_jackknife(kind):
    pairs = tuple(torch.from_numpy(v) for v in gaussian(203))
    joint, product = score_all(Fixed(pmi), pairs, 50)
    most = kind()._variance(joint[:200], product[:200])
    assert kind()._variance(joint, product) == pytest.approx(most * 200 / 203, rel=1e-9)


# The ceiling


@pytest.mark.parametrize("scale", [1.0, 20.0])
@pytest.mark.parametrize("rows", [70, 200])  # one block of fewer groups than rows, and three
@pytest.mark.parametrize(
    ("estimator", "block"),
    [
        (mineral.MINE(), 64),
        (mineral.NWJ(), 70),
        (mineral.JensenShannon(), 64),
        (InfoNCE(), 70),
        (mineral.ReInfoNCE(), 20),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_jackknife_from_sums_is_that_by_evaluation(estimator, block, rows, scale):
    generator = torch.Generator().manual_seed(0)
    rows -= rows % block
    joint = scale * torch.randn(rows, generator=generator, dtype=torch.float64)
    product = scale * torch.randn(rows, block - 1, generator=generator, dtype=torch.float64)
    grid = joint.view(-1, block), product.view(-1, block, block - 1)
    groups = min(jackknife.GROUPS, block)
    found = estimator.jackknifed()(grid, groups)
    by_evaluation = jackknife.of_any(estimator.bound, rows=None)
    assert estimator.jackknifed().__qualname__ != by_evaluation.__qualname__
    torch.testing.assert_close(found, by_evaluation(grid, groups))


def test_infonce_never_exceeds_the_logarithm_of_the_scores_it_compares():
    perfect = fixed(lambda x, y: -1e4 * ((x - y) ** 2).sum(dim=-1))
    x, _ = gaussian(300, d=3)
    found = InfoNCE(critic=perfect, steps=1, folds=2).estimate(x, x)
    assert found.value == pytest.approx(math.log(150), abs=1e-6)
    assert "near-ceiling" in codes(found)


def test_mine_says_when_the_value_is_near_the_logarithm_of_n():
    x, _ = gaussian(300, d=3)
    for scale, said in ((30.0, True), (0.1, False)):
        critic = fixed(lambda x, y, scale=scale: -scale * ((x - y) ** 2).sum(dim=-1))
        found = MINE(critic=critic, steps=1, folds=2).estimate(x, x)
        assert ("near-ceiling" in codes(found)) is said
        assert (found.value > math.log(300) - 1) is said


@pytest.mark.slow
def test_a_copy_in_many_dimensions_is_told_to_be_at_the_ceiling():
    x, _ = gaussian(2000, d=10)
    found = InfoNCE().estimate(x, x)
    assert "near-ceiling" in codes(found)
    assert found.value <= math.log(667) + 1e-9


# Cautions


def test_folds_that_found_different_critics_are_a_caution():
    def factory(fs):
        return lambda dim_x, dim_y: Fixed(fs.pop())

    x, y = gaussian(900)
    nothing = lambda x, y: 0 * x[..., 0] * y[..., 0]  # noqa: E731
    found = MINE(critic=factory([pmi, nothing, nothing]), steps=1).estimate(x, y)
    assert "folds-disagree" in codes(found)
    found = MINE(critic=factory([pmi, pmi, pmi]), steps=1).estimate(x, y)
    assert "folds-disagree" not in codes(found)


def test_a_bound_that_still_rises_at_the_last_step_is_a_caution():
    x, y = gaussian(300)
    assert "not-converged" in codes(MINE(steps=10, batch_size=64).estimate(x, y))
    assert "not-converged" not in codes(MINE(critic=fixed(pmi), steps=10).estimate(x, y))


def test_one_unfinished_fold_is_enough_for_a_caution():
    # The first fold cannot learn; the second is still learning when its steps end.
    made = []

    def factory(dim_x, dim_y):
        made.append(Fixed(pmi) if not made else JointCritic(dim_x, dim_y))
        return made[-1]

    found = MINE(critic=factory, steps=20, batch_size=64, folds=2).estimate(*gaussian(300))
    first, second = found.evidence.curves
    assert first.best == 0 and second.steps[second.best] == 20
    assert "not-converged" in codes(found)


@pytest.mark.parametrize(("d", "said"), [(5, False), (6, True)])
def test_few_samples_for_many_dimensions_are_a_caution(d, said):
    found = MINE(critic=fixed(pmi), steps=1).estimate(*gaussian(100, d=d))
    assert ("few-samples" in codes(found)) is said


# What must not matter, and what is fixed by the seed


@pytest.mark.slow
@each_tiny
def test_the_same_seed_gives_the_same_bits_and_another_does_not(estimator):
    x, y = gaussian(150)
    first, again = estimator.estimate(x, y, seed=3), estimator.estimate(x, y, seed=3)
    assert first == again
    assert first.evidence.curves == again.evidence.curves
    assert (first.model.pmi(x, y) == again.model.pmi(x, y)).all()
    assert estimator.estimate(x, y, seed=4).value != first.value


def test_the_seed_draws_the_split_too():
    # With a critic that has no weights to draw, only the folds differ.
    estimator = MINE(critic=fixed(pmi), steps=1)
    values = [estimator.estimate(*gaussian(100), seed=seed).value for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]


class WithDropout(nn.Module):
    """Somebody's own critic: it draws random numbers when training."""

    def __init__(self, dim_x, dim_y):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(dim_x + dim_y, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 1)
        )

    def forward(self, x, y):
        sides = torch.broadcast_tensors(x[..., :1], y[..., :1])
        return self.net(torch.cat(sides, dim=-1))[..., 0]


@pytest.mark.slow
@each_kind
def test_a_critic_of_your_own_with_dropout_works_and_is_reproducible(kind):
    x, y = gaussian(400)
    estimator = kind(
        critic=WithDropout, steps=100, batch_size=64, product_samples=15, learning_rate=1e-2
    )
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    found = estimator.estimate(x, y)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    again = estimator.estimate(x, y)
    assert found == again
    assert found.value > 0.2
    # Reporting and the model are without its noise.
    assert (found.model.pmi(x, y) == found.model.pmi(x, y)).all()
    assert not any(member.critic.training for member in found.model.members)


@pytest.mark.slow
@each_tiny
def test_units_and_offsets_change_nothing(estimator):
    # Held exactly by floats, they leave the standardized inputs as they were, up to rounding.
    x, y = (np.round(v * 2**20) / 2**20 for v in gaussian(150))
    found = estimator.estimate(x, y)
    moved = estimator.estimate(2.0**40 * (x + 64), 2.0**-40 * y)
    assert moved.value == pytest.approx(found.value, abs=1e-6)
    assert [c.steps for c in moved.evidence.curves] == [c.steps for c in found.evidence.curves]


@pytest.mark.slow
@each_tiny
@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_extreme_units_are_no_obstacle(estimator, scale):
    x, y = gaussian(300)
    assert estimator.estimate(scale * x, y).value > 0.1


def test_x_and_y_are_not_swapped_on_their_way_to_the_critic():
    seen = []

    def factory(dim_x, dim_y):
        seen.append((dim_x, dim_y))
        return JointCritic(dim_x, dim_y, hidden=(4,))

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((100, 3)), rng.standard_normal((100, 2))
    MINE(critic=factory, steps=2, folds=2).estimate(x, y)
    assert seen == [(3, 2)] * 2


def test_progress_rises_from_fold_to_fold_to_one():
    seen = []
    estimator = MINE(critic=fixed(pmi), steps=70, folds=2)
    estimator.estimate(*gaussian(100), progress=lambda share, text: seen.append((share, text)))
    shares = [share for share, _ in seen]
    half = np.arange(10, 80, 10) / 140
    assert shares == pytest.approx([*half, *(0.5 + half)])
    assert {text for _, text in seen} == {"training mine"}


# Options and limits


@pytest.mark.parametrize("device", ["cpu", torch.device("cpu")])
def test_the_device_may_be_named(device):
    estimator = MINE(steps=5, folds=2)
    x, y = gaussian(100)
    assert estimator.estimate(x, y, device=device).value == estimator.estimate(x, y).value


def test_a_device_that_is_not_there_is_refused_in_words():
    with pytest.raises(OptionError, match="`device` 'nonsense' is not available"):
        MINE().estimate(*gaussian(100), device="nonsense")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@each_small
def test_networks_train_on_the_device_they_are_sent_to(estimator):
    found = estimator.estimate(*gaussian(2000), device="cuda")
    assert next(found.model.members[0].critic.parameters()).is_cuda
    assert found.value == pytest.approx(TRUTH, abs=0.075)
    assert found == estimator.estimate(*gaussian(2000), device="cuda")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "`steps` must be at least 1, got 0"),
        ({"batch_size": 1}, "`batch_size` must be at least 2, got 1"),
        ({"folds": 1}, "`folds` must be at least 2, got 1"),
        ({"learning_rate": 0.0}, "`learning_rate` must be positive and finite, got 0.0"),
        ({"learning_rate": math.nan}, "`learning_rate` must be positive and finite, got nan"),
        ({"product_samples": 0}, "`product_samples` must be at least 1"),
        (
            {"product_samples": 64, "batch_size": 64},
            "`product_samples` must be at least 1 and less",
        ),
    ],
)
@each_kind
def test_options_out_of_range_are_refused(kind, options, message):
    with pytest.raises(OptionError, match=message):
        kind(**options)


@pytest.mark.parametrize(("parts", "least"), [(2, 60), (3, 60), (10, 100)])
def test_as_many_rows_as_a_split_needs_and_one_less_is_refused(parts, least):
    estimator = MINE(critic=fixed(pmi), steps=1, folds=parts)
    found = estimator.estimate(*gaussian(least))
    assert math.isfinite(found.value) and math.isfinite(found.stderr)
    with pytest.raises(InputError, match=f"at least {least} paired samples, got {least - 1}"):
        estimator.estimate(*gaussian(least - 1))


@each_kind
def test_few_rows_are_fewer_than_a_batch(kind):
    found = kind(steps=10).estimate(*gaussian(60))
    assert math.isfinite(found.value) and math.isfinite(found.stderr)


@each_tiny
def test_folds_that_train_together_are_those_that_train_in_turn(estimator, monkeypatch):
    estimator, samples = replace(estimator, folds=3), gaussian(200)
    together = estimator.estimate(*samples)
    monkeypatch.setattr(mineral.methods.neural.critics, "MOST_TOGETHER", 0)
    in_turn = estimator.estimate(*samples)
    assert together.value == pytest.approx(in_turn.value, abs=1e-4)
    assert together.stderr == pytest.approx(in_turn.stderr, rel=1e-3)


@each_tiny
def test_a_fold_does_not_depend_on_how_long_others_train(estimator):
    # The first fold stops by itself or at its last step; draws of the others are their own.
    samples = gaussian(200)
    first, second = (
        replace(estimator, steps=steps).estimate(*samples).evidence.curves for steps in (60, 20)
    )
    for long, short in zip(first, second, strict=True):
        assert long.validation[0] == short.validation[0]
