"""Series, a row in so many at a time."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

import mineral
from mineral.methods.base import Measurement, Run
from mineral.methods.thinned import thinned
from mineral.progress import silent
from mineral.results import Caution
from mineral.samples import paired
from mineral.tasks import find


def run():
    return Run(seed=0, device=torch.device("cpu"), progress=silent)


def series(n, a_draw):
    x = np.arange(n, dtype=float)
    return replace(paired(x, x[::-1].copy()), rows_a_draw=a_draw)


def test_each_part_is_measured_by_itself_and_rows_find_their_place():
    seen = []

    def measure(samples, run):
        seen.append(samples.x[:, 0])
        assert samples.rows_a_draw == 1.0
        return Measurement(
            value=float(len(seen)), stderr=0.3, missing=0.2, pointwise=samples.x[:, 0]
        )

    found = thinned(series(300, 2.5), run(), measure)
    assert [part[0] for part in seen] == [0, 1, 2] and len(seen[0]) == 100
    assert found.value == 2.0 and found.missing == pytest.approx(0.2)
    # Of all rows as if they were independent: so many more than there are in a part.
    assert found.stderr == pytest.approx(0.3 / math.sqrt(3))
    np.testing.assert_array_equal(found.pointwise, np.arange(300))
    assert "one row in 3, 3 times" in found.path[-1]


def test_parts_keep_fifty_rows_and_are_ten_at_most():
    starts = []

    def measure(samples, run):
        starts.append(samples.x[0, 0])
        return Measurement(value=0.0, stderr=1.0, pointwise=samples.x[:, 0])

    found = thinned(series(2000, 400.0), run(), measure)  # 40 parts of 50 rows
    assert len(starts) == 10 and starts[0] == 0 and starts[-1] == 39
    assert found.pointwise is None  # not all rows were seen


def test_doubts_of_most_parts_are_said_once():
    often, once = Caution("often", "Of most."), Caution("once", "Of one.")

    def measure(samples, run):
        doubts = (often, once) if samples.x[0, 0] == 0 else (often,)
        return Measurement(value=0.0, stderr=1.0, cautions=doubts)

    assert thinned(series(300, 2.5), run(), measure).cautions == (often,)


def test_what_is_too_rare_for_a_part_is_measured_whole():
    samples = series(300, 3.0)
    rare = np.zeros((300, 1))
    rare[:2] = 1.0
    sizes = []

    def measure(samples, run):
        sizes.append(len(samples))
        return Measurement(value=0.0, stderr=1.0)

    thinned(replace(samples, y=rare), run(), measure)
    assert sizes[-1] == 300


@pytest.mark.parametrize("task", ["null-series-0.9-5", "null-series-0.99-1"])
def test_independent_series_look_independent(task):
    found = [mineral.estimate(d.x, d.y) for d in (find(task).draw(1000, seed=s) for s in range(3))]
    values = np.array([each.value for each in found])
    assert abs(values.mean()) < 0.05 + 3 * values.std() / math.sqrt(3)
    assert sum(each.interval[0] <= 0 for each in found) >= 2
