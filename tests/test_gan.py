"""Adversarial games: who learns in a step, what is counted, and that each study runs."""

import copy
import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from mineral.critics import ConvolutionalCritic, JointCritic
from mineral.errors import OptionError
from mineral.experiments import find, run
from mineral.experiments.base import Context
from mineral.experiments.models import plane, reading
from mineral.experiments.models.games import play
from mineral.experiments.models.points import LAYOUTS
from mineral.learning import Information
from mineral.learning.gan import (
    Adversaries,
    FourierFeatures,
    PointDiscriminator,
    PointGenerator,
    discriminator_loss,
    generator_loss,
    gradient_penalty,
)
from mineral.learning.images import ImageDiscriminator, ImageGenerator
from mineral.stability import adaptive_clip

VARIANTS = ("plain", "mine")


@pytest.fixture(autouse=True)
def chance():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def game(*, information=None, **options):
    options = {"dim_noise": 1, "dim_code": 2, "seed": 0} | options
    generator = PointGenerator(max(1, options["dim_noise"] + options["dim_code"]), hidden=(16,))
    return Adversaries(
        generator, PointDiscriminator(hidden=(16,)), information=information, **options
    )


def tensors(module):
    return (*module.named_parameters(), *module.named_buffers())


def weights(module):
    return {name: value.detach().clone() for name, value in tensors(module)}


def same(module, before):
    return all(torch.equal(value, before[name]) for name, value in tensors(module))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("end", [-1.0, 1.0])
def test_an_image_generator_reaches_both_ends_of_the_range(channels, end):
    # What public code got wrong: a ReLU before tanh, and images of 29 × 29.
    generator = ImageGenerator(4, channels, width=4)
    optimizer = torch.optim.Adam(generator.parameters(), lr=0.05)
    z = torch.randn(8, 4)
    for _ in range(60):
        optimizer.zero_grad()
        (generator(z) - end).square().mean().backward()
        optimizer.step()
    made = generator(z)
    assert made.shape == (8, channels, 28, 28) and made.abs().max() <= 1
    assert (made - end).abs().max() < 0.05


def test_a_generator_before_training_makes_both_signs():
    made = ImageGenerator(4, 3, width=4)(torch.randn(8, 4))
    assert made.min() < -0.05 and made.max() > 0.05
    assert ImageDiscriminator(3, width=4)(made).shape == (8,)


