"""TUBA, I_α and FLO: what a learned baseline changes, and what it does not."""

import math

import numpy as np
import pytest
import torch
from conftest import small

import mineral
from mineral import bounds
from mineral.critics import Baselined, JointCritic, MarginalCritic, split_scores
from mineral.errors import OptionError
from mineral.networks.scoring import score, score_all

KINDS = [mineral.TUBA, mineral.ReTUBA, mineral.Interpolated, mineral.FLO]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
X, Y = (
    torch.randn(12, 2, generator=torch.Generator().manual_seed(0)),
    torch.randn(12, 3, generator=torch.Generator().manual_seed(1)),
)


def normal(n, seed=0):
    x, noise = np.random.default_rng(seed).standard_normal((2, n))
    return x, 0.8 * x + 0.6 * noise


@pytest.fixture
def networks():
    torch.manual_seed(0)
    return JointCritic(2, 3, hidden=(8,)), JointCritic(2, 3, hidden=(8,)), MarginalCritic(2, 3)


def test_a_marginal_critic_does_not_look_at_y(networks):
    *_, marginal = networks
    scores = marginal(X[:, None], Y[None, :])
    assert scores.shape == (12, 12)
    torch.testing.assert_close(scores, marginal(X, Y)[:, None].expand(12, 12))


def test_every_score_of_a_row_has_the_baseline_of_its_joint_pair_taken_off(networks):
    critic, baseline, _ = networks
    joint, product = score(Baselined(critic, baseline), (X, Y), 12)
    plain_joint, plain_product = split_scores(critic(X[:, None], Y[None, :]))
    of_row = baseline(X, Y)
    torch.testing.assert_close(joint, plain_joint - of_row)
    torch.testing.assert_close(product, plain_product - of_row[:, None])


def test_blocks_keep_to_themselves(networks):
    critic, baseline, _ = networks
    wrapped = Baselined(critic, baseline)
    whole = [score(wrapped, (X[i : i + 4], Y[i : i + 4]), 4) for i in (0, 4, 8)]
    joint, product = score_all(wrapped, (X, Y), 4)
    torch.testing.assert_close(joint, torch.cat([j for j, _ in whole]))
    torch.testing.assert_close(product, torch.cat([p for _, p in whole]))


def test_tuba_is_the_function_with_the_two_variables_swapped(networks):
    critic, _, baseline = networks
    scores = critic(X[:, None], Y[None, :])
    joint, product = score(Baselined(critic, baseline), (X, Y), 12)
    expected = bounds.tuba(scores.T, baseline(X, Y))
    torch.testing.assert_close(mineral.TUBA().bound(joint, product), expected)


@pytest.mark.parametrize("weight", [0.0, 0.3])
def test_retuba_has_the_gradient_of_the_function_and_the_value_of_tuba(networks, weight):
    critic, _, baseline = networks
    scores = critic(X[:, None], Y[None, :]).detach().requires_grad_()
    log_baseline = baseline(X, Y).detach()
    (expected,) = torch.autograd.grad(bounds.retuba(scores.T, log_baseline, weight=weight), scores)
    relative = scores - log_baseline[:, None]
    estimator = mineral.ReTUBA(weight=weight)
    value = estimator.objective()(*split_scores(relative))
    torch.testing.assert_close(torch.autograd.grad(value, scores)[0], expected)
    torch.testing.assert_close(value, mineral.TUBA().bound(*split_scores(relative)))


def test_interpolated_is_the_function_with_the_two_variables_swapped(networks):
    critic, _, baseline = networks
    scores = critic(X[:, None], Y[None, :])
    joint, product = score(Baselined(critic, baseline), (X, Y), 12)
    for alpha in (0.0, 0.01, 0.5, 1.0):
        expected = bounds.interpolated(scores.T, baseline(X, Y), alpha=alpha)
        found = mineral.Interpolated(alpha=alpha).bound(joint, product)
        torch.testing.assert_close(found, expected)


def test_interpolated_rows_is_its_definition():
    joint, product = torch.randn(5, dtype=torch.float64), torch.randn(5, 4, dtype=torch.float64)
    log_q = torch.randn(5, dtype=torch.float64)
    alpha, total = 0.3, 0.0
    for i in range(5):
        q = math.exp(log_q[i])
        for j in range(4):
            others = [product[i, k] for k in range(4) if k != j]
            m = sum(math.exp(s) for s in [joint[i], *others]) / 4
            total += float(joint[i]) - math.log(alpha * m + (1 - alpha) * q)
            m = sum(math.exp(s) for s in product[i]) / 4
            total -= math.exp(product[i, j]) / (alpha * m + (1 - alpha) * q)
    found = bounds.interpolated_rows(joint, product, log_q, alpha=alpha)
    assert float(found) == pytest.approx(1 + total / 20, rel=1e-12)


