"""Help for training loops: the rules by their formulas, and the faults it is there to see."""

import copy
import functools
import itertools
import math

import pytest
import torch
from torch import nn
from torch.autograd import grad
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mineral import bounds
from mineral.critics import split_scores
from mineral.errors import InputError, OptionError
from mineral.stability import EarlyStopping, Monitor, accumulate, adaptive_clip, swapped


def generator(seed):
    return torch.Generator().manual_seed(seed)


def network(*widths, seed=0):
    """Linear layers with tanh between them, the same weights every time."""
    layers = [nn.Linear(a, b) for a, b in itertools.pairwise(widths)]
    net = nn.Sequential(*[part for layer in layers for part in (layer, nn.Tanh())][:-1]).double()
    with torch.no_grad():
        for i, parameter in enumerate(net.parameters()):
            parameter.copy_(torch.randn(parameter.shape, generator=generator(100 * seed + i)))
    return net


def gradients(net):
    return [parameter.grad.clone() for parameter in net.parameters()]


# Adaptive clipping


def two_terms(net, scale=1.0):
    """A loss and an information that share part of their graph."""
    out = net(torch.randn(20, 3, generator=generator(1), dtype=torch.float64))
    return (out - 2).square().mean(), scale * (out.sin() * out).mean()


@pytest.mark.parametrize(("scale", "beta"), [(1e3, 1.0), (1e-3, 1.0), (1e3, 0.2), (1.0, 0.0)])
def test_the_information_is_clipped_to_the_length_of_the_loss(scale, beta):
    net = network(3, 5, 1)
    loss, information = two_terms(net, scale)
    g_u, g_m = (
        torch.cat([grad(v, p, retain_graph=True)[0].flatten() for p in net.parameters()])
        for v in (loss, information)
    )
    g_a = min(g_u.norm(), g_m.norm()) * g_m / g_m.norm()
    norms = adaptive_clip(net.parameters(), loss, information, beta=beta)
    found = torch.cat([g.flatten() for g in gradients(net)])
    torch.testing.assert_close(found, g_u - beta * g_a)
    assert norms.loss == pytest.approx(g_u.norm().item())
    assert norms.information == pytest.approx(g_m.norm().item())
    assert norms.applied == pytest.approx(beta * g_a.norm().item())


def test_a_step_raises_the_information_and_minus_it_lowers():
    for sign in (1, -1):
        net = network(3, 5, 1)
        optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)
        loss, information = two_terms(net)
        adaptive_clip(net.parameters(), loss, sign * information, beta=50.0)
        optimizer.step()
        assert sign * (two_terms(net)[1] - information).item() > 0


def test_it_adds_to_gradients_as_backward_does():
    net = network(3, 5, 1)
    adaptive_clip(net.parameters(), *two_terms(net))
    once = gradients(net)
    adaptive_clip(net.parameters(), *two_terms(net))
    for twice, first in zip(gradients(net), once, strict=True):
        torch.testing.assert_close(twice, 2 * first)


def test_other_networks_receive_nothing():
    net, critic = network(3, 5, 1), network(1, 4, 1, seed=1)
    out = net(torch.ones(2, 3, dtype=torch.float64))
    adaptive_clip(net.parameters(), out.mean(), critic(out).mean())
    assert all(parameter.grad is None for parameter in critic.parameters())


def test_parameters_of_one_term_only_and_frozen_ones():
    of_both, of_loss, of_information, frozen = torch.ones(4, 1, dtype=torch.float64)
    for parameter in (of_both, of_loss, of_information):
        parameter.requires_grad_()
    loss = (3 * of_both + 4 * of_loss + frozen).sum()
    norms = adaptive_clip(
        iter([of_both, of_loss, of_information, frozen]),
        loss,
        (6 * of_both + 8 * of_information * frozen).sum(),
    )
    assert (norms.loss, norms.information, norms.applied) == (5, 10, 5)
    assert [p.grad.item() for p in (of_both, of_loss, of_information)] == [0, 4, -4]
    assert frozen.grad is None


@pytest.mark.parametrize("information", [0.0, math.inf, math.nan])
def test_no_direction_is_no_step(information):
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    norms = adaptive_clip([w], w.sum(), information * w[0])
    assert w.grad.tolist() == [1, 1] and norms.applied == 0
    assert norms.information == pytest.approx(information, nan_ok=True)


def test_without_a_gradient_of_the_loss_nothing_is_added():
    w = torch.tensor([1.0], requires_grad=True)
    assert adaptive_clip([w], 0 * w.sum(), w.sum()).applied == 0
    assert w.grad.item() == 0


