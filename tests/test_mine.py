"""`Mine`, the module for your own training loop, and the corrected gradient inside it.

What earlier public implementations got wrong is listed at the end, one test for each fault.
"""

import copy
import math
import subprocess
import sys
from itertools import chain

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from mineral import Mine
from mineral import mine as module
from mineral.bounds import MovingAverageDV, donsker_varadhan
from mineral.errors import InputError, InputTypeError, OptionError

TRUTH = -math.log(1 - 0.8**2) / 2  # 0.5108 nats, of a correlation of 0.8
LOSSES = ("mine", "mine_biased", "fdiv")
PAIRS = module.PAIRS
HALVES = slice(0, 10), slice(10, 20)
each_loss = pytest.mark.parametrize("loss", LOSSES)


def gaussian(n, rho=0.8, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(n)
    return x, rho * x + math.sqrt(1 - rho**2) * rng.standard_normal(n)


def tensors(n, dtype=torch.float32, seed=0):
    return tuple(torch.from_numpy(v)[:, None].to(dtype) for v in gaussian(n, seed=seed))


def network(dim=2, width=32, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(dim, width), nn.ReLU(), nn.Linear(width, 1))


def new(loss="mine", seed=0, **options):
    return Mine(T=network(), loss=loss, method="concat", seed=seed, **options)


class Table(nn.Module):
    """T(x, z) = f(x, z) of the first coordinates, times a weight that starts at one."""

    def __init__(self, f):
        super().__init__()
        self.f, self.weight = f, nn.Parameter(torch.ones(()))

    def forward(self, x, z):
        return self.weight * self.f(x[:, 0], z[:, 0])


class Spy(nn.Module):
    """A statistics network that remembers which pairs it saw, and whether it was training."""

    def __init__(self):
        super().__init__()
        self.net, self.calls = network(), []

    def forward(self, x, z):
        self.calls.append((self.training, x[:, 0].tolist(), z[:, 0].tolist()))
        return self.net(torch.cat([x, z], dim=1))


def numbered(n):
    """Row numbers: which rows met can be read off."""
    return np.arange(float(n)), np.arange(float(n))


# As written in the README


def test_the_readme_call_works_as_written():
    X, Y = gaussian(200)
    T = nn.Sequential(nn.Linear(2, 100), nn.ReLU(), nn.Linear(100, 1))
    mine = Mine(T=T, loss="mine", method="concat")
    mi = mine.optimize(X, Y, iters=100)
    assert type(mi) is float and math.isfinite(mi)


@pytest.mark.parametrize(
    "shape", [lambda v: v, lambda v: v[:, None], torch.from_numpy, list, pd.Series]
)
def test_samples_may_be_arrays_of_one_or_two_axes_tensors_lists_or_series(shape):
    X, Y = gaussian(60)
    expected = new().optimize(X, Y, iters=2)
    assert new().optimize(shape(X), shape(Y), iters=2, batch_size=256, opt=None) == expected
    assert new().mi(shape(X), shape(Y)) == new().mi(X, Y)
    assert new()(shape(X), shape(Y)) == new()(X, Y)


def test_arrays_that_are_views_or_may_not_be_written_are_taken_as_they_are():
    X, Y = gaussian(60)
    expected = new().mi(X[::-1].copy(), Y[::-1].copy())
    X.flags.writeable = Y.flags.writeable = False
    before = X.copy()
    assert new().mi(X[::-1], Y[::-1]) == expected
    assert (before == X).all()


def test_a_network_of_two_arguments_needs_no_method_and_may_return_one_or_two_axes():
    X, Y = tensors(20)
    for shape in ((20,), (20, 1)):

        class T(nn.Module):
            def forward(self, x, z, shape=shape):
                return (x * z).view(*shape)

        loss = Mine(T=T())(X, Y)
        assert loss.shape == () and torch.isfinite(loss)


@each_loss
def test_a_correlation_of_0_8_is_found(loss):
    # 1000 test rows: the standard error is 0.025, that of the f-divergence bound a little more.
    X, Y = gaussian(5000)
    mine = Mine(T=network(width=100), loss=loss, method="concat")
    found = mine.optimize(X, Y, iters=20)
    assert found == pytest.approx(TRUTH, abs=0.1 if loss == "fdiv" else 0.08)


# The loss


def by_definition(loss, T, x, z, pairs):
    """The bound from one score of each joint and each product pair, in Python floats."""
    joint = [T(x[i], z[i]).item() for i in range(len(x))]
    product = [T(x[i], z[j]).item() for i, j in pairs]
    if loss == "fdiv":
        return np.mean(joint) - np.mean(np.exp(np.array(product) - 1))
    return np.mean(joint) - math.log(np.mean(np.exp(product)))


@each_loss
def test_the_loss_is_minus_the_bound(loss):
    x, z = tensors(30, torch.float64)
    mine = new(loss).double()
    marginal = torch.randn(30, 1, generator=torch.Generator().manual_seed(0)).double()
    T = lambda a, b: mine.T(torch.cat([a, b]))  # noqa: E731
    together = torch.cat([z, marginal])
    pairs = [(i, 30 + i) for i in range(30)]
    expected = by_definition(loss, T, x, together, pairs)
    for _ in range(3):  # whatever the moving average is by then
        assert float(mine(x, z, marginal).detach()) == pytest.approx(-expected, abs=1e-12)


@each_loss
def test_without_product_samples_each_row_meets_another_row_of_z(loss):
    spy = Spy()
    Mine(T=spy, loss=loss)(*numbered(50))
    (_, x, z), (_, x_again, other) = spy.calls
    assert x == z == x_again == list(range(50))
    assert sorted(other) == list(range(50))  # each once
    assert all(i != j for i, j in zip(x, other, strict=True))


def test_product_samples_of_your_own_are_taken_in_their_order():
    spy = Spy()
    x, z = numbered(10)
    Mine(T=spy)(x, z, 100 + z)
    assert spy.calls[1][2] == [100 + j for j in range(10)]
    Mine(T=spy).mi(x, z, z_marg=200 + z)
    assert spy.calls[3][2] == [200 + j for j in range(10)]


@each_loss
def test_the_gradient_reaches_the_network_and_an_encoder(loss):
    x, z = tensors(40)
    encoder = nn.Linear(1, 1)
    mine = new(loss)
    mine(x.requires_grad_(), encoder(z)).backward()
    for tensor in (mine.T[0].weight, mine.T[2].weight, encoder.weight, x):
        assert tensor.grad is not None and torch.isfinite(tensor.grad).all()
        assert tensor.grad.abs().sum() > 0


@each_loss
def test_minimizing_the_loss_over_an_encoder_raises_the_information(loss):
    # z = w x + noise. The best critic of w = 1 says that a larger w would tell more.
    x, noise = tensors(2000)[0], torch.randn(2000, 1, generator=torch.Generator().manual_seed(1))
    weight = torch.ones((), requires_grad=True)
    one = 1.0 if loss == "fdiv" else 0.0
    pmi = Table(lambda a, b: one + math.log(2) / 2 - (b - a) ** 2 / 2 + b**2 / 4)
    Mine(T=pmi, loss=loss)(x, weight * x + noise).backward()
    # d/dw of log(1 + w²) / 2 is 1/2 at w = 1; the standard error of the gradient is 0.05.
    assert float(weight.grad) == pytest.approx(-0.5, abs=0.2)


# The corrected gradient


def batches(count, n=7, m=3, scale=1.0):
    generator = torch.Generator().manual_seed(0)
    for _ in range(count):
        joint = scale * torch.randn(n, generator=generator, dtype=torch.float64)
        product = scale * torch.randn(n, m, generator=generator, dtype=torch.float64)
        yield joint.requires_grad_(), product.requires_grad_()


def test_the_gradient_weighs_product_samples_by_exp_t_over_n_times_the_moving_average():
    objective, rate, ema = MovingAverageDV(rate=0.1).double(), 0.1, None
    for joint, product in batches(5):
        mean = product.detach().exp().mean()
        ema = mean if ema is None else (1 - rate) * ema + rate * mean
        objective(joint, product).backward()
        torch.testing.assert_close(joint.grad, torch.full((7,), 1 / 7, dtype=torch.float64))
        torch.testing.assert_close(product.grad, -product.detach().exp() / (21 * ema))
        torch.testing.assert_close(objective.log_ema, ema.log())


def test_the_value_is_donsker_varadhan_of_the_batch_whatever_the_average():
    objective = MovingAverageDV(rate=0.1).double()
    for joint, product in batches(5):
        torch.testing.assert_close(objective(joint, product), donsker_varadhan(joint, product))


def test_of_the_first_batch_the_gradient_is_that_of_donsker_varadhan():
    ((joint, product),) = batches(1)
    MovingAverageDV()(joint, product).backward()
    corrected = product.grad.clone()
    product.grad = None
    donsker_varadhan(joint, product).backward()
    torch.testing.assert_close(corrected, product.grad)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sizes", [(1e4, 1e4), (1e4, -1e4), (-1e4, 1e4), (0.0, 1e4), (100.0, -50)])
def test_scores_of_any_size_have_finite_values_and_gradients(dtype, sizes):
    objective = MovingAverageDV(rate=0.01)
    for size in sizes:
        joint = torch.full((5,), size, dtype=dtype, requires_grad=True)
        product = torch.full((5, 2), size, dtype=dtype, requires_grad=True)
        value = objective(joint, product)
        value.backward()
        assert float(value.detach()) == pytest.approx(0, abs=1e-2)
        assert torch.isfinite(product.grad).all() and torch.isfinite(joint.grad).all()
        assert torch.isfinite(objective.log_ema)
        assert float(-product.grad.sum()) < 101  # 1 / rate: the newest batch is in the average


def test_the_average_is_a_buffer_saved_and_moved_with_the_module():
    mine = new()
    x, z = tensors(30)
    mine(x, z)
    assert "corrected.log_ema" in mine.state_dict()
    assert "corrected.log_ema" in dict(mine.named_buffers())
    assert "corrected.log_ema" not in dict(mine.named_parameters())
    before = float(mine.corrected.log_ema)
    assert math.isfinite(before)
    mine.to(torch.float64)
    assert mine.corrected.log_ema.dtype == torch.float64
    assert float(mine.corrected.log_ema) == before
    assert mine.to("meta").corrected.log_ema.device.type == "meta"


def test_the_average_moves_in_training_mode_only():
    mine = new()
    x, z = tensors(30)
    assert mine.corrected.log_ema.isnan()
    mine.mi(x, z)
    assert mine.corrected.log_ema.isnan()
    mine.eval()
    mine(x, z)
    assert mine.corrected.log_ema.isnan()
    mine.train()
    mine(x, z)
    first = float(mine.corrected.log_ema)
    mine.mi(*tensors(30, seed=1))
    mine.eval()(*tensors(30, seed=1))
    assert float(mine.corrected.log_ema) == first
    mine.train()(*tensors(30, seed=1))
    assert float(mine.corrected.log_ema) != first


def test_in_evaluation_mode_the_gradient_is_that_of_donsker_varadhan():
    objective = MovingAverageDV().double()
    pairs = list(batches(3))
    for joint, product in pairs[:2]:
        objective(joint, product)
    joint, product = pairs[2]
    objective.eval()(joint, product).backward()
    torch.testing.assert_close(
        product.grad, -torch.softmax(product.detach().flatten(), 0).view(7, 3)
    )


@pytest.mark.parametrize("loss", ["mine_biased", "fdiv"])
def test_other_losses_keep_no_average(loss):
    mine = new(loss)
    mine(*tensors(30))
    assert mine.corrected.log_ema.isnan()


@each_loss
@pytest.mark.parametrize("size", [1e2, 1e3, 1e4])
@pytest.mark.parametrize("sign", [1, -1])
def test_networks_that_say_thousands_have_finite_losses_and_gradients(loss, size, sign):
    x, z = tensors(50)
    T = Table(lambda a, b: sign * size * torch.tanh(a * b))
    mine = Mine(T=T, loss=loss)
    for _ in range(3):
        T.weight.grad = None
        value = mine(x, z)
        value.backward()
        assert torch.isfinite(value) and torch.isfinite(T.weight.grad)
    assert math.isfinite(mine.mi(x, z))
    if loss != "fdiv":  # the same in float64, to the resolution of the scores
        double = Mine(T=copy.deepcopy(T).double(), loss=loss)
        assert mine.mi(x, z) == pytest.approx(double.mi(x.double(), z.double()), abs=size * 1e-5)


# The estimate


@each_loss
def test_mi_is_the_bound_over_all_pairs_of_different_rows(loss):
    x, z = tensors(25, torch.float64)
    mine = new(loss).double()
    T = lambda a, b: mine.T(torch.cat([a, b]))  # noqa: E731
    pairs = [(i, j) for i in range(25) for j in range(25) if i != j]
    expected = by_definition(loss, T, x, z, pairs)
    assert mine.mi(x, z) == pytest.approx(expected, abs=1e-10)


def test_mi_looks_at_many_pairs_and_at_no_more_than_it_may(monkeypatch):
    spy = Spy()
    monkeypatch.setattr(module, "PAIRS", 350)
    Mine(T=spy).mi(*numbered(50))
    product = [(i, j) for _, x, z in spy.calls[1:] for i, j in zip(x, z, strict=True)]
    assert len(product) == len(set(product)) == 7 * 50
    assert all(i != j for i, j in product)


def test_mi_is_without_gradient_and_leaves_the_mode_as_it_was():
    mine = Mine(T=nn.Sequential(nn.Dropout(0.5), network()), method="concat")
    x, z = tensors(30)
    for mode in (True, False):
        mine.train(mode)
        # Dropout would make these differ.
        assert mine.mi(x, z) == pytest.approx(mine.mi(x, z), abs=1e-6)
        assert mine.training is mode and mine.T.training is mode
    assert all(parameter.grad is None for parameter in mine.parameters())


def test_the_mode_is_given_back_after_an_error_too():
    mine = Mine(T=nn.Linear(2, 3), method="concat")
    with pytest.raises(InputError):
        mine.mi(*tensors(10))
    assert mine.training


# Training by `optimize`


def rows_of(values):
    """Row numbers of `numbered`, of which training made standardized values: their ranks."""
    return {value: row for row, value in enumerate(sorted(values))}


def test_each_half_is_reported_by_the_network_that_the_other_half_chose():
    n = 50
    mine = Mine(T=Spy(), loss="mine")
    looks, value_of = [], mine._value

    def watched(x, z, product_z, partners):
        value = value_of(x, z, product_z, partners)
        state = mine.T.net[0].weight.detach().clone()
        looks.append((frozenset(x[:, 0].tolist()), value, state))
        return value

    mine._value = watched
    X, Y = numbered(n)
    found = mine.optimize(X, Y + np.random.default_rng(0).standard_normal(n), iters=50)
    *seen, first, second = looks
    halves = list(dict.fromkeys(rows for rows, _, _ in seen))
    assert [len(half) for half in halves] == [10, 10] and not halves[0] & halves[1]
    assert (first[0], second[0]) == tuple(halves)
    best = {}
    for half in halves:
        own = [(value, state) for rows, value, state in seen if rows == half]
        best[half] = own[int(np.argmax([value for value, _ in own]))][1]
    assert torch.equal(first[2], best[halves[1]]) and torch.equal(second[2], best[halves[0]])
    assert not torch.equal(first[2], seen[0][2])
    assert found == (first[1] + second[1]) / 2
    learned = {row for mode, x, z in mine.T.calls if mode for row in x}
    assert len(learned) == 30 and not learned & (halves[0] | halves[1])
    for mode, x, z in mine.T.calls:
        if mode:
            assert len(set(x)) == len(set(z)) == len(x) // 2  # partners are of the same rows


def test_each_pass_sees_each_training_row_once_in_batches_of_the_size():
    spy = Spy()
    Mine(T=spy).optimize(*numbered(50), iters=2, batch_size=10)
    batches = [(x, z) for mode, x, z in spy.calls if mode]  # joint pairs, then product pairs
    assert [len(x) for x, _ in batches] == [20] * 6
    number = rows_of({row for x, _ in batches for row in x})
    joint, product = ([[number[row] for row in x[half]] for x, _ in batches] for half in HALVES)
    assert joint == product == [[number[row] for row in z[:10]] for _, z in batches]
    first, second = list(chain(*joint[:3])), list(chain(*joint[3:]))
    assert len(set(first)) == 30 and set(first) == set(second) and first != second
    for _, z in batches:
        assert sorted(z[:10]) == sorted(z[10:])
        assert all(a != b for a, b in zip(z[:10], z[10:], strict=True))


@pytest.mark.parametrize("batch_size", [2, 3, 7, 29, 30, 1000])
def test_no_batch_is_too_small_to_pair_different_rows(batch_size):
    spy = Spy()
    Mine(T=spy).optimize(*numbered(51), iters=1, batch_size=batch_size)
    sizes = [len(x) // 2 for mode, x, z in spy.calls if mode]
    assert min(sizes) >= 2 and sum(sizes) == 30
    assert min(batch_size, 30) <= min(sizes) and max(sizes) < 2 * min(batch_size, 30)


def test_the_network_is_left_as_it_was_after_its_best_pass():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 3))
    Y = X + rng.standard_normal((60, 3))
    mine = Mine(T=network(6, 64), method="concat")
    looks, look = [], mine._look

    def watched(halves):
        values = look(halves)
        looks.append((values[-1], copy.deepcopy(mine.state_dict())))
        return values

    mine._look = watched
    opt = torch.optim.Adam(mine.T.parameters(), lr=1e-2)
    mine.optimize(X, Y, iters=300, opt=opt)
    values = [value for value, _ in looks]
    best = int(np.argmax(values))
    assert len(values) == 31 and 0 < best < 25 and values[-1] < values[best]
    for name, value in looks[best][1].items():
        assert torch.equal(value, mine.state_dict()[name])


