"""Inequalities and identities that hold exactly: no samples, no tolerance but rounding.

On a finite alphabet expectations are sums. X and Y take few values, with probabilities of counts
over N, so that N equally likely pairs stand for p, and all N × N combinations for q = p(x) p(y).
All N^n batches of n pairs give the expectation of a bound at batch size n, biases included.
"""

import itertools
import math

import pytest
import torch

from mineral import bounds
from mineral.critics import split_scores

COUNTS = torch.tensor([[2, 1], [1, 3]])
PAIRS = [(x, y) for x in range(2) for y in range(2) for _ in range(int(COUNTS[x, y]))]
X, Y = (torch.tensor(column) for column in zip(*PAIRS, strict=True))
P = COUNTS.double() / len(PAIRS)
PX, PY = P.sum(1), P.sum(0)
PMI = torch.log(P / (PX[:, None] * PY))
TRUTH = float((P * PMI).sum())
CONDITIONAL = torch.log(P / PX[:, None])  # log p(y | x)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """The tensors are small and tests run side by side: more threads would wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def tables(count, *, scale=2.0, shape=(2, 2), seed=0):
    """Arbitrary critics: any table of f(x, y)."""
    generator = torch.Generator().manual_seed(seed)
    return [
        scale * torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(count)
    ]


def population(f):
    """Joint and product scores with the weights of p and q: averages over them are expectations."""
    return f[X, Y], f[X][:, Y]


def expectation(bound, f, *per_y, n=3):
    """E[bound] over all batches of n pairs; `per_y` are tables of what belongs to y alone."""
    batches = itertools.product(range(len(PAIRS)), repeat=n)
    values = []
    for batch in batches:
        x, y = X[list(batch)], Y[list(batch)]
        values.append(bound(f[x][:, y], *(table[y] for table in per_y)))
    return float(torch.stack(values).mean())


def on_pairs(bound, **options):
    """A bound of joint and product scores, on the matrix."""
    return lambda scores: bound(*split_scores(scores), **options)


def normalized(log_density, axis):
    return log_density - log_density.logsumexp(axis, keepdim=True)


# --- Population inequalities ----------------------------------------------------------------------


def test_no_critic_exceeds_the_mutual_information():
    entropy = -(PX * PX.log()).sum()
    for f, other in zip(tables(50), tables(50, seed=1), strict=True):
        joint, product = population(f)
        log_z = (PX[:, None] * f.exp()).sum(0).log()
        lower = {
            "uba": bounds.unnormalized_barber_agakov(joint, log_z[Y]),
            "ba": bounds.barber_agakov(normalized(f, 0)[X, Y], entropy),
            "dv": bounds.donsker_varadhan(joint, product),
            "nwj": bounds.nwj(joint, product),
            "shifted": bounds.shifted_nwj(joint, product),
            "flo": bounds.flo(joint, product, other[X, Y]),
        }
        for name, value in lower.items():
            assert value <= TRUTH + 1e-12, name
        rate = bounds.variational_upper(CONDITIONAL[X, Y], normalized(f[0], 0)[Y])
        assert rate >= TRUTH - 1e-12


def test_bounds_are_tight_at_the_best_critic():
    joint, product = population(PMI)
    log_x_given_y = torch.log(P / PY)
    of_x, of_y = torch.tensor([0.7, -1.1]).double(), torch.tensor([-0.4, 2.0]).double()
    entropy = -(PX * PX.log()).sum()
    best = [
        bounds.barber_agakov(log_x_given_y[X, Y], entropy),
        bounds.unnormalized_barber_agakov(joint + of_y[Y], of_y[Y]),
        bounds.donsker_varadhan(joint + 3, product + 3),
        bounds.nwj(joint + 1, product + 1),
        bounds.shifted_nwj(joint, product),
        bounds.flo(joint + of_x[X], product + of_x[X][:, None], -joint),
        bounds.variational_upper(CONDITIONAL[X, Y], PY.log()[Y]),
        bounds.plug_in(joint, product),
    ]
    for value in best:
        assert float(value) == pytest.approx(TRUTH, abs=1e-12)


def test_donsker_varadhan_is_tighter_than_nwj_for_any_critic_of_any_size():
    # Also where exp is continued by its tangent: the continuation leaves NWJ a lower bound.
    for scale in (1.0, 30.0, 1e4, 1e8):
        for f in tables(20, scale=scale):
            joint, product = population(f)
            slack = 1e-12 * scale
            assert bounds.nwj(joint, product) <= bounds.donsker_varadhan(joint, product) + slack
            assert bounds.donsker_varadhan(joint, product) <= TRUTH + slack
            assert bounds.flo(joint, product, f[Y, X]) <= TRUTH + slack


def test_jensen_shannon_evaluated_by_nwj_has_no_offset():
    # The published slip puts V itself into NWJ, and loses 1/e at V = log p / q.
    joint, product = population(PMI)
    assert float(bounds.shifted_nwj(joint, product)) == pytest.approx(TRUTH, abs=1e-12)
    assert float(bounds.nwj(joint, product)) == pytest.approx(TRUTH - 1 / math.e, abs=1e-12)


