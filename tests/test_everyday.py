"""Everyday tables: each truth against another way to it, and words all the way to an estimator."""

import math
from itertools import product

import numpy as np
import pytest
import scripts
from cases import check_all
from scipy import integrate, stats

from mineral.benchmark.jobs import _plain
from mineral.cli import main
from mineral.rivals.serve import _columns
from mineral.tasks import columns_of, everyday, find
from mineral.tasks.everyday import atoms, columns, densities, labels, rounded, tables, times
from mineral.tasks.everyday.wrappers import joined, words

EVERY = {task.name: task for task in everyday.TASKS}
DEPENDENT = {name: task for name, task in EVERY.items() if task.information > 0}
SIGMAS = 4.5  # of a sampling error that a test allows: 1 in 150,000


def information_of(joint):
    """H(X) + H(Y) − H(X, Y) of a table."""
    return (
        stats.entropy(joint.sum(axis=1))
        + stats.entropy(joint.sum(axis=0))
        - stats.entropy(joint.ravel())
    )


# The suite


def test_each_kind_has_independent_and_dependent_members():
    assert set(everyday.KINDS) == {
        *("regular", "rounded", "atoms", "labels", "time", "rows", "columns"),
    }
    for kind, tasks in everyday.KINDS.items():
        values = np.array([task.information for task in tasks])
        assert (values == 0).sum() >= 8 and (values > 0).sum() >= 8
        assert all(task.family == kind and task.name.startswith(f"{kind}-") for task in tasks)


def test_a_task_draws_from_ten_rows_on():
    def check(task):
        for n in (10, 50):
            drawn = task.draw(n, seed=0)
            assert drawn.pmi.shape == (n,)
            for side in (drawn.x, drawn.y):
                text = [isinstance(value, str) for value in side[0]]
                assert side.dtype.kind == ("O" if any(text) and not all(text) else side.dtype.kind)
                assert side.dtype.kind in ("U" if all(text) else "Oif")

    check_all(check, EVERY)


def test_pmi_is_the_logarithm_of_a_ratio_of_probabilities():
    # E[exp(−pmi)] is the mass of the product law where the joint law has any: at most 1. It is 1
    # but for cells that cannot be, and for tails that a sample does not reach.
    def check(task):
        pmi = task.draw(20_000 if task.dim_x < 100 else 500, seed=3).pmi
        ratio = np.exp(-pmi)
        rows = len(pmi) / task.parameters.get("rows_worth_one", 1)
        assert ratio.mean() <= 1 + SIGMAS * ratio.std() / np.sqrt(rows)

    check_all(check, DEPENDENT)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("regular-line-0.1", 1.064),
        ("rounded-uniform-0.01", 1.664),
        ("columns-many-5000", 0.659),
        ("labels-recoded-8", math.log(8)),
        ("labels-recoded-200", math.log(200)),
        ("atoms-same-zeros-0.6", -0.6 * math.log(0.6) - 0.4 * math.log(0.4)),
        ("rows-duplicated-3", -math.log(1 - 0.49) / 2),
    ],
)
def test_some_values_are_known_from_elsewhere(name, value):
    assert find(name).information == pytest.approx(value, abs=5e-4)


def test_relations_without_noise_are_apart():
    for task in everyday.INFINITE:
        drawn = task.draw(50, seed=0)
        assert task.information == math.inf and drawn.y.shape == (50, 1)
        assert task.name not in {other.name for other in everyday.TASKS}


# Tables


def expected_cells(law, x, y):
    """Counts of cells among draws, with those that the table expects."""
    seen = np.zeros(law.joint.shape)
    rows = np.searchsorted(law.x_values, x), np.searchsorted(law.y_values, y)
    np.add.at(seen, rows, 1)
    expected = law.joint / law.joint.sum() * len(x)
    often = expected > 5
    pairs = [np.append(v[often], v[~often].sum()) for v in (seen, expected)]
    return [v[pairs[1] > 0] for v in pairs]


@pytest.mark.parametrize("step", [0.05, 0.2])
def test_rounded_uniform_numbers_fall_in_their_cells(step):
    rng, n = np.random.default_rng(0), 200_000
    x = rng.random(n)
    y = x + 0.05 * rng.standard_normal(n)
    law = tables.rounded_uniform(step, 0.05)
    near = [np.round(np.round(v / step) * step, 9) for v in (x, y)]
    assert stats.chisquare(*expected_cells(law, *near)).pvalue > 1e-4
    assert law.information == pytest.approx(information_of(law.joint), abs=1e-10)