def test_a_pass_costs_little_more_than_its_steps():
    # 40 passes of 4 steps: a call of T a step, and few for the looks and for the report.
    spy = Spy()
    Mine(T=spy).optimize(*gaussian(2000), iters=40)
    training = sum(mode for mode, _, _ in spy.calls)
    assert training == 160 and len(spy.calls) < 1.6 * training
    scored = sum(len(x) for mode, x, _ in spy.calls if not mode) - 2 * PAIRS - 800
    assert scored < 0.8 * sum(len(x) for mode, x, _ in spy.calls if mode)


def test_small_networks_train_and_report_with_one_thread():
    seen = []

    class T(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = network()

        def forward(self, x, z):
            seen.append(torch.get_num_threads())
            return self.net(torch.cat([x, z], dim=1))

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        Mine(T=T()).optimize(*gaussian(2000), iters=2)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert seen.count(3) <= 6  # the joint scores of a look, by which the work is measured
    assert seen.count(1) > 10


# Units


@each_loss
def test_units_do_not_change_the_estimate(loss):
    X, Y = gaussian(300)
    plain = new(loss)
    found = plain.optimize(X, Y, iters=10)
    for of_x, of_y in ((255, 1), (1e-6, 1e6), (1e200, 1e-200)):
        mine = new(loss)
        assert mine.optimize(of_x * X - 3 * of_x, 7 * of_y + of_y * Y, iters=10) == pytest.approx(
            found, abs=1e-3
        )
        value = mine.mi(of_x * X[:50] - 3 * of_x, 7 * of_y + of_y * Y[:50])
        twin = copy.deepcopy(plain)
        assert value == pytest.approx(twin.mi(X[:50], Y[:50]), abs=1e-3)


def test_pixels_of_255_gave_minus_five_nats():
    X, Y = gaussian(2000)
    assert new().optimize(255 * X, Y, iters=20) == pytest.approx(TRUTH, abs=0.1)


def test_far_outliers_do_not_end_learning():
    X, Y = gaussian(2000)
    X = X.copy()
    X[::400] = 1e6  # five rows
    assert new().optimize(X, Y, iters=20) == pytest.approx(TRUTH, abs=0.15)


def test_units_are_saved_and_loaded_with_the_module():
    X, Y = gaussian(100)
    mine, other = new(), Mine(T=network(seed=1), method="concat")
    assert not any("of_x" in name for name in mine.state_dict())
    mine.optimize(100 * X, Y, iters=2)
    other.load_state_dict(mine.state_dict())
    assert other.mi(100 * X, Y) == pytest.approx(mine.mi(100 * X, Y), abs=1e-5)
    other.load_state_dict(new().state_dict())
    assert other.of_x.center is None and other.of_z.scale is None
    with pytest.raises(
        InputError, match="`x` must have the 1 columns of the samples in `optimize`"
    ):
        mine.mi(np.c_[X, X], Y)


def test_before_training_samples_are_used_as_they_are():
    spy = Spy()
    x, z = numbered(10)
    Mine(T=spy)(1000 * x, z)
    assert spy.calls[0][1] == [1000 * i for i in range(10)]


def test_the_gradient_passes_through_the_units():
    X, Y = gaussian(100)
    mine = new()
    mine.optimize(100 * X, Y, iters=5)
    x = torch.from_numpy(100 * X)[:, None].requires_grad_()
    mine(x, Y, Y[::-1].copy()).backward()
    assert x.grad.dtype == torch.float64 and float(x.grad.abs().sum()) > 0
    step = torch.zeros_like(x)
    step[3] = 1e-3
    with torch.no_grad():
        mine.double().eval()
        up, down = (mine(x + sign * step, Y, Y[::-1].copy()).item() for sign in (1, -1))
    assert float(x.grad[3]) == pytest.approx((up - down) / 2e-3, rel=0.2, abs=1e-5)


def test_an_optimizer_of_your_own_is_used():
    X, Y = gaussian(60)
    for rate, moved in ((0.0, False), (0.1, True)):
        mine = new()
        before = mine.T[0].weight.clone()
        # A best pass after the first is likely with this rate and certain not to be with none.
        mine.optimize(X, Y, iters=20, opt=torch.optim.SGD(mine.T.parameters(), lr=rate))
        assert torch.equal(mine.T[0].weight, before) is not moved


@pytest.mark.parametrize("mode", [True, False])
def test_the_mode_of_the_module_survives_training(mode):
    mine = new().train(mode)
    mine.optimize(*gaussian(60), iters=2)
    assert mine.training is mode


@each_loss
def test_the_same_seed_gives_the_same_estimate_and_touches_no_global_generator(loss):
    X, Y = gaussian(100)
    state, numpys = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    first, again = (new(loss, seed=3).optimize(X, Y, iters=5) for _ in range(2))
    assert first == again
    assert new(loss, seed=4).optimize(X, Y, iters=5) != first
    assert torch.equal(torch.random.get_rng_state(), state)
    assert (np.random.get_state()[1] == numpys).all()  # noqa: NPY002


def test_draws_go_on_from_call_to_call():
    x, z = tensors(30)
    runs = []
    for _ in range(2):
        mine = new()
        runs.append([mine(x, z).item() for _ in range(3)])
    assert runs[0] == runs[1] and len(set(runs[0])) == 3


def test_double_precision_networks_are_fed_double_precision():
    mine = new().double()
    x, z = gaussian(50)
    loss = mine(x, z)
    assert loss.dtype == torch.float64
    loss.backward()
    assert mine.T[0].weight.grad.dtype == torch.float64
    assert math.isfinite(mine.optimize(x, z, iters=2))


def test_a_network_with_a_state_that_is_no_tensor_is_trained():
    class Counting(nn.Linear):
        calls = 0

        def forward(self, values):
            self.calls += 1
            return super().forward(values)

        def get_extra_state(self):
            return {"calls": self.calls}

        def set_extra_state(self, state):
            self.calls = state["calls"]

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        own = Counting(2, 1)
    mine = Mine(own, method="concat")
    x, z = tensors(30)
    assert math.isfinite(mine.optimize(x, z, iters=3)) and own.calls > 0


def test_a_copy_goes_its_own_way():
    mine = new()
    x, z = tensors(30)
    mine(x, z)
    twin = copy.deepcopy(mine)
    assert twin(x, z).item() == mine(x, z).item()  # the same draws too
    before = copy.deepcopy(mine.state_dict())
    twin.optimize(x, z, iters=3)
    for name, value in mine.state_dict().items():
        assert torch.equal(value, before[name])


def test_a_saved_state_is_all_there_is():
    mine, other = new(), Mine(T=network(seed=1), method="concat")
    x, z = tensors(30)
    mine.optimize(x, z, iters=3)
    other.load_state_dict(mine.state_dict())
    assert other.mi(x, z) == pytest.approx(mine.mi(x, z), abs=1e-6)
    assert torch.equal(other.corrected.log_ema, mine.corrected.log_ema)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_samples_follow_the_network_to_its_device():
    mine = new().to("cuda")
    assert mine.corrected.log_ema.is_cuda
    assert mine(*gaussian(100)).is_cuda
    assert mine.optimize(*gaussian(5000), iters=20) == pytest.approx(TRUTH, abs=0.1)


# What is refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "remine"}, "`loss` must be one of mine, mine_biased, fdiv, got 'remine'"),
        ({"method": "separable"}, "`method` must be None or 'concat', got 'separable'"),
        ({"alpha": 0.0}, "`alpha` must lie between 0 and 1, got 0.0"),
        ({"alpha": 1.0}, "`alpha` must lie between 0 and 1, got 1.0"),
    ],
)
@pytest.mark.usefixtures("as_users_run_it")
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        Mine(T=network(), **options)


