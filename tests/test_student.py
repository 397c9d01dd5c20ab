"""The t copula: its information in closed form, its fit, and what it does where it does not fit."""

import itertools
import json

import numpy as np
import pytest
from safetensors.torch import load as tensors_of
from safetensors.torch import save as to_safetensors
from scipy.stats import multivariate_t, rankdata

from mineral.errors import InputError, OptionError
from mineral.methods.copulas.gaussian import GaussianCopula, gaussian_bias
from mineral.methods.copulas.student import (
    Levels,
    StudentCopula,
    correlation_information,
    positive_definite,
    scale_information,
)
from mineral.models import load
from mineral.models.student import log_ratio, log_t

INF = float("inf")


def paired_by(rho, dx, dy):
    """Correlation rho of each x_i with y_i, none within."""
    r = np.eye(dx + dy)
    for i in range(min(dx, dy)):
        r[i, dx + i] = r[dx + i, i] = rho
    return r


def draw(n, dx, dy, nu, rho=0.0, seed=0):
    """Multivariate t of ν degrees of freedom; Gaussian where ν is infinite."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((n, dx + dy)) @ np.linalg.cholesky(paired_by(rho, dx, dy)).T
    if nu < INF:
        z /= np.sqrt(rng.chisquare(nu, n) / nu)[:, None]
    return z[:, :dx], z[:, dx:]


def truth(dx, dy, nu, rho=0.0):
    beyond = scale_information(nu, dx, dy) if nu < INF else 0.0
    return correlation_information(paired_by(rho, dx, dy), dx) + beyond


# Czyż et al. (2023), arXiv:2306.11078: the Student-t tasks with identity dispersion.
PUBLISHED = {
    (1, 1, 1.0): 0.2242,
    (2, 2, 1.0): 0.4319,
    (2, 2, 2.0): 0.1931,
    (3, 3, 2.0): 0.2909,
    (3, 3, 3.0): 0.1787,
    (5, 5, 2.0): 0.4482,
    (5, 5, 3.0): 0.2985,
}


@pytest.mark.parametrize(("dx", "dy", "nu"), PUBLISHED)
def test_the_closed_form_gives_the_published_values(dx, dy, nu):
    assert scale_information(nu, dx, dy) == pytest.approx(PUBLISHED[dx, dy, nu], abs=5e-5)


@pytest.mark.parametrize(
    ("dx", "dy", "nu", "rho"), [(1, 1, 1.0, 0), (2, 1, 3.0, 0.7), (3, 4, 0.5, 0.4)]
)
def test_the_closed_form_is_the_mean_log_density_ratio(dx, dy, nu, rho):
    x, y = draw(200_000, dx, dy, nu, rho)
    pmi = log_ratio(x, y, paired_by(rho, dx, dy), nu)
    assert pmi.mean() == pytest.approx(truth(dx, dy, nu, rho), abs=4 * pmi.std() / 200_000**0.5)


def test_the_density_is_that_of_scipy_but_for_a_constant_that_cancels():
    x, _ = draw(50, 3, 1, 2.5)
    r = np.array([[1, 0.3, -0.2], [0.3, 1, 0.5], [-0.2, 0.5, 1]])
    constant = 3 / 2 * np.log(2.5 * np.pi)
    expected = multivariate_t(shape=r, df=2.5).logpdf(x) + constant
    assert log_t(x, r, 2.5) == pytest.approx(expected, abs=1e-10)


def test_what_the_common_scale_tells_falls_to_zero_as_the_copula_becomes_gaussian():
    values = [scale_information(nu, 2, 3) for nu in (0.1, 1.0, 10.0, 100.0, 1000.0, 1e6)]
    assert all(a > b for a, b in itertools.pairwise(values))
    assert values[0] > 1 and 0 <= values[-1] + 1e-9 < 1e-6
    assert scale_information(3.0, 2, 5) == pytest.approx(scale_information(3.0, 5, 2), abs=1e-12)


@pytest.mark.parametrize(("dx", "dy", "nu"), PUBLISHED)
def test_at_home_without_correlation_it_finds_the_published_values(dx, dy, nu):
    found = StudentCopula().estimate(*draw(10_000, dx, dy, nu, seed=1))
    assert found.value == pytest.approx(PUBLISHED[dx, dy, nu], abs=0.05)
    assert abs(found.value - PUBLISHED[dx, dy, nu]) < 4 * found.stderr
    assert found.model.degrees_of_freedom == pytest.approx(nu, rel=0.1)
    assert found.stderr < 0.01 and not found.warnings


@pytest.mark.parametrize(
    ("dx", "dy", "nu", "rho"),
    [(1, 1, 3.0, 0.5), (1, 3, 1.0, -0.8), (5, 5, 4.0, 0.6), (20, 20, 5.0, 0.3)],
)
def test_at_home_with_correlation_it_finds_the_closed_form(dx, dy, nu, rho):
    found = StudentCopula().estimate(*draw(10_000, dx, dy, nu, rho))
    assert found.value == pytest.approx(truth(dx, dy, nu, rho), abs=min(0.05, 4 * found.stderr))
    assert found.model.correlation[0, dx] == pytest.approx(rho, abs=0.03)
    assert found.path == (
        f"A t copula with {found.model.degrees_of_freedom:.3g} degrees of freedom.",
    )


@pytest.mark.parametrize(("dx", "dy", "rho"), [(1, 1, 0.75), (5, 5, 0.5), (2, 3, 0)])
def test_on_gaussian_data_it_gives_the_gaussian_copulas_value(dx, dy, rho):
    pair = draw(5000, dx, dy, INF, rho)
    found = StudentCopula().estimate(*pair)
    assert found.value == GaussianCopula().estimate(*pair).value
    assert found.value == pytest.approx(truth(dx, dy, INF, rho), abs=4 * found.stderr)
    assert found.estimator == "t-copula" and "Gaussian" in found.path[0]
    assert found.model.kind == "copula"


def test_with_many_degrees_of_freedom_it_is_nearly_the_gaussian_copula():
    pair = draw(2000, 2, 3, INF, 0.6)
    nearly = StudentCopula(degrees_of_freedom=1000.0).estimate(*pair)
    gaussian = GaussianCopula().estimate(*pair)
    assert nearly.value == pytest.approx(gaussian.value, abs=2e-3)
    assert nearly.stderr == pytest.approx(gaussian.stderr, rel=0.02)


def test_where_nothing_depends_the_noise_of_the_correlations_is_what_remains():
    pair = draw(500, 5, 5, INF)
    nearly = StudentCopula(degrees_of_freedom=1000.0).estimate(*pair)
    gaussian = GaussianCopula().estimate(*pair)
    assert gaussian.stderr == pytest.approx((25 / 2) ** 0.5 / 500, rel=0.3)
    assert nearly.stderr == pytest.approx(gaussian.stderr, rel=0.1)


def test_fifty_and_fifty_dimensions_are_within_reach_of_a_thousand_samples():
    found = StudentCopula().estimate(*draw(1000, 50, 50, 5, 0.3))
    # 1.3 of the 4.6 nats that the plug-in finds are bias.
    assert found.value == pytest.approx(truth(50, 50, 5.0, 0.3), abs=0.2)
    assert found.model.degrees_of_freedom == pytest.approx(5, rel=0.1)


@pytest.mark.parametrize("seed", range(3))
def test_independence_in_a_hundred_dimensions_does_not_look_like_dependence(seed):
    found = StudentCopula().estimate(*draw(2000, 50, 50, INF, seed=seed))
    assert found.interval[0] <= 0


def test_the_value_is_the_closed_form_of_the_fit_less_the_bias_of_the_correlations():
    n, dx, dy = 300, 2, 3
    found = StudentCopula().estimate(*draw(n, dx, dy, 2, 0.5))
    nu, d = found.model.degrees_of_freedom, dx + dy
    worth = n * (nu + d) / (nu + d + 2)
    assert found.value == pytest.approx(
        correlation_information(found.model.correlation, dx)
        + scale_information(nu, dx, dy)
        - gaussian_bias(worth, dx, dy),
        abs=1e-12,
    )


@pytest.mark.slow
def test_correlations_of_a_t_are_worth_fewer_samples_by_what_its_fisher_information_says():
    # Bias without the common scale: 0.060 nats, where as many Gaussian samples would have 0.047.
    n, nu, dx, dy = 100, 1.0, 3, 3
    fits = [
        StudentCopula(degrees_of_freedom=nu).estimate(*draw(n, dx, dy, nu, seed=seed)).model
        for seed in range(150)
    ]
    biases = np.array([correlation_information(fit.correlation, dx) for fit in fits])
    error = biases.std() / 150**0.5
    assert error < 0.003
    assert biases.mean() == pytest.approx(gaussian_bias(n * 7 / 9, dx, dy), abs=3 * error)
    assert gaussian_bias(n * 7 / 9, dx, dy) - gaussian_bias(float(n), dx, dy) > 0.012


@pytest.mark.slow
def test_few_samples_bias_the_value_by_less_than_a_hundredth():
    values = [StudentCopula().estimate(*draw(200, 5, 5, 2, seed=s)).value for s in range(40)]
    error = np.std(values) / 40**0.5
    assert np.mean(values) == pytest.approx(truth(5, 5, 2.0), abs=0.01 + 3 * error)


@pytest.mark.slow
@pytest.mark.parametrize(("dx", "dy", "nu", "rho"), [(1, 1, 1.0, 0), (2, 2, 3.0, 0.5)])
def test_the_standard_error_is_that_of_repetition(dx, dy, nu, rho):
    found = [StudentCopula().estimate(*draw(500, dx, dy, nu, rho, seed=s)) for s in range(60)]
    spread = np.std([each.value for each in found])
    assert np.mean([each.stderr for each in found]) == pytest.approx(spread, rel=0.3)
    inside = [each.interval[0] <= truth(dx, dy, nu, rho) <= each.interval[1] for each in found]
    assert sum(inside) >= 51  # of 60, at a level of 0.95: fewer by chance once in 1000 times


def test_strictly_monotone_maps_of_coordinates_change_nothing():
    x, y = draw(1000, 2, 2, 1, 0.5)
    found = StudentCopula().estimate(x, y).value
    bent = StudentCopula().estimate(np.arcsinh(x), np.c_[-y[:, 0], y[:, 1] ** 3])
    assert bent.value == pytest.approx(found, abs=1e-9)


def test_x_and_y_may_change_places_and_rows_their_order():
    x, y = draw(1000, 3, 1, 2, 0.5)
    found = StudentCopula().estimate(x, y)
    order = np.random.default_rng(0).permutation(1000)
    for other in (StudentCopula().estimate(y, x), StudentCopula().estimate(x[order], y[order])):
        assert other.value == pytest.approx(found.value, abs=1e-9)
        assert other.stderr == pytest.approx(found.stderr, abs=1e-9)


def test_the_degrees_of_freedom_are_the_likeliest():
    x, y = draw(800, 2, 2, 3, 0.4)
    best = StudentCopula().estimate(x, y).model.degrees_of_freedom
    levels = Levels.of(*(rankdata(values, axis=0) / 801 for values in (x, y)))
    start = levels.normal_correlation()

    def likelihood(nu):
        return levels.fit(nu, start, 1e-10).log_likelihood

    assert all(likelihood(best) >= likelihood(best * f) for f in (0.8, 0.97, 1.03, 1.25))


def test_the_likelihood_is_that_of_the_copula():
    # Of two coordinates, brute force: joint density over both marginals, at the scores.
    x, y = draw(200, 1, 1, 2, 0.5)
    levels = Levels.of(*(rankdata(values, axis=0) / 201 for values in (x, y)))
    fit = levels.fit(2.0, np.eye(2), 1e-10)
    joint = multivariate_t(shape=fit.correlation, df=2.0).logpdf(fit.scores)
    single = [multivariate_t(df=2.0).logpdf(column) for column in fit.scores.T]
    assert fit.log_likelihood == pytest.approx((joint - sum(single)).sum(), abs=1e-8)


def test_degrees_of_freedom_that_are_given_are_kept():
    pair = draw(1000, 1, 1, INF, 0.5)
    found = StudentCopula(degrees_of_freedom=4.0).estimate(*pair)
    assert found.model.degrees_of_freedom == 4
    assert found.options == {"degrees_of_freedom": 4}
    assert found.value > GaussianCopula().estimate(*pair).value


def test_each_rows_part_is_the_models_and_their_mean_is_the_value():
    x, y = draw(900, 2, 1, 1, 0.5)
    found = StudentCopula().estimate(x, y)
    assert found.model.pmi(x, y) == pytest.approx(found.evidence.pointwise, abs=1e-9)
    assert found.evidence.pointwise.mean() == pytest.approx(found.value, abs=1e-12)


def test_the_model_knows_heavy_tails_of_many_samples_too():
    x, y = draw(20_000, 1, 1, 1)
    found = StudentCopula().estimate(x, y)
    assert found.model.pmi(x, y).mean() == pytest.approx(found.value, abs=2e-3)
    shown = found.model.pmi(found.evidence.x, found.evidence.y)
    assert shown == pytest.approx(found.evidence.pointwise, abs=0.1)


def test_the_model_scores_new_pairs_by_the_true_density_ratio():
    x, y = draw(20_000, 1, 2, 3, 0.6)
    model = StudentCopula().estimate(x, y).model
    new = draw(500, 1, 2, 3, 0.6, seed=9)
    exact = log_ratio(*new, paired_by(0.6, 1, 2), 3.0)
    assert np.abs(model.pmi(*new) - exact).mean() < 0.03


def test_copies_and_constants_among_the_coordinates_change_nothing():
    x, y = draw(600, 2, 2, 2, 0.5)
    found = StudentCopula().estimate(x, y)
    more = np.c_[np.ones(600), x, np.exp(x[:, 0]), -x[:, 1]]
    for pair in ((more, y), (y, more)):
        with_copies = StudentCopula().estimate(*pair)
        assert with_copies.value == pytest.approx(found.value, abs=1e-6)
        inner = with_copies.model.model  # of the columns that are not constant
        assert len(inner.kept_x) == len(inner.kept_y) == 2
        pointwise = with_copies.evidence.pointwise
        assert with_copies.model.pmi(*pair) == pytest.approx(pointwise, abs=1e-6)


def test_a_copy_has_infinite_information_and_is_said_to():
    x, _ = draw(300, 1, 1, 2)
    found = StudentCopula().estimate(x, x**3)
    assert found.value > 10 and found.warnings[0].code == "deterministic"


@pytest.mark.parametrize(("share", "d"), [(0.7, 1), (0.9, 1), (0.8, 2), (0.99, 2)])
def test_a_copy_on_most_of_the_samples_is_said_to_have_infinite_information(share, d):
    x, _ = draw(1000, d, 1, INF)
    rest = np.arange(int(1000 * share), 1000)
    y = x.copy()
    y[rest] = x[rest[::-1]]  # others change partners, and no rank
    found = StudentCopula().estimate(x, y)
    assert np.isfinite(found.value) and found.value > 5 * d
    assert "deterministic" in [caution.code for caution in found.warnings]


def test_near_copies_within_x_change_little_until_ranks_agree_which_is_said():
    x, y = draw(2000, 1, 1, 2, 0.5)
    found, noise = StudentCopula().estimate(x, y), draw(2000, 1, 1, 2, seed=1)[0]
    near = StudentCopula().estimate(np.c_[x, x + 0.01 * noise], y)
    assert near.value == pytest.approx(found.value, abs=0.06) and not near.warnings
    nearer = StudentCopula().estimate(np.c_[x, x + 1e-4 * noise], y)
    assert np.isfinite(nearer.value)
    assert "remove near copies" in nearer.warnings[0].message


def test_where_no_t_copula_fits_the_fewest_degrees_of_freedom_are_reached_and_said():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(1000)
    y = x * rng.choice([-1, 1], 1000) + 1e-3 * rng.standard_normal(1000)
    found = StudentCopula().estimate(x, y)
    assert np.isfinite(found.value)
    assert [caution.code for caution in found.warnings] == ["not-a-t-copula"]
    assert "Compare with estimator='ksg'" in found.warnings[0].message


def test_binary_data_give_the_gaussian_copulas_value_with_both_cautions():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, 500)
    y = np.where(rng.random(500) < 0.9, x, 1 - x)
    found = StudentCopula().estimate(x, y)
    assert found.value == GaussianCopula().estimate(x, y).value
    assert [caution.code for caution in found.warnings] == ["not-a-t-copula", "ties"]


def test_ties_share_their_mean_rank():
    x, y = draw(2000, 1, 1, 2, 0.5)
    rounded = StudentCopula().estimate(np.round(x, 2), np.round(y, 2))
    assert rounded.value == pytest.approx(StudentCopula().estimate(x, y).value, abs=0.01)


def test_options_out_of_range_are_refused():
    for nu in (0.0, -1.0, 0.05, 1e4, INF, float("nan")):
        with pytest.raises(OptionError, match=r"must lie between 0\.1 and 1000, or None, got"):
            StudentCopula(degrees_of_freedom=nu)


def test_too_few_samples_are_refused_with_a_remedy():
    with pytest.raises(InputError, match=r"3 \+ 2 dimensions, .* at least 16 .*, got 15: use est"):
        StudentCopula().estimate(*draw(15, 3, 2, 2))
    assert np.isfinite(StudentCopula().estimate(*draw(16, 3, 2, 2)).value)


def test_progress_never_steps_back_and_ends_within_the_whole():
    shares = []
    StudentCopula().estimate(*draw(200, 1, 1, 2), progress=lambda share, _: shares.append(share))
    assert len(shares) > 5 and shares == sorted(shares) and shares[-1] <= 1


def test_a_saved_model_comes_back_the_same(tmp_path):
    x, y = draw(300, 2, 3, 2, 0.5)
    model = StudentCopula().estimate(np.c_[x, x[:, 0]], y).model
    model.save(tmp_path / "a")
    again = load(tmp_path / "a")
    assert again.kind == "t-copula" and (again.dim_x, again.dim_y) == (3, 3)
    new = draw(50, 3, 3, 2, seed=1)
    assert np.array_equal(again.pmi(*new), model.pmi(*new))


def forged(file, settings=(), **tensors):
    """The file with some settings or tensors replaced."""
    size = int.from_bytes(file[:8], "little")
    header = json.loads(json.loads(file[8 : 8 + size])["__metadata__"]["mineral"])
    return to_safetensors(
        tensors_of(file) | tensors, {"mineral": json.dumps(header | dict(settings))}
    )


HOSTILE = {
    "no correlation": lambda t: {"correlation": 2 * t["correlation"]},
    "impossible correlations": lambda t: {"correlation": t["correlation"] * 0 + 1},
    "too few correlations": lambda t: {"correlation": t["correlation"][:1, :1].clone()},
    "a row of correlations": lambda t: {"correlation": t["correlation"][0].clone()},
    "coordinate beyond": lambda t: {"kept_x": t["kept_x"] + 1},
    "coordinate below": lambda t: {"kept_y": t["kept_y"] - 1},
    "coordinate twice": lambda t: {"kept_x": t["kept_x"] * 0},
    "no coordinates": lambda t: {"kept_x": t["kept_x"][:0].clone()},
    "broken coordinates": lambda t: {"kept_x": t["kept_x"].double()},
    "degrees of freedom": lambda _: {"settings": {"degrees_of_freedom": -1.0}},
    "endless degrees of freedom": lambda _: {"settings": {"degrees_of_freedom": INF}},
    "no number": lambda _: {"settings": {"offset": float("nan")}},
    "all of x": lambda _: {"settings": {"dim_x": 3}},
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.usefixtures("as_users_run_it")
def test_a_damaged_model_is_refused(case, tmp_path):
    StudentCopula().estimate(*draw(300, 2, 1, 2, 0.5)).model.save(tmp_path / "a")
    file = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(forged(file, **HOSTILE[case](tensors_of(file))))
    with pytest.raises(InputError, match="is damaged or of another version"):
        load(tmp_path / "a")


@pytest.mark.parametrize("dim", [2, 5, 20])
def test_scales_of_their_own_are_no_shared_scale(dim):
    # Each side is multivariate Cauchy, and the two are independent.
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 800, dim)) / np.sqrt(rng.chisquare(1, (2, 800, 1)))
    r = StudentCopula().estimate(x, y)
    assert abs(r.value) < 4 * r.stderr + 0.01
    assert any("separate scale variables" in sentence for sentence in r.path)


def test_what_follows_from_the_others_is_not_positive_definite():
    rho = np.array([[1.0, 0.5], [0.5, 1.0]])
    assert positive_definite(rho)
    for close in (1.0, 1 - 1e-16):
        assert not positive_definite(np.array([[1.0, close], [close, 1.0]]))