def test_flo_is_the_function_with_u_written_as_the_baseline_less_the_score(networks):
    critic, baseline, _ = networks
    plain_joint, plain_product = split_scores(critic(X[:, None], Y[None, :]))
    joint, product = score(Baselined(critic, baseline), (X, Y), 12)
    expected = bounds.flo(plain_joint, plain_product, baseline(X, Y) - plain_joint)
    torch.testing.assert_close(mineral.FLO().bound(joint, product), expected)


@every_kind
def test_both_networks_learn(kind):
    dims = (1, 1)
    torch.manual_seed(0)
    network = kind().network(*dims)
    joint, product = score(network, (X[:, :1], Y[:, :1]), 12)
    kind().objective()(joint, product).backward()
    for part in (network.critic, network.baseline):
        assert sum(float(p.grad.abs().sum()) for p in part.parameters()) > 0
    assert isinstance(network.baseline, JointCritic if kind is mineral.FLO else MarginalCritic)


@pytest.mark.slow
@every_kind
def test_a_short_training_finds_most_of_the_information(kind):
    truth = -0.5 * math.log(0.36)
    r = small(kind, steps=150).estimate(*normal(1000))
    # The standard error of the mean pmi is 0.8 / √1000 = 0.025; a short training may lose a third.
    assert truth * 0.6 < r.value < truth + 4 * 0.025
    assert r.kind == "lower bound"
    assert r.model.pmi(*normal(4000, seed=1)).mean() == pytest.approx(r.value, abs=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [mineral.TUBA, mineral.FLO, mineral.NWJ])
def test_a_baseline_lowers_the_variance_of_nwj_or_costs_nothing(kind):
    # 2.3 nats, where exp I = 10: the bound's own standard error is what the rows say.
    x, noise = np.random.default_rng(0).standard_normal((2, 4000, 2))
    r = kind().estimate(x, 0.95 * x + math.sqrt(1 - 0.95**2) * noise)
    truth = -math.log1p(-(0.95**2))
    assert r.value == pytest.approx(truth, abs=4 * r.stderr + 0.1)


@every_kind
def test_a_model_with_a_baseline_is_saved_and_read_back(kind, tmp_path):
    x, y = normal(200)
    model = small(kind, steps=5).estimate(x, y).model
    model.save(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(
        mineral.load(tmp_path / "model.safetensors").pmi(x, y), model.pmi(x, y)
    )


class Own(torch.nn.Module):
    def __init__(self, dim_x, dim_y):
        super().__init__()
        self.of_x = torch.nn.Linear(dim_x, dim_y)

    def forward(self, x, y):
        return (self.of_x(x) * y).sum(-1)


def test_a_critic_of_your_own_with_a_baseline_is_read_back(tmp_path):
    x, y = normal(200)
    path = tmp_path / "model.safetensors"
    estimator = mineral.TUBA(critic=Own, steps=5, batch_size=32, folds=2)
    model = estimator.estimate(x, y).model
    model.save(path)
    np.testing.assert_array_equal(mineral.load(path, critic=Own).pmi(x, y), model.pmi(x, y))
    with pytest.raises(mineral.InputError, match="custom critic"):
        mineral.load(path)


@pytest.mark.parametrize("alpha", [-0.1, 1.1, math.nan])
def test_alpha_lies_between_0_and_1(alpha):
    with pytest.raises(OptionError, match="`alpha` must lie between 0 and 1"):
        mineral.Interpolated(alpha=alpha)


def test_the_ceiling_of_interpolated_is_the_lower_of_two():
    assert mineral.Interpolated(alpha=0.5).ceiling(10_000, 255)[0] == pytest.approx(
        math.log(255 / 0.5)
    )
    assert mineral.Interpolated(alpha=0.01).ceiling(1000, 255)[1] == "log n"
    assert mineral.Interpolated(alpha=0.0).ceiling(1000, 255)[1] == "log n"


def test_a_training_that_never_beats_its_start_says_so():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 300))
    r = mineral.NWJ(steps=60, batch_size=64, folds=2, learning_rate=3.0).estimate(x, y)
    assert "nothing-learned" in [w.code for w in r.warnings]
    assert "nothing-learned" not in [
        w.code for w in small(mineral.NWJ).estimate(*normal(500)).warnings
    ]