def test_rounded_normal_numbers_fall_in_their_cells():
    edges, names, n = np.array([-1.0, 0.2, 0.9]), np.arange(4), 200_000
    law = tables.rounded_normal(0.7, edges.tolist(), edges.tolist(), names, names)
    z = np.random.default_rng(1).multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], size=n).T
    cells = [np.digitize(v, edges) for v in z]
    assert stats.chisquare(*expected_cells(law, *cells)).pvalue > 1e-4
    assert law.joint.sum() == pytest.approx(1, abs=1e-12)
    corner = stats.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]]).cdf([0.2, -1.0])
    assert law.joint[:2, :1].sum() == pytest.approx(corner, abs=1e-5)


def test_common_events_fall_in_their_cells():
    law, n = tables.common_events(1.0, 0.8, 0.6), 100_000
    a, b, c = np.random.default_rng(2).poisson([[1.0], [0.8], [0.6]], size=(3, n))
    assert stats.chisquare(*expected_cells(law, a + c, b + c)).pvalue > 1e-4


@pytest.mark.parametrize("law", [rounded.SharedRate(1.0, 2.0), rounded.SharedRate(10.0, 2.0)])
def test_counts_of_a_shared_rate_by_the_sum_over_all_pairs(law):
    k = np.arange(400)
    x, y = np.meshgrid(k, k)
    of_sum = stats.nbinom.logpmf(x + y, law.shape, law.shape / (law.shape + 2 * law.mean))
    joint = np.exp(of_sum + stats.binom.logpmf(x, x + y, 0.5))
    assert joint.sum() == pytest.approx(1, abs=1e-9)
    assert law.information == pytest.approx(information_of(joint), abs=1e-8)


@pytest.mark.parametrize("name", ["labels-two-words", "rounded-ages-heaped", "rounded-hours-1.5"])
def test_values_of_tables_come_as_often_as_the_table_says(name):
    task, n = find(name), 40_000
    drawn = task.draw(n, seed=0)
    x, y = (np.unique(side, axis=0, return_inverse=True)[1].ravel() for side in (drawn.x, drawn.y))
    seen = np.zeros((x.max() + 1, y.max() + 1))
    np.add.at(seen, (x, y), 1)
    # The plug-in value exceeds the truth by about (cells − rows − columns + 1) / 2n.
    excess = ((seen > 0).sum() - sum(seen.shape) + 1) / (2 * n)
    allowed = SIGMAS * drawn.pmi.std() / np.sqrt(n) + abs(excess) / 5
    assert information_of(seen) == pytest.approx(task.information + excess, abs=allowed)


# Densities


def gaussian_mixture_entropy(weights, means, sigma):
    def integrand(y):
        p = weights @ stats.norm.pdf(y, means, sigma)
        return -p * math.log(p) if p else 0.0

    ends = means.min() - 10 * sigma, means.max() + 10 * sigma
    return integrate.quad(integrand, *ends, points=np.sort(means)[:20], limit=400)[0]


@pytest.mark.parametrize("sigma", [0.3, 1.0])
def test_classes_by_adaptive_quadrature(sigma):
    weights, means = np.array([0.5, 0.3, 0.2]), np.array([0.0, 1.0, 4.0])
    law = densities.Classes(weights, means, sigma, np.arange(3))
    noise = stats.norm(scale=sigma).entropy()
    expected = gaussian_mixture_entropy(weights, means, sigma) - noise
    assert law.information == pytest.approx(expected, abs=1e-6)


def test_a_line_over_a_design_by_its_closed_density():
    for sigma in (0.5, 0.1, 0.01):

        def integrand(y, sigma=sigma):
            p = stats.norm.cdf(y / sigma) - stats.norm.cdf((y - 1) / sigma)
            return -p * math.log(p) if p > 0 else 0.0

        ends = -9 * sigma, 1 + 9 * sigma
        entropy = integrate.quad(integrand, *ends, points=[0, 1], limit=400)[0]
        found = densities.Response(everyday.regular.UNIT, densities.line, sigma).information
        assert found == pytest.approx(entropy - stats.norm(scale=sigma).entropy(), abs=2e-5)


@pytest.mark.parametrize("task", ["regular-wavelengths-wave", "regular-doses-response"])
def test_a_curve_over_a_design_by_many_points(task):
    law = find(task).sampler
    u = (np.arange(20_000) + 0.5) / 20_000
    y = law.curve(u)[::40] + law.sigma * stats.norm.isf((np.arange(500) + 0.5) / 500)[:, None]
    density = stats.norm.pdf(y.ravel()[::500, None], law.curve(u[::10]), law.sigma).mean(axis=1)
    table = np.interp(y.ravel()[::500], *law._marginal)
    np.testing.assert_allclose(np.exp(table), density, rtol=2e-3)


