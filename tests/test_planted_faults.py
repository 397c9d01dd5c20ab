"""The faults of planted_faults.py and random_faults.py fit the source; the scripts take minutes."""

from dataclasses import replace
from pathlib import Path

import pytest
from scripts import load

ROOT = Path(__file__).parent.parent


@pytest.fixture
def script(monkeypatch):
    return load("planted_faults", monkeypatch)


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
    fault = replace(next(script.faults()), text="SIGNIFICANT = 7.0")
    with pytest.raises(SystemExit):
        script.refuse_stale([fault])
    assert "comparison.py has 0 places that read 'SIGNIFICANT = 7.0'" in capsys.readouterr().err


def test_a_random_fault_changes_its_place_alone_and_compiles(script, monkeypatch):
    found = load("random_faults", monkeypatch).drawn(60, seed=1)
    assert len({fault.place for _, fault in found}) == 60
    kinds = [fault.kind for _, fault in found]
    assert min(map(kinds.count, ("constant", "sign", "comparison", "axis", "condition"))) >= 10
    for _, fault in found:
        raw, before = (ROOT / fault.file).read_bytes(), fault.before.encode()
        end = fault.start + len(before)
        assert raw[fault.start : end] == before != fault.after.encode()
        compile(raw[: fault.start] + fault.after.encode() + raw[end:], fault.file, "exec")
