"""One test of many cases fails when one of them does, and names it."""

import pytest
from cases import check_all


def test_each_case_that_fails_is_named_with_its_reason():
    def check(case):
        assert case < 3
        if case < 0:
            with pytest.raises(ValueError, match="never"):
                pass

    check_all(check, [0, 1, 2])
    with pytest.raises(pytest.fail.Exception) as failure:
        check_all(check, {"low": 1, "high": 5, "below": -1, "text": "a"})
    first, *reasons = str(failure.value).split("\n\n")
    assert first == "3 of 4 cases:"
    starts = ("high: AssertionError, line 9: assert 5 < 3", "below: Failed", "text: TypeError")
    assert all(map(str.startswith, reasons, starts))


def test_a_test_without_cases_fails():
    with pytest.raises(AssertionError, match="no case"):
        check_all(print, [])
