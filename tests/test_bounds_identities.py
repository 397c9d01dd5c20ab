"""Bounds against their definitions, and against each other where one is a case of another."""

import math

import pytest
import torch

from mineral import bounds
from mineral.basics.numerics import off_diagonal
from mineral.critics import split_scores
from mineral.errors import OptionError


@pytest.fixture(params=range(3))
def scores(request):
    """Scores of an arbitrary critic on a batch of 6 pairs."""
    generator = torch.Generator().manual_seed(request.param)
    return torch.randn(6, 6, generator=generator, dtype=torch.float64)


def on_pairs(bound):
    """A bound of joint and product scores, on the matrix."""
    return lambda scores: bound(*split_scores(scores))


def test_tuba_with_a_constant_baseline_is_nwj(scores):
    ones = torch.ones(6, dtype=torch.float64)
    torch.testing.assert_close(bounds.tuba(scores, ones), bounds.nwj(*split_scores(scores)))
    torch.testing.assert_close(
        bounds.tuba(scores, 0 * ones), bounds.shifted_nwj(*split_scores(scores))
    )


def test_nwj_and_its_shift_by_their_formulas(scores):
    joint, product = split_scores(scores)
    torch.testing.assert_close(
        bounds.nwj(joint, product), joint.mean() - (product - 1).exp().mean()
    )
    torch.testing.assert_close(
        bounds.shifted_nwj(joint, product), 1 + joint.mean() - product.exp().mean()
    )


def test_a_baseline_goes_with_y(scores):
    # Minus a function of y in the baseline is minus it in the critic, down each column.
    log_a = torch.arange(6).double() / 3
    shifted = scores - log_a[None, :] + 1
    torch.testing.assert_close(bounds.tuba(scores, log_a), bounds.nwj(*split_scores(shifted)))
    on_the_wrong_axis = scores - log_a[:, None] + 1
    wrong = bounds.nwj(*split_scores(on_the_wrong_axis))
    assert not torch.isclose(bounds.tuba(scores, log_a), wrong, rtol=0.05)


def test_interpolated_without_a_share_of_the_batch_is_nwj_or_tuba(scores):
    ones = torch.ones(6, dtype=torch.float64)
    nwj = bounds.nwj(*split_scores(scores))
    torch.testing.assert_close(bounds.interpolated(scores, ones, alpha=0.0), nwj)
    torch.testing.assert_close(
        bounds.interpolated(scores, ones, alpha=1e-9), nwj, rtol=1e-6, atol=1e-6
    )
    log_q = torch.linspace(-1, 1, 6).double()
    torch.testing.assert_close(
        bounds.interpolated(scores, log_q, alpha=0.0), bounds.tuba(scores, log_q)
    )


def test_interpolated_is_close_to_nwj_unless_told_otherwise(scores):
    ones = torch.ones(6, dtype=torch.float64)
    value = bounds.interpolated(scores, ones)
    assert torch.equal(value, bounds.interpolated(scores, ones, alpha=0.01))


def test_interpolated_with_nothing_but_the_batch_is_infonce_over_x(scores):
    # One pair left out in turn; y fixed, so columns: the transpose of what `infonce` looks at.
    expected = []
    for j in range(6):
        rest = [i for i in range(6) if i != j]
        expected.append(bounds.infonce(*split_scores(scores[rest][:, rest].T)))
    for log_q in (torch.ones(6), torch.linspace(-9, 9, 6)):
        value = bounds.interpolated(scores, log_q.double(), alpha=1.0)
        torch.testing.assert_close(value, torch.stack(expected).mean())


@pytest.mark.parametrize("alpha", [0.0, 0.2, 0.7, 1.0])
def test_interpolated_against_its_definition(scores, alpha):
    n, log_q = 6, torch.linspace(-1, 2, 6).double()

    def baseline(y, left_out):
        mean = sum(float(scores[x, y].exp()) for x in range(n) if x != left_out) / (n - 1)
        return alpha * mean + (1 - alpha) * float(log_q[y].exp())

    total = 0.0
    for j in range(n):
        for i in range(n):
            if i != j:
                total += float(scores[i, i]) - math.log(baseline(i, j))
                total -= float(scores[i, j].exp()) / baseline(j, j)
    expected = 1 + total / n / (n - 1)
    value = bounds.interpolated(scores, log_q, alpha=alpha)
    assert float(value) == pytest.approx(expected, rel=1e-12)


