"""A few of the kills of benchmarks/kills.py, which makes a hundred."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("joblib")
pytest.importorskip("matplotlib")
BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["benchmark", "experiments", "shape", "report"])
def test_kills_at_random_instants_lose_repeat_and_cut_nothing(tmp_path, monkeypatch, name):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import kills

    found = kills.killed(name, 4, np.random.default_rng(0), tmp_path)
    assert found.startswith(f"{name}: 4 kills")
