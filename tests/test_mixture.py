"""Gaussian mixtures: their log density ratio, how they are chosen, and on which rows."""

import json
import random
import threading
import warnings

import numpy as np
import pytest
from conftest import params
from safetensors.torch import load as tensors_of
from safetensors.torch import save as to_safetensors
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from mineral.errors import InputError, OptionError
from mineral.methods.densities import mixture
from mineral.methods.densities.mixture import GaussianMixture, _chance, _log_stretch, _sizes
from mineral.models import load
from mineral.models.mixture import Coordinates, Mixture
from mineral.samples import folds

SMALL = GaussianMixture(components=4)


def correlated(rho):
    return np.array([[1, rho], [rho, 1.0]])


def joined(rho, d):
    """Correlation rho of each x_i with y_i."""
    return np.kron(correlated(rho), np.eye(d))


# dx, weights, means and covariances of true mixtures
CROSS = (1, [0.5, 0.5], np.zeros((2, 2)), [correlated(0.95), correlated(-0.95)])
CLUSTERS = (1, [0.4, 0.6], [[-2, -2], [2, 2]], [np.eye(2), correlated(0.5)])
CONCENTRIC = (2, [0.5, 0.5], np.zeros((2, 4)), [0.1 * np.eye(4), np.eye(4)])
INLIERS = (2, [0.25, 0.75], np.zeros((2, 4)), [np.eye(4), joined(0.9, 2)])
GAUSSIAN = (3, [1.0], np.zeros((1, 6)), [joined(0.6, 3)])
HOME = {
    "cross": CROSS,
    "clusters": CLUSTERS,
    "concentric": CONCENTRIC,
    "inliers": INLIERS,
    "gaussian": GAUSSIAN,
}


def draw(law, n, seed=0):
    dx, weights, means, covariances = law
    rng = np.random.default_rng(seed)
    kinds = rng.choice(len(weights), n, p=weights)
    factors = np.linalg.cholesky(np.array(covariances, dtype=float))
    z = rng.standard_normal((n, len(means[0])))
    z = np.asarray(means, dtype=float)[kinds] + np.einsum("nij,nj->ni", factors[kinds], z)
    return z[:, :dx], z[:, dx:]


def log_density(law, z, block):
    _, weights, means, covariances = law
    return logsumexp(
        [
            np.log(w) + multivariate_normal(np.array(m)[block], np.array(c)[block, block]).logpdf(z)
            for w, m, c in zip(weights, means, covariances, strict=True)
        ],
        axis=0,
    )


def true_pmi(law, x, y):
    """By scipy: log p(x, y) − log p(x) − log p(y)."""
    dx = law[0]
    joint = log_density(law, np.hstack([x, y]), slice(None))
    return joint - log_density(law, x, slice(dx)) - log_density(law, y, slice(dx, None))


def as_it_is(law, chance=0.0):
    """The true mixture as a fitted one, in coordinates that change nothing."""
    dx, weights, means, covariances = law
    x, y = draw(law, 10)
    d = len(means[0])
    unit = Coordinates.fit(x, y, compressed=False)
    of_x, of_y = (type(unit.of_x)(center=np.zeros(k), scale=np.ones(k)) for k in (dx, d - dx))
    return Mixture(
        coordinates=Coordinates(
            of_x=of_x, of_y=of_y, compressed=False, low=np.full(d, -99.0), high=np.full(d, 99.0)
        ),
        weights=np.array(weights),
        means=np.array(means, dtype=float),
        covariances=np.array(covariances, dtype=float),
        chance=chance,
    )


@pytest.mark.parametrize("law", HOME.values(), ids=HOME)
def test_the_log_ratio_is_that_of_the_three_densities(law):
    x, y = draw(law, 100)
    assert as_it_is(law).log_ratio(x, y) == pytest.approx(true_pmi(law, x, y), abs=1e-9)


def test_a_share_of_chance_mixes_in_the_product_of_the_marginals():
    x, y = draw(CROSS, 100)
    expected = np.log(0.8 * np.exp(true_pmi(CROSS, x, y)) + 0.2)
    assert as_it_is(CROSS, chance=0.2).log_ratio(x, y) == pytest.approx(expected, abs=1e-9)
    assert as_it_is(CROSS, chance=0.2).log_ratio(x, -50 * y).min() >= np.log(0.2)