def test_each_bound_ignores_what_it_says_it_ignores(scores):
    of_x = torch.linspace(-2, 2, 6).double()[:, None]
    of_y = of_x.T
    infonce = on_pairs(bounds.infonce)
    torch.testing.assert_close(infonce(scores + of_x), infonce(scores))
    assert abs(infonce(scores + of_y) - infonce(scores)) > 0.01
    for bound in (bounds.structured_infonce, bounds.leave_one_out_upper):
        torch.testing.assert_close(bound(scores + of_y), bound(scores))
        assert abs(bound(scores + of_x) - bound(scores)) > 0.01
    flo = bounds.flo(*split_scores(scores + of_x), of_x[:, 0])
    torch.testing.assert_close(flo, bounds.flo(*split_scores(scores), of_x[:, 0]))
    dv = on_pairs(bounds.donsker_varadhan)
    torch.testing.assert_close(dv(scores + 7), dv(scores))
    assert abs(dv(scores + of_x) - dv(scores)) > 0.01
    log_q = torch.linspace(-1, 2, 6).double()
    torch.testing.assert_close(
        bounds.interpolated(scores + of_y, log_q + of_y[0], alpha=0.3),
        bounds.interpolated(scores, log_q, alpha=0.3),
    )


def test_structured_bounds_are_general_ones_with_the_known_critic(scores):
    log_q = torch.linspace(-1, 1, 6).double()
    critic = bounds.structured_critic(scores, log_q)
    assert float(critic[2, 4]) == pytest.approx(1 + float(scores[2, 4] - log_q[4]))
    for expected in (bounds.nwj(*split_scores(critic)), bounds.tuba(scores, log_q)):
        torch.testing.assert_close(bounds.structured_nwj(scores, log_q), expected)
    torch.testing.assert_close(
        bounds.structured_infonce(scores), bounds.infonce(*split_scores(scores.T))
    )


def test_the_leave_one_out_bound_leaves_out_its_own_pair(scores):
    by_hand = [
        scores[i, i] - torch.stack([scores[j, i].exp() for j in range(6) if j != i]).mean().log()
        for i in range(6)
    ]
    torch.testing.assert_close(bounds.leave_one_out_upper(scores), torch.stack(by_hand).mean())
    # With the diagonal it is the lower bound, and lies below for any scores whose diagonal leads.
    leading = scores + 5 * torch.eye(6).double()
    assert bounds.structured_infonce(leading) < bounds.leave_one_out_upper(leading)


def test_flo_against_its_definition_and_at_its_best_u(scores):
    joint, product = split_scores(scores)
    u = torch.linspace(-1, 1, 6).double()
    terms = 1 - u - (product - joint[:, None] - u[:, None]).exp().mean(1)
    torch.testing.assert_close(bounds.flo(joint, product, u), terms.mean())
    best = product.logsumexp(1) - math.log(5) - joint
    log_z_of_x = product.logsumexp(1) - math.log(5)
    torch.testing.assert_close(bounds.flo(joint, product, best), (joint - log_z_of_x).mean())


def test_smile_without_clipping_is_donsker_varadhan(scores):
    joint, product = split_scores(scores)
    dv = bounds.donsker_varadhan(joint, product)
    assert torch.equal(bounds.smile(joint, product, tau=math.inf), dv)
    torch.testing.assert_close(bounds.resmile(joint, product, tau=math.inf), dv)


def test_smile_clips_product_scores_on_both_sides_and_joint_scores_on_none():
    joint = torch.tensor([30.0])
    far, edge = torch.tensor([[-80.0, 80.0]]), torch.tensor([[-5.0, 5.0]])
    assert torch.equal(bounds.smile(joint, far, tau=5.0), bounds.smile(joint, edge, tau=5.0))
    assert torch.equal(bounds.smile(joint, far), bounds.smile(joint, edge))
    assert float(bounds.smile(joint, torch.zeros(1, 1), tau=1.0)) == 30


