"""Kernel densities."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from mineral.errors import InputError, OptionError
from mineral.methods.densities import kde
from mineral.methods.densities.kde import KDE, kernel_sums
from mineral.samples import normal_scores


def gaussian(n, rho, seed, d=1):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d))
    y = rho * x + math.sqrt(1 - rho**2) * rng.standard_normal((n, d))
    return x, y, -d / 2 * math.log(1 - rho**2)


def wave(n, seed):
    """y is a wave of x and noise. By integration, I = 0.8660 nats."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-4, 4, n)
    return x, np.sin(2 * x) + 0.3 * rng.standard_normal(n)


# Definitions


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("h", [0.2, 0.7])
def test_it_is_the_mean_log_ratio_of_densities_that_leave_each_sample_out(d, h):
    x, y, _ = gaussian(60, 0.7, 0, d)
    x, y = normal_scores(x), normal_scores(y)
    both = np.hstack([x, y])

    def log_density(values, share):
        # Kernels with the covariance of the samples; some of its own kernel for each sample.
        kernel = multivariate_normal(cov=h**2 * np.cov(values.T, bias=True))
        dims = values.shape[1]
        table = kernel.pdf((values[:, None] - values[None]).reshape(-1, dims)).reshape(60, 60)
        own = table.diagonal() * share * 2 ** (-dims / 2)
        return np.log((table.sum(axis=1) - table.diagonal() + own) / 59)

    low, high = (
        log_density(both, share) - log_density(x, share) - log_density(y, share)
        for share in (0.25, 0.5)
    )
    found = KDE(bandwidth=h).estimate(x, y)
    assert found.value == pytest.approx((low + high).mean() / 2, abs=1e-6)
    assert found.evidence.pointwise == pytest.approx((low + high) / 2, abs=1e-6)
    expected = math.hypot((low + high).std(ddof=1) / 2 / math.sqrt(60), (high - low).mean() / 2)
    assert found.stderr == pytest.approx(expected, abs=1e-6)


def test_widths_of_scott_and_silverman():
    x, y, _ = gaussian(200, 0.5, 0)
    for rule, width in (("scott", 200 ** (-1 / 6)), ("silverman", 200 ** (-1 / 6))):
        # In two dimensions they agree: (d + 2) / 4 = 1.
        by_name, by_number = KDE(bandwidth=rule), KDE(bandwidth=width)
        assert by_name.estimate(x, y).value == by_number.estimate(x, y).value
    x, y, _ = gaussian(200, 0.5, 0, d=2)
    for rule, width in (("scott", 200 ** (-1 / 8)), ("silverman", 300 ** (-1 / 8))):
        by_name, by_number = KDE(bandwidth=rule), KDE(bandwidth=width)
        assert by_name.estimate(x, y).value == pytest.approx(by_number.estimate(x, y).value)


def test_the_likeliest_width_leaves_each_sample_out():
    x, y = wave(300, 0)
    _, _, z, _ = kde.canonical(*(normal_scores(v[:, None]) for v in (x, y)))
    scott = 300 ** (-1 / 6)
    widths = scott * np.exp2(np.arange(-4, 1.01, 0.125))

    def log_likelihood(width):
        return np.log(kernel_sums(z / width, torch.arange(300))).mean() - 2 * math.log(width)

    best = widths[np.argmax([log_likelihood(width) for width in widths])]
    assert kde.likeliest(z, scott) == pytest.approx(best, rel=0.2)


def test_the_width_does_not_depend_on_the_order_of_rows(monkeypatch):
    monkeypatch.setattr(kde, "QUERIES", 40)  # of which some are asked
    x, y = wave(300, 0)
    _, _, z, _ = kde.canonical(*(normal_scores(v[:, None]) for v in (x, y)))
    found = kde.likeliest(z, 0.4)
    assert kde.likeliest(z.flip(0), 0.4) == pytest.approx(found, rel=1e-9)
    assert kde.likeliest(z[z[:, 0].argsort()], 0.4) == pytest.approx(found, rel=1e-9)


def test_sums_do_not_depend_on_how_many_pairs_are_taken_at_a_time(monkeypatch):
    points = torch.from_numpy(np.random.default_rng(0).standard_normal((50, 3)))
    apart = (points[:, None] - points).square().sum(dim=2)
    expected = (-apart / 2).exp().sum(dim=1) - 1
    for pairs in (1, 70, 1_000_000):
        monkeypatch.setattr(kde, "PAIRS", pairs)
        assert kernel_sums(points, torch.arange(50)) == pytest.approx(expected.numpy())
    assert kernel_sums(points, torch.tensor([7])) == pytest.approx(expected[7:8].numpy())


# Laws


def test_order_sides_and_increasing_maps_do_not_matter():
    x, y = wave(300, 0)
    found = KDE().estimate(x, y)
    order = np.random.default_rng(1).permutation(300)
    again = [
        KDE().estimate(y, x),
        KDE().estimate(x[order], y[order]),
        KDE().estimate(1e200 * np.exp(x), y**3),
        KDE().estimate(-x, y),
    ]
    assert [each.value for each in again] == pytest.approx([found.value] * 4, abs=1e-9)
    assert [each.stderr for each in again] == pytest.approx([found.stderr] * 4, abs=1e-9)


