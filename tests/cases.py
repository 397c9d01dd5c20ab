"""Many small cases in one test, which names each that fails.

A test for each of a thousand files costs more in collection and reports than in checks. Where
nothing but the case differs, and a case takes milliseconds, one test checks them all.
"""

import traceback

import pytest


def check_all(check, cases):
    """Call `check` with each case; fail with the name and the reason of each that does not hold.

    Args:
        check: Takes a case, and asserts.
        cases: Name → case, or cases that are names themselves.
    """
    cases = cases if isinstance(cases, dict) else {case: case for case in cases}
    assert cases, "no case"
    failed = []
    for name, case in cases.items():
        try:
            check(case)
        except (Exception, pytest.fail.Exception) as error:
            line = traceback.extract_tb(error.__traceback__)[-1].lineno
            failed.append(f"{name}: {type(error).__name__}, line {line}: {error}")
    if failed:
        pytest.fail("\n\n".join([f"{len(failed)} of {len(cases)} cases:", *failed]), pytrace=False)