# --- At any batch size ----------------------------------------------------------------------------

SMALL = [2, 3]


@pytest.mark.slow
@pytest.mark.parametrize("n", SMALL)
@pytest.mark.parametrize("best", [False, True])
def test_lower_bounds_hold_at_any_batch_size(n, best):
    critics = [PMI] if best else tables(2)
    for f in critics:
        of_y = f[0]
        lower = {
            "nwj": expectation(on_pairs(bounds.nwj), f + 1, n=n),
            "shifted": expectation(on_pairs(bounds.shifted_nwj), f, n=n),
            "infonce": expectation(on_pairs(bounds.infonce), f, n=n),
            "flo": expectation(
                lambda s, n=n: bounds.flo(*split_scores(s), s.diagonal() / 2), f, n=n
            ),
            "tuba": expectation(bounds.tuba, f, of_y, n=n),
            "structured-infonce": expectation(bounds.structured_infonce, f, n=n),
            "structured-nwj": expectation(bounds.structured_nwj, CONDITIONAL, of_y, n=n),
        }
        for alpha in (0.0, 0.1, 0.9, 1.0):
            # One pair is left out: n pairs are a bound on n − 1 of them, and 1 tells nothing.
            lower[f"interpolated, {alpha}"] = expectation(
                lambda s, q, a=alpha: bounds.interpolated(s, q, alpha=a), f + 1, of_y + 1, n=n
            )
        for name, value in lower.items():
            assert value <= TRUTH + 1e-12, (name, value)


@pytest.mark.parametrize("n", SMALL)
def test_upper_bounds_hold_at_any_batch_size(n):
    assert expectation(bounds.leave_one_out_upper, CONDITIONAL, n=n) >= TRUTH
    # Exact at any size: I + KL(p(x) p(y) ‖ p(x, y)).
    excess = -float((PX[:, None] * PY * PMI).sum())
    for bound in (bounds.club, bounds.club_sampled):
        value = expectation(on_pairs(bound), CONDITIONAL, n=n)
        assert value == pytest.approx(TRUTH + excess, abs=1e-12)
    for q in tables(5, shape=2):
        value = expectation(
            lambda s, log_q: bounds.variational_upper(s.diagonal(), log_q),
            CONDITIONAL,
            normalized(q, 0),
            n=n,
        )
        assert value >= TRUTH - 1e-12


@pytest.mark.parametrize("n", SMALL)
def test_unbiased_bounds_keep_their_population_value_at_any_batch_size(n):
    for f in tables(3):
        joint, product = population(f)
        of_y, u = f[1], f[1, 0] / 3
        pairs = {
            "nwj": (expectation(on_pairs(bounds.nwj), f, n=n), bounds.nwj(joint, product)),
            "tuba": (
                expectation(bounds.tuba, f, of_y, n=n),
                bounds.shifted_nwj(joint - of_y[Y], product - of_y[Y]),
            ),
            "flo": (
                expectation(lambda s, u=u: bounds.flo(*split_scores(s), u * s.diagonal()), f, n=n),
                bounds.flo(joint, product, u * joint),
            ),
            "structured-nwj": (
                expectation(bounds.structured_nwj, CONDITIONAL, of_y, n=n),
                bounds.shifted_nwj((CONDITIONAL - of_y)[X, Y], (CONDITIONAL - of_y)[X][:, Y]),
            ),
        }
        for name, (small, exact) in pairs.items():
            assert small == pytest.approx(float(exact), abs=1e-12), name


def test_a_baseline_on_the_wrong_axis_is_loose():
    # f = pmi + c(y) wants log a = c(y).
    c = torch.tensor([0.0, 3.0]).double()
    assert expectation(bounds.tuba, PMI + c, c) == pytest.approx(TRUTH, abs=1e-12)
    swapped = expectation(lambda scores, log_a: bounds.tuba(scores.T, log_a), PMI + c, c)
    assert swapped < TRUTH - 0.1


def test_donsker_varadhan_exceeds_the_truth_on_small_batches():
    # Jensen, exactly: the best critic, every batch of 2 and of 3 pairs.
    of_2, of_3 = (expectation(on_pairs(bounds.donsker_varadhan), PMI, n=n) for n in (2, 3))
    assert of_2 > of_3 > TRUTH + 0.01


def test_a_learned_conditional_takes_the_upper_bound_from_club():
    # A model closer to independence than to the truth: the formula is the same, the bound is gone.
    reversed_model = normalized(-3 * PMI, 1)
    assert expectation(on_pairs(bounds.club), reversed_model, n=2) < 0 < TRUTH