@pytest.mark.parametrize("call", ["forward", "mi"])
def test_samples_that_cannot_be_paired_are_refused(call):
    x, z = gaussian(10)
    with pytest.raises(InputError, match="need at least 2 rows"):
        getattr(new(), call)(x[:1], z[:1])
    with pytest.raises(InputError, match="the same number of rows: got 10 and 9"):
        getattr(new(), call)(x, z[:-1])
    with pytest.raises(InputError, match="`z_marg` must have the 10 rows of `x`, got 9"):
        getattr(new(), call)(x, z, z[:-1])
    wide = Mine(T=nn.Linear(2, 2), method="concat")
    with pytest.raises(InputError, match=r"`T` must return one score for each .* \(10, 2\)"):
        getattr(wide, call)(x, z)


def masked(v):
    values = np.ma.masked_array(v.copy(), mask=np.zeros(len(v), bool))
    values[3] = 1e6
    values[3] = np.ma.masked
    return values


def with_value(bad):
    def change(v):
        v = v.copy()
        v[3] = bad
        return v

    return change


BAD = {
    "masked": masked,
    "nan": with_value(np.nan),
    "infinite": with_value(np.inf),
    "beyond float32": lambda v: torch.from_numpy(with_value(1e300)(v)),
    "nan tensor": lambda v: torch.from_numpy(with_value(np.nan)(v)),
    "none": lambda v: [None, *v[1:]],
    "not available": lambda v: pd.Series([pd.NA, *v[1:]], dtype="object"),
    "complex": lambda v: v + 1j,
    "complex tensor": lambda v: torch.from_numpy(v + 1j),
    "words": lambda v: ["a"] * len(v),
    "ragged": lambda v: [[1.0], *[[1.0, 2.0]] * (len(v) - 1)],
    "scalar": lambda v: 1.0,
    "scalar tensor": lambda v: torch.tensor(1.0),
    "nothing": lambda v: None,
    "empty": lambda v: v[:0],
    "no columns": lambda v: torch.zeros(len(v), 0),
    "one row": lambda v: v[:1],
    "fewer rows": lambda v: v[:-1],
    "columns that T does not take": lambda v: np.c_[v, v, v],
    "an image": lambda v: torch.from_numpy(np.tile(v[:, None, None], (1, 2, 2))),
    "sparse": lambda v: torch.from_numpy(v)[:, None].to_sparse(),
    "meta": lambda v: torch.zeros(len(v), device="meta"),
    "object": lambda v: object(),
    "dict": lambda v: {"a": v, "b": v[:-1]},
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("call", ["forward", "mi", "optimize"])
@pytest.mark.usefixtures("as_users_run_it")
def test_bad_samples_are_refused_in_one_line_and_change_nothing(call, place, bad):
    if call == "optimize" and place == 2:
        pytest.skip("takes no product samples")
    if call == "optimize" and bad == "beyond float32":
        pytest.skip("is standardized")
    mine = new()
    before = copy.deepcopy(mine.state_dict())
    v = gaussian(20)[0]
    samples = [v, v[::-1].copy(), v[::-1].copy()][: 2 if call == "optimize" else 3]
    samples[place] = BAD[bad](v)
    if place == 2 and samples[2] is None:
        samples[2] = 0.0
    options = {"iters": 1} if call == "optimize" else {}
    with pytest.raises((InputError, InputTypeError)) as caught:
        getattr(mine, call)(*samples, **options)
    assert "\n" not in str(caught.value) and "`" in str(caught.value)
    assert mine.training
    if call != "optimize":
        assert mine.state_dict().keys() == before.keys()
    for name, value in before.items():
        torch.testing.assert_close(mine.state_dict()[name], value, equal_nan=True, rtol=0, atol=0)


def test_a_masked_row_was_used_with_what_lies_under_the_mask():
    x, z = gaussian(100)
    with pytest.raises(InputError, match=r"`x` has a value that is missing.* at row 3"):
        new().mi(masked(x), z)


@pytest.mark.parametrize("call", ["forward", "mi", "optimize"])
def test_a_network_that_does_not_score_the_samples_is_named(call):
    x, z = gaussian(20)
    options = {"iters": 1} if call == "optimize" else {}

    def message(T, method="concat"):
        with pytest.raises((InputError, InputTypeError)) as caught:
            getattr(Mine(T=T, method=method), call)(x, z, **options)
        return str(caught.value)

    wide = message(nn.Linear(5, 1))
    assert "`T([x, z])` fails on [x, z] of shape (" in wide and "make T for these inputs" in wide
    assert "pass method='concat'" in message(nn.Linear(2, 1), method=None)

    class Two(nn.Sequential):
        def forward(self, xz):
            return super().forward(xz), 0

    assert message(Two(nn.Linear(2, 1))) == "`T` must return a tensor, got a tuple."


def test_scores_that_are_not_finite_are_no_estimate():
    mine = new()
    with torch.no_grad():
        mine.T[0].weight.fill_(torch.nan)
    with pytest.raises(InputError, match="`T` returns scores that are not finite"):
        mine.mi(*gaussian(20))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"T": lambda x, z: x}, "`T` must be a torch.nn.Module, got a function"),
        ({"alpha": "0.1"}, "`alpha` must lie between 0 and 1, got '0.1'"),
        ({"seed": -1}, "`seed` must be a whole number"),
        ({"seed": 1.5}, "`seed` must be a whole number"),
    ],
)
@pytest.mark.usefixtures("as_users_run_it")
def test_options_of_another_type_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        Mine(**({"T": network()} | options))