@pytest.mark.parametrize("name", ["time-periods-equal", "time-trends", "time-trend-wave"])
def test_a_shared_phase_by_its_sum_over_a_fine_grid(name):
    law = find(name).sampler
    u = (np.arange(3000) + 0.5) / 3000
    f, g = law.of_x(u), law.of_y(u)
    x, y = (np.linspace(v.min() - 6 * law.sigma, v.max() + 6 * law.sigma, 300) for v in (f, g))
    given_x, given_y = (
        stats.norm.pdf(grid[:, None], mean, law.sigma) for grid, mean in ((x, f), (y, g))
    )
    joint = given_x @ given_y.T
    joint /= joint.sum()
    assert law.information == pytest.approx(information_of(joint), abs=1e-5)


def test_times_on_a_dial_by_adaptive_quadrature():
    law = densities.Wrapped(24.0, 5.0)

    def integrand(noise):
        p = stats.norm.pdf(noise + 24 * np.arange(-6, 7), scale=5.0).sum()
        return p * math.log(24 * p)

    assert law.information == pytest.approx(integrate.quad(integrand, -12, 12)[0], abs=1e-8)


@pytest.mark.parametrize(("rho", "limits"), list(product([0.6, 0.9], [(0.25, 0.25), (-1.0, 0.4)])))
def test_censored_numbers_by_a_fine_table(rho, limits):
    cuts = [np.concatenate([[c], np.linspace(c, 4, 160)[1:]]) for c in limits]
    names = np.arange(161)
    table = tables.rounded_normal(rho, cuts[0].tolist(), cuts[1].tolist(), names, names)
    law = atoms.Censored(rho, limits, (atoms.itself, atoms.itself))
    found = information_of(table.joint)  # a little less, as each rounding loses something
    assert found < law.information < found + 2e-3


def test_amounts_are_zero_as_often_as_both_sides_say():
    law = atoms.Occurrence((0.5, 0.1, 0.1, 0.3), 0.8)
    drawn = law(100_000, np.random.default_rng(0))
    x, y = drawn.x[:, 0], drawn.y[:, 0]
    seen = [((x > 0) == i) & ((y > 0) == j) for i, j in product((False, True), repeat=2)]
    np.testing.assert_allclose([rows.mean() for rows in seen], law.joint, atol=0.007)
    scores = [stats.norm.ppf(stats.expon.cdf(v[seen[3]])) for v in (x, y)]
    assert np.corrcoef(*scores)[0, 1] == pytest.approx(0.8, abs=0.01)
    for v, rows in ((x, seen[2]), (x, seen[3]), (y, seen[1])):
        assert stats.kstest(v[rows], "expon").pvalue > 1e-4


def test_two_shares_of_a_whole_have_the_densities_of_dirichlet():
    law = columns.Shares(2.0, 3.0, 1.5)
    drawn = law(200, np.random.default_rng(0))
    x, y = drawn.x[:, 0] / 100, drawn.y[:, 0] / 100
    joint = stats.dirichlet.logpdf(np.stack([x, y, 1 - x - y]), [2.0, 3.0, 1.5])
    apart = stats.beta.logpdf(x, 2.0, 4.5) + stats.beta.logpdf(y, 3.0, 3.5)
    np.testing.assert_allclose(drawn.pmi, joint - apart, atol=1e-9)


def test_many_columns_tell_a_label_as_all_of_them_do():
    law = columns.ManyColumns(30, 20, 1.0)
    drawn = law(100, np.random.default_rng(0))
    means = np.where(np.arange(30) < 20, 0.5, 0.0) * np.array([[-1.0], [1.0]])
    logs = stats.norm.logpdf(drawn.x[:, None], means).sum(axis=2)
    own = logs[np.arange(100), drawn.y[:, 0]]
    expected = own - np.logaddexp(*logs.T) + math.log(2)
    np.testing.assert_allclose(drawn.pmi, expected, atol=1e-9)


def test_a_word_and_a_number_by_their_mixture():
    law = labels.WordAndNumber(np.array([0.0, 1.0, 4.0]), 0.7, 0.5)
    marginal = gaussian_mixture_entropy(np.ones(3) / 3, law.means, math.hypot(0.7, 0.5))
    assert law.information == pytest.approx(marginal - stats.norm(scale=0.5).entropy(), abs=1e-6)


# Time, and rows


