"""Formulas used in more than one place, against what they mean."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mineral.basics.numerics import (
    leave_one_out_logmeanexp,
    logmeanexp,
    off_diagonal,
    tangent_exp,
)

scores = st.lists(st.floats(-30, 30), min_size=1, max_size=20)


@given(scores)
def test_logmeanexp_is_the_logarithm_of_the_mean_exponential(values):
    values = torch.tensor(values, dtype=torch.float64)
    torch.testing.assert_close(logmeanexp(values), values.exp().mean().log())


def test_logmeanexp_over_one_axis_keeps_the_others_and_over_none_takes_all():
    values = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0)).double()
    for dim in (0, 1, 2, -1):  # the first axis too: `if dim:` would take 0 for none
        torch.testing.assert_close(logmeanexp(values, dim=dim), values.exp().mean(dim=dim).log())
    torch.testing.assert_close(logmeanexp(values), values.exp().mean().log())


@pytest.mark.parametrize("size", [1e4, -1e4, 1e30])
def test_logmeanexp_neither_overflows_nor_underflows(size):
    values = torch.tensor([size, size])
    assert logmeanexp(values) == size
    assert logmeanexp(torch.tensor([-1e4, 1e4])) == pytest.approx(1e4 - math.log(2))


def test_logmeanexp_of_one_value_is_the_value_and_of_nothing_possible_minus_infinity():
    assert logmeanexp(torch.tensor([0.3])) == torch.tensor(0.3)
    assert logmeanexp(torch.full((3,), -torch.inf)) == -torch.inf


def test_the_gradient_of_logmeanexp_is_the_softmax():
    values = torch.tensor([1.0, -2.0, 1e4, 1e4 - 1], requires_grad=True)
    logmeanexp(values).backward()
    expected = torch.softmax(values.detach(), dim=0)
    # Next to 1e4, floats of 32 bits are 0.001 apart: the gradient is right to that.
    torch.testing.assert_close(values.grad, expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("dim", [0, 1])
def test_leaving_one_out_is_logmeanexp_of_the_others(dim):
    values = 5 * torch.randn(4, 6, generator=torch.Generator().manual_seed(0)).double()
    left = leave_one_out_logmeanexp(values, dim)
    for i in range(values.shape[dim]):
        others = [j for j in range(values.shape[dim]) if j != i]
        kept = values.index_select(dim, torch.tensor(others))
        torch.testing.assert_close(left.select(dim, i), logmeanexp(kept, dim=dim))


def test_tangent_exp_is_exp_below_its_limit_and_convex_and_finite_above():
    values = torch.linspace(-50, 40, 200, dtype=torch.float64)
    torch.testing.assert_close(tangent_exp(values), values.exp())
    far = torch.tensor([44.0, 45.0, 1e2, 1e4, 1e18], requires_grad=True)
    continued = tangent_exp(far)
    continued.sum().backward()
    assert torch.isfinite(continued).all() and torch.isfinite(far.grad).all()
    assert (continued.diff() > 0).all() and (far.grad.diff() >= 0).all()


def test_off_diagonal_is_each_row_without_its_own_entry():
    for n in (2, 3, 7):
        matrix = torch.arange(float(n * n)).view(n, n)
        expected = [[matrix[i, j] for j in range(n) if j != i] for i in range(n)]
        assert off_diagonal(matrix).tolist() == expected
        assert off_diagonal(matrix.T).tolist() == [
            [matrix[j, i] for j in range(n) if j != i] for i in range(n)
        ]