def test_norms_do_not_overflow_half_precision():
    w = torch.ones(4, dtype=torch.float16, requires_grad=True)
    norms = adaptive_clip([w], (40_000 * w).sum(dtype=torch.float32), w.sum(dtype=torch.float32))
    assert norms.loss == 80_000 and norms.applied == 2


def test_says_which_term_does_not_depend_on_the_parameters():
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(InputError, match=r"`information` does not depend on any"):
        adaptive_clip([w], w.sum(), w.detach().sum())
    with pytest.raises(InputError, match=r"`loss` does not depend on any"):
        adaptive_clip([w], torch.ones(1, requires_grad=True).sum(), w.sum())
    with pytest.raises(InputError, match=r"`information` must be one number, got shape \(2,\)"):
        adaptive_clip([w], w.sum(), w)
    with pytest.raises(InputError, match="does not depend"):
        adaptive_clip([], w.sum(), w.sum())


# The moving average of weights


def test_the_average_stands_in_and_leaves():
    net = network(2, 2)
    average = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.5))
    average.update_parameters(net)
    own = copy.deepcopy(net.state_dict())
    with torch.no_grad():
        net[0].weight.add_(1.0)
    average.update_parameters(net)
    weight = net[0].weight
    with swapped(net, average):
        torch.testing.assert_close(net[0].weight, own["0.weight"] + 0.5)
    assert net[0].weight is weight
    torch.testing.assert_close(net[0].weight, own["0.weight"] + 1.0)
    torch.testing.assert_close(average.module[0].weight, own["0.weight"] + 0.5)


def test_weights_come_back_after_an_error():
    net = network(2, 2)
    average = AveragedModel(net)
    with torch.no_grad():
        net[0].bias.fill_(3.0)
    with pytest.raises(RuntimeError, match="evaluation"), swapped(net, average):
        raise RuntimeError("evaluation")
    assert net[0].bias.tolist() == [3, 3]


# Early stopping


def test_stops_after_patience_without_gain_and_returns_to_the_best():
    net, stopping = nn.Linear(1, 1), EarlyStopping(patience=3)
    decisions = []
    for step, value in enumerate([0.0, 1.0, 3.0, 2.0, 3.0, 2.5]):
        with torch.no_grad():
            net.weight.fill_(float(step))
        decisions.append(stopping.update(value, net))
    assert decisions == [False, False, False, False, False, True]
    assert (stopping.best, stopping.best_update, stopping.updates) == (3.0, 2, 6)
    stopping.restore(net)
    assert net.weight.item() == 2.0
    with torch.no_grad():
        net.weight.fill_(9.0)  # training on after `restore` must not change what is kept
    stopping.restore(net)
    assert net.weight.item() == 2.0


def test_a_gain_starts_the_waiting_anew():
    stopping = EarlyStopping(patience=2)
    assert [stopping.update(v) for v in (0.0, -1.0, 1.0, 0.5, 2.0, 1.5, 1.0)] == [False] * 6 + [
        True
    ]


def test_small_gains_do_not_count_if_told():
    stopping = EarlyStopping(patience=2, least_gain=0.5)
    assert [stopping.update(v) for v in (0.0, 0.4, 0.5)] == [False, False, True]
    assert stopping.best == 0.0
    assert not stopping.update(0.6) and stopping.best == 0.6


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_ends_training_and_is_not_best(value):
    net, stopping = nn.Linear(1, 1), EarlyStopping(patience=5)
    kept = net.weight.item()
    assert not stopping.update(-2.0, net)
    with torch.no_grad():
        net.weight.fill_(math.nan)
    assert stopping.update(value, net)
    stopping.restore(net)
    assert stopping.best == -2.0 and net.weight.item() == kept


def test_there_is_something_to_return_to_if_nothing_was_finite():
    net, stopping = nn.Linear(1, 1), EarlyStopping(patience=5)
    kept = net.weight.item()
    assert stopping.update(math.nan, net)
    with torch.no_grad():
        net.weight.fill_(5.0)
    stopping.restore(net)
    assert net.weight.item() == kept and stopping.best == -math.inf
    assert not stopping.update(-7.0, net) and stopping.best == -7.0


def test_several_modules_return_together():
    one, two, stopping = nn.Linear(1, 1), nn.Linear(1, 1), EarlyStopping(patience=1)
    weights = one.weight.item(), two.weight.item()
    stopping.update(0.0, one, two)
    with torch.no_grad():
        one.weight.fill_(7.0)
        two.weight.fill_(8.0)
    stopping.restore(one, two)
    assert (one.weight.item(), two.weight.item()) == weights
    with pytest.raises(InputError, match="given 1 modules, but `update` 2"):
        stopping.restore(one)