def test_without_normalization_each_image_is_judged_alone():
    images = torch.randn(6, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    alone = ImageDiscriminator(3, width=2, norm=False)
    assert torch.allclose(alone(images)[:2], alone(images[:2]), atol=1e-5)
    together = ImageDiscriminator(3, width=2)
    assert not torch.allclose(together(images)[:2], together(images[:2]), atol=1e-3)


def test_the_losses_are_cross_entropies_of_log_odds():
    real, made = torch.tensor([0.3, -2.0]), torch.tensor([1.5, 0.2, -1.0])
    right = -torch.sigmoid(real).log().mean() - (1 - torch.sigmoid(made)).log().mean()
    assert float(discriminator_loss(real, made)) == pytest.approx(float(right))
    assert float(generator_loss(made)) == pytest.approx(float(-torch.sigmoid(made).log().mean()))
    nothing = torch.zeros(3)
    assert float(discriminator_loss(nothing, nothing)) == pytest.approx(2 * math.log(2))


def test_a_step_of_the_discriminator_lowers_its_loss_and_leaves_the_generator_alone():
    players = game(learning_rate=1e-2)
    real, made = torch.randn(64, 2) + 3, players.sample(64)
    before = weights(players.generator)
    losses = [players._learn(real, made) for _ in range(5)]
    assert losses == sorted(losses, reverse=True) and losses[-1] < losses[0] - 0.1
    assert same(players.generator, before)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_step_moves_each_player_and_the_critic(variant):
    information = Information(JointCritic(2, 2)) if variant == "mine" else None
    players = game(information=information)
    parts = [players.generator, players.discriminator, *([information] if information else [])]
    before = [weights(part) for part in parts]
    losses = players.step(torch.randn(32, 2))
    assert not any(same(part, was) for part, was in zip(parts, before, strict=True))
    assert losses.discriminator > 0 and losses.generator > 0
    assert (losses.applied > 0) == (variant == "mine")


def test_the_generator_climbs_the_information_with_its_clipped_gradient():
    """One step of plain gradient descent, written out, beside that of the game."""
    beta = 0.7
    information = Information(JointCritic(2, 2), seed=1)
    for _ in range(20):  # a critic that has something to say
        x = torch.randn(64, 2)
        information.learn(x, x)
    players = game(information=information, beta=beta)
    players.of_generator = torch.optim.SGD(players.generator.parameters(), lr=0.1)
    written = copy.deepcopy(players)
    assert written.of_generator.param_groups[0]["params"][0] is next(written.generator.parameters())
    real = torch.randn(32, 2)
    losses = players.step(real)

    z = written.latents(32)
    made = written.generator(z)
    written._learn(real, made.detach())
    written.information.learn(made.detach(), z[:, 1:])
    loss = generator_loss(written.discriminator(made))
    nats = written.information(made, z[:, 1:])
    norms = adaptive_clip(written.generator.parameters(), loss, nats, beta=beta)
    assert norms.applied == pytest.approx(beta * min(norms.loss, norms.information))
    written.of_generator.step()
    for one, other in zip(
        players.generator.parameters(), written.generator.parameters(), strict=True
    ):
        torch.testing.assert_close(one, other)
    assert losses.applied == pytest.approx(norms.applied / norms.loss)
    assert losses.applied <= beta


def test_both_players_forget_as_they_are_told():
    players = game(momentum=0.3, memory=0.9)
    assert [each.defaults["betas"] for each in players.optimizers] == [(0.3, 0.9)] * 2


def test_information_alone_makes_a_generator_tell_its_codes():
    # With a discriminator that says nothing the game has no gradient to clip to: so one that does.
    information = Information(JointCritic(2, 2), learning_rate=1e-2)
    players = game(information=information, learning_rate=1e-2)
    start = players.step(torch.randn(128, 2)).information
    for _ in range(60):
        end = players.step(torch.randn(128, 2)).information
    assert end > start + 0.5


def test_samples_come_from_their_seed_and_leave_the_game_as_it_was():
    players = game(average=0.5, learning_rate=1e-2)
    for _ in range(3):
        players.step(torch.randn(32, 2))
    before, chance = weights(players), players.chance.get_state()
    players.generator.train()
    one, again, other = players.sample(7, seed=1), players.sample(7, seed=1), players.sample(7)
    assert torch.equal(one, again) and not torch.equal(one, other)
    assert same(players, before) and torch.equal(chance, players.chance.get_state())
    assert players.generator.training
    players.average = None
    assert not torch.allclose(players.sample(7, seed=1), one)  # of the average, before


def test_fourier_features_are_sines_and_cosines_of_projections_over_a_range_of_frequencies():
    features = FourierFeatures(2, 4000, (1.0, 100.0))
    x = torch.randn(5, 2)
    seen = features(x)
    assert torch.equal(seen[:, :2], x) and seen.shape == (5, 8002)
    angles = x @ features.directions
    torch.testing.assert_close(seen[:, 2:], torch.cat([angles.sin(), angles.cos()], 1))
    # The standard deviation of n entries has a relative standard error of 1 / √(2n); n = 200 here.
    for part, expected in ((slice(0, 100), 1.06), (slice(-100, None), 94.4)):
        assert float(features.directions[:, part].std()) == pytest.approx(expected, rel=4 * 0.05)
    network = PointDiscriminator(hidden=(8,), features=3)
    assert network(x).shape == (5,) and network.net[1].in_features == 8
    assert {name for name, _ in network.named_parameters()} == {
        f"net.{i}.{kind}" for i in (1, 3) for kind in ("weight", "bias")
    }


def test_a_gain_makes_a_generator_steeper_from_the_start():
    def slope(gain):
        torch.manual_seed(0)
        generator = PointGenerator(2, hidden=(64, 64, 64), gain=gain)
        z = torch.randn(512, 2, requires_grad=True)
        [gradient] = torch.autograd.grad(generator(z).sum(), z)
        return gradient.square().sum(1).mean().sqrt().item() / generator(z).std().item()

    assert slope(3.0) > 2 * slope(1.0)
    with pytest.raises(OptionError, match="`gain` must be at least 0"):
        PointGenerator(2, gain=-1.0)


def test_the_gradient_penalty_is_half_the_squared_gradient_at_data_and_reaches_the_weights():
    weight = torch.tensor([3.0, 4.0], requires_grad=True)
    x = torch.randn(6, 2, requires_grad=True)
    penalty = gradient_penalty(x, x @ weight)
    assert penalty.item() == pytest.approx(25 / 2)
    penalty.backward()
    torch.testing.assert_close(weight.grad, weight.detach())
    # D(x) = a ‖x‖² / 2 has the gradient a x.
    assert gradient_penalty(x, 2 * x.square().sum(1) / 2).item() == pytest.approx(
        2 * x.square().sum(1).mean().item()
    )


def test_a_lazy_penalty_is_paid_every_kth_step_with_k_times_the_weight():
    real, made, rate = torch.randn(32, 2), torch.randn(32, 2), 0.1
    players = game(penalty=0.5, penalty_every=3)
    players.of_discriminator = torch.optim.SGD(players.discriminator.parameters(), lr=rate)
    for step in range(7):
        written = copy.deepcopy(players.discriminator)
        inputs = real.clone().requires_grad_()
        loss = discriminator_loss(written(inputs), written(made))
        if step % 3 == 0:
            [slope] = torch.autograd.grad(written(inputs).sum(), inputs, create_graph=True)
            loss = loss + 3 * 0.5 * slope.square().sum(1).mean() / 2
        loss.backward()
        with torch.no_grad():
            for parameter in written.parameters():
                parameter -= rate * (0 if parameter.grad is None else parameter.grad)
        players._learn(real, made)
        for one, other in zip(
            players.discriminator.parameters(), written.parameters(), strict=True
        ):
            torch.testing.assert_close(one, other)
    assert int(players.state_dict()["taken"]) == 7  # a resumed training goes on with the count


def test_samples_are_of_the_moving_average_of_the_weights():
    players, decay = game(average=0.9, learning_rate=1e-2), 0.9
    expected = None
    for _ in range(4):
        players.step(torch.randn(32, 2))
        own = [p.detach().clone() for p in players.generator.parameters()]
        if expected is None:
            expected = own  # the average starts at the first weights
        else:
            expected = [decay * a + (1 - decay) * b for a, b in zip(expected, own, strict=True)]
    for one, other in zip(players.average.module.parameters(), expected, strict=True):
        torch.testing.assert_close(one, other)


def test_rates_and_the_weight_of_the_information_fall_along_a_cosine_to_zero(tmp_path):
    seen, steps = [], 8

    class Watched(Adversaries):
        def step(self, real):
            rates = [group["lr"] for each in self.optimizers for group in each.param_groups]
            seen.append((*rates, self.beta))
            return super().step(real)

    players = Watched(
        PointGenerator(2, hidden=(4,)),
        PointDiscriminator(hidden=(4,)),
        dim_noise=0,
        dim_code=2,
        information=Information(JointCritic(2, 2)),
        learning_rate=0.1,
        discriminator_rate=0.2,
    )
    context = Context(
        settings=None,
        key="a",
        seed=0,
        device=torch.device("cpu"),
        progress=lambda _: None,
        folder=tmp_path,
    )
    play(
        context,
        players,
        lambda _: torch.randn(8, 2),
        name="a",
        steps=steps,
        cosine=True,
        fading=0.5,
    )
    shares = (1 + np.cos(np.pi * np.arange(steps) / steps)) / 2
    assert np.array(seen) == pytest.approx(shares[:, None] * np.array([0.1, 0.2, 0.5]))


def test_fused_steps_are_those_of_adam_up_to_rounding():
    # In float64: the bias before a normalization has a gradient of rounding only, of which Adam
    # makes whole steps in float32.
    def trained(fused):
        torch.manual_seed(0)
        information = Information(JointCritic(2, 2), fused=fused)
        players = game(information=information, fused=fused, learning_rate=1e-2).double()
        for _ in range(3):
            players.step(torch.randn(32, 2, dtype=torch.float64))
        return players

    one, other = trained(fused=True), trained(fused=False)
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_a_convolutional_critic_takes_images_as_they_are():
    information = Information(ConvolutionalCritic(3 * 784, 2, shape=(3, 28, 28), channels=(2, 2)))
    players = Adversaries(
        ImageGenerator(3, 3, width=2),
        ImageDiscriminator(3, width=2),
        dim_noise=1,
        dim_code=2,
        information=information,
    )
    assert math.isfinite(players.step(torch.rand(8, 3, 28, 28)).information)
    assert players.sample(5).shape == (5, 3, 28, 28)


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"dim_noise": 0, "dim_code": 0}, "`dim_noise` and `dim_code` must be"),
        ({"dim_code": 0, "information": Information(JointCritic(2, 2))}, "`dim_code` must be"),
        ({"average": 1.0}, "`average` must be"),
        ({"penalty": -1.0}, "`penalty` must be at least 0"),
        ({"penalty_every": 0}, "`penalty_every` at least 1"),
    ],
)
def test_what_makes_no_game_is_refused(options, says):
    with pytest.raises(OptionError, match=says):
        game(**options)


