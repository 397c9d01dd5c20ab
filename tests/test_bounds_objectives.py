"""Objectives whose gradient is not that of their value: the moving average, and penalties."""

import math

import pytest
import torch

from mineral import bounds
from mineral.basics.numerics import logmeanexp, off_diagonal
from mineral.bounds import BOUNDS, MovingAverageDV

N, M = 5, 4
SHAPES = {"joint": (N,), "product": (N, M), "scores": (N, N), "log_baseline": (N,)}


def random_inputs(takes, *, scale=1.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [
        (
            scale * torch.randn(SHAPES[name], generator=generator, dtype=torch.float64)
        ).requires_grad_()
        for name in takes
    ]


# --- The moving average ---------------------------------------------------------------------------


def test_the_moving_average_puts_weights_exp_over_n_times_ema_in_the_gradient():
    objective = MovingAverageDV(rate=0.25)
    earlier = random_inputs(("joint", "product"), seed=1)
    joint, product = random_inputs(("joint", "product"), seed=2)
    objective(*earlier)
    objective(joint, product).backward()
    older, newest = (float(p.detach().exp().mean()) for p in (earlier[1], product))
    ema = 0.75 * older + 0.25 * newest
    weights = product.detach().exp() / (N * M * ema)
    torch.testing.assert_close(product.grad, -weights, rtol=1e-5, atol=0)
    torch.testing.assert_close(joint.grad, torch.full((N,), 1 / N, dtype=torch.float64))
    plain = product.detach().softmax(-1)  # not what uncorrected gradients are
    assert (weights - plain / N).abs().max() > 0.01
    assert float(objective.log_ema) == pytest.approx(math.log(ema), rel=1e-6)


def test_the_moving_average_leaves_the_value_alone():
    objective = MovingAverageDV(rate=0.25)
    for seed in range(3):
        joint, product = random_inputs(("joint", "product"), seed=seed)
        dv = bounds.donsker_varadhan(joint, product)
        torch.testing.assert_close(objective(joint, product), dv, rtol=1e-6, atol=1e-6)


def test_the_first_batch_is_plain_donsker_varadhan_and_so_is_evaluation():
    joint, product = random_inputs(("joint", "product"))
    (expected,) = torch.autograd.grad(bounds.donsker_varadhan(joint, product), product)
    objective = MovingAverageDV()
    (first,) = torch.autograd.grad(objective(joint, product), product)
    torch.testing.assert_close(first, expected, rtol=1e-5, atol=1e-8)
    objective(*random_inputs(("joint", "product"), scale=3.0, seed=1))
    state = objective.log_ema.clone()
    objective.eval()
    (evaluated,) = torch.autograd.grad(objective(joint, product), product)
    torch.testing.assert_close(evaluated, expected)
    assert torch.equal(objective.log_ema, state)


def test_the_moving_average_survives_batches_far_apart_and_is_saved():
    objective = MovingAverageDV(rate=0.01)
    for level in (-1e4, 1e4, -1e4, 0.0):
        joint, product = random_inputs(("joint", "product"))
        objective(joint + level, product + level).backward()
        assert product.grad.isfinite().all()
    assert objective.log_ema.isfinite()
    copied = MovingAverageDV()
    copied.load_state_dict(objective.state_dict())
    assert torch.equal(copied.log_ema, objective.log_ema)


# --- Penalties ------------------------------------------------------------------------------------


def penalties():
    """objective, the bound it reports, and log Z as the penalty sees it, of the same inputs."""
    pairs, matrix = ("joint", "product"), ("scores", "log_baseline")
    return {
        "remine": (bounds.remine, bounds.donsker_varadhan, lambda j, p: logmeanexp(p), pairs),
        "renwj": (bounds.renwj, bounds.nwj, lambda j, p: (p - 1).exp().mean().log(), pairs),
        "retuba": (
            bounds.retuba,
            bounds.tuba,
            lambda s, a: off_diagonal(s - a[None, :]).exp().mean().log(),
            matrix,
        ),
        "reinfonce": (
            bounds.reinfonce,
            bounds.infonce,
            lambda j, p: logmeanexp(torch.cat([j[:, None], p], 1), 1).mean(),
            pairs,
        ),
        "rejs": (bounds.rejs, bounds.jensen_shannon, lambda j, p: p.exp().mean().log(), pairs),
        "resmile": (
            lambda j, p, **o: bounds.resmile(j, p, tau=1.0, **o),
            lambda j, p: bounds.smile(j, p, tau=1.0),
            lambda j, p: p.exp().mean().log(),
            pairs,
        ),
    }


every_penalty = pytest.mark.parametrize("name", penalties())


@every_penalty
def test_a_penalty_is_never_in_the_value(name):
    objective, bound, _, takes = penalties()[name]
    inputs = random_inputs(takes)
    for weight in (0.0, 0.1, 100.0):
        torch.testing.assert_close(objective(*inputs, weight=weight), bound(*inputs))


def test_what_is_trained_with_a_penalty_has_the_value_that_is_reported():
    for name in ("mine", "remine", "renwj", "retuba", "reinfonce", "resmile"):
        entry = BOUNDS[name]
        inputs = random_inputs(entry.takes, scale=8.0)
        value = entry.fresh_objective()(*inputs)
        torch.testing.assert_close(value, entry.value(*inputs), rtol=1e-6, atol=1e-6)


@every_penalty
def test_a_penalty_is_in_the_gradient(name):
    objective, bound, log_z, takes = penalties()[name]
    inputs = random_inputs(takes)
    for weight in (0.0, 0.1, 2.0):
        explicit = bound(*inputs) - weight * log_z(*inputs) ** 2
        expected = torch.autograd.grad(explicit, inputs)
        found = torch.autograd.grad(objective(*inputs, weight=weight), inputs)
        for f, e in zip(found, expected, strict=True):
            torch.testing.assert_close(f, e)


@pytest.mark.parametrize("name", ["remine", "reinfonce", "resmile"])
def test_a_target_moves_what_the_penalty_draws_to(name):
    objective, bound, log_z, takes = penalties()[name]
    inputs = random_inputs(takes)
    explicit = bound(*inputs) - 0.7 * (log_z(*inputs) - 2.5) ** 2
    expected = torch.autograd.grad(explicit, inputs)
    value = objective(*inputs, weight=0.7, target=2.5)
    torch.testing.assert_close(value, bound(*inputs))
    for f, e in zip(torch.autograd.grad(value, inputs), expected, strict=True):
        torch.testing.assert_close(f, e)


@pytest.mark.parametrize("objective", [bounds.remine, bounds.reinfonce])
def test_drift_has_the_gradient_of_the_penalty_alone(objective):
    # Along a constant added to the critic the bound is flat, and the slope is −2 λ (log Z − C*).
    joint, product = (v.detach() for v in random_inputs(("joint", "product")))
    drift = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
    value = objective(joint + drift, product + drift, weight=0.3, target=-1.0)
    (slope,) = torch.autograd.grad(value, drift)
    log_z = {
        bounds.remine: logmeanexp(product + 1.5),
        bounds.reinfonce: logmeanexp(torch.cat([joint[:, None], product], 1) + 1.5, 1).mean(),
    }[objective]
    torch.testing.assert_close(slope, -2 * 0.3 * (log_z + 1).detach())


def test_the_penalty_of_nwj_vanishes_where_nwj_is_best():
    # E_q[exp(f − 1)] = 1, not 0, and not E_q[exp f] = 1.
    joint, product = (v.detach() for v in random_inputs(("joint", "product")))
    product = product - logmeanexp(product) + 1
    drift = torch.zeros((), dtype=torch.float64, requires_grad=True)
    for weight in (0.0, 10.0):
        value = bounds.renwj(joint + drift, product + drift, weight=weight)
        (slope,) = torch.autograd.grad(value, drift)
        assert abs(float(slope)) < 1e-12
    scores = torch.randn(4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    log_a = logmeanexp(off_diagonal(scores)).expand(4)
    value = bounds.retuba(scores + drift, log_a, weight=10.0)
    (slope,) = torch.autograd.grad(value, drift)
    assert abs(float(slope)) < 1e-12


def test_clipped_scores_have_a_gradient_from_the_penalty_only():
    joint = torch.zeros(2, requires_grad=True)
    product = torch.tensor([[12.0, 15.0], [20.0, 11.0]], requires_grad=True)
    for weight, count in ((0.0, 0), (1.0, 4)):
        value = bounds.resmile(joint, product, weight=weight)
        (gradient,) = torch.autograd.grad(value, product)
        assert int((gradient != 0).sum()) == count


def test_remine_j_reports_the_joint_term():
    joint, product = random_inputs(("joint", "product"))
    torch.testing.assert_close(bounds.remine_j(joint, product), joint.mean())
    torch.testing.assert_close(bounds.remine_j(joint, product, target=2.0), joint.mean() - 2)
    drifted = logmeanexp(product)  # where log Z = C*, it is Donsker–Varadhan
    dv = bounds.donsker_varadhan(joint, product)
    torch.testing.assert_close(bounds.remine_j(joint - drifted, product - drifted), dv)


def test_a_drift_penalty_goes_with_any_objective():
    joint, product = random_inputs(("joint", "product"))
    objective = MovingAverageDV()
    value = objective(joint, product) - bounds.drift_penalty(logmeanexp(product), weight=0.5)
    torch.testing.assert_close(value, bounds.donsker_varadhan(joint, product), rtol=1e-6, atol=0)
    (found,) = torch.autograd.grad(value, product)
    (expected,) = torch.autograd.grad(bounds.remine(joint, product, weight=0.5), product)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-8)


def test_a_drifting_critic_comes_back():
    # Gradient ascent on the constant alone: ReMINE settles at C*, Donsker–Varadhan never moves.
    joint, product = (v.detach() for v in random_inputs(("joint", "product")))
    drift = torch.tensor(8.0, dtype=torch.float64, requires_grad=True)
    for _ in range(60):
        value = bounds.remine(joint + drift, product + drift, weight=0.5, target=1.0)
        (slope,) = torch.autograd.grad(value, drift)
        drift = (drift + 0.2 * slope).detach().requires_grad_()
    assert float(logmeanexp(product + drift.detach())) == pytest.approx(1.0, abs=1e-4)
