"""The formulas that bounds share, on values that are easy and on values that are not."""

import math

import pytest
import torch

from mineral.basics.numerics import leave_one_out_logmeanexp, logmeanexp, off_diagonal, tangent_exp

LIMITS = {torch.float32: 44.36, torch.float64: 354.89}


@pytest.mark.parametrize("dtype", LIMITS)
def test_tangent_exp_is_exp_up_to_its_limit_and_the_tangent_beyond(dtype):
    limit = math.log(torch.finfo(dtype).max) / 2
    assert limit == pytest.approx(LIMITS[dtype], abs=0.01)
    below = torch.linspace(-100, limit, 500, dtype=dtype)
    torch.testing.assert_close(tangent_exp(below), below.exp())
    for beyond in (limit + 1, 2 * limit, 1e4, 1e18):
        value = tangent_exp(torch.tensor(beyond, dtype=dtype))
        assert float(value) == pytest.approx(math.exp(limit) * (1 + beyond - limit), rel=1e-4)


@pytest.mark.parametrize("dtype", LIMITS)
def test_tangent_exp_is_smooth_convex_and_above_its_tangent_at_zero(dtype):
    v = torch.linspace(-60, 3 * LIMITS[dtype], 4001, dtype=dtype, requires_grad=True)
    value = tangent_exp(v)
    (slope,) = torch.autograd.grad(value.sum(), v)
    assert (slope.diff() >= 0).all() and (slope > 0).all()  # convex, increasing
    assert (value >= 1 + v).all()  # what makes NWJ a lower bound of Donsker–Varadhan
    inside = v.detach() < LIMITS[dtype] - 0.1
    torch.testing.assert_close(slope[inside], v.detach()[inside].exp())
    assert (slope[~inside] < 1.01 * math.exp(LIMITS[dtype])).all()


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("n", [2, 3, 7])
def test_leave_one_out_against_its_definition(dim, n):
    generator = torch.Generator().manual_seed(n)
    values = 5 * torch.randn(n, n, generator=generator, dtype=torch.float64)
    expected = torch.stack(
        [
            logmeanexp(values.index_select(dim, torch.tensor([k for k in range(n) if k != i])), dim)
            for i in range(n)
        ],
        dim=dim,
    )
    torch.testing.assert_close(leave_one_out_logmeanexp(values, dim), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_leaving_out_an_entry_that_outweighs_all_others_cancels_nothing(dtype):
    values = torch.tensor([0.0, 50.0, -1.0, 1e4], dtype=dtype, requires_grad=True)
    others = leave_one_out_logmeanexp(values, 0)
    top = 1e4 - math.log(3)
    torch.testing.assert_close(others[:3], torch.full((3,), top, dtype=dtype))
    assert float(others[3].detach()) == pytest.approx(50 - math.log(3), rel=1e-6)
    others[3].backward()  # the gradient of what is left out is none
    torch.testing.assert_close(values.grad, torch.tensor([0.0, 1.0, 0.0, 0.0], dtype=dtype))


def test_leave_one_out_has_the_right_gradient_also_where_entries_are_equal():
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(4, 3, generator=generator, dtype=torch.float64)
    values[1] = values[0] = values.max()  # two largest in every column
    values.requires_grad_()
    assert torch.autograd.gradcheck(lambda v: leave_one_out_logmeanexp(v, 0), values)


def test_off_diagonal_keeps_the_order_of_each_row():
    matrix = torch.arange(16.0).view(4, 4)
    expected = [[1, 2, 3], [4, 6, 7], [8, 9, 11], [12, 13, 14]]
    assert off_diagonal(matrix).tolist() == expected
    assert off_diagonal(matrix.T).tolist() == [[4, 8, 12], [1, 9, 13], [2, 6, 14], [3, 7, 11]]
