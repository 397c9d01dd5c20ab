"""Encoder and decoder in one game: who learns what, what is measured, and that the study runs."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from mineral.critics import JointCritic
from mineral.errors import OptionError
from mineral.experiments import find, run
from mineral.experiments.models import reading
from mineral.learning import Information
from mineral.learning.bidirectional import Bidirectional, GaussianEncoder, PairDiscriminator
from mineral.learning.gan import PointGenerator, generator_loss
from mineral.stability import adaptive_clip

VARIANTS = ("plain", "mine")


@pytest.fixture(autouse=True)
def chance():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def game(*, information=None, **options):
    return Bidirectional(
        GaussianEncoder(PointGenerator(2, 4, hidden=(16,))),
        PointGenerator(2, hidden=(16,)),
        PairDiscriminator(nn.Identity(), 2, 2, hidden=16),
        information=information,
        **{"dim_z": 2, **options},
    )


def tensors(module):
    return (*module.named_parameters(), *module.named_buffers())


def weights(module):
    return {name: value.detach().clone() for name, value in tensors(module)}


def moved(module, before):
    return any(not torch.equal(value, before[name]) for name, value in tensors(module))


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_step_moves_every_network(variant):
    information = Information(JointCritic(2, 2)) if variant == "mine" else None
    players = game(information=information)
    parts = [players.encoder, players.decoder, players.discriminator]
    parts += [information] if information else []
    before = [weights(part) for part in parts]
    losses = players.step(torch.randn(32, 2))
    assert all(moved(part, was) for part, was in zip(parts, before, strict=True))
    assert (losses.information != 0) == (variant == "mine") == (losses.applied > 0)


def test_the_encoder_climbs_the_clipped_information_and_the_decoder_does_not():
    beta, real = 0.7, torch.randn(32, 2)
    information = Information(JointCritic(2, 2), seed=1)
    for _ in range(20):  # a critic that has something to say
        information.learn(real, real)
    players = game(information=information, beta=beta)
    both = [*players.encoder.parameters(), *players.decoder.parameters()]
    players.of_coders = torch.optim.SGD(both, lr=0.1)
    plain, written = copy.deepcopy(players), copy.deepcopy(players)
    plain.information = None
    losses = players.step(real)
    plain.step(real)
    # The first step's game is the same: the decoder must not know that there is information.
    for one, other in zip(players.decoder.parameters(), plain.decoder.parameters(), strict=True):
        torch.testing.assert_close(one, other)

    mean, sd = written.encoder(real)
    code = mean + sd * written._normal(32)
    z = written._normal(32)
    made = written.decoder(z)
    discriminator = players.discriminator  # after its step, which is the same in all three
    loss = generator_loss(discriminator(made, z)) + generator_loss(-discriminator(real, code))
    written.information.learn(real, code.detach())
    nats = written.information(real, code)
    norms = adaptive_clip(written.encoder.parameters(), loss, nats, beta=beta)
    assert losses.applied == pytest.approx(norms.applied / norms.loss, rel=1e-4) and norms.applied
    assert losses.applied <= beta
    written.of_coders.step()
    for one, other in zip(players.encoder.parameters(), written.encoder.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_who_cannot_tell_pairs_apart_has_2_log_2():
    players = game()
    nn.init.zeros_(players.discriminator.net[-1].weight)
    nn.init.zeros_(players.discriminator.net[-1].bias)
    losses = players.step(torch.randn(32, 2))
    assert losses.discriminator == pytest.approx(2 * np.log(2), rel=1e-5)


def test_a_gaussian_encoder_is_neither_a_point_nor_nothing():
    mean, sd = GaussianEncoder(nn.Linear(3, 4))(1000 * torch.randn(50, 3))
    assert mean.shape == sd.shape == (50, 2)
    assert sd.min().item() >= np.exp(-5) * 0.999 and sd.max().item() <= np.exp(1) * 1.001


def test_reconstructions_decode_the_means_and_leave_the_game_as_it_was():
    players = game()
    for _ in range(3):
        players.step(torch.randn(32, 2))
    before, real = weights(players), torch.randn(5, 2)
    found = players.reconstruct(real)
    assert players.encoder.training and not moved(players, before)
    players.eval()
    torch.testing.assert_close(found, players.decoder(players.encoder(real)[0]))
    assert torch.equal(players.sample(4, seed=1), players.sample(4, seed=1))
    assert not torch.equal(players.sample(4, seed=1), players.sample(4, seed=2))


@pytest.mark.usefixtures("as_users_run_it")
def test_a_code_without_coordinates_is_refused():
    with pytest.raises(OptionError, match="`dim_z` must be at least 1"):
        game(dim_z=0)


def test_structural_similarity_is_that_of_the_formula_where_only_brightness_differs():
    from mineral.experiments.models.bidirectional import WEIGHTS, similarity

    assert sum(WEIGHTS) == pytest.approx(1)
    images = torch.rand(3, 1, 28, 28) * 2 - 1
    assert similarity(images, images) == pytest.approx(1, abs=1e-5)
    # Flat images have contrast and structure 1, and luminance (2ab + C) / (a² + b² + C) at the
    # last scale alone, with C = 0.01².
    a, b, c = 0.25, 0.75, 0.01**2
    flat = [torch.full((1, 1, 28, 28), 2 * level - 1) for level in (a, b)]
    expected = ((2 * a * b + c) / (a**2 + b**2 + c)) ** WEIGHTS[-1]
    assert similarity(*flat) == pytest.approx(expected, abs=1e-3)


@pytest.fixture
def images(monkeypatch):
    """In the place of MNIST."""
    rng = np.random.default_rng(0)
    made = (
        rng.uniform(-1, 1, (120, 1, 28, 28)).astype(np.float32),
        rng.integers(10, size=120).astype(np.int64),
    )
    monkeypatch.setattr(reading, "_part", lambda _part: made)


@pytest.mark.usefixtures("images")
def test_the_study_end_to_end(tmp_path):
    changes = {"seeds": 1, "digit_seeds": 1, "evaluated": 60, "steps": 2, "batch": 8, "hidden": 8}
    changes |= {"digit_steps": 2, "digit_batch": 8, "width": 2, "critic": [8], "channels": [2, 2]}
    changes |= {"digit_dim_z": 3, "reader_epochs": 1}
    found = run(find("bidirectional"), out=tmp_path / "a", changes=changes)
    assert set(found.metrics) == {f"{a}-{b}" for a in ("points", "digits") for b in VARIANTS}
    assert 0 <= found.metrics["digits-mine"]["accuracy"][0] <= 1
    report = (tmp_path / "a" / "report.md").read_text()
    assert "ALI + MINE, from memory (unverified) | 9.73 | 96.10 % | 0.99" in report
    for name in ("points", "digits"):
        assert (tmp_path / "a" / f"bidirectional-{name}.png").stat().st_size > 2000