@pytest.mark.usefixtures("as_users_run_it")
def test_options_of_optimize_of_another_type_are_refused():
    x, z = gaussian(20)
    for options in ({"iters": 2.5}, {"iters": "2"}, {"iters": True}, {"iters": 2, "opt": "adam"}):
        with pytest.raises(OptionError, match=f"`{list(options)[-1]}`"):
            new().optimize(x, z, **options)
    with pytest.raises(OptionError, match="`T` has no parameters"):
        Mine(T=nn.Flatten(), method="concat").optimize(x, z, iters=1)


def test_optimize_says_what_it_needs():
    x, z = gaussian(20)
    for options, message in (
        ({"iters": 0}, "`iters` must be at least 1, got 0"),
        ({"iters": 1, "batch_size": 1}, "`batch_size` must be at least 2, got 1"),
    ):
        with pytest.raises(OptionError, match=message):
            new().optimize(x, z, **options)
    with pytest.raises(InputError, match="needs at least 10 paired samples, got 9"):
        new().optimize(x[:9], z[:9], iters=1)
    assert math.isfinite(new().optimize(x[:10], z[:10], iters=1))
    with pytest.raises(InputError, match="paired row by row"):
        new().optimize(x, z[:-1], iters=1)
    with pytest.raises(InputError, match="missing"):
        new().optimize(np.r_[np.nan, x[1:]], z, iters=1)
    with pytest.raises(InputTypeError, match="str among its numbers"):
        new().optimize(["a"] * 20, z, iters=1)