@pytest.mark.parametrize("law", params(HOME, ["gaussian"]))
def test_at_home_it_finds_the_mutual_information(law):
    x, y = draw(law, 3000, seed=1)
    pmi = true_pmi(law, x, y)
    found = SMALL.estimate(x, y)
    # The mean of the true pmi on the same rows leaves out what the samples say by chance.
    assert found.value == pytest.approx(pmi.mean(), abs=0.025)
    assert found.stderr == pytest.approx(pmi.std() / 3000**0.5, rel=0.15)
    true = true_pmi(law, *draw(law, 100_000, seed=2)).mean()
    assert found.value == pytest.approx(true, abs=4 * found.stderr)
    assert found.kind == "neither" and found.estimator == "mixture"


@pytest.mark.slow
def test_ten_thousand_samples_of_a_cross_take_seconds_and_give_its_information():
    x, y = draw(CROSS, 10_000, seed=3)
    found = SMALL.estimate(x, y)
    assert found.value == pytest.approx(true_pmi(CROSS, x, y).mean(), abs=0.01)
    assert not found.warnings


@pytest.mark.slow
def test_the_model_scores_new_pairs_by_the_true_density_ratio():
    model = SMALL.estimate(*draw(CROSS, 4000)).model
    new = draw(CROSS, 1000, seed=5)
    assert np.abs(model.pmi(*new) - true_pmi(CROSS, *new)).mean() < 0.15
    assert (model.dim_x, model.dim_y, len(model.members)) == (1, 1, 3)


@pytest.mark.slow
def test_the_number_of_components_follows_the_data():
    sizes = {
        name: [len(m.weights) for m in SMALL.estimate(*draw(HOME[name], 1000)).model.members]
        for name in ("gaussian", "cross")
    }
    assert max(sizes["gaussian"]) <= 2 <= min(sizes["cross"])
    assert np.mean(sizes["gaussian"]) < np.mean(sizes["cross"])


@pytest.mark.slow
def test_every_row_is_scored_by_a_mixture_that_did_not_see_it():
    x, y = draw(CROSS, 600)
    found = SMALL.estimate(x, y, seed=7)
    rng = np.random.default_rng(7)
    first = next(iter(folds(600, 3, validation=mixture.VALIDATION, rng=rng))).test
    member = found.model.members[0]
    own = member.log_ratio(x[first], y[first])
    assert found.evidence.pointwise[first] == pytest.approx(own, abs=1e-12)
    y[first] = 3 * y[first] - 1
    again = SMALL.estimate(x, y, seed=7).model.members[0]
    assert np.array_equal(again.covariances, member.covariances)
    assert np.array_equal(again.coordinates.low, member.coordinates.low)
    assert again.chance == member.chance


def test_the_value_is_the_mean_over_all_rows():
    found = SMALL.estimate(*draw(CLUSTERS, 501))
    pmi = found.evidence.pointwise
    assert pmi.shape == (501,) and pmi.mean() == pytest.approx(found.value, abs=1e-12)
    assert found.stderr == pytest.approx(pmi.std() / 501**0.5, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "d"), [(2000, 50), (1000, 5), (300, 1)])
def test_independence_does_not_look_like_dependence(n, d):
    rng = np.random.default_rng(0)
    found = SMALL.estimate(rng.standard_normal((n, d)), rng.standard_normal((n, d)))
    assert found.interval[0] <= 0
    assert found.value > -0.03  # where a mixture without a share of chance says −1.3, for d = 50


def test_the_share_of_chance_is_the_likeliest_for_the_validation_rows():
    x, y = draw(INLIERS, 5000)
    strong = (2, [1.0], np.zeros((1, 4)), [joined(0.9, 2)])
    ratio = true_pmi(strong, x, y)
    best = _chance(ratio, 5000)

    def likelihood(chance):
        return np.log((1 - chance) * np.exp(ratio) + chance).mean()

    grid = np.linspace(0.001, 0.999, 999)
    assert best == pytest.approx(grid[np.argmax([likelihood(c) for c in grid])], abs=1e-3)
    assert 0.2 < best < 0.3


