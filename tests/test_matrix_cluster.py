"""A matrix on a Dask cluster of this machine: the same file, with a worker killed midway."""

import os
import signal
import sys

import numpy as np
import pytest

from mineral import MissingExtraError, OptionError, matrix
from mineral.pairs import each

TABLE = np.random.default_rng(0).standard_normal((300, 10))
OPTIONS = {"estimator": "ksg", "permutations": 9}


def test_copula_has_no_cluster():
    with pytest.raises(OptionError, match="`scheduler` does not apply to copula"):
        matrix(TABLE, scheduler="tcp://127.0.0.1:1")


def test_without_dask_a_scheduler_is_refused(monkeypatch):
    pytest.importorskip("joblib")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"mineral\[cluster\]"):
        matrix(TABLE, scheduler="tcp://127.0.0.1:1", **OPTIONS)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of Dask
class TestCluster:
    @pytest.fixture
    def cluster(self):
        distributed = pytest.importorskip("distributed")
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster:
            yield cluster

    def test_the_file_is_the_same_though_a_worker_is_killed(self, cluster, tmp_path, monkeypatch):
        monkeypatch.setattr(each, "PAIRS", 2)
        whole = matrix(TABLE, out=tmp_path / "one", **OPTIONS)
        killed = []

        def kill_once(fraction, _text):
            if fraction > 0.2 and not killed:
                killed.append(next(iter(cluster.workers.values())).pid)
                os.kill(killed[0], signal.SIGKILL)

        address = cluster.scheduler_address
        found = matrix(
            TABLE, scheduler=address, out=tmp_path / "two", progress=kill_once, **OPTIONS
        )
        assert killed
        np.testing.assert_array_equal(found.value, whole.value)
        first, second = (tmp_path / name / "pairs.parquet" for name in ("one", "two"))
        assert first.read_bytes() == second.read_bytes()

    def test_a_cluster_without_workers_is_refused(self):
        distributed = pytest.importorskip("distributed")
        options = {"n_workers": 0, "dashboard_address": None}
        with distributed.LocalCluster(**options) as empty, pytest.raises(OptionError, match="no w"):
            matrix(TABLE, scheduler=empty.scheduler_address, **OPTIONS)

    def test_an_address_without_a_scheduler_is_refused(self, monkeypatch):
        pytest.importorskip("distributed")
        monkeypatch.setattr("mineral.pairs.execute.ANSWER", 0.5)
        with pytest.raises(OptionError, match="does not answer"):
            matrix(TABLE, scheduler="tcp://127.0.0.1:1", **OPTIONS)
