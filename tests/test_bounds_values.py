"""Every bound has the mean it should, on Gaussian samples and with the best critic.

200 batches of K pairs of 10-dimensional Gaussians give the mean of each bound. It is compared with
a closed form, or with an expectation worked out in NumPy along another path: one row at a time, by
the two numbers that pmi depends on, in float64.

On the tails. Under q the ratio r = p / q has the variance exp(2 I) − 1 = 22,025 at I = 5, and no
third moment. A standard error estimated from 200 batches would be far too small, so wherever r is
averaged itself (NWJ, TUBA, FLO and their like) the exact one is used. Everything else has a
logarithm, a root or a bound on it, and well-behaved batch means.
"""

import functools
import math

import numpy as np
import pytest
import torch

from mineral import bounds
from mineral.basics.numerics import off_diagonal
from mineral.bounds import BOUNDS

DIM, BATCHES, ROWS = 10, 200, 32
SETTINGS = [(i, k) for i in (0.5, 2.0, 5.0) for k in (16, 64, 512)]
every_setting = pytest.mark.parametrize(
    ("information", "k"),
    [pytest.param(*each, marks=pytest.mark.slow if each[1] == 512 else ()) for each in SETTINGS],
)

RATIO = {"nwj", "shifted-nwj", "flo", "tuba", "structured-nwj"}  # average r itself


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """The tensors are small and tests run side by side: more threads would wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def rho_of(information):
    return math.sqrt(1 - math.exp(-2 * information / DIM))


def log_normal(squares, variance=1.0):
    """log density of N(0, variance) in DIM dimensions, from the sum of squares."""
    return -squares / (2 * variance) - DIM / 2 * math.log(2 * math.pi * variance)


def measure(information, k, generator):
    """Every bound on one batch, with the best critic and the constant each wants."""
    rho = rho_of(information)
    dtype = torch.float32 if k > 100 else torch.float64  # the large ones for speed
    x, noise = torch.randn(2, k, DIM, generator=generator, dtype=torch.float64).to(dtype)
    y = rho * x + math.sqrt(1 - rho**2) * noise
    xx, yy = x.square().sum(1), y.square().sum(1)
    pmi = information - (rho**2 * (xx[:, None] + yy) - 2 * rho * x @ y.T) / (2 * (1 - rho**2))
    log_y, log_x = log_normal(yy), log_normal(xx)
    conditional = pmi + log_y  # log p(y_j | x_i)
    c = 0.6 * y[:, 0]  # any function of y
    entropy = torch.tensor(DIM / 2 * math.log(2 * math.pi * math.e), dtype=dtype)
    wide = log_normal((x - rho * y).square().sum(1), 1.5 * (1 - rho**2))  # a q(x | y) too wide
    # Bounds on rows need no square: x_1 … x_32, each with the y of all K pairs.
    joint, product = pmi.diagonal()[:ROWS], off_diagonal(pmi)[:ROWS]
    pairs = conditional.diagonal()[:ROWS], off_diagonal(conditional)[:ROWS]
    ones = torch.ones_like(c)
    dv, plug_in = bounds.donsker_varadhan(joint, product), bounds.plug_in(joint, product)
    return {
        "ba": bounds.barber_agakov(pmi.diagonal() + log_x, entropy),
        "ba, q too wide": bounds.barber_agakov(wide, entropy),
        "uba": bounds.unnormalized_barber_agakov(pmi.diagonal() + c, c),
        "dv": dv,
        "dv − plug-in": dv - plug_in,
        "nwj": bounds.nwj(joint + 1, product + 1),
        "shifted-nwj": bounds.shifted_nwj(joint, product),
        "flo": bounds.flo(joint, product, -joint),
        "infonce": bounds.infonce(joint, product),
        "anchor objective": bounds.infonce_anchor(joint, product, nu=2.0),
        "gan": bounds.gan_divergence(joint, product),
        "hellinger": bounds.hellinger_divergence(joint, product),
        "plug-in": plug_in,
        "smile": bounds.smile(joint, product, tau=1.0),
        "tuba": bounds.tuba(pmi + c, c),
        "interpolated, α = 0.5": bounds.interpolated(1 + pmi, ones, alpha=0.5),
        "interpolated, α = 0.01": bounds.interpolated(1 + pmi, ones, alpha=0.01),
        "structured-infonce": bounds.structured_infonce(conditional),
        "structured-nwj": bounds.structured_nwj(conditional, log_y),
        "variational-upper": bounds.variational_upper(conditional.diagonal(), log_y),
        "variational-upper, q too wide": bounds.variational_upper(
            conditional.diagonal(), log_normal(yy, 1.5)
        ),
        "leave-one-out": bounds.leave_one_out_upper(conditional),
        "club": bounds.club(*pairs),
        "club-sampled": bounds.club_sampled(*pairs),
    }


@functools.cache
def measured(information, k):
    """Mean and standard error of every bound over the batches."""
    generator = torch.Generator().manual_seed(0)
    batches = [measure(information, k, generator) for _ in range(BATCHES)]
    values = {name: np.array([float(batch[name]) for batch in batches]) for name in batches[0]}
    means = {name: value.mean() for name, value in values.items()}
    errors = {name: value.std(ddof=1) / math.sqrt(BATCHES) for name, value in values.items()}
    for name in RATIO:
        rows = k if name in {"tuba", "structured-nwj"} else min(k, ROWS)
        errors[name] = ratio_error(information, k, rows)
    return means, errors


def ratio_error(information, k, rows):
    """The exact standard error of mean pmi − mean r over 200 batches.

    E_y[r(x, y)] = 1 for every x, so terms r(x_i, y_j) and r(x_i, y_l) are uncorrelated; only
    r(x_i, y_j) and r(x_j, y_i) are not. Mehler's expansion of r, with the eigenvalues rho^n, gives
    their covariance Σ rho^4n − 1, and the variance Σ rho^2n − 1, in one dimension each.
    """
    rho, terms = rho_of(information), rows * (k - 1)
    variance = (1 - rho**2) ** -DIM - 1
    mirrored = (1 - rho**4) ** -DIM - 1
    of_product = variance / terms + mirrored * rows * (rows - 1) / terms**2
    of_joint = DIM * rho**2 / rows
    return math.sqrt((of_product + of_joint) / BATCHES)


@functools.cache
def expected(information, k):
    """What the means should be, and the standard errors of those that are sampled themselves."""
    rho = rho_of(information)
    too_wide = DIM / 2 * (math.log(1.5) + 1 / 1.5 - 1)  # KL of N(0, 1) from N(0, 1.5)
    overlap = ((1 - rho**2) ** 0.25 / (1 - rho**2 / 4) ** 0.5) ** DIM  # ∫ √(p q)
    exact = {
        "ba": information,
        "ba, q too wide": information - too_wide,
        "uba": information,
        "plug-in": information,
        "hellinger": 2 - 2 * overlap,
        "variational-upper": information,
        "variational-upper, q too wide": information + too_wide,
        "club": DIM * rho**2 / (1 - rho**2),
        "club-sampled": DIM * rho**2 / (1 - rho**2),
        **dict.fromkeys(RATIO, information),
    }
    sampled = by_rows(information, k, np.random.default_rng(1))
    sampled |= by_batches(information, k, np.random.default_rng(2))
    means = exact | {name: values.mean() for name, values in sampled.items()}
    errors = {name: values.std() / math.sqrt(len(values)) for name, values in sampled.items()}
    return means, dict.fromkeys(exact, 0.0) | errors


def by_rows(information, k, rng):
    """Expectations that concern one x at a time, from |x|² and what of y is along x.

    By symmetry they hold for one y and many x just as well.
    """
    rho, n = rho_of(information), 8000
    xx = rng.chisquare(DIM, size=(n, 1))

    def log_ratio(along, yy):
        return information - (rho**2 * (xx + yy) - 2 * rho * along) / (2 * (1 - rho**2))

    z, rest = rng.standard_normal((n, 1)), rng.chisquare(DIM - 1, size=(n, 1))
    along = rho * np.sqrt(xx) + math.sqrt(1 - rho**2) * z  # of y, in the direction of x
    joint = log_ratio(np.sqrt(xx) * along, along**2 + (1 - rho**2) * rest)[:, 0]
    z, rest = rng.standard_normal((n, k)), rng.chisquare(DIM - 1, size=(n, k))
    product = log_ratio(np.sqrt(xx) * z, z**2 + rest)
    r, others = np.exp(joint), np.exp(product)
    with_joint = r + others[:, : k - 1].sum(1)  # K terms
    one_fewer = r + others[:, : k - 2].sum(1)  # K − 1 terms
    chance = others[:, : k - 1].sum(1)  # K − 1 terms

    def interpolated(alpha):
        first = joint - np.log(alpha * one_fewer / (k - 1) + 1 - alpha)
        mean = chance / (k - 1)
        return 1 + first - mean / (alpha * mean + 1 - alpha)

    nu = 2.0
    is_joint = joint - np.log(nu + one_fewer)
    is_anchor = np.log(nu) - np.log(nu + chance)
    return {
        "infonce": joint - np.log(with_joint / k),
        "structured-infonce": joint - np.log(with_joint / k),
        "leave-one-out": joint - np.log(chance / (k - 1)),
        "interpolated, α = 0.5": interpolated(0.5),
        "interpolated, α = 0.01": interpolated(0.01),
        "anchor objective": ((k - 1) * is_joint + nu * is_anchor) / (k - 1 + nu),
        "gan": math.log(4) + np.log(r / (1 + r)) + np.log(1 / (1 + others)).mean(1),
    }


def by_batches(information, k, rng):
    """Expectations that concern a batch: log mean r, over pairs that share their x and y."""
    rho, rows, logs, clipped = rho_of(information), min(k, ROWS), [], []
    for _ in range(400):
        x = rng.standard_normal((k, DIM))
        y = rho * x + math.sqrt(1 - rho**2) * rng.standard_normal((k, DIM))
        # log p(y | x) − log p(y), as squared distances.
        apart = ((y - rho * x[:rows, None]) ** 2).sum(-1) / (1 - rho**2)
        r = np.exp(information - apart / 2 + (y**2).sum(1) / 2)[~np.eye(rows, k, dtype=bool)]
        logs.append(np.log(r.mean()))
        clipped.append(np.log(np.clip(r, np.exp(-1), np.exp(1)).mean()))
    return {
        "dv": information - np.array(logs),
        "dv − plug-in": -np.array(logs),
        "smile": information - np.array(clipped),
    }


@every_setting
@pytest.mark.slow
def test_each_bound_has_the_mean_it_should_and_lies_on_its_side(information, k):
    means, errors = measured(information, k)
    truth, truth_errors = expected(information, k)
    assert means.keys() == truth.keys()
    wrong = {
        name: (means[name], truth[name], math.hypot(errors[name], truth_errors[name]))
        for name in means
        if abs(means[name] - truth[name]) > 4 * math.hypot(errors[name], truth_errors[name])
    }
    assert not wrong
    for name in means:
        entry = BOUNDS.get(name.split(",")[0])  # "ba, q too wide" is one of "ba"
        if entry is not None and entry.kind == "lower bound" and entry.any_batch:
            assert means[name] < information + 4 * errors[name], name
        if entry is not None and entry.kind == "upper bound":
            assert means[name] > information - 4 * errors[name], name


def test_every_bound_that_holds_at_any_batch_size_is_among_them():
    named = {name.split(",")[0] for name in measured(0.5, 16)[0]}
    assert named >= {
        name
        for name, entry in BOUNDS.items()
        if entry.kind != "neither" and entry.any_batch and entry.value is entry.objective
    }


def test_donsker_varadhan_lies_too_high_on_small_batches():
    # Jensen: E[log mean r] < log E[r] = 0. The gap closes as the batch grows.
    (small, _), (large, error) = measured(5.0, 16), measured(5.0, 64)
    name = "dv − plug-in"
    assert small[name] > 0.3
    assert small[name] > large[name] > 4 * error[name]


def test_infonce_stops_at_its_ceiling_on_strong_dependence():
    means, _ = measured(5.0, 16)
    for name in ("infonce", "structured-infonce"):
        assert math.log(16) - 0.3 < means[name] < math.log(16)


def test_interpolated_exceeds_log_k_over_alpha_but_not_by_one():
    # The ceiling is 1 + log(K / α), not log(K / α), and the best critic shows it. K = 15 here.
    value = measured(5.0, 16)[0]["interpolated, α = 0.5"]
    assert math.log(15 / 0.5) + 0.1 < value < math.log(15 / 0.5) + 1


def test_a_small_alpha_trades_bias_for_variance():
    means, errors = measured(5.0, 64)
    mild, bold = "interpolated, α = 0.5", "interpolated, α = 0.01"
    assert means["infonce"] < means[mild] < means[bold] < 5
    assert errors[mild] < errors[bold] < errors["nwj"]
