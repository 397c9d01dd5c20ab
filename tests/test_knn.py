"""KSG: the paper's formula by brute force, repeated values, scales, and how far to trust it."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_regression

from mineral import KSG, LNC, Mixed
from mineral.errors import InputError, OptionError

TRUTH = -math.log(1 - 0.8**2) / 2  # 0.5108 nats, of a correlation of 0.8


def gaussian(n, dx=1, dy=1, rho=0.8, seed=0):
    """First coordinates correlated by rho, the others independent."""
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((n, dx)), rng.standard_normal((n, dy))
    y[:, 0] = rho * x[:, 0] + math.sqrt(1 - rho**2) * y[:, 0]
    return x, y


def apart(values):
    """Distance of every pair of rows, in the maximum norm."""
    return np.abs(values[:, None] - values[None]).max(axis=-1)


def ksg_1(x, y, k):
    """Kraskov et al. (2004), Eq. 8."""
    n, d_x, d_y = len(x), apart(x), apart(y)
    radius = np.sort(np.maximum(d_x, d_y), axis=1)[:, k, None]
    n_x, n_y = (d_x < radius).sum(axis=1) - 1, (d_y < radius).sum(axis=1) - 1
    return digamma(k) + digamma(n) - np.mean(digamma(n_x + 1) + digamma(n_y + 1))


def ksg_2(x, y, k):
    """Kraskov et al. (2004), Eq. 9."""
    n, d_x, d_y = len(x), apart(x), apart(y)
    nearest = np.argsort(np.maximum(d_x, d_y), axis=1)[:, : k + 1]
    width_x = np.take_along_axis(d_x, nearest, axis=1).max(axis=1, keepdims=True)
    width_y = np.take_along_axis(d_y, nearest, axis=1).max(axis=1, keepdims=True)
    n_x, n_y = (d_x <= width_x).sum(axis=1) - 1, (d_y <= width_y).sum(axis=1) - 1
    return digamma(k) - 1 / k + digamma(n) - np.mean(digamma(n_x) + digamma(n_y))


def ksg_with_ties(x, y, k):
    """Eq. 8 where the k-th neighbour may be one of several, or a copy (Gao et al. 2017)."""
    n, total = len(x), 0.0
    for d_x, d_y in zip(apart(x), apart(y), strict=True):
        d = np.maximum(d_x, d_y)
        radius = np.sort(d)[k]
        if radius == 0:
            own_k, in_x, in_y = (d == 0).sum(), (d_x == 0).sum(), (d_y == 0).sum()
        else:
            own_k, in_x, in_y = (d < radius).sum(), (d_x < radius).sum(), (d_y < radius).sum()
        total += digamma(own_k) - digamma(in_x) - digamma(in_y)
    return digamma(n) + total / n


def plug_in(x, y):
    """Σ p log p / (p_x p_y) of the observed frequencies."""
    _, x = np.unique(x, return_inverse=True)
    _, y = np.unique(y, return_inverse=True)
    p = np.zeros((x.max() + 1, y.max() + 1))
    np.add.at(p, (x, y), 1 / len(x))
    expected = p.sum(axis=1, keepdims=True) * p.sum(axis=0)
    return (p[p > 0] * np.log(p[p > 0] / expected[p > 0])).sum()


def codes(found):
    return {caution.code for caution in found.warnings}


every_variant = pytest.mark.parametrize("variant", [1, 2])


# The definition


@pytest.mark.parametrize(("dx", "dy"), [(1, 1), (2, 1), (3, 3), (6, 7)])
@pytest.mark.parametrize("k", [1, 3, 7])
def test_both_variants_equal_their_definition(dx, dy, k):
    x, y = gaussian(150, dx, dy)
    one, two = (KSG(k=k, variant=v, standardize=False).estimate(x, y).value for v in (1, 2))
    assert one == pytest.approx(ksg_1(x, y, k), abs=1e-10)
    assert two == pytest.approx(ksg_2(x, y, k), abs=1e-10)


@pytest.mark.parametrize(("dx", "dy"), [(1, 1), (2, 1), (6, 7)])
@pytest.mark.parametrize("share", [0.2, 1.0])
def test_copies_are_counted_by_the_rule_of_gao_et_al(dx, dy, share):
    # Zero or zero in all coordinates, for a share of the rows: their k-th neighbour is a copy.
    x, y = gaussian(160, dx, dy)
    copied = np.random.default_rng(1).random(160) < share
    x[copied] = np.sign(x[copied])
    y[copied] = np.sign(y[copied])
    found = KSG(standardize=False).estimate(x, y)
    assert found.value == pytest.approx(ksg_with_ties(x, y, 3), abs=1e-10)


def test_a_row_contributes_what_its_copies_say():
    # Four copies at (0, 0) and five rows far away, each alone: all by hand.
    x = np.array([0, 0, 0, 0, 10, 20, 30, 40, 50.0])
    found = KSG(k=3).estimate(x, x)
    expected = digamma(9) + digamma(4) - 2 * digamma(4)
    assert found.evidence.pointwise[:4] == pytest.approx([expected] * 4)


@pytest.mark.parametrize("scale", [1, 3, 10])
def test_rounded_values_are_counted_by_the_same_rule(scale):
    x, y = gaussian(200)
    x, y = np.round(scale * x), np.round(scale * y)
    found = KSG(standardize=False).estimate(x, y)
    assert found.value == pytest.approx(ksg_with_ties(x, y, 3), abs=1e-10)


def test_variant_2_counts_as_variant_1_where_repeated_values_leave_no_box():
    # x takes two values: next to a row, the box would have no width in x.
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, 500).astype(float)
    y = x + rng.standard_normal(500)
    assert KSG(variant=2).estimate(x, y).value == pytest.approx(KSG().estimate(x, y).value)


@every_variant
def test_the_value_is_the_mean_of_what_rows_contribute(variant):
    found = KSG(variant=variant).estimate(*gaussian(500))
    assert found.evidence.pointwise.shape == (500,)
    assert found.evidence.pointwise.mean() == pytest.approx(found.value, abs=1e-12)


@pytest.mark.parametrize("k", [1, 3, 10])
def test_agrees_with_scikit_learn(k):
    # It divides by the standard deviation and adds noise of 1e-10, which may turn a tie.
    x, y = gaussian(1000)
    theirs = mutual_info_regression(x, y[:, 0], n_neighbors=k, random_state=0)[0]
    assert KSG(k=k, standardize=True).estimate(x, y).value == pytest.approx(theirs, abs=1e-3)


# What must not matter


@every_variant
@pytest.mark.parametrize("scale", [1e-12, 1e12, 1e-300, 1e300])
@pytest.mark.parametrize(("dx", "dy"), [(1, 1), (2, 2), (5, 5)])
def test_units_do_not_matter(variant, scale, dx, dy):
    x, y = gaussian(300, dx, dy)
    ksg = KSG(variant=variant)
    value = ksg.estimate(x, y).value
    assert ksg.estimate(scale * x, scale * y).value == pytest.approx(value, abs=1e-12)


@every_variant
@pytest.mark.parametrize(("of_x", "of_y"), [(1e12, 1e-12), (1e300, 1e-300), (1.0, 1e-290)])
def test_units_of_x_and_y_apart_do_not_matter_where_they_are_standardized(variant, of_x, of_y):
    x, y = gaussian(300, 2, 1)
    ksg = KSG(variant=variant, standardize=True)
    value = ksg.estimate(x, y).value
    assert ksg.estimate(of_x * x, of_y * y).value == pytest.approx(value, abs=1e-12)


@every_variant
@pytest.mark.parametrize("dims", [1, 5], ids=["trees", "pairs"])
def test_distances_beyond_the_largest_float_are_no_obstacle(variant, dims):
    # Values at both ends of the floats are further apart than any float.
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (200, dims))
    y = (x + rng.uniform(-1, 1, (200, dims))) / 2
    value = KSG(variant=variant).estimate(x, y).value
    far = 1.7e308
    assert KSG(variant=variant).estimate(far * x, far * y).value == pytest.approx(value, abs=1e-9)


@every_variant
def test_a_shift_does_not_matter(variant):
    # 2^20 is added exactly to values on a grid of 2^-30: the distances are the same floats.
    x, y = (np.round(v * 2**30) / 2**30 for v in gaussian(300))
    value = KSG(variant=variant).estimate(x, y).value
    assert KSG(variant=variant).estimate(x + 2**20, y - 2**20).value == value


@every_variant
def test_the_order_of_rows_and_of_coordinates_does_not_matter(variant):
    x, y = gaussian(300, 2, 3)
    value = KSG(variant=variant).estimate(x, y).value
    order = np.random.default_rng(1).permutation(300)
    shuffled = KSG(variant=variant).estimate(x[order][:, ::-1], y[order][:, ::-1])
    assert shuffled.value == pytest.approx(value, abs=1e-12)
    assert KSG(variant=variant).estimate(y, x).value == pytest.approx(value, abs=1e-12)


@every_variant
@pytest.mark.parametrize("standardize", [True, False])
def test_constant_coordinates_change_nothing(variant, standardize):
    x, y = gaussian(300)
    ksg = KSG(variant=variant, standardize=standardize)
    padded = np.column_stack([np.full(300, 7.0), x, np.zeros(300)])
    assert ksg.estimate(padded, y).value == pytest.approx(ksg.estimate(x, y).value, abs=1e-12)


def test_what_comes_in_is_left_as_it_was():
    x, y = gaussian(100)
    before = x.copy(), y.copy()
    KSG(standardize=True).estimate(x, y)
    assert (x == before[0]).all() and (y == before[1]).all()


# Scales of coordinates


def test_standardizing_is_dividing_by_standard_deviations():
    x, y = gaussian(300, 2, 1)
    x = x * [1.0, 50.0] + 3
    divided = KSG(standardize=False).estimate(x / x.std(axis=0), y / y.std(axis=0))
    assert KSG(standardize=True).estimate(x, y).value == pytest.approx(divided.value, abs=1e-12)


@pytest.mark.parametrize("ratio", [0.01, 0.1, 5.0, 1e9, 1e-300])
@pytest.mark.parametrize("estimator", [KSG(), KSG(variant=2), LNC(), Mixed()])
def test_the_unit_of_one_side_does_not_matter(estimator, ratio):
    x, y = gaussian(300)
    value = estimator.estimate(x, y).value
    assert estimator.estimate(ratio * x, y).value == pytest.approx(value, abs=1e-9)


# How close it comes


@every_variant
def test_a_correlation_of_0_8_is_found(variant):
    # The standard error is 0.007 here: three of them, and a bias below 0.002.
    found = KSG(variant=variant).estimate(*gaussian(20_000))
    assert found.value == pytest.approx(TRUTH, abs=0.02)


@pytest.mark.slow
@every_variant
def test_independence_is_found_in_any_of_the_allowed_dimensions(variant):
    for dx, dy in ((1, 1), (2, 2), (5, 5)):
        found = KSG(variant=variant).estimate(*gaussian(2000, dx, dy, rho=0.0))
        assert abs(found.value) < 4 * found.stderr + 0.01


@every_variant
def test_dependence_that_correlation_does_not_see_is_found(variant):
    # y = x² + noise of 0.3: the truth by integration of p(y | x) over a grid of x.
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, 4000)
    y = x**2 + 0.3 * rng.standard_normal(4000)
    grid, at = np.linspace(-1, 1, 801), np.linspace(-1.5, 2.5, 2001)
    given_x = np.exp(-((at - grid[:, None] ** 2) ** 2) / 0.18) / (0.3 * math.sqrt(2 * math.pi))
    marginal = given_x.mean(axis=0)
    truth = -np.trapezoid(marginal * np.log(marginal), at) - math.log(
        0.3 * math.sqrt(2 * math.pi * math.e)
    )
    found = KSG(variant=variant).estimate(x, y)
    assert found.value == pytest.approx(truth, abs=4 * found.stderr + 0.01)


@every_variant
@pytest.mark.parametrize("shift", [0.0, 1.0, 3.0])
def test_a_label_and_a_normal_that_depends_on_it(variant, shift):
    # The truth is the entropy of the mixture less that of a normal, by numerical integration.
    def minus_p_log_p(v):
        p = (math.exp(-((v - shift) ** 2) / 2) + math.exp(-(v**2) / 2)) / math.sqrt(8 * math.pi)
        return -p * math.log(p)

    truth = quad(minus_p_log_p, -10, 10 + shift)[0] - math.log(2 * math.pi * math.e) / 2
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 3000)
    found = KSG(variant=variant).estimate(label, shift * label + rng.standard_normal(3000))
    assert found.value == pytest.approx(truth, abs=4 * found.stderr + 0.01)


@every_variant
def test_discrete_data_give_about_the_plug_in_value(variant):
    # Digammas differ from logarithms by 1 / 2c on a count c: here by less than 12 cells / 2n.
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, 2000)
    y = np.where(rng.random(2000) < 0.6, x, rng.integers(0, 4, 2000))
    found = KSG(variant=variant).estimate(x, y)
    assert found.value == pytest.approx(plug_in(x, y), abs=12 / 4000)
    assert "ties" in codes(found)


@every_variant
def test_integers_that_are_independent_do_not_look_dependent(variant):
    # Counting k neighbours where many are equally far found 0.12 nats here, and 0.58 at n = 200.
    rng = np.random.default_rng(0)
    x, y = np.round(3 * rng.standard_normal((2, 1000)))
    assert abs(KSG(variant=variant).estimate(x, y).value) < 0.05


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dim", "rho"),
    [
        pytest.param(1, 0.8, marks=pytest.mark.slow),
        (5, 0.0),
        pytest.param(1, 0.0, marks=pytest.mark.slow),
    ],
)
def test_the_standard_error_is_as_long_as_the_errors(dim, rho):
    # The spread of 80 estimates is known to 8 %: within 30 % leaves room for that.
    found = [KSG().estimate(*gaussian(200, dim, dim, rho, seed)) for seed in range(80)]
    actual = np.std([each.value for each in found], ddof=1)
    claimed = np.sqrt(np.mean([each.stderr**2 for each in found]))
    assert claimed == pytest.approx(actual, rel=0.3)


# What it says of itself


@every_variant
def test_progress_is_told_and_rises_to_one(variant):
    seen = []
    KSG(variant=variant).estimate(*gaussian(300), progress=lambda share, _: seen.append(share))
    assert seen == sorted(seen) and seen[-1] == 1.0


def test_ties_are_a_caution_only_where_there_are_some():
    x, y = gaussian(300)
    assert codes(KSG().estimate(x, y)) == set()
    assert "ties" in codes(KSG().estimate(np.round(x, 1), y))
    found = KSG().estimate(x > 0, y > 0)
    assert any("exact copies" in caution.message for caution in found.warnings)


def test_a_copy_is_told_to_be_at_the_ceiling():
    x, _ = gaussian(300)
    found = KSG().estimate(x, x)
    assert found.value == pytest.approx(digamma(300) - digamma(3))  # n_x = n_y = k − 1
    assert "near-ceiling" in codes(found)
    assert "near-ceiling" not in codes(KSG().estimate(*gaussian(300)))


@pytest.mark.parametrize(("dx", "dy", "said"), [(5, 5, False), (5, 6, True)])
def test_many_dimensions_are_a_caution(dx, dy, said):
    assert ("high-dimension" in codes(KSG().estimate(*gaussian(200, dx, dy)))) is said


def test_images_are_flattened():
    x, y = gaussian(60, 4, 1)
    assert KSG().estimate(x.reshape(60, 2, 2), y).value == KSG().estimate(x, y).value


@pytest.mark.parametrize("k", [1, 3, 10])
@every_variant
def test_k_plus_two_samples_are_enough_and_one_less_is_refused(k, variant):
    x, y = gaussian(k + 2)
    assert math.isfinite(KSG(k=k, variant=variant).estimate(x, y).value)
    if k > 1:  # with k = 1 the gate comes first
        with pytest.raises(InputError, match=f"KSG with k = {k} needs at least {k + 2}"):
            KSG(k=k, variant=variant).estimate(x[:-1], y[:-1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "`k` must be at least 1, got 0"),
        ({"variant": 3}, "`variant` must be 1 or 2, got 3"),
    ],
)
@pytest.mark.usefixtures("as_users_run_it")
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        KSG(**options)