@pytest.mark.parametrize("options", [{"patience": 0}, {"patience": 1, "least_gain": -1.0}])
def test_early_stopping_options_out_of_range(options):
    with pytest.raises(OptionError, match=f"`{list(options)[-1]}` must"):
        EarlyStopping(**options)


# Accumulation


@pytest.mark.parametrize("sizes", [(8, 8, 8), (24,), (1, 20, 3), (10, 0, 14)])
def test_parts_give_the_gradient_of_the_whole_batch(sizes):
    x = torch.randn(24, 3, generator=generator(0), dtype=torch.float64)
    y = torch.randn(24, 1, generator=generator(1), dtype=torch.float64)
    net, criterion = network(3, 4, 1), nn.MSELoss()
    whole = criterion(net(x), y)
    whole.backward()
    expected = gradients(net)
    net.zero_grad()
    parts = zip(x.split(sizes), y.split(sizes), strict=True)
    value = accumulate(lambda a, b: criterion(net(a), b), parts)
    torch.testing.assert_close(value, whole.detach())
    assert not value.requires_grad
    for found, expect in zip(gradients(net), expected, strict=True):
        torch.testing.assert_close(found, expect)


def test_a_contrastive_bound_of_parts_is_that_of_the_small_batch():
    # A perfect critic: InfoNCE of 16 rows reads ln 16, and of 4 parts of 4 rows ln 4.
    scale = torch.tensor(50.0, requires_grad=True)
    x = torch.eye(16)

    def bound(part):
        return bounds.infonce(*split_scores(scale * part @ part.T))

    assert bound(x).item() == pytest.approx(math.log(16))
    assert accumulate(bound, [(part,) for part in x.split(4)]).item() == pytest.approx(math.log(4))


def test_says_that_there_is_nothing_to_accumulate():
    with pytest.raises(InputError, match="no rows"):
        accumulate(lambda x: x.mean(), [])
    with pytest.raises(InputError, match=r"got shape \(3,\)"):
        accumulate(lambda x: x, [(torch.ones(3, requires_grad=True),)])


# Drift and explosion


