"""NeuraCrypt: the layers by hand, and codes that depend on no neighbour unless as published."""

import numpy as np
import pytest
import torch
from torch import nn

from mineral.errors import OptionError
from mineral.shaping import save_encoder
from mineral.shaping.files import load_encoder
from mineral.shaping.neuracrypt import NeuraCrypt

SHAPE = (2, 6, 9)
X = np.random.default_rng(0).random((40, 108))


def drawn(**options):
    return NeuraCrypt.draw(**{"shape": SHAPE, "patch": 3, "width": 8, "depth": 2} | options)


def by_torch(encoder, x):
    """The published layers, of PyTorch's own, with this key's weights."""

    def set_to(layer, name, shape):
        layer.weight.data = encoder.tensors[f"{name}.weight"].T.reshape(shape)
        layer.bias.data = encoder.tensors[f"{name}.bias"]
        return layer

    width, patch = encoder.width, encoder.patch
    first = nn.Conv2d(SHAPE[0], width, patch, stride=patch)
    h = set_to(first, "first", first.weight.shape)(torch.tensor(x).float().view(-1, *SHAPE))
    if encoder.depth >= 0:
        h = h.relu()
        for layer in range(encoder.depth):
            conv = nn.Conv2d(width, width, 1)
            h = set_to(conv, f"layer{layer}", conv.weight.shape)(h)
            h = nn.BatchNorm2d(width, track_running_stats=False)(h).relu()
    h = h.flatten(2).transpose(1, 2)
    if encoder.depth >= 0:
        h = (h + encoder.tensors["positions"]).relu()
        h = set_to(nn.Linear(width, width), "mixer", (width, width))(h)
    return h.detach()


@pytest.mark.parametrize("depth", [-1, 0, 2])
def test_the_layers_are_those_published(depth):
    encoder = drawn(depth=depth, published=True, shuffle=False)
    code = encoder.encode(X).reshape(40, 6, 8)
    np.testing.assert_allclose(code, by_torch(encoder, X), rtol=1e-4, atol=1e-5)


def test_a_code_is_independent_of_its_neighbours():
    encoder = drawn()
    alone, together = encoder.encode(X[:3]), encoder.encode(np.concatenate([X[:3], 9 * X[3:]]))
    np.testing.assert_allclose(alone, together[:3], rtol=1e-4, atol=1e-5)


def test_a_published_code_is_not():
    encoder = drawn(published=True)
    alone, together = encoder.encode(X[:3]), encoder.encode(np.concatenate([X[:3], 9 * X[3:]]))
    assert np.abs(alone - together[:3]).max() > 0.1


def test_patches_are_shuffled_for_each_image_by_the_seed():
    encoder, plain = drawn(), drawn(shuffle=False)
    code, places = (each.encode(X).reshape(40, 6, 8) for each in (encoder, plain))
    order = np.abs(code[:, :, None] - places[:, None]).max(axis=-1).argmin(axis=-1)
    assert np.array_equal(np.sort(order), np.tile(np.arange(6), (40, 1)))
    np.testing.assert_allclose(code, np.take_along_axis(places, order[..., None], 1), atol=1e-5)
    assert len(np.unique(order, axis=0)) > 30  # of 720 orders
    assert np.array_equal(encoder.encode(X), encoder.encode(X))
    assert not np.array_equal(encoder.encode(X), encoder.encode(X, seed=1))
    assert encoder.stochastic and not plain.stochastic


def test_orders_of_patches_are_uniform():
    encoder = NeuraCrypt.draw((1, 1, 3), patch=1, width=1, depth=-1)
    code = encoder.encode(np.tile([0.0, 1.0, 2.0], (6000, 1)))
    count = np.unique(code.argsort(axis=1), axis=0, return_counts=True)[1]
    assert len(count) == 6 and ((count - 1000) ** 2 / 1000).sum() < 20.5  # χ², 5 degrees: p = 0.001


def test_the_linear_encoder_is_linear():
    encoder = drawn(depth=-1, shuffle=False)
    a, b, zero = encoder.encode(X[:5]), encoder.encode(X[5:10]), encoder.encode(0 * X[:5])
    np.testing.assert_allclose(encoder.encode(X[:5] + X[5:10]), a + b - zero, atol=1e-5)


def test_a_key_is_its_seed():
    assert np.array_equal(drawn(seed=3).encode(X), drawn(seed=3).encode(X))
    assert not np.array_equal(drawn(seed=3).encode(X), drawn(seed=4).encode(X))


@pytest.mark.parametrize("options", [{}, {"depth": -1}, {"published": True, "shuffle": False}])
def test_a_key_survives_its_file(tmp_path, options):
    encoder = drawn(**options)
    save_encoder(encoder, tmp_path / "key.safetensors")
    again = load_encoder(tmp_path / "key.safetensors")
    assert np.array_equal(again.encode(X, seed=2), encoder.encode(X, seed=2))
    assert again.published == encoder.published


def test_layers_stay_in_scale_however_deep():
    code = drawn(depth=7, width=64, shuffle=False).encode(X)
    assert 0.1 < code.std() < 3


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"patch": 4}, "`patch` must divide"),
        ({"width": 0}, "`width` must be at least 1"),
        ({"depth": -2}, "`depth` at least −1"),
        ({"shape": (1, 0, 4)}, "`shape` must be channels"),
    ],
)
def test_options_out_of_range_are_refused(options, says):
    with pytest.raises(OptionError, match=says):
        drawn(**options)