def test_modes_quality_and_divergence_of_samples_whose_answer_is_known():
    every = plane.modes(plane.CENTRES)
    assert every == {"modes": 25, "quality": 1.0, "kl": pytest.approx(0, abs=1e-12)}
    one = plane.modes(np.repeat(plane.CENTRES[:1], 10, axis=0))
    assert one == {"modes": 1, "quality": 1.0, "kl": pytest.approx(math.log(25))}
    near, far = plane.CENTRES[0] + [0.149, 0], plane.CENTRES[1] + [0.151, 0]
    two = plane.modes(np.array([near, far]))  # both count for KL, one is good
    assert two == {"modes": 1, "quality": 0.5, "kl": pytest.approx(math.log(25 / 2))}
    counts = np.array([3, 1, 0, 0])
    assert plane.reverse_kl(counts) == pytest.approx(0.75 * math.log(3) + 0.25 * math.log(1))


def test_the_data_themselves_cover_everything():
    rng = np.random.default_rng(0)
    found = plane.modes(plane.grid(20_000, rng))
    assert found["modes"] == 25 and found["kl"] < 0.003
    # Within 3 standard deviations of the mean in two dimensions: 1 − exp(−9/2) = 0.9889.
    assert found["quality"] == pytest.approx(1 - math.exp(-4.5), abs=4 * 0.0008)
    both = plane.length_covered(plane.spirals(5000, rng))
    assert min(both["first"], both["second"]) == 1.0 and both["quality"] > 0.98