def test_club_compares_likelihoods_of_joint_and_of_other_pairs(scores):
    joint, product = split_scores(scores)
    torch.testing.assert_close(bounds.club(joint, product), joint.mean() - product.mean())
    shift = [float(scores[i, i] - scores[i, (i + 1) % 6]) for i in range(6)]
    value = bounds.club_sampled(joint, product)
    assert float(value) == pytest.approx(sum(shift) / 6)  # six different partners
    torch.testing.assert_close(
        bounds.club_sampled(joint, product[:, :1]), bounds.club(joint, product[:, :1])
    )


def test_jensen_shannon_is_a_log_likelihood(scores):
    joint, product = split_scores(scores)
    by_hand = joint.sigmoid().log().mean() + (1 - product.sigmoid()).log().mean()
    torch.testing.assert_close(bounds.jensen_shannon(joint, product), by_hand)
    torch.testing.assert_close(bounds.gan_divergence(joint, product), by_hand + math.log(4))


def test_the_anchor_objective_with_one_partner_is_jensen_shannon(scores):
    joint, product = split_scores(scores)
    value = bounds.infonce_anchor(joint, product[:, :1], nu=1.0)
    torch.testing.assert_close(2 * value, bounds.jensen_shannon(joint, product[:, :1]))


def test_the_anchor_objective_against_its_definition(scores):
    joint, product = split_scores(scores)
    nu, m = 2.5, 5
    total = 0.0
    for i in range(6):
        r, others = float(joint[i].exp()), product[i].exp().tolist()
        for k in range(m):
            total += math.log(r / (nu + r + sum(others) - others[k])) / 6
        total += nu * math.log(nu / (nu + sum(others))) / 6
    value = bounds.infonce_anchor(joint, product, nu=nu)
    assert float(value) == pytest.approx(total / (m + nu), rel=1e-12)


def test_the_anchor_objective_tends_to_infonce_as_the_anchor_vanishes(scores):
    # K = m there and m + 1 here: drop one product sample, after each in turn, to compare.
    joint, product = split_scores(scores)
    expected = torch.stack(
        [bounds.infonce(joint, product[:, [k for k in range(5) if k != out]]) for out in range(5)]
    ).mean() - math.log(5)
    value = bounds.infonce_anchor(joint, product, nu=1e-12)
    torch.testing.assert_close(value, expected)


def test_micro_averages_pool_scores_and_macro_averages_pool_values(scores):
    halves = [split_scores(scores), split_scores(scores + 3)]
    pooled = (
        torch.cat([halves[0][0], halves[1][0]]),
        torch.cat([halves[0][1], halves[1][1]]),
    )
    dv = bounds.donsker_varadhan
    torch.testing.assert_close(bounds.micro_average(dv, halves), dv(*pooled))
    torch.testing.assert_close(bounds.macro_average(dv, halves), dv(*halves[0]))  # the same twice
    assert bounds.micro_average(dv, halves) < bounds.macro_average(dv, halves)  # for it drifted
    nwj = bounds.nwj  # without a logarithm there is no difference
    torch.testing.assert_close(bounds.micro_average(nwj, halves), bounds.macro_average(nwj, halves))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda j, p: bounds.smile(j, p, tau=0.0), "`tau`"),
        (lambda j, p: bounds.infonce_anchor(j, p, nu=0.0), "`nu`"),
        (lambda j, p: bounds.interpolated(p, j, alpha=1.5), "`alpha`"),
        (lambda j, p: bounds.interpolated(p, j, alpha=-0.1), "`alpha`"),
    ],
)
def test_options_out_of_range_are_named(call, name):
    with pytest.raises(OptionError, match=name):
        call(torch.zeros(3), torch.zeros(3, 3))


def test_off_diagonal_agrees_with_split_scores(scores):
    assert torch.equal(off_diagonal(scores), split_scores(scores)[1])