# What earlier public implementations got wrong: none of it may come back


def test_fault_test_information_was_computed_on_the_training_rows():
    # So a network that remembers noise reported information: here 60 rows of 20 + 20 coordinates.
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((2, 100, 20))
    mine = Mine(T=network(40, 100), loss="mine_biased", method="concat")
    opt = torch.optim.Adam(mine.T.parameters(), lr=1e-3)
    assert mine.optimize(X, Y, iters=200, opt=opt) < 0.3
    for _ in range(300):
        opt.zero_grad()
        mine(X, Y).backward()
        opt.step()
    assert mine.mi(X, Y) > 1.0  # what the rows that trained it would have claimed


def test_fault_product_samples_paired_rows_with_themselves():
    # A random permutation leaves one row in its place on average: of 200 draws here 126 would.
    spy = Spy()
    mine = Mine(T=spy)
    for n in (2, 3, 5):
        for _ in range(200):
            mine(*numbered(n))
    assert all(i != j for _, x, z in spy.calls[1::2] for i, j in zip(x, z, strict=True))
    spy.calls.clear()
    mine(*numbered(2))
    assert spy.calls[1][2] == [1.0, 0.0]


def test_fault_product_pairs_with_copies_of_themselves_biased_the_bound_low():
    # One joint pair among 64 product pairs outweighs the rest where I = 6 nats. With the best
    # critic in 20 dimensions, 64 rows: 4.7 with fixed points, 6.2 ± 0.7 over all other pairs. The
    # mean of 20 such is known to 0.2 nats, and lies above the truth (the logarithm is concave).
    rho = math.sqrt(1 - math.exp(-2 * 6 / 20))
    log_det = math.log(1 - rho**2) / 2

    class PMI(nn.Module):
        def forward(self, x, z):
            quadratic = rho**2 * (x**2 + z**2) - 2 * rho * x * z
            return (-log_det - quadratic / (2 * (1 - rho**2))).sum(dim=1)

    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x, noise = rng.standard_normal((2, 64, 20))
        found.append(Mine(T=PMI()).mi(x, rho * x + math.sqrt(1 - rho**2) * noise))
    assert 5.6 < np.mean(found) < 8.0