def test_hours_and_weekdays_are_independent_by_counting():
    drawn = find("time-hour-weekday").draw(24 * 7 * 3, seed=0)
    seen = np.zeros((24, 7))
    np.add.at(seen, (drawn.x[:, 0], drawn.y[:, 0]), 1)
    assert (seen == 3).all()
    assert (np.diff(drawn.x[:, 0]) % 24 == 1).all()


def test_groups_of_a_panel_share_an_effect_and_correlate_as_said():
    law = times.Panel(0.5, 0.7, 0.3, 10)
    drawn = law(200_000, np.random.default_rng(0))
    x, y = drawn.x[:, 0], drawn.y[:, 0]
    assert np.corrcoef(x, y)[0, 1] == pytest.approx(law.rho, abs=0.02)
    assert np.corrcoef(x[::10], x[1::10])[0, 1] == pytest.approx(0.5, abs=0.03)
    assert np.corrcoef(x[9::10][:-1], x[10::10])[0, 1] == pytest.approx(0, abs=0.03)


def test_rows_come_as_their_names_say():
    drawn = find("rows-duplicated-3").draw(300, seed=0)
    assert len(np.unique(drawn.x)) == 100 and np.array_equal(drawn.x[::3], drawn.x[2::3])
    over = find("rows-oversampled").draw(1000, seed=0)
    labels_seen, counts = np.unique(over.x, return_counts=True)
    assert len(labels_seen) == 2 and set(counts) == {500}
    assert min(len(np.unique(over.y[over.x == label])) for label in labels_seen) <= 50
    far = find("rows-one-far").draw(100, seed=0)
    assert (far.x == 1e300).sum() == 1
    in_order = find("rows-sorted").draw(100, seed=0)
    assert (np.diff(in_order.x[:, 0]) >= 0).all()


# Words


def test_words_differ_and_have_no_order():
    found = words(4900)
    assert len(set(found)) == 4900
    assert abs(stats.spearmanr(np.argsort(np.argsort(found)), np.arange(4900)).statistic) < 0.1


def test_words_beside_numbers_keep_their_types():
    both = joined(words(3)[:, None], np.ones((3, 1)))
    assert (
        both.dtype == object and joined(both[:, 1:].astype(float), np.ones((3, 1))).dtype == float
    )
    parts = columns_of("x", both)
    assert [part.dtype.kind for part in parts.values()] == ["U", "f"]


@pytest.mark.parametrize("name", ["labels-word-and-number", "labels-words-5-apart"])
def test_words_reach_a_worker_without_pickle(name, tmp_path):
    drawn = find(name).draw(20, seed=0)
    np.save(tmp_path / "x.npy", _plain("x", drawn.x), allow_pickle=False)
    there = _columns(np.load(tmp_path / "x.npy", allow_pickle=False))
    if drawn.x.dtype == object:
        assert there["x0"].tolist() == drawn.x[:, 0].tolist()
        np.testing.assert_array_equal(there["x1"], drawn.x[:, 1].astype(float))
    else:
        np.testing.assert_array_equal(there, drawn.x)


def test_the_command_writes_words_beside_numbers_column_by_column(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["task", "labels-word-and-number", "--n", "9", "--out", "d.npz"]) == 0
    with np.load("d.npz", allow_pickle=False) as found:
        assert sorted(found) == ["pmi", "x0", "x1", "y"]
        assert found["x0"].dtype.kind == "U" and found["x1"].dtype.kind == "f"


# The script


def test_the_script_goes_on_where_it_was_and_says_what_does_not_hold(tmp_path, capsys):
    script = scripts.load("everyday")
    out = tmp_path / "out.jsonl"
    words_given = ["--tasks", "words-5", "--kinds", "labels", "--n", "50", "--seeds", "1"]
    options = script.parser().parse_args(
        [*words_given, "--jobs", "1", "--estimator", "discrete", "--out", str(out)]
    )
    script.run(options)
    before = out.read_text()
    script.run(options)
    assert out.read_text() == before and before.count("\n") == 1
    script.run(
        script.parser().parse_args(
            [
                *words_given,
                "--law",
                "invariance",
                "--jobs",
                "1",
                "--estimator",
                "discrete",
                "--out",
                str(out),
            ]
        )
    )
    script.read(out)
    shown = capsys.readouterr().out
    assert "labels-words-5-apart" in shown and "law `invariance`, words" in shown
    row = script.lines(out)[-1]
    assert set(row["changes"]) == {"rows", "swapped", "words", "constant"}
    assert row["changes"]["words"]["value"] == pytest.approx(row["value"], abs=1e-12)
