"""The information plane: the rule, the exact values against closed forms, bins, and the critics."""

import math

import numpy as np
import pytest
import torch

from mineral.experiments import run
from mineral.experiments.models import information_plane as plane


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_label_is_balanced_and_no_rotation_changes_it():
    x, y = plane.patterns(), plane.labels()
    assert len(np.unique(x, axis=0)) == 4096 and set(np.unique(x)) == {-1.0, 1.0}
    assert y.mean() == pytest.approx(0.497, abs=0.001)
    # All signs reversed, or the corners permuted by a turn of the icosahedron.
    order = np.lexsort(x.T)
    assert np.array_equal(y[order], y[np.lexsort(-x.T)])
    signs = (-1, 1)
    corners = np.array(
        [np.roll((0, a, b * plane.GOLDEN), i) for a in signs for b in signs for i in range(3)]
    )
    turned = np.roll(corners, 1, axis=1)  # a third of a turn about (1, 1, 1)
    places = np.array([np.abs(corners - each).sum(1).argmin() for each in turned])
    assert sorted(places) == list(range(12)) and not np.array_equal(places, np.arange(12))
    words = ((x[:, places] > 0) << np.arange(12)).sum(1)
    assert np.array_equal(y, y[words])


def test_no_single_input_knows_the_label():
    x, y = plane.patterns(), plane.labels()
    assert np.abs((x * (2 * y[:, None] - 1)).mean(0)).max() < 0.02


@pytest.mark.parametrize("sigma", [0.05, 0.4])
def test_exact_values_agree_with_a_quadrature(sigma):
    """Two activations at ±1: a binary channel with Gaussian noise."""
    y = torch.arange(4096) % 2
    layer = (2.0 * y - 1)[:, None]
    found = plane.exact(layer, y, sigma, generator())
    z = np.linspace(-1 - 12 * sigma, 1 + 12 * sigma, 200_001)
    likelihood = np.exp(-((z - 1) ** 2) / 2 / sigma**2) / math.sqrt(2 * math.pi) / sigma
    other = np.exp(-((z + 1) ** 2) / 2 / sigma**2) / math.sqrt(2 * math.pi) / sigma
    density = (likelihood + other) / 2
    entropy = -np.trapezoid(np.where(density > 0, density * np.log(density + 1e-300), 0), z)
    truth = entropy - math.log(2 * math.pi * math.e * sigma**2) / 2
    for name in "xy":
        error = found[f"{name}_error"]
        assert found[name] == pytest.approx(truth, abs=4 * error + 1e-6)
    assert found["x"] == pytest.approx(found["y"], abs=1e-6)


def test_a_layer_that_keeps_all_has_all_twelve_bits_and_one_that_is_constant_none():
    y = torch.from_numpy(plane.labels())
    apart = torch.arange(4096.0)[:, None]
    found = plane.exact(apart, y, 0.01, generator())
    assert found["x"] == pytest.approx(12 * math.log(2), abs=1e-6)
    assert found["y"] == pytest.approx(math.log(2), abs=1e-3)
    nothing = plane.exact(torch.ones(4096, 3), y, 0.1, generator())
    assert nothing["x"] == pytest.approx(0, abs=1e-6)
    assert nothing["y"] == pytest.approx(0, abs=1e-6)


def test_bins_count_words_and_saturation_merges_them():
    y = torch.tensor([0, 0, 1, 1])
    layer = torch.tensor([[-0.9], [-0.3], [0.3], [0.9]])
    assert plane.binned(layer, y, 4, -1.0, 1.0)["x"] == pytest.approx(math.log(4))
    assert plane.binned(layer, y, 2, -1.0, 1.0)["x"] == pytest.approx(math.log(2))
    assert plane.binned(layer, y, 4, -1.0, 1.0)["y"] == pytest.approx(math.log(2))
    saturated = torch.tensor([[-0.99], [-0.98], [0.98], [1.0]])
    assert plane.binned(saturated, y, 30, -1.0, 1.0)["x"] == pytest.approx(math.log(2))


MINUTE = {
    "epochs": 8,
    "looks": 2,
    "widths": [4, 2],
    "rows": 400,
    "steps": 60,
    "critic_batch": 64,
    "held_out": 80,
    "hidden": [16],
    "learning_rate": 0.3,
}


@pytest.mark.slow
def test_the_experiment_measures_every_layer_at_every_look(tmp_path):
    found = run(plane.PLANE, out=tmp_path / "a", changes=MINUTE)
    assert set(found.metrics) == {"tanh", "relu"}
    for metrics in found.metrics.values():
        assert metrics["critics"] == 2 * 2 * 2 and metrics["ceiling"] == math.log(80)
        truth, critics, binned = (np.array(metrics["final"][way]) for way in plane.WAYS)
        assert truth.shape == (2, 2)
        assert (truth[:, 0] > truth[:, 1] - 0.02).all() and (truth[:, 1] <= math.log(2)).all()
        # A lower bound, learned on 240 samples: below, and what it sees is real.
        assert (critics[:, 0] < truth[:, 0] + 0.25).all() and critics[0, 0] > 0.5
        assert (binned[:, 0] <= 12 * math.log(2) + 1e-9).all()
    seen = run(plane.PLANE, out=tmp_path / "b", changes=MINUTE | {"activations_seen": True})
    for name, metrics in seen.metrics.items():  # the same networks, and critics closer to them
        other = found.metrics[name]
        assert metrics["final"]["truth"] == other["final"]["truth"]
        assert metrics["critics_apart"][0] < other["critics_apart"][0]
    report = (tmp_path / "a" / "report.md").read_text()
    assert "H(T)" in report and (tmp_path / "a" / "plane.png").stat().st_size > 2000


def test_the_network_is_the_one_of_the_paper():
    layers = plane.network(plane.PLANE.full, "tanh")
    widths = [layer[0].in_features for layer in layers] + [layers[-1][0].out_features]
    assert widths == [12, 10, 7, 5, 4, 3, 2]
    outputs = plane.activations(layers, torch.from_numpy(plane.patterns()).float())
    assert torch.allclose(outputs[-1].sum(1), torch.ones(4096))
    assert all(layer.abs().max() <= 1 for layer in outputs)