def test_fault_exp_overflowed_from_scores_of_100_on():
    x, z = tensors(20)
    mine = Mine(T=Table(lambda a, b: 100 + 0 * a * b))
    assert mine(x, z).item() == pytest.approx(0, abs=1e-4)
    assert float(mine.corrected.log_ema) == pytest.approx(100, abs=1e-4)
    assert mine.mi(x, z) == pytest.approx(0, abs=1e-4)


def test_fault_the_moving_average_cancelled_in_the_gradient():
    # log(mean exp T / ema) has the gradient of log mean exp T, whatever the average is.
    gradients = {}
    for loss in ("mine", "mine_biased"):
        T = Table(lambda a, b: a * b)
        mine = Mine(T=T, loss=loss)
        mine(*tensors(30, seed=1))
        T.weight.grad = None
        mine(*tensors(30)).backward()
        gradients[loss] = float(T.weight.grad)
    assert abs(gradients["mine"] - gradients["mine_biased"]) > 0.01


def test_fault_the_moving_average_of_rate_one_corrects_nothing_and_is_refused():
    with pytest.raises(OptionError, match="`alpha`"):
        new(alpha=1.0)


def test_fault_the_moving_average_was_not_saved_and_moved_during_evaluation():
    mine = new()
    x, z = tensors(30)
    mine(x, z)
    state = copy.deepcopy(mine.state_dict())
    mine.mi(*tensors(30, seed=1))
    assert torch.equal(mine.state_dict()["corrected.log_ema"], state["corrected.log_ema"])
    fresh = new()
    fresh.load_state_dict(state)
    assert float(fresh.corrected.log_ema) == float(mine.corrected.log_ema)