def test_the_share_of_chance_is_neither_nothing_nor_all():
    assert _chance(np.full(50, 9.0), 98) == pytest.approx(0.01, rel=1e-6)
    assert _chance(np.full(50, -9.0), 98) == pytest.approx(0.99, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("far", [1e3, 1e12, 1e300])
def test_a_few_rows_far_from_all_others_change_little(far):
    x, y = draw(GAUSSIAN, 900)
    before = SMALL.estimate(x, y)
    x[0, 0], y[1, 2], x[2], y[2] = far, -far, far, far
    assert SMALL.estimate(x, y).value == pytest.approx(before.value, abs=3 * before.stderr)


@pytest.mark.slow
def test_heavy_tails_are_compressed_and_mixtures_of_scales_are_not():
    rng = np.random.default_rng(0)
    heavy = rng.standard_cauchy((900, 1))
    found = SMALL.estimate(heavy, heavy + rng.standard_cauchy((900, 1)))
    assert all(member.coordinates.compressed for member in found.model.members)
    # One in six is of the wider kind: under compression, it is no Gaussian.
    rings = (1, [0.84, 0.16], np.zeros((2, 2)), [np.eye(2), 25 * np.eye(2)])
    found = SMALL.estimate(*draw(rings, 3000))
    assert not any(member.coordinates.compressed for member in found.model.members)


@pytest.mark.parametrize("compressed", [True, False])
def test_densities_before_and_after_compression_are_made_comparable(compressed):
    x, y = draw((1, [1.0], np.zeros((1, 2)), [9 * np.eye(2)]), 300)
    near = Coordinates.fit(x / 3, y / 3, compressed=compressed)  # so that tails reach beyond 3
    inner = Coordinates(
        of_x=near.of_x,
        of_y=near.of_y,
        compressed=compressed,
        low=np.full(2, -1e9),
        high=np.full(2, 1e9),
    )
    step = 1e-6 * near.of_x.scale, 1e-6 * near.of_y.scale
    slope = (inner(x + step[0], y + step[1]) - inner(x - step[0], y - step[1])) / 2e-6
    expected = np.log(slope).sum(axis=1).mean()
    assert _log_stretch(inner, inner(x, y)) == pytest.approx(expected, abs=1e-6)
    assert (expected < -0.1) == compressed


def test_coordinates_go_no_further_than_they_were_seen():
    x, y = draw(CROSS, 50)
    for compressed in (True, False):
        coordinates = Coordinates.fit(x, y, compressed=compressed)
        seen = coordinates(x, y)
        beyond = coordinates(np.array([[1e300], [-1e300]]), np.array([[-1e9], [1e9]]))
        assert beyond[0] == pytest.approx([seen[:, 0].max(), seen[:, 1].min()])
        assert beyond[1] == pytest.approx([seen[:, 0].min(), seen[:, 1].max()])
        order = np.argsort(x[:, 0])
        assert (np.diff(seen[order, 0]) > 0).all()  # and between, they lose nothing


@pytest.mark.slow
def test_shifts_and_scales_of_coordinates_change_nothing():
    x, y = draw(CLUSTERS, 500)
    found = SMALL.estimate(x, y).value
    for moved in ((1e200 * x, y), (x, 1e-200 * y), (3 - 2 * x, y + 1e6)):
        assert SMALL.estimate(*moved).value == pytest.approx(found, abs=0.02)


def test_repeated_values_are_atoms():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, 900)
    y = np.where(rng.random(900) < 0.9, x, 1 - x)
    flips = 0.1 * np.log(0.1) + 0.9 * np.log(0.9)
    assert SMALL.estimate(x, y).value == pytest.approx(np.log(2) + flips, abs=0.06)


@pytest.mark.slow
def test_a_coordinate_twice_and_a_constant_one_change_little():
    x, y = draw(GAUSSIAN, 900)
    found = SMALL.estimate(x, y)
    more = np.c_[x, x[:, 0], np.ones(900)]
    assert SMALL.estimate(more, y).value == pytest.approx(found.value, abs=found.stderr)


def test_a_copy_has_infinite_information_and_is_said_to():
    x, _ = draw(CROSS, 500)
    found = SMALL.estimate(x, 2 * x + 1)
    assert 6 < found.value < 9 and found.warnings[0].code == "deterministic"
    finer = GaussianMixture(components=4, regularization=1e-8).estimate(x, 2 * x + 1)
    assert finer.value == pytest.approx(found.value + np.log(100) / 2, abs=0.2)


