"""Entropy, divergence, total correlation: closed forms, and errors against repeats."""

import math

import numpy as np
import pytest

import mineral
from mineral import divergence, entropy, total_correlation
from mineral.errors import InputError, OptionError

REPEATS = 40
HALF = math.log(2 * math.pi * math.e) / 2  # the entropy of a standard normal


def repeated(measure, truth, *, bias=0.0):
    """The mean over repeats is the truth, and the spread what the standard errors say."""
    found = [measure(np.random.default_rng(seed)) for seed in range(REPEATS)]
    values = np.array([each.value for each in found])
    said = np.mean([each.stderr for each in found])
    assert values.mean() == pytest.approx(truth, abs=4 * values.std() / math.sqrt(REPEATS) + bias)
    # The spread of 40 is known to 11 %, and a standard error may be generous.
    assert 0.65 * values.std() < said < 1.8 * values.std()


@pytest.mark.parametrize("dim", [1, 3])
def test_the_entropy_of_a_normal(dim):
    def samples(rng):
        return 5 * rng.standard_normal((400, dim))

    truth = dim * (HALF + math.log(5))
    repeated(lambda rng: entropy(samples(rng), estimator="gaussian"), truth)
    # Neighbours take the density for constant within reach.
    repeated(lambda rng: entropy(samples(rng)), truth, bias=0.03 * dim)


def test_the_gaussian_entropy_is_unbiased_with_a_dozen_rows():
    # E log |S| has a closed form: nothing is left to the number of rows.
    values = [
        entropy(np.random.default_rng(i).standard_normal((12, 4)), estimator="gaussian").value
        for i in range(2000)
    ]
    assert np.mean(values) == pytest.approx(4 * HALF, abs=4 * np.std(values) / math.sqrt(2000))


def test_the_entropy_of_an_exponential():
    repeated(lambda rng: entropy(rng.exponential(2, size=400)), 1 + math.log(2))


def test_entropy_moves_with_units_and_rotations_as_it_must():
    x = np.random.default_rng(0).standard_normal((300, 2)) ** 3
    mixed = x @ np.array([[2.0, 1.0], [0.0, 3.0]])
    for kind in ("neighbours", "gaussian"):
        scaled = entropy(x * [1e9, 1e-9], estimator=kind).value
        assert scaled == pytest.approx(entropy(x, estimator=kind).value, abs=1e-9)
    moved = entropy(mixed, estimator="gaussian").value - entropy(x, estimator="gaussian").value
    assert moved == pytest.approx(math.log(6), abs=1e-9)


def test_the_entropy_of_symbols():
    weights = [0.7, 0.1, 0.1, 0.1]
    truth = -sum(p * math.log(p) for p in weights)
    repeated(lambda rng: entropy(rng.choice(4, 300, p=weights), estimator="discrete"), truth)
    repeated(lambda rng: entropy(rng.integers(0, 8, 500), estimator="discrete"), math.log(8))


@pytest.mark.parametrize("kind", ["neighbours", "gaussian"])
@pytest.mark.parametrize(("n", "m"), [(400, 400), (900, 200)])
def test_the_divergence_of_two_normals(kind, n, m):
    def measure(rng):
        p, q = rng.standard_normal((n, 2)), 0.5 + 1.5 * rng.standard_normal((m, 2))
        return divergence(p, q, estimator=kind)

    truth = 2 * (math.log(1.5) + (1 + 0.25) / (2 * 2.25) - 0.5)
    repeated(measure, truth, bias=0.03 if kind == "neighbours" else 0)


@pytest.mark.slow
def test_the_gaussian_divergence_is_unbiased_with_a_dozen_rows():
    def measure(rng):
        p, q = rng.standard_normal((12, 3)), rng.standard_normal((15, 3))
        q[:, 0] += 1
        return divergence(p, q, estimator="gaussian").value

    values = [measure(np.random.default_rng(i)) for i in range(1500)]
    assert np.mean(values) == pytest.approx(0.5, abs=4 * np.std(values) / math.sqrt(1500))


def test_divergence_is_that_of_p_from_q_and_does_not_depend_on_units():
    rng = np.random.default_rng(0)
    p, q = rng.standard_normal((800, 1)), 3 * rng.standard_normal((800, 1))
    for kind in ("neighbours", "gaussian"):
        there, back = divergence(p, q, estimator=kind), divergence(q, p, estimator=kind)
        assert there.value < 1 < back.value  # 0.65 and 2.9
        scaled = divergence(p * 1e9 + 1, q * 1e9 + 1, estimator=kind)
        assert scaled.value == pytest.approx(there.value, abs=1e-6)


