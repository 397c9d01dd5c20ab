"""`Mine` in a user's own loop, and each fault of the public code that must not come back."""

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from mineral import InputError, Mine, OptionError, bounds

TRUTH = 0.5108  # of a bivariate normal with correlation 0.8, in nats
LOSSES = ["mine", "mine_biased", "fdiv"]
every_loss = pytest.mark.parametrize("loss", LOSSES)


def network(dims=2, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(dims, 100), nn.ReLU(), nn.Linear(100, 1))


def normal(n, seed=0):
    x, noise = np.random.default_rng(seed).standard_normal((2, n))
    return x, 0.8 * x + 0.6 * noise


class Product(nn.Module):
    """T(x, z) = scale · x · z, of one number each: its scores can be checked by hand."""

    def __init__(self, scale=1.0):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(float(scale)))

    def forward(self, x, z):
        return self.scale * (x * z).sum(dim=1)


class Recorder(nn.Module):
    """Remembers every pair that it is asked to score."""

    def __init__(self):
        super().__init__()
        self.weight, self.seen = nn.Parameter(torch.ones(1)), []

    def forward(self, x, z):
        self.seen.append(torch.cat([x, z], dim=1).detach().clone())
        return self.weight * (x * z).sum(dim=1)


@every_loss
def test_the_well_known_example_works_as_people_write_it(loss):
    X, Y = normal(5000)
    mine = Mine(T=network(), loss=loss, method="concat")
    mi = mine.optimize(X, Y, iters=40)
    # 1,000 held-out rows: the standard error is rho / √1000 = 0.025, and the critic is not perfect.
    assert mi == pytest.approx(TRUTH, abs=0.1)
    assert mine.mi(*normal(5000, seed=1)) == pytest.approx(TRUTH, abs=0.08)


def test_matrices_a_batch_size_and_an_optimizer_are_taken_too():
    x = np.random.default_rng(0).standard_normal((600, 3))
    mine = Mine(T=network(5), method="concat")
    optimizer = torch.optim.SGD(mine.T.parameters(), lr=1e-2)
    before = copy.deepcopy(mine.T.state_dict())
    mi = mine.optimize(x, x[:, :2], iters=3, batch_size=100, opt=optimizer)
    assert isinstance(mi, float) and math.isfinite(mi)
    assert not torch.equal(mine.T.state_dict()["0.weight"], before["0.weight"])


def test_what_optimize_returns_is_of_rows_that_it_did_not_train_on():
    # 60 rows of pure noise in 20 + 20 dimensions are soon known by heart.
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((2, 100, 20))
    mine = Mine(T=network(40), loss="mine_biased", method="concat")
    memorized = mine.optimize(X, Y, iters=300, batch_size=60)
    # Rows without information: over the split, DV of a useless critic is below, its spread ~ 0.3.
    assert memorized < 0.5
    everything = torch.as_tensor(X), torch.as_tensor(Y)
    optimizer = torch.optim.Adam(mine.T.parameters(), lr=1e-3)
    for _ in range(300):
        optimizer.zero_grad()
        mine(*everything).backward()
        optimizer.step()
    assert mine.mi(*everything) > 1.0  # what an estimate on training rows would have claimed


@every_loss
def test_the_loss_is_minus_the_bound_and_can_be_backpropagated(loss):
    x, z = (torch.as_tensor(v).float() for v in normal(64))
    mine = Mine(T=Product(0.3), loss=loss)
    encoder = nn.Linear(1, 1)
    value = mine(encoder(x[:, None]), z)
    value.backward()
    assert mine.T.scale.grad is not None and encoder.weight.grad is not None
    marginal = z.roll(1)
    bound = bounds.nwj if loss == "fdiv" else bounds.donsker_varadhan
    expected = -bound(0.3 * x * z, (0.3 * x * marginal)[:, None])
    torch.testing.assert_close(mine(x, z, marginal).detach(), expected)


