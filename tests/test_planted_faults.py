"""The table of benchmarks/planted_faults.py fits the source; the script itself takes minutes."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def script(monkeypatch):
    path = ROOT / "benchmarks" / "planted_faults.py"
    spec = importlib.util.spec_from_file_location("planted_faults", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "planted_faults", module)  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_every_fault_has_one_place_in_the_source_and_tests_that_exist(script):
    faults = list(script.faults())
    script.refuse_stale(faults)
    assert len({(each.file, each.text, each.replacement) for each in faults}) == len(faults) >= 20
    for fault in faults:
        assert fault.replacement != fault.text
        assert all((ROOT / test).is_file() for test in fault.tests)
        changed = (ROOT / fault.file).read_text().replace(fault.text, fault.replacement)
        compile(changed, fault.file, "exec")  # a syntax error would fail any test


def test_a_fault_without_a_place_in_the_source_is_refused(script, capsys):
    fault = replace(next(script.faults()), text="CLEARLY = 2.0")
    with pytest.raises(SystemExit):
        script.refuse_stale([fault])
    assert "comparison.py has 0 places that read 'CLEARLY = 2.0'" in capsys.readouterr().err