# --- Ceilings -------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 5, 16])
def test_contrastive_bounds_have_a_ceiling_that_a_perfect_critic_reaches(n):
    perfect = torch.full((n, n), -200.0).fill_diagonal_(200.0)
    assert float(bounds.infonce(*split_scores(perfect))) == pytest.approx(math.log(n))
    assert float(bounds.structured_infonce(perfect)) == pytest.approx(math.log(n))
    one = torch.ones(n)
    for f in [perfect.double(), *tables(20, scale=50.0, shape=(n, n))]:
        assert bounds.infonce(*split_scores(f)) <= math.log(n) + 1e-9
        assert bounds.structured_infonce(f) <= math.log(n) + 1e-9
        assert bounds.interpolated(f, one.double(), alpha=1.0) <= math.log(n - 1) + 1e-9
        for alpha in (0.01, 0.3, 0.9):
            ceiling = 1 + math.log((n - 1) / alpha)
            assert bounds.interpolated(f, one.double(), alpha=alpha) <= ceiling + 1e-9


def test_interpolated_comes_within_nothing_of_one_above_log_k_over_alpha():
    # X = Y with so many values that none repeats in a batch: the first expectation is
    # log(K / α), the second 0. That such a value is below I(X; Y) asks for many values indeed.
    perfect = torch.full((4, 4), -200.0).fill_diagonal_(200.0).double()
    value = bounds.interpolated(perfect, torch.ones(4).double(), alpha=0.5)
    assert float(value) == pytest.approx(1 + math.log(3 / 0.5))


# --- Divergences ----------------------------------------------------------------------------------


def conjugate(phi_prime_inverse, phi, t):
    """φ*(t) = u t − φ(u) at φ'(u) = t."""
    u = phi_prime_inverse(t)
    return u * t - phi(u)


KL = (
    lambda u: u * u.log(),
    lambda u: 1 + u.log(),
    lambda t: (t - 1).exp(),
    0.0,
    bounds.shifted_nwj,
)
GAN = (
    lambda u: u * u.log() - (u + 1) * (u + 1).log(),
    lambda u: (u / (1 + u)).log(),
    lambda t: t.exp() / (1 - t.exp()),
    math.log(4),
    bounds.gan_divergence,
)
HELLINGER = (
    lambda u: (u.sqrt() - 1) ** 2,
    lambda u: 1 - u**-0.5,
    lambda t: (1 - t) ** -2,
    0.0,
    bounds.hellinger_divergence,
)


@pytest.mark.parametrize(
    ("phi", "phi_prime", "inverse", "constant", "objective"),
    [KL, GAN, HELLINGER],
    ids=["KL", "GAN", "Hellinger"],
)
def test_divergence_objectives_follow_from_their_convex_function(
    phi, phi_prime, inverse, constant, objective
):
    divergence = float((PX[:, None] * PY * phi(PMI.exp())).sum()) + constant
    assert float(objective(*population(PMI))) == pytest.approx(divergence, abs=1e-12)
    for f in tables(20):
        joint, product = population(f)
        t_joint, t_product = phi_prime(joint.exp()), phi_prime(product.exp())
        expected = t_joint.mean() - conjugate(inverse, phi, t_product).mean() + constant
        torch.testing.assert_close(objective(joint, product), expected)
        torch.testing.assert_close(inverse(t_joint).log(), joint)  # log (φ*)'(T) is the score
        assert objective(joint, product) <= divergence + 1e-12


@pytest.mark.parametrize(
    "objective",
    [
        bounds.jensen_shannon,
        bounds.gan_divergence,
        bounds.hellinger_divergence,
        bounds.shifted_nwj,
        bounds.rejs,
    ],
)
def test_ratio_objectives_have_their_maximum_at_the_log_ratio(objective):
    f = PMI.clone().requires_grad_()
    value = objective(*population(f))
    (gradient,) = torch.autograd.grad(value, f)
    assert gradient.abs().max() < 1e-12
    assert all(objective(*population(PMI + d)) < value for d in tables(20, scale=0.3))


# --- The anchor -----------------------------------------------------------------------------------


def anchor_population(f, m, nu):
    """The exact expectation: every (x, y) with every m-tuple of partners of x."""
    tuples = torch.cartesian_prod(*[torch.arange(len(PAIRS))] * m).view(-1, m)
    rows = torch.arange(len(PAIRS)).repeat_interleave(len(tuples))
    others = tuples.repeat(len(PAIRS), 1)
    joint, product = f[X[rows], Y[rows]], f[X[rows][:, None], Y[others]]
    return bounds.infonce_anchor(joint, product, nu=nu)


@pytest.mark.parametrize("m", [1, 3])
@pytest.mark.parametrize("nu", [0.3, 2.0])
def test_the_anchor_objective_has_its_maximum_at_the_log_ratio_without_a_constant(m, nu):
    f = PMI.clone().requires_grad_()
    best = anchor_population(f, m, nu)
    (gradient,) = torch.autograd.grad(best, f)
    assert gradient.abs().max() < 1e-12
    for change in tables(10, scale=0.3):
        assert anchor_population(PMI + change, m, nu) < best
        assert anchor_population(PMI + change[:, :1], m, nu) < best  # c(x): InfoNCE ignores it
        assert anchor_population(PMI + change[0, 0], m, nu) < best