@each_loss
def test_fault_a_penalty_was_part_of_the_reported_information(loss):
    # A critic that says five of every pair knows nothing: 0 nats, and not minus 2.5 for its drift.
    # (1 + pmi, the best of the f-divergence, is one everywhere.)
    constant = 1.0 if loss == "fdiv" else 5.0
    mine = Mine(T=Table(lambda a, b: constant + 0 * a * b), loss=loss)
    x, z = tensors(30)
    assert mine.mi(x, z) == pytest.approx(0, abs=1e-6)
    assert mine(x, z).item() == pytest.approx(0, abs=1e-6)


def test_fault_the_f_divergence_was_normalized_as_if_it_were_the_other():
    # E[exp(T − 1)] must tend to 1, not to 0 or e: T of independent variables learns to say 1.
    rng = np.random.default_rng(0)
    mine = new("fdiv")
    opt = torch.optim.Adam(mine.T.parameters(), lr=1e-2)
    mine.optimize(*rng.standard_normal((2, 1000)), iters=20, batch_size=100, opt=opt)
    x, z = (torch.from_numpy(v).float() for v in rng.standard_normal((2, 500)))
    with torch.no_grad():
        assert float(mine.T(torch.stack([x, z], dim=1)).mean()) == pytest.approx(1.0, abs=0.2)