@pytest.mark.slow
def test_a_limit_that_binds_is_said():
    x = np.random.default_rng(0).uniform(-3, 3, (600, 1))
    y = np.sin(2 * x) + 0.1 * np.random.default_rng(1).standard_normal((600, 1))
    found = SMALL.estimate(x, y)
    assert [caution.code for caution in found.warnings] == ["too-few-components"]
    assert "The maximum number of components, 4, fitted best" in found.warnings[0].message
    more = GaussianMixture(components=10).estimate(x, y).value
    assert more > found.value + 0.2


def test_few_samples_for_the_dimensions_are_said_with_what_they_may_cost():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((400, 10))
    found = SMALL.estimate(x, x + rng.standard_normal((400, 10)))
    assert [caution.code for caution in found.warnings] == ["few-samples"]
    # dx dy / 2n of one component, fitted to two thirds of the rows: 100 / 533.
    assert "400 samples" in found.warnings[0].message and "0.19 nats" in found.warnings[0].message


def test_folds_that_disagree_are_said_to(monkeypatch):
    # Each fold tries one number of components only: 1 for the first, which sees no cross.
    limits = iter([1, 1, 4, 4, 4, 4])
    monkeypatch.setattr(GaussianMixture, "_most", lambda *_: next(limits))
    found = SMALL.estimate(*draw(CROSS, 900))
    assert "folds-disagree" in [caution.code for caution in found.warnings]


def test_an_iteration_that_does_not_end_is_said_to_and_warns_of_nothing(monkeypatch):
    monkeypatch.setattr(mixture, "ROUNDS", 2)
    found = SMALL.estimate(*draw(CONCENTRIC, 600))
    assert "not-converged" in [caution.code for caution in found.warnings]


def test_the_choice_is_made_on_some_rows_and_the_fit_on_all(monkeypatch):
    fitted, rows = mixture._fitted, []

    def recorded(fit, z):
        rows.append(len(z))
        return fitted(fit, z)

    monkeypatch.setattr(mixture, "CHOOSING", 300)
    monkeypatch.setattr(mixture, "_fitted", recorded)
    x, y = draw(CROSS, 3000)
    found = SMALL.estimate(x, y)
    assert sorted(set(rows)) == [300, 2000] and rows.count(2000) == 3
    assert found.value == pytest.approx(true_pmi(CROSS, x, y).mean(), abs=0.03)


@pytest.mark.slow
def test_more_components_are_tried_from_two_starts_until_they_help_no_more(monkeypatch):
    fitted, tried = mixture._fitted, []

    def recorded(fit, z):
        tried.append((fit.n_components, fit.init_params))
        return fitted(fit, z)

    monkeypatch.setattr(mixture, "_fitted", recorded)
    GaussianMixture(components=16).estimate(*draw(GAUSSIAN, 3000))
    sizes = {size for size, _ in tried}
    assert {1, 2, 3} <= sizes and max(sizes) <= 5  # of up to 16
    assert {start for size, start in tried if size == 2} == {"kmeans", "random_from_data"}


def test_where_every_component_collapses_the_samples_are_refused(monkeypatch):
    monkeypatch.setattr(mixture, "_fitted", lambda *_: False)
    with pytest.raises(
        InputError, match=r"No Gaussian mixture .* at `regularization` 1e-06: raise"
    ):
        SMALL.estimate(*draw(CROSS, 300))


def test_sizes_grow_by_a_quarter_up_to_the_limit():
    assert list(_sizes(16)) == [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 16]
    assert list(_sizes(8)) == [1, 2, 3, 4, 5, 6, 8]
    assert list(_sizes(1)) == [1]


def test_components_are_no_more_than_their_parameters_bear():
    assert GaussianMixture()._most(1000, 2) == 16
    assert GaussianMixture()._most(1000, 10) == 15  # 66 parameters each
    assert GaussianMixture(components=2)._most(1000, 2) == 2
    assert GaussianMixture()._most(100, 100) == 1


def state():
    numpy = str(np.random.get_state(legacy=False))  # noqa: NPY002
    return list(warnings.filters), numpy, random.getstate()


