"""The copula of which a share of the rows is chance."""

import math

import numpy as np
import pytest

import mineral
from mineral import ContaminatedCopula, GaussianCopula, tasks
from mineral.methods.copulas import contaminated
from mineral.models.contaminated import diluted


def draw(n, share, rho=0.9, dim=1, seed=0):
    rng = np.random.default_rng(seed)
    x, noise, other = rng.standard_normal((3, n, dim))
    y = np.where(rng.random((n, 1)) < share, other, rho * x + math.sqrt(1 - rho**2) * noise)
    return x, y


def truth(share, rho, count=1_000_000):
    """Mean of the true pointwise values, whose error is below 0.002."""
    x, y = draw(count, share, rho, seed=99)
    pmi = diluted(contaminated.log_ratio(x, y, np.array([[rho]])), share)
    return float(pmi.mean())


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_share_and_value_are_found_without_bias(share):
    found = [ContaminatedCopula().estimate(*draw(1000, share, seed=s)) for s in range(20)]
    error = np.mean([r.value for r in found]) - truth(share, 0.9)
    assert abs(error) < 4 * found[0].stderr / math.sqrt(20) + 0.005
    assert np.mean([r.model.share for r in found]) == pytest.approx(share, abs=0.02)


def test_the_standard_error_is_as_long_as_the_errors():
    found = [ContaminatedCopula().estimate(*draw(500, 0.3, dim=2, seed=s)) for s in range(60)]
    spread = np.std([r.value for r in found])
    assert 0.75 < spread / np.mean([r.stderr for r in found]) < 1.3  # 60 deviations: +- 9 %


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_the_inliers_of_the_tasks_are_found(share):
    task = tasks.find(f"inliers-5-{share}")
    drawn = task.draw(5000, seed=0)
    r = ContaminatedCopula().estimate(drawn.x, drawn.y)
    assert r.value == pytest.approx(task.information, abs=4 * r.stderr)


@pytest.mark.parametrize("dim", [1, 3])
def test_where_no_row_is_chance_it_is_the_gaussian_copula(dim):
    for seed in range(5):
        x, y = draw(500, 0.0, 0.7, dim, seed)
        assert ContaminatedCopula().estimate(x, y).value == GaussianCopula().estimate(x, y).value


def test_few_rows_for_the_coordinates_are_not_sorted_into_two_kinds():
    x, y = draw(200, 0.5, dim=10)
    assert ContaminatedCopula().estimate(x, y).value == GaussianCopula().estimate(x, y).value


def test_values_that_repeat_are_no_perfect_dependence():
    rng = np.random.default_rng(0)
    bit = rng.integers(0, 2, (1000, 1)).astype(float)
    flipped = np.where(rng.random((1000, 1)) < 0.1, 1 - bit, bit)
    for x, y in ((bit, flipped), (np.round(rng.standard_normal((1000, 1)), 1), flipped)):
        assert ContaminatedCopula().estimate(x, y).value == GaussianCopula().estimate(x, y).value


def test_monotone_maps_and_the_order_of_sides_change_nothing():
    x, y = draw(1000, 0.3, dim=2)
    value = ContaminatedCopula().estimate(x, y).value
    assert ContaminatedCopula().estimate(np.exp(x), y**3).value == pytest.approx(value, abs=1e-9)
    assert ContaminatedCopula().estimate(y, x).value == pytest.approx(value, abs=1e-6)


def test_its_model_is_a_density_ratio_and_keeps_through_a_file(tmp_path):
    x, y = draw(2000, 0.4, dim=2)
    r = ContaminatedCopula().estimate(x, y)
    assert r.model.pmi(x, y).mean() == pytest.approx(r.value, abs=0.01)
    other = np.random.default_rng(1).permutation(len(y))
    ratio = np.exp(r.model.pmi(x, y[other]) + r.model.offset)
    assert ratio.mean() == pytest.approx(1, abs=4 * ratio.std() / math.sqrt(len(y)))
    r.model.save(tmp_path / "model")
    assert np.allclose(mineral.load(tmp_path / "model").pmi(x, y), r.model.pmi(x, y))


def test_fewer_rows_than_coordinates_are_refused_by_the_fit():
    with pytest.raises(mineral.OptionError, match="4 rows are too few for a copula of 3 \\+ 2"):
        contaminated.fitted(np.eye(4)[:, :3], np.eye(4)[:, :2])