@every_loss
def test_the_estimate_is_the_bound_on_all_other_pairs(loss):
    x, z = (torch.as_tensor(v) for v in normal(50))
    scores = 0.3 * x[:, None] * z[None, :]
    others = scores[~torch.eye(50, dtype=bool)].view(50, 49)
    bound = bounds.nwj if loss == "fdiv" else bounds.donsker_varadhan
    expected = float(bound(scores.diagonal(), others))
    mine = Mine(T=Product(0.3).double(), loss=loss)
    assert mine.mi(x, z) == pytest.approx(expected)


@pytest.mark.parametrize("n", [2, 3, 7, 100])
def test_product_samples_never_pair_a_row_with_itself(n):
    rows = torch.arange(1.0, n + 1)
    mine = Mine(T=Recorder(), loss="mine_biased")
    for _ in range(20):
        mine.T.seen.clear()
        mine(rows, rows)
        joint, product = mine.T.seen
        assert (joint[:, 0] == joint[:, 1]).all()
        assert (product[:, 0] != product[:, 1]).all()
        assert sorted(product[:, 1].tolist()) == rows.tolist()  # each row is a partner once
    mine.T.seen.clear()
    mine.mi(rows, rows)
    assert all((seen[:, 0] != seen[:, 1]).all() for seen in mine.T.seen[1:])


def test_product_samples_differ_from_call_to_call_and_follow_the_seed():
    rows = torch.arange(100.0)

    def partners(seed):
        mine = Mine(T=Recorder(), seed=seed)
        for _ in range(2):
            mine(rows, rows)
        return mine.T.seen[1], mine.T.seen[3]

    first, second = partners(0)
    assert not torch.equal(first, second)
    assert torch.equal(first, partners(0)[0]) and not torch.equal(first, partners(1)[0])


def test_the_corrected_gradient_divides_by_the_moving_average():
    x, z = (torch.as_tensor(v) for v in normal(32))
    marginal = z.roll(1)
    mine = Mine(T=Product(0.5).double(), alpha=0.1).double()
    mine.corrected.log_ema.fill_(math.log(3.0))
    loss = mine(x, z, marginal)
    loss.backward()
    scores = 0.5 * x * marginal
    ema = 0.9 * 3.0 + 0.1 * scores.exp().mean()
    # The gradient of a score s_i is weighted by exp(s_i) / (n · ema), not by a softmax.
    expected = -((x * z).mean() - (x * marginal * scores.exp()).mean() / ema)
    assert float(mine.T.scale.grad) == pytest.approx(float(expected))
    assert float(mine.corrected.log_ema) == pytest.approx(math.log(ema))


def test_the_first_batch_starts_the_moving_average():
    x, z = (torch.as_tensor(v) for v in normal(32))
    mine = Mine(T=Product(0.5).double()).double()
    assert mine.corrected.log_ema.isnan()
    mine(x, z, z.roll(1))
    expected = torch.logsumexp(0.5 * x * z.roll(1), 0) - math.log(32)
    torch.testing.assert_close(mine.corrected.log_ema, expected.detach())


def test_only_training_moves_the_moving_average():
    x, z = (torch.as_tensor(v).float() for v in normal(32))
    mine = Mine(T=Product(0.5))
    mine(x, z)
    before = mine.corrected.log_ema.clone()
    mine.mi(x, z)
    assert mine.training
    mine.eval()
    mine(x, z)
    mine.mi(x, z)
    assert not mine.training
    assert torch.equal(mine.corrected.log_ema, before)
    mine.train()
    mine(x, z + 1)
    assert not torch.equal(mine.corrected.log_ema, before)


def test_the_moving_average_is_saved_and_moved_with_the_module():
    x, z = (torch.as_tensor(v).float() for v in normal(32))
    mine, other = Mine(T=Product(0.5)), Mine(T=Product(0.1))
    mine(x, z)
    other.load_state_dict(mine.state_dict())
    assert torch.equal(other.corrected.log_ema, mine.corrected.log_ema)
    assert mine.double().corrected.log_ema.dtype == torch.float64
    assert mine.to("meta").corrected.log_ema.is_meta
    assert isinstance(copy.deepcopy(other), Mine)


