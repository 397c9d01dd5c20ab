"""Deep InfoMax: each objective learns, codes of any images, and the experiment beside baselines."""

import math

import numpy as np
import pytest
import torch

from mineral.errors import InputError, OptionError
from mineral.experiments import run
from mineral.experiments.models import digits
from mineral.experiments.models.infomax import INFOMAX
from mineral.learning.infomax import OBJECTIVES, InfoMax, Orthonormal, infomax, prepared
from mineral.learning.views import CosineCritic, random_views


def rows(n=600, seed=0):
    """Three strong signals in ten columns of noise."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(n, 3))
    mixed = np.concatenate([3 * signal, 0.3 * rng.normal(size=(n, 7))], axis=1)
    return mixed.astype(np.float32), signal


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["jensen-shannon", "infonce"])
def test_a_code_of_three_keeps_the_three_strong_signals(objective):
    x, _ = rows()
    options = {"objective": objective, "dim_z": 3, "channels": (2,), "learning_rate": 3e-3}
    model = infomax(x, epochs=30, batch_size=100, **options)
    before = infomax(x, epochs=1, batch_size=600, **options)

    def explained(of):
        """Of new rows, by a linear map from their code."""
        at, truth = rows(seed=1)
        z = np.c_[np.ones(len(at)), of.encode(at)]
        fit, *_ = np.linalg.lstsq(z[:300], truth[:300], rcond=None)
        return 1 - ((truth[300:] - z[300:] @ fit) ** 2).sum() / (truth[300:] ** 2).sum()

    assert explained(model) > explained(before) + 0.03
    assert explained(model) > 0.7


@pytest.mark.parametrize("objective", ["jensen-shannon", "infonce"])
def test_learning_raises_the_bound_on_new_rows(objective):
    x = torch.from_numpy(rows()[0])
    torch.manual_seed(0)
    model = InfoMax((10,), objective=objective, dim_z=3, channels=(2,))
    model.train()(x)
    at = torch.from_numpy(rows(200, seed=1)[0])
    before = model.nats(at)
    for start in range(0, 600, 100):
        for _ in range(10):
            model.learn(x[start : start + 100])
    assert model.nats(at) > before + 1
    assert model.nats(at) <= math.log(200)


def test_mige_raises_the_entropy_of_the_code():
    """Of Gaussians, half the log of the determinant of the covariance."""
    x = torch.from_numpy(rows()[0])
    torch.manual_seed(0)
    model = InfoMax((10,), objective="mige", dim_z=3, channels=(1,), learning_rate=3e-3)

    def entropy():
        return np.linalg.slogdet(np.cov(model.encode(x).T))[1] / 2

    model.train()(x)
    before = entropy()
    for _ in range(60):
        assert model.learn(x[:200]) == 0
    assert entropy() > before + 0.3
    with pytest.raises(OptionError, match="MIGE gives a gradient and no value"):
        model.nats(x)


def stripes(n, seed):
    """Images with a bright stripe, upright or level, anywhere; and which of the two."""
    rng = np.random.default_rng(seed)
    level = rng.integers(2, size=n)
    x = 0.2 * rng.normal(size=(n, 12, 12))
    x[np.arange(n), rng.integers(2, 10, n)] += 1
    x[level == 0] = x[level == 0].transpose(0, 2, 1)
    return x.astype(np.float32), level


def test_views_keep_what_all_views_share():
    """A direction stays, a place does not: a linear map from the code gives the direction."""
    x, level = stripes(400, seed=0)
    options = {"dim_z": 4, "channels": (16,), "batch_size": 100, "learning_rate": 1e-2}
    at, of = stripes(300, seed=1)

    def explained(model):
        z, new = (np.c_[np.ones(len(each)), model.encode(each)] for each in (x, at))
        fit, *_ = np.linalg.lstsq(z, level, rcond=None)
        return 1 - ((of - new @ fit) ** 2).mean() / of.var()

    learned, other = (
        infomax(x, objective=name, epochs=20, **options) for name in ("views", "infonce")
    )
    assert explained(learned) > 0.25 > explained(other) + 0.1
    on_new = learned.nats(prepared(at))
    assert on_new == learned.nats(prepared(at)) and 0.5 < on_new < math.log(300)


def test_views_move_each_image_by_itself_and_stay_in_range():
    images = torch.rand(200, 2, 16, 16, generator=torch.Generator().manual_seed(0))
    images = torch.cat([images, images[:1]])
    seen = random_views(images, torch.Generator().manual_seed(1))
    assert seen.shape == images.shape
    assert seen.min() >= images.min() and seen.max() <= images.max()
    assert not torch.equal(seen[0], seen[-1])  # the same image twice
    assert torch.equal(seen, random_views(images, torch.Generator().manual_seed(1)))
    # A spot in the middle moves by at most the shift, and by all of it in some of the images.
    spot = torch.zeros(500, 1, 33, 33)
    spot[:, :, 16, 16] = 1
    moved = random_views(spot, torch.Generator().manual_seed(2)).view(500, -1).argmax(1)
    distance = torch.stack([moved // 33 - 16, moved % 33 - 16]).abs().amax(0)
    assert 3 <= distance.max() <= 8  # an eighth of the side is 4.1, enlarged by 1.25 and sheared


def test_a_projection_does_not_enlarge():
    layer = Orthonormal(7, 3)
    z = layer(torch.eye(7))  # columns of W
    assert torch.allclose(z.T @ z, torch.eye(3), atol=1e-5)
    with pytest.raises(OptionError, match="at most the 2 features, got 3"):
        Orthonormal(2, 3)


def test_a_cosine_critic_scores_directions_alone():
    torch.manual_seed(0)
    critic, z = CosineCritic(3, temperature=0.5), torch.randn(5, 3)
    scores = critic(z[:, None], z[None])
    assert torch.allclose(scores.diagonal(), torch.full((5,), 2.0)) and scores.abs().max() < 2.001
    assert torch.allclose(scores, scores.T)
    with pytest.raises(OptionError, match="above 0, got 0"):
        CosineCritic(3, temperature=0)


@pytest.mark.parametrize(
    "images",
    [
        np.random.default_rng(0).integers(256, size=(20, 8, 8), dtype=np.uint8),
        np.random.default_rng(0).random((20, 3, 8, 8)),
        torch.rand(20, 1, 9, 7),
        np.random.default_rng(0).random((20, 5)),
    ],
    ids=["grey bytes", "colour", "odd sides", "rows"],
)
def test_any_images_have_a_code(images):
    model = infomax(images, dim_z=4, channels=(2, 3), epochs=1, batch_size=10)
    z = model.encode(images)
    assert z.shape == (20, 4) and z.dtype == np.float32 and np.isfinite(z).all()
    np.testing.assert_allclose(z[:3], model.encode(images[:3]), atol=1e-5)  # whatever the company


def test_the_seed_fixes_the_code_and_the_global_state_stays():
    x, _ = rows(60)
    before = torch.get_rng_state()
    first, again, other = (infomax(x, dim_z=2, epochs=1, seed=s).encode(x) for s in (0, 0, 1))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("images", "options", "error", "says"),
    [
        (np.zeros((9, 2, 2, 2, 2)), {}, InputError, r"got \(9, 2, 2, 2, 2\)"),
        (np.full((9, 3), np.nan), {}, InputError, "must be finite"),
        (np.zeros((3, 3)), {}, InputError, "at least 4, got 3"),
        (np.zeros((9, 3)), {"objective": "magic"}, OptionError, "'magic'"),
        (np.zeros((9, 3)), {"epochs": 0}, OptionError, "`epochs`"),
        (np.zeros((9, 3)), {"dim_z": 0}, OptionError, "`dim_z`"),
        (np.zeros((9, 4, 4)), {"channels": (2, 2, 2)}, OptionError, "too many to halve"),
        (np.zeros((9, 3)), {"objective": "views"}, OptionError, "needs images, got rows"),
    ],
)
def test_what_cannot_be_is_refused(images, options, error, says):
    with pytest.raises(error, match=says):
        infomax(images, **options)


def test_images_of_another_shape_are_refused():
    model = infomax(np.random.default_rng(0).random((20, 5)), dim_z=2, epochs=1)
    with pytest.raises(InputError, match=r"of shape \(5,\), got \(6,\)"):
        model.encode(np.zeros((4, 6)))
    assert prepared(np.full((2, 3, 3), 255, dtype=np.uint8)).max() == 1


@pytest.fixture
def images(monkeypatch):
    """Digits in the place of MNIST: a stripe in one of four places."""

    def part(name):
        rng = np.random.default_rng(len(name))
        labels = rng.integers(4, size=400)
        pixels = rng.normal(size=(400, 28, 28)).astype(np.float32)
        pixels[np.arange(400), 7 * labels + 3] += 3
        return pixels.reshape(400, 784), labels

    monkeypatch.setattr(digits, "_part", part)


@pytest.mark.usefixtures("images")
@pytest.mark.slow
def test_the_experiment_stands_beside_what_learned_nothing(tmp_path):
    changes = {"seeds": 2, "channels": [2, 4], "epochs": 2, "images": 300, "labelled": 200}
    changes |= {"batch": 50, "dim_z": 8, "compared": 100}
    found = run(INFOMAX, out=tmp_path / "a", changes=changes).metrics
    assert set(found) == {*OBJECTIVES, "random", "pixels", "components"}
    assert all(20 < each["accuracy"] <= 100 for each in found.values())
    assert found["components"]["accuracy"] > 90
    assert found["infonce"]["nats"] <= math.log(100) and found["mige"]["nats"] is None
    assert (tmp_path / "a" / "infomax.png").stat().st_size > 2000