def test_fault_the_estimate_was_log_of_the_average_minus_t_instead_of_the_bound_of_the_batch():
    T = Table(lambda a, b: a * b)
    mine = Mine(T=T, alpha=0.01)
    mine(*(10 * v for v in tensors(30)))  # an average of another size
    x, z = tensors(200, seed=1)
    value = -mine(x, z, z.flip(0)).item()
    expected = donsker_varadhan(x[:, 0] * z[:, 0], (x * z.flip(0)))
    assert value == pytest.approx(float(expected), abs=1e-6)


def test_fault_an_information_bottleneck_that_added_the_loss_maximized_the_information():
    # The module returns minus the bound. Adding beta times the bound to a loss means subtracting.
    x, noise = tensors(2000)[0], torch.randn(2000, 1, generator=torch.Generator().manual_seed(1))
    scale = torch.ones((), requires_grad=True)
    pmi = Table(lambda a, b: math.log(2) / 2 - (b - a) ** 2 / 2 + b**2 / 4)
    information = -Mine(T=pmi)(x, scale * x + noise)
    information.backward()
    assert scale.grad > 0  # descending on it compresses


def test_fault_noise_layers_were_noisy_in_evaluation_too():
    mine = Mine(T=nn.Sequential(nn.Dropout(0.5), network()), method="concat").eval()
    x, z = tensors(30)
    first, again = (mine(x, z, z.flip(0)).item() for _ in range(2))
    assert first == again


@pytest.mark.slow
def test_fault_importing_switched_things_on_printed_and_made_folders(tmp_path):
    code = (
        "import mineral, torch, numpy as np, logging\n"
        "from torch import nn\n"
        "mine = mineral.Mine(T=nn.Linear(2, 1), method='concat')\n"
        "mine.optimize(np.arange(20.0), np.arange(20.0), iters=2)\n"
        "mine(np.arange(20.0), np.arange(20.0))\n"
        "assert not torch.is_anomaly_enabled()\n"
        "assert torch.is_grad_enabled() and torch.get_default_dtype() == torch.float32\n"
        "assert not torch.are_deterministic_algorithms_enabled()\n"
        "assert not logging.getLogger().handlers\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_fault_seeds_were_drawn_from_the_global_generators():
    x, z = gaussian(60)
    found = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        found.append(new().optimize(x, z, iters=3))
    assert found[0] == found[1]