@every_loss
@pytest.mark.parametrize("size", [1e4, -1e4, 88.8])
def test_large_scores_do_not_overflow(loss, size):
    ones = torch.ones(16)
    mine = Mine(T=Product(size), loss=loss)
    for _ in range(3):
        mine.zero_grad()
        value = mine(ones, ones * torch.linspace(0.5, 1, 16))
        value.backward()
        assert value.isfinite() and mine.T.scale.grad.isfinite()
    assert math.isfinite(mine.mi(ones, torch.linspace(0.5, 1, 16)))


@every_loss
def test_nothing_is_printed_switched_or_created(loss, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    state = torch.random.get_rng_state()
    Mine(T=network(), loss=loss, method="concat").optimize(*normal(50), iters=2)
    assert capsys.readouterr() == ("", "")
    assert not torch.is_anomaly_enabled() and torch.is_grad_enabled()
    assert torch.equal(torch.random.get_rng_state(), state)
    assert list(tmp_path.iterdir()) == []


def test_the_same_seed_gives_the_same_estimate():
    def run(seed):
        return Mine(T=network(), method="concat", seed=seed).optimize(*normal(300), iters=3)

    assert run(0) == run(0) != run(1)


def test_optimize_leaves_the_network_at_its_best_pass():
    # A rate this high ruins the network after the first passes: what is kept must not be ruined.
    X, Y = normal(600)
    mine = Mine(T=Product(0.2), loss="mine_biased")
    optimizer = torch.optim.SGD(mine.T.parameters(), lr=50.0)
    assert mine.optimize(X, Y, iters=5, opt=optimizer) > -0.5
    assert abs(mine.T.scale.item()) < 5


def test_few_passes_and_odd_sizes_do_not_divide_by_zero():
    assert math.isfinite(Mine(T=network(), method="concat").optimize(*normal(13), iters=1))


def test_networks_in_float64_stay_so():
    mine = Mine(T=network().double(), method="concat")
    assert mine(*normal(20)).dtype == torch.float64


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "dv"}, "`loss` must be one of mine, mine_biased, fdiv, got 'dv'"),
        ({"method": "sum"}, "`method` must be None or 'concat', got 'sum'"),
        ({"alpha": 1.0}, "`alpha` must lie between 0 and 1, got 1.0"),
    ],
    ids=["loss", "method", "alpha"],
)
@pytest.mark.usefixtures("as_users_run_it")
def test_options_out_of_range_are_named(options, message):
    with pytest.raises(OptionError, match=message):
        Mine(T=network(), **options)


@pytest.mark.parametrize(
    ("x", "z", "z_marg", "message"),
    [
        (torch.ones(1), torch.ones(1), None, "need at least 2 rows"),
        (torch.ones(4), torch.ones(3), None, "as many rows: got 4 and 3"),
        (
            torch.ones(4),
            torch.ones(4),
            torch.ones(3),
            "`z_marg` must have the 4 rows of `x`, got 3",
        ),
    ],
    ids=["one row", "unpaired", "product samples"],
)
def test_rows_that_do_not_match_are_refused(x, z, z_marg, message):
    with pytest.raises(InputError, match=message):
        Mine(T=Product())(x, z, z_marg)


def test_a_network_that_returns_a_vector_for_each_row_is_refused():
    mine = Mine(T=nn.Linear(2, 3), method="concat")
    with pytest.raises(InputError, match=r"one score for each of the 4 rows: got shape \(4, 3\)"):
        mine(torch.ones(4), torch.ones(4))


def test_optimize_checks_its_samples_at_the_same_gate():
    mine = Mine(T=network(), method="concat")
    with pytest.raises(InputError, match="`x` has a missing value"):
        mine.optimize([math.nan] + [0.0] * 19, np.arange(20.0), iters=1)
    with pytest.raises(InputError, match=r"Mine.optimize needs at least 10 paired samples, got 5"):
        mine.optimize(*normal(5), iters=1)
    with pytest.raises(OptionError, match="`iters` must be at least 1, got 0"):
        mine.optimize(*normal(20), iters=0)
