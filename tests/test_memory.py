"""Memory is that of the data, and a constant: 300 MB above import at 100,000 rows of 1 + 1."""

import sys

import numpy as np
import pytest
import scripts
import torch

from mineral.methods import ESTIMATORS, InfoNCE, Interpolated
from mineral.methods.neural.variational import ReInfoNCE
from mineral.networks.scoring import score_all

BAR = 300  # MB


@pytest.fixture(scope="module")
def benchmark():
    return scripts.load("memory")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="counts kilobytes as Linux does")
@pytest.mark.parametrize("name", ESTIMATORS)
def test_each_estimator_stays_below_the_bar(benchmark, name):
    assert benchmark.in_a_process(name, 100_000, 1)["above"] < BAR


@pytest.mark.parametrize("kind", [InfoNCE, Interpolated, ReInfoNCE])
@pytest.mark.parametrize("rows", [300, 1024, 2500])
@pytest.mark.slow
def test_a_bound_by_rows_is_the_same_in_parts(kind, rows):
    class Product(torch.nn.Module):
        def forward(self, x, y):
            return (x * y).sum(-1)

    generator = torch.Generator().manual_seed(0)
    x = torch.randn(rows, 1, generator=generator)
    pairs = x, x + torch.randn(rows, 1, generator=generator)
    found = kind()._held_out(Product(), pairs)
    joint, product = (s.double() for s in score_all(Product(), pairs, kind.held_out_block))
    assert found.value == pytest.approx(float(kind().bound(joint, product)), abs=1e-12)
    assert torch.equal(found.joint, joint)
    partition = float(product.logsumexp((0, 1))) - np.log(product.numel())
    assert found.log_partition == pytest.approx(partition, abs=1e-12)
    assert found.product_samples == product.shape[1]
