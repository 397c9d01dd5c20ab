"""Staircase, high information, low rank and nulls: each task is what its name says."""

import tracemalloc

import numpy as np
import pytest
from scipy import stats

import mineral
from mineral.tasks import find, nulls, suite
from mineral.tasks.families import high, low_rank

# High information, and low rank


def test_correlations_carry_the_information_that_names_say():
    for task in (*high.STAIRCASE, *high.TASKS):
        rho = task.parameters["rho"]
        # −½ d log(1 − ρ²); where ρ is near 1, its last digit shows.
        expected = -task.dim_x / 2 * np.log((1 - rho) * (1 + rho))
        assert task.information == pytest.approx(expected, rel=1e-7)
        assert f"-{round(task.information, 2):g}nats" in task.name


def test_mcallester_and_stratos_have_their_three():
    found = [task.information for task in high.TASKS if task.source == high.MCALLESTER]
    assert [round(value, 2) for value in found] == [4.13, 18.41, 106.29]


@pytest.mark.parametrize("name", ["gaussian-20d-4nats", "cubic-20d-4nats"])
def test_the_staircase_carries_its_nats(name):
    task = find(name)
    drawn = task.draw(10_000, seed=0)
    found = mineral.GaussianCopula().estimate(drawn.x, drawn.y).value
    assert found == pytest.approx(4, abs=4 * drawn.pmi.std() / 100 + 0.02)


def test_mixed_cubes_are_a_gaussian_after_the_cube_root_and_a_linear_map():
    task = find("mixed-cubic-20d-4nats")
    drawn = task.draw(10_000, seed=0)
    bent = mineral.GaussianCopula().estimate(drawn.x, drawn.y).value
    back = mineral.Gaussian().estimate(drawn.x, np.cbrt(drawn.y)).value
    assert back == pytest.approx(4, abs=4 * drawn.pmi.std() / 100 + 0.02)
    again = task.draw(10_000, seed=1)
    joined = np.cbrt(np.vstack([drawn.y, again.y]))  # the same map at each call
    assert np.linalg.matrix_rank(joined) == 20 and bent == pytest.approx(back, abs=0.05)


@pytest.mark.parametrize("name", ["gaussian-1000d-100nats", "low-rank-5000d-rank-9-2.00bits"])
def test_no_matrix_of_all_coordinates_is_made(name):
    task = find(name)
    tracemalloc.start()
    task.draw(20, seed=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    samples = 2 * 20 * task.dim_x * 8
    assert peak < 5 * samples < task.dim_x**2 * 8


def test_low_rank_is_pairs_and_their_copies_and_noise():
    task = low_rank.low_rank(40, 3, 1.5)
    drawn = task.draw(20_000, seed=0)
    copied = 3 + 19  # of the 37 other coordinates, 18 are noise
    for side in (drawn.x, drawn.y):
        np.testing.assert_array_equal(side[:, :copied], side[:, np.arange(copied) % 3])
        own = np.linalg.matrix_rank(side)
        assert own == 3 + 18
    pairs = np.corrcoef(drawn.x[:, :3].T, drawn.y[:, :3].T)[:3, 3:]
    rho = np.sqrt(1 - 2 ** (-2 * 1.5 / 3))
    np.testing.assert_allclose(pairs, rho * np.eye(3), atol=4 / np.sqrt(20_000))
    noise = np.corrcoef(drawn.x[:, copied:].T, drawn.y.T)[:18, 18:]
    assert np.abs(noise).max() < 5 / np.sqrt(20_000)
    assert task.information == pytest.approx(1.5 * np.log(2))


def test_the_grid_of_the_latent_paper_is_there_in_full():
    grid = low_rank.grid()
    assert len({task.name for task in grid}) == 1350
    assert {task.name for task in low_rank.TASKS} < {task.name for task in grid}
    assert max(task.information for task in grid) == pytest.approx(2 * np.log(2))


# Independence


@pytest.mark.parametrize("task", suite("nulls"), ids=lambda task: task.name)
def test_nulls_show_no_dependence(task):
    drawn, other = task.draw(2000, seed=0), task.draw(2000, seed=1)
    assert task.information == 0 and not drawn.pmi.any()
    assert not np.array_equal(drawn.x, other.x) and not np.array_equal(drawn.y, other.y)
    ranks = [stats.rankdata(side, axis=0) for side in (drawn.x, drawn.y)]
    together = np.corrcoef(*(side.T for side in ranks))[: task.dim_x, task.dim_x :]
    sizes = np.corrcoef(*((side - side.mean(0)).T ** 2 for side in ranks))
    for found in (together, sizes[: task.dim_x, task.dim_x :]):
        assert np.abs(found).max() < stats.norm.isf(1e-4 / found.size) / np.sqrt(2000)


def test_nulls_look_as_they_are_called():
    def drawn(name):
        return find(f"null-{name}").draw(4000, seed=0)

    assert stats.kstest(drawn("cauchy-1-1").y[:, 0], "cauchy").pvalue > 0.001
    assert len(np.unique(drawn("letters-1-1").x)) == 26
    assert len(np.unique(drawn("rounded-1-1").x)) < 20
    assert (drawn("zero-inflated-1-1").y == 0).mean() == pytest.approx(0.5, abs=0.04)
    assert drawn("rare-1-1").x.mean() == pytest.approx(0.02, abs=0.01)
    inside = np.corrcoef(drawn("correlated-20-20").x.T)
    np.testing.assert_allclose(inside[np.triu_indices(20, 1)], 0.9, atol=0.02)
    # Within one side, a scale shared by all coordinates; between the sides, none.
    cauchy = drawn("cauchy-5-5")
    shared, apart = (
        stats.spearmanr(np.abs(cauchy.x[:, 0]), np.abs(other)).statistic
        for other in (cauchy.x[:, 1], cauchy.y[:, 0])
    )
    assert shared > 0.2 > 4 / np.sqrt(4000) > abs(apart)


def test_penguins_are_all_there_and_only_their_pairing_is_lost():
    measured = nulls._measured()
    assert measured.shape == (342, 5) and np.isfinite(measured).all()
    drawn = find("null-penguins-bill-body-2-2").draw(342, seed=0)
    for side, columns in ((drawn.x, [1, 2]), (drawn.y, [3, 4])):
        assert np.array_equal(np.unique(side, axis=0), np.unique(measured[:, columns], axis=0))
        assert not np.array_equal(side, measured[:, columns])
    more = find("null-penguins-bill-body-2-2").draw(700, seed=0)
    assert np.unique(more.x, axis=0, return_counts=True)[1].max() <= 3 * 2