def test_an_arm_of_two_is_seen_as_missing():
    arm = plane.arms()[0]
    assert plane.length_covered(arm)["first"] == 1.0
    assert plane.length_covered(arm)["second"] < 0.1  # but where they begin
    half = plane.length_covered(arm[: plane.ALONG // 2])
    assert half["first"] == pytest.approx(0.5, abs=0.02 + 3 * plane.SD / 4)
    steps = np.linalg.norm(np.diff(arm, axis=0), axis=1)
    assert steps == pytest.approx(steps.mean(), rel=0.01)
    assert LAYOUTS["grid"].draw(50_000, np.random.default_rng(0)).std() == pytest.approx(2.83, 0.01)


POINTS = {
    "seeds": 1,
    "spiral_seeds": 1,
    "samples": 500,
    "evaluated": 300,
    "steps": 12,
    "batch": 16,
    "generator": [8],
    "discriminator": [8],
    "critic": [8],
}


def test_points_end_to_end(tmp_path):
    found = run(find("gan-points"), out=tmp_path / "a", changes=POINTS)
    named = (*VARIANTS, "noise")
    assert set(found.metrics) == {f"{a}-{b}" for a in ("grid", "spirals") for b in named}
    assert found.tables[0].rows[3] == ["GAN, published", "17.3", "94.8 %", "0.70"]
    assert (tmp_path / "a" / "gan-points.png").stat().st_size > 2000
    assert not list((tmp_path / "a" / "checkpoints").glob("*"))
    for variant in VARIANTS:
        assert found.metrics[f"grid-{variant}"]["modes"][0] <= 25


class Killed(BaseException):
    """As by a signal: nothing catches it."""


@pytest.mark.parametrize("mode", ["quick", "standard"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_killed_cell_goes_on_and_ends_with_the_same_numbers(tmp_path, variant, mode, monkeypatch):
    experiment = find("gan-points")
    settings = experiment.settings(mode, POINTS)

    def cell(folder):
        context = Context(
            settings=settings,
            key=f"grid-{variant}-0",
            seed=0,
            device=torch.device("cpu"),
            progress=lambda _: None,
            folder=folder,
        )
        return experiment.cells(settings)[context.key](context)

    step, taken = Adversaries.step, []

    def killed(self, real):
        taken.append(0)
        if len(taken) == 8:
            raise Killed
        return step(self, real)

    whole = cell(tmp_path / "whole")
    monkeypatch.setattr(Adversaries, "step", killed)
    with pytest.raises(Killed):
        cell(tmp_path / "killed")
    assert list((tmp_path / "killed").iterdir())
    assert cell(tmp_path / "killed") == whole
    assert len(taken) == 8 + 12 - 7  # the seventh step was the last that was saved
    assert not (tmp_path / "killed").exists()


@pytest.fixture
def images(monkeypatch):
    """In the place of MNIST: two digits that a network tells apart at once, 0 dark and 1 bright."""
    labels = np.arange(200) % 2
    pixels = np.full((200, 1, 28, 28), -1, np.float32) + 2 * labels[:, None, None, None]
    made = pixels.astype(np.float32), labels.astype(np.int64)
    monkeypatch.setattr(reading, "_part", lambda _part: made)
    return made


@pytest.mark.usefixtures("images")
def test_a_reader_learns_once_a_run_and_is_the_same_for_every_cell(tmp_path, monkeypatch):
    context = Context(
        settings=None,
        key="a",
        seed=0,
        device=torch.device("cpu"),
        progress=lambda _: None,
        folder=tmp_path / "a",
    )
    first = reading.Reader(context, epochs=20)
    assert first.accuracy == 1.0
    monkeypatch.setattr(reading.Reader, "_learn", None)  # it would fail
    again = reading.Reader(replace(context, key="b", folder=tmp_path / "b"), epochs=20)
    assert again.accuracy == 1.0 and same(again.network, weights(first.network))


@pytest.mark.usefixtures("images")
def test_stacks_are_read_as_numbers():
    from mineral.experiments.models.stacked import numbers

    reader = object.__new__(reading.Reader)
    reader.digits = lambda pixels: (pixels.mean((1, 2, 3)) > 0).long() * 7
    dark, bright = -torch.ones(28, 28), torch.ones(28, 28)
    stacks = torch.stack(
        [torch.stack(s) for s in ([dark, dark, bright], [bright, dark, dark], [bright] * 3)]
    )
    assert numbers(reader, stacks).tolist() == [7, 700, 777]


@pytest.mark.usefixtures("images")
def test_stacked_end_to_end(tmp_path):
    changes = {"seeds": 1, "images": 100, "evaluated": 60, "steps": 2, "batch": 8, "generator": 2}
    changes |= {"discriminator": 2, "critic": [2, 2], "reader_epochs": 1}
    found = run(find("stacked-mnist"), out=tmp_path / "a", changes=changes)
    assert all(found.metrics[variant]["modes"][0] >= 1 for variant in VARIANTS)
    report = (tmp_path / "a" / "report.md").read_text()
    assert "GAN + MINE, published (unverified)" in report and "VEEGAN, published | 150.0" in report
    cell = json.loads((tmp_path / "a" / "cells" / "mine-0.json").read_text())["found"]
    assert 0 <= cell["reader"] <= 1
    assert np.array(cell["pixels"]).shape == (32, 3, 28, 28)