@functools.cache
def one_hot_demo(batch_size, steps, *, remine=0.0):
    """What a monitor says of MINE on X = Y over 16 symbols, I = ln 16 (ReMINE's demonstration)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        critic = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 1, bias=False))
        optimizer = torch.optim.SGD(critic.parameters(), lr=0.1)
        monitor, symbols = Monitor(), torch.eye(16)
        for _ in range(steps):
            x = torch.randint(16, (batch_size,))
            y = x[torch.randperm(batch_size)]
            pairs = torch.cat([symbols[x], symbols[x]], 1), torch.cat([symbols[x], symbols[y]], 1)
            joint, product = (critic(pair) for pair in pairs)
            value = bounds.remine(joint[:, 0], product, weight=remine)
            optimizer.zero_grad()
            (-value).backward()
            optimizer.step()
            monitor.update(joint[:, 0].detach(), product.detach())
    return {caution.code: caution.message for caution in monitor.cautions}


@pytest.mark.slow
def test_a_batch_of_100_drifts_and_is_told_of_remine():
    found = one_hot_demo(100, 2000)
    assert set(found) == {"drift"}
    assert "Use ReMINE" in found["drift"] and "moved by -" in found["drift"]


@pytest.mark.slow
def test_remine_does_not_drift():
    assert one_hot_demo(100, 2000, remine=0.1) == {}


@pytest.mark.slow
def test_a_batch_of_32_swings_ever_more_widely():
    found = one_hot_demo(32, 2000)
    assert {"drift", "explosion"} <= set(found)
    assert "swings by ±" in found["explosion"]
    assert "raise the batch size" in found["explosion"]


@pytest.mark.slow
def test_a_batch_of_8_explodes():
    found = one_hot_demo(8, 1700)
    assert {"explosion", "few-scores", "above-log-n"} <= set(found)


def steady(monitor, n, *, c=0.0, bound=1.0, swing=0.0, m=9, seed=0):
    """n updates with log mean exp at c on average and Donsker–Varadhan near `bound`."""
    for i in range(n):
        at = c + swing * math.sqrt(2) * math.sin(2.399 * i)  # standard deviation `swing`
        monitor.update(torch.full((5,), at + bound), torch.full((5, m), at))


def codes(monitor):
    return [caution.code for caution in monitor.cautions]


def test_nothing_is_said_of_a_steady_critic():
    monitor = Monitor(window=10)
    steady(monitor, 100, c=-3.0, bound=2.0, swing=1.0)
    assert codes(monitor) == []


@pytest.mark.parametrize(
    ("moved", "gained", "drifts"),
    [(1.2, 0.0, True), (-1.2, 0.3, True), (0.9, 0.0, False), (1.2, 0.7, False), (3.0, -2, False)],
)
def test_drift_is_a_constant_that_moves_while_the_bound_does_not(moved, gained, drifts):
    monitor = Monitor(window=10)
    steady(monitor, 10)
    steady(monitor, 10, c=moved, bound=1.0 + gained)
    assert codes(monitor) == ["drift"] * drifts


def test_slow_drift_is_seen_over_many_windows():
    monitor = Monitor(window=10)
    for i in range(100):
        steady(monitor, 1, c=0.015 * i)
    assert codes(monitor) == ["drift"]
    assert "From update 10 to 80" not in monitor.cautions[0].message  # the last look is told
    assert "to 100 " in monitor.cautions[0].message


def test_noise_is_no_drift():
    # Two windows of 4 steps that swing by 1.9 differ by chance by 1.9 · √(2 / 4) = 1.3.
    monitor = Monitor(window=4)
    steady(monitor, 4, c=0.0, swing=1.3)
    steady(monitor, 4, c=1.3, swing=1.3)
    assert codes(monitor) == []


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 81.0, -81.0])
@pytest.mark.parametrize("where", ["joint", "product"])
def test_explosion_is_told_at_once(value, where):
    monitor = Monitor()
    scores = {"joint": torch.zeros(4), "product": torch.zeros(4, 3)}
    monitor.update(**scores)
    scores[where].view(-1)[2] = value
    monitor.update(**scores)
    assert codes(monitor) == ["explosion"]
    assert "at update 2" in monitor.cautions[0].message
    assert "Lower the learning rate" in monitor.cautions[0].message


def test_a_step_that_is_not_finite_leaves_the_windows_to_the_others():
    monitor = Monitor(window=5)
    steady(monitor, 5)
    monitor.update(torch.tensor([0.0, math.nan]), torch.zeros(2, 3))
    steady(monitor, 5, c=1.2)
    assert codes(monitor) == ["explosion", "drift"]


def test_scores_within_the_limit_are_no_explosion():
    monitor = Monitor(limit=10.0)
    monitor.update(torch.full((4,), 9.0), torch.full((4, 3), -9.9))
    assert codes(monitor) == []


def test_swings_are_standard_deviations():
    quiet, loud = Monitor(window=200), Monitor(window=200)
    steady(quiet, 200, swing=1.9)
    steady(loud, 200, swing=2.1)
    assert codes(quiet) == [] and codes(loud) == ["explosion"]


def test_a_bound_above_ln_of_the_product_scores_is_doubted():
    for bound, expected in [(math.log(45) - 0.01, []), (math.log(45) + 0.01, ["above-log-n"])]:
        monitor = Monitor(window=5)
        steady(monitor, 5, bound=bound)
        assert codes(monitor) == expected
    assert "above ln 45 = 3.81" in monitor.cautions[0].message


@pytest.mark.parametrize(
    ("weights", "effective"), [([3, 1], 1.6), ([1, 1], 2.0), ([2, 1], 1.8), ([1, 1, 1], 3.0)]
)
def test_few_scores_that_carry_the_mean_are_counted(weights, effective):
    # Of 45 product scores a few have weight, and (Σw)² / Σw² counts them: 3² / 5 = 1.8.
    product = torch.full((5, 9), -40.0)
    product.view(-1)[: len(weights)] = torch.tensor(weights).log()
    for fewest, said in [(effective + 0.05, True), (effective - 0.05, False)]:
        monitor = Monitor(window=3, fewest=fewest)
        for _ in range(3):
            monitor.update(torch.zeros(5), product)
        assert codes(monitor) == ["few-scores"] * said
        assert not said or f"45 product scores has an effective sample size of {effective}" in str(
            monitor.cautions[0]
        )


@pytest.mark.parametrize(
    "options",
    [{"window": 1}, {"drift": 0.0}, {"swing": -1.0}, {"limit": math.nan}, {"fewest": 0.5}],
)
def test_monitor_options_out_of_range(options):
    with pytest.raises(OptionError, match=f"`{next(iter(options))}` must"):
        Monitor(**options)
