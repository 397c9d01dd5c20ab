"""Autocorrelated rows, thinned."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import mineral
from mineral.methods.base import Measurement, Run
from mineral.methods.wrappers.time_series import Thinned, step
from mineral.results import Caution
from mineral.samples import paired
from mineral.system.progress import silent
from mineral.tasks import find


def run():
    return Run(seed=0, device=torch.device("cpu"), progress=silent)


def thinned(samples, measure):
    return Thinned(SimpleNamespace(measure=measure)).measure(samples, run())


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

    found = thinned(series(300, 2.5), measure)
    assert [len(part) for part in seen] == [100, 100, 100]
    for part in seen:  # one row of every three, at a random phase
        np.testing.assert_array_equal(part // 3, np.arange(100))
        assert len(np.unique(part % 3)) == 3
    assert found.value == 2.0 and found.missing == pytest.approx(0.2)
    # Of all rows as if they were independent: so many more than there are in a part.
    assert found.stderr == pytest.approx(0.3 / math.sqrt(3))
    np.testing.assert_array_equal(found.pointwise, np.arange(300))
    assert "3 parts of one row in 3" in found.path[-1]


def test_parts_keep_fifty_rows_and_are_ten_at_most():
    starts = []

    def measure(samples, run):
        starts.append(samples.x[0, 0])
        return Measurement(value=0.0, stderr=1.0, pointwise=samples.x[:, 0])

    found = thinned(series(2000, 400.0), measure)  # 40 parts of 50 rows
    assert len(starts) == 10 and max(starts) < 40
    assert found.pointwise is None  # not all rows were seen


def test_doubts_of_most_parts_are_said_once():
    often, once = Caution("often", "Of most."), Caution("once", "Of one.")

    def measure(samples, run):
        doubts = (often, once) if samples.x[0, 0] == 0 else (often,)
        return Measurement(value=0.0, stderr=1.0, cautions=doubts)

    assert thinned(series(300, 2.5), measure).cautions == (often,)


def test_what_is_too_rare_for_a_part_is_measured_whole():
    samples = series(300, 3.0)
    rare = np.zeros((300, 1))
    rare[:2] = 1.0
    sizes = []

    def measure(samples, run):
        sizes.append(len(samples))
        return Measurement(value=0.0, stderr=1.0)

    thinned(replace(samples, y=rare), measure)
    assert sizes[-1] == 300


def test_hours_and_weekdays_are_counted_whole():
    t = np.arange(1440)
    samples = replace(paired(t % 24, (t // 24) % 7), rows_a_draw=12.0)
    assert step(samples) == 1
    r = mineral.estimate(t % 24, (t // 24) % 7)
    assert r.interval[0] <= 0 <= r.interval[1]


@pytest.mark.parametrize(
    "task", ["null-series-0.9-5", pytest.param("null-series-0.99-1", marks=pytest.mark.slow)]
)
def test_independent_series_look_independent(task):
    found = [mineral.estimate(d.x, d.y) for d in (find(task).draw(1000, seed=s) for s in range(3))]
    values = np.array([each.value for each in found])
    assert abs(values.mean()) < 0.05 + 3 * values.std() / math.sqrt(3)
    assert sum(each.interval[0] <= 0 for each in found) >= 2