def test_columns_may_be_mixed_repeated_or_constant():
    x, y, _ = gaussian(150, 0.6, 0, d=2)
    found = KDE(bandwidth="scott").estimate(x, y).value
    wider = np.c_[x, x[:, 0], np.ones(150)]
    assert KDE(bandwidth="scott").estimate(wider, y).value == pytest.approx(found, abs=1e-9)


@pytest.mark.parametrize("rho", [0.6, 0.99, 0.999])
def test_the_width_matters_little_to_a_gaussian(rho):
    x, y, truth = gaussian(1500, rho, 0)
    for bandwidth in (0.2, 0.4, 0.8, 3.0):
        found = KDE(bandwidth=bandwidth).estimate(x, y)
        assert found.value == pytest.approx(truth, abs=0.1)


# Accuracy


def test_the_information_of_the_wave_by_integration():
    x = (np.arange(1000) + 0.5) / 125 - 4
    y = np.linspace(-3, 3, 1001)
    density = (
        np.exp(-(((y - np.sin(2 * x)[:, None]) / 0.3) ** 2) / 2) / 0.3 / math.sqrt(2 * math.pi)
    )
    marginal = density.mean(axis=0)
    entropy = -(marginal * np.log(marginal)).sum() * (y[1] - y[0])
    noise = 0.5 * math.log(2 * math.pi * math.e * 0.09)
    assert entropy - noise == pytest.approx(0.8660, abs=2e-4)


@pytest.mark.slow
def test_home_ground_is_met():
    x, y, truth = gaussian(10_000, 0.8, 0)
    assert KDE().estimate(x, y).value == pytest.approx(truth, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize(("rho", "d"), [(0.0, 1), (0.6, 1), (0.9, 1), (0.999, 1), (0.6, 2)])
def test_gaussians_are_met(rho, d):
    x, y, truth = gaussian(2000, rho, 1, d)
    assert KDE().estimate(x, y).value == pytest.approx(truth, abs=0.05)


def test_a_wave_is_found_where_the_width_is_chosen_by_likelihood():
    x, y = wave(2000, 0)
    assert KDE().estimate(x, y).value == pytest.approx(0.8660, abs=0.15)
    assert KDE(bandwidth="scott").estimate(x, y).value < 0.6


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.5, 0.95])
def test_error_bars_are_as_long_as_the_errors(rho):
    found = [KDE().estimate(*gaussian(300, rho, seed)[:2]) for seed in range(40)]
    actual = np.std([each.value for each in found])
    claimed = np.mean([each.stderr for each in found])
    assert claimed == pytest.approx(actual, rel=0.35)


@pytest.mark.slow
@pytest.mark.parametrize(("d", "bandwidth"), [(1, "likelihood"), (1, "scott"), (2, "likelihood")])
def test_intervals_contain_zero_where_nothing_depends(d, bandwidth):
    inside = 0
    for seed in range(40):
        x, y, _ = gaussian(400, 0.0, seed, d)
        found = KDE(bandwidth=bandwidth).estimate(x, y)
        inside += found.interval[0] <= 0 <= found.interval[1]
    assert inside >= 34


# Awkward data, doubts and refusals


def test_heavy_tails_copies_and_outliers_give_finite_numbers():
    rng = np.random.default_rng(0)
    x = rng.standard_cauchy(200)
    y = x + rng.standard_cauchy(200) ** 5
    spike = np.r_[1.0, np.zeros(199)]
    for pair in ((x, y), (np.tile(x[:20], 5), np.tile(y[:20], 5)), (x, x > 0), (spike, spike)):
        for bandwidth in ("likelihood", 1e-3):
            found = KDE(bandwidth=bandwidth).estimate(*pair)
            assert math.isfinite(found.value) and math.isfinite(found.stderr)


@pytest.mark.parametrize("y", [lambda x: x, lambda x: -3 * x**3, lambda x: np.c_[x**3, x**2]])
def test_an_exact_relation_is_finite_and_said(y):
    x = np.random.default_rng(0).standard_normal(300)
    found = KDE().estimate(x, y(x))
    assert found.value > 9 and found.warnings[0].code == "deterministic"


def test_repeated_values_few_samples_and_many_dimensions_are_doubted():
    x, y, _ = gaussian(100, 0.5, 0, d=4)

    def codes(x, y):
        return [each.code for each in KDE(bandwidth="scott").estimate(x, y).warnings]

    assert codes(x[:, 0], y[:, 0]) == []
    assert codes(x[:, 0], y[:, 0] > 0) == ["ties"]
    assert codes(x[:40, 0], y[:40, 0]) == ["few-samples"]
    assert codes(np.tile(x, (3, 1)) + np.arange(1200).reshape(300, 4), np.tile(y, (3, 1))) == [
        "high-dimension",
        "ties",
    ]
    with pytest.raises(InputError, match=r"8 dimensions.*at least 10 paired samples, got 9"):
        KDE().estimate(x[:9], y[:9])
    with pytest.raises(InputError, match=r"9 dimensions together.*at most 8: use estimator="):
        KDE().estimate(np.hstack([x, x[:, :1]]), y)


def test_progress_ends_at_one():
    told = []
    KDE().estimate(*gaussian(100, 0.5, 0)[:2], progress=lambda share, _: told.append(share))
    assert told == sorted(told) and told[-1] == 1


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize("bandwidth", ["wide", 0, -1.0, math.nan])
def test_widths_out_of_range_are_refused(bandwidth):
    with pytest.raises(OptionError, match="`bandwidth` must be 'likelihood', 'scott'"):
        KDE(bandwidth=bandwidth)