@pytest.mark.parametrize("estimator", ["gaussian", "copula", "ksg", mineral.KSG(k=5)])
def test_total_correlation_by_the_chain_rule(estimator):
    correlation = np.array([[1, 0.5, 0.2], [0.5, 1, 0.5], [0.2, 0.5, 1]])
    mix = np.linalg.cholesky(correlation).T
    x = np.random.default_rng(0).standard_normal((2000, 3)) @ mix
    found = total_correlation(x, estimator=estimator)
    truth = -np.linalg.slogdet(correlation)[1] / 2
    assert abs(found.value - truth) < 4 * found.stderr
    assert found.stderr < 0.06
    two = total_correlation(x[:, :2], estimator=estimator)
    assert two.value == mineral.estimate(x[:, 1], x[:, 0], estimator=estimator).value


def test_total_correlation_passes_the_doubts_on_once():
    x = np.round(np.random.default_rng(0).standard_normal((300, 3)))
    codes = [w.code for w in total_correlation(x, estimator="copula").warnings]
    assert codes.count("ties") == 1


def test_units_confidence_and_print():
    x = np.random.default_rng(0).standard_normal((300, 2))
    nats, bits = entropy(x), entropy(x, unit="bits", confidence=0.5)
    assert bits.value * math.log(2) == pytest.approx(nats.value)
    assert bits.stderr * math.log(2) == pytest.approx(nats.stderr)
    low, high = nats.interval
    assert high - low == pytest.approx(2 * 1.959964 * nats.stderr)
    assert (bits.interval[1] - bits.value) == pytest.approx(0.6744898 * bits.stderr)
    assert str(bits).startswith(f"H(X) = {bits.value:.4g} bits, 50% interval [")
    assert float(nats) == nats.value and nats.n == (300,) and nats.dim == 2


BAD = [
    (lambda x: entropy(x, estimator="kde"), OptionError, "`estimator` must be one of neighbours"),
    (lambda x: entropy(x, unit="hartleys"), OptionError, "`unit`"),
    (lambda x: entropy(x, confidence=1), OptionError, "`confidence`"),
    (lambda x: entropy(x[:39]), InputError, "`x` needs at least 40 rows"),
    (lambda x: entropy(np.round(x)), InputError, "estimator='discrete'"),
    (lambda x: entropy(np.where(x > 0, x, np.nan)), InputError, "`x` has a missing value"),
    (lambda x: entropy(np.ones(50)), InputError, "constant"),
    (lambda x: entropy(x[:3], estimator="gaussian"), InputError, "at least 4 rows"),
    (lambda x: entropy(np.c_[x, x], estimator="gaussian"), InputError, "linearly dependent"),
    (lambda x: divergence(x, x[:, :1]), InputError, "the same number of columns: got 2 and 1"),
    (lambda x: divergence(x, x[:4], estimator="gaussian"), InputError, "at least 5 rows"),
    (lambda x: divergence(x, x[:4]), InputError, "`q` needs at least 40 rows"),
    (lambda x: total_correlation(x[:, 0]), InputError, "at least 2 columns"),
    (lambda x: total_correlation(x, estimator="magic"), OptionError, "unknown"),
    (lambda x: entropy(x, k=0), OptionError, "`k` must be a whole number"),
    (lambda x: entropy(x, given=x[:5]), InputError, "paired row by row"),
    (lambda x: entropy(["a", "b"] * 50, estimator="neighbours"), InputError, "columns of text"),
    (lambda x: mineral.o_information(x), InputError, "at least 3 columns"),
    (lambda x: mineral.dual_total_correlation(x, estimator="mine"), OptionError, "got 'mine'"),
    (lambda x: mineral.dual_total_correlation(x, estimator="strata"), OptionError, "with and"),
]


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_what_cannot_be_measured_is_refused(call, error, message):
    x = np.random.default_rng(0).standard_normal((100, 2))
    with pytest.raises(error, match=message):
        call(x)