@pytest.mark.usefixtures("as_users_run_it")
def test_nothing_global_is_changed(monkeypatch):
    before = state()
    monkeypatch.setattr(mixture, "ROUNDS", 2)  # so that there is something to be quiet about
    threads = [
        threading.Thread(target=SMALL.estimate, args=draw(CLUSTERS, 200, seed=s)) for s in range(4)
    ]
    for thread in threads:
        thread.start()
    SMALL.estimate(*draw(CLUSTERS, 200))
    for thread in threads:
        thread.join()
    assert state() == before


@pytest.mark.slow
def test_the_same_seed_gives_the_same_and_another_seed_another_split():
    x, y = draw(CROSS, 500)
    found = SMALL.estimate(x, y, seed=1)
    assert SMALL.estimate(x, y, seed=1) == found
    other = SMALL.estimate(x, y, seed=2).value
    assert other != found.value and other == pytest.approx(found.value, abs=0.05)


def test_too_few_samples_are_refused_with_a_remedy():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 50))
    with pytest.raises(InputError, match=r"100 dimensions together, .* at least 378 .*, got 300"):
        SMALL.estimate(x, x)
    with pytest.raises(InputError, match=r"at least 41 .*, got 40: use estimator='copula'"):
        SMALL.estimate(x[:40, :1], x[:40, 1:2])
    assert np.isfinite(SMALL.estimate(x[:41, :1], x[:41, 1:2]).value)


def test_options_out_of_range_are_refused():
    for options, message in (
        ({"components": 0}, "`components` must be at least 1, got 0"),
        ({"folds": 1}, "`folds` must be at least 2, got 1"),
        ({"regularization": 0.0}, "`regularization` must lie between 1e-12 and 1, got 0.0"),
        ({"regularization": float("nan")}, "`regularization` must lie between"),
    ):
        with pytest.raises(OptionError, match=message):
            GaussianMixture(**options)


def test_progress_never_steps_back_and_ends_within_the_whole():
    shares = []
    SMALL.estimate(*draw(CROSS, 200), progress=lambda share, _: shares.append(share))
    assert len(shares) > 5 and shares == sorted(shares) and shares[-1] <= 1


def test_a_saved_model_comes_back_the_same(tmp_path):
    model = SMALL.estimate(*draw(INLIERS, 600)).model
    model.save(tmp_path / "a")
    again = load(tmp_path / "a")
    assert (again.kind, again.dim_x, again.dim_y) == ("mixture", 2, 2)
    new = draw(INLIERS, 50, seed=1)
    assert np.array_equal(again.pmi(*new), model.pmi(*new))


def forged(file, settings=(), **tensors):
    """The file with some settings or tensors replaced."""
    size = int.from_bytes(file[:8], "little")
    header = json.loads(json.loads(file[8 : 8 + size])["__metadata__"]["mineral"])
    return to_safetensors(
        tensors_of(file) | tensors, {"mineral": json.dumps(header | dict(settings))}
    )


HOSTILE = {
    "weights": lambda t: {"0.weights": t["0.weights"] * 2},
    "a weight below zero": lambda t: {"0.weights": t["0.weights"] * 0 - 1},
    "means": lambda t: {"1.means": t["1.means"][:, :1].clone()},
    "covariances": lambda t: {"1.covariances": t["1.covariances"][:, :1].clone()},
    "impossible covariances": lambda t: {"1.covariances": -t["1.covariances"]},
    "ranges": lambda t: {"2.low": t["2.high"] + 1},
    "half a range": lambda t: {"2.low": t["2.low"][:1].clone()},
    "fewer maps": lambda _: {"settings": {"compressed": [True]}},
    "no map": lambda _: {"settings": {"compressed": ["a", "b", "c"]}},
    "no members": lambda _: {"settings": {"compressed": [], "chance": []}},
    "chance alone": lambda _: {"settings": {"chance": [1.0, 1.0, 1.0]}},
    "no chance": lambda _: {"settings": {"chance": [float("nan")] * 3}},
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.usefixtures("as_users_run_it")
def test_a_damaged_model_is_refused(case, tmp_path):
    GaussianMixture(components=1).estimate(*draw(CLUSTERS, 100)).model.save(tmp_path / "a")
    file = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(forged(file, **HOSTILE[case](tensors_of(file))))
    with pytest.raises(InputError, match="is damaged or of another version"):
        load(tmp_path / "a")