@pytest.mark.slow
def test_the_conditional_entropy_of_a_normal():
    # X = Z₁ + Z₂ + noise of standard deviation ½: given Z, the noise remains.
    def measured(rng, **options):
        z, noise = rng.standard_normal((400, 2)), rng.standard_normal(400)
        return entropy(z.sum(axis=1) + noise / 2, given=z, **options)

    truth = HALF - math.log(2)
    repeated(lambda rng: measured(rng, estimator="gaussian"), truth)
    repeated(lambda rng: measured(rng), truth, bias=0.15)  # distances in Z blur the curve
    assert measured(np.random.default_rng(0)).symbol == "H(X | Z)"


def test_the_gaussian_conditional_entropy_is_unbiased_with_a_dozen_rows():
    def value(rng):
        z = rng.standard_normal((12, 3))
        return entropy(z[:, 0] + rng.standard_normal(12), given=z, estimator="gaussian").value

    values = [value(np.random.default_rng(i)) for i in range(1500)]
    assert np.mean(values) == pytest.approx(HALF, abs=4 * np.std(values) / math.sqrt(1500))


def test_the_entropy_of_words_does_not_depend_on_their_spelling():
    rng = np.random.default_rng(0)
    codes, place = rng.integers(0, 4, 600), rng.integers(0, 2, 600)
    found = entropy(np.array(["d", "b", "c", "a"])[codes])
    assert found.estimator == "discrete"
    assert found.value == pytest.approx(entropy(codes, estimator="discrete").value, abs=1e-12)
    # Half of the rows show the word by the place, the others nothing about it.
    words = np.where(place == 1, "same", np.array(["d", "b", "c", "a"])[codes])
    truth = math.log(4) / 2
    given = entropy(words, given=np.array(["here", "there"])[place])
    assert abs(given.value - truth) < 4 * given.stderr
    # A density given words: what remains within each of them.
    y = codes * 10 + rng.standard_normal(600)
    assert abs(entropy(y, given=np.array(list("dbca"))[codes]).value - HALF) < 0.15


def test_more_neighbours_vary_less():
    def spread(k):
        draws = [np.random.default_rng(i).standard_normal(200) for i in range(60)]
        return np.std([entropy(draw, k=k).value for draw in draws])

    assert spread(10) < spread(1)


EQUICORRELATED = [(3, 0.34657, 0.26162), (6, 1.10649, 0.51050)]  # correlation ½: TC and DTC


@pytest.mark.parametrize(("d", "total", "dual"), EQUICORRELATED)
def test_columns_that_share_one_cause_are_redundant(d, total, dual):
    x = np.random.default_rng(0).standard_normal((4000, d))
    x += np.random.default_rng(1).standard_normal((4000, 1))
    for measure, truth in (
        (total_correlation, total),
        (mineral.dual_total_correlation, dual),
        (mineral.o_information, total - dual),
    ):
        found = measure(x)
        assert abs(found.value - truth) < 3 * found.stderr < 0.5


@pytest.mark.parametrize("estimator", ["ksg", "copula", mineral.PartialCopula()])
def test_a_sum_is_synergy(estimator):
    x, y, noise = np.random.default_rng(0).standard_normal((3, 2000))
    z = x + y + noise / 2
    found = mineral.interaction_information(x, y, z, estimator=estimator)
    assert abs(found.value - 0.51083) < 0.06  # I(X; Y) is 0
    omega = mineral.o_information(np.stack([x, y, z], axis=1), estimator=estimator)
    assert abs(omega.value + 0.51083) < 0.1


def test_exact_values_of_bits():
    # x, y and x xor y, each of the four rows equally often: a table with exact shares.
    x, y = (np.tile(bits, 500) for bits in ([0, 0, 1, 1], [0, 1, 0, 1]))
    z = np.stack([x, y, x ^ y], axis=1)
    options = {"estimator": "discrete", "unit": "bits"}
    for measure, truth in (
        (total_correlation, 1),
        (mineral.dual_total_correlation, 2),
        (mineral.o_information, -1),
    ):
        assert measure(z, **options).value == pytest.approx(truth, abs=0.01)
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        found = mineral.interaction_information(*z.T[order], **options)
        assert found.value == pytest.approx(1, abs=0.01)
        assert found.symbol == "I(X; Y | Z) − I(X; Y)"


def test_two_columns_have_one_information():
    x = np.random.default_rng(0).standard_normal((500, 2))
    x[:, 1] += x[:, 0]
    assert mineral.dual_total_correlation(x).value == total_correlation(x).value
