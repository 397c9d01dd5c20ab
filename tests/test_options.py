"""Options of estimators: checked when one is made, given as keywords, and named in errors."""

import inspect
import math
from dataclasses import dataclass, fields
from typing import get_type_hints

import numpy as np
import pytest
from cases import check_all

import mineral
from mineral.errors import OptionError, suggestion
from mineral.methods import ESTIMATORS
from mineral.methods.base import Estimator, Measurement

OPTIONS = {
    f"{kind.name}-{field.name}": (kind, field.name)
    for kind in ESTIMATORS.values()
    for field in fields(kind)
}
BAD = [math.nan, math.inf, -math.inf, -1, -0.5, 0, 2.5, True, "two", None, (), object()]


def accepts(kind, name, value):
    """Whether an option may be this value, read from its annotation by other means."""
    hint = str(get_type_hints(kind, include_extras=True)[name])
    if value is None:
        return "None" in hint or "Optional" in hint
    if isinstance(value, bool):
        return "bool" in hint
    if isinstance(value, (int, float)):
        if name == "tau" and value == math.inf:
            return True
        if name in ("alpha", "weight") and value == 0:
            return True
        if isinstance(value, float) and value == 2.5:
            seconds = name == "budget" and kind is mineral.Auto
            return seconds or name in (
                *("learning_rate", "gain", "tau", "weight", "degrees_of_freedom", "bandwidth"),
            )
    return False


def test_every_option_refuses_what_it_cannot_be(as_users_run_it):
    def check(option):
        kind, name = option
        for value in BAD:
            if accepts(kind, name, value):
                kind(**{name: value})
                continue
            with pytest.raises(OptionError, match=rf"^`{name}` must .*, got .*\.$") as refusal:
                kind(**{name: value})
            assert "\n" not in str(refusal.value)

    check_all(check, OPTIONS)


def test_numbers_of_numpy_become_python_numbers(as_users_run_it):
    def check(option):
        kind, name = option
        default = getattr(kind(), name)
        if isinstance(default, bool) or not isinstance(default, (int, float)):
            return
        made = getattr(kind(**{name: np.array([default])[0]}), name)
        assert made == default and type(made) is type(default)

    check_all(check, OPTIONS)


def test_an_option_says_what_it_must_be(as_users_run_it):
    for make, says in (
        (lambda: mineral.SMILE(tau=-1), "`tau` must be positive, got -1."),
        (lambda: mineral.Residual(gain=math.nan), "`gain` must be positive and finite, got nan."),
        (lambda: mineral.KSG(k=2.5), "`k` must be a whole number, at least 1, got 2.5."),
        (lambda: mineral.KSG(variant=3), "`variant` must be 1 or 2, got 3."),
        (lambda: mineral.LNC(alpha="a"), "`alpha` must be a number from 0 to 1 or None, got 'a'."),
        (lambda: mineral.MINE(critic=3), "`critic` must be a class or function that builds a "),
        (lambda: mineral.LMI(final="ksg"), "`final` must be an object of the class Estimator, "),
        (lambda: mineral.Discrete(correction="nsb", alphabet=(2,)), "`alphabet` must be 2 values"),
    ):
        with pytest.raises(OptionError) as refusal:
            make()
        assert str(refusal.value).startswith(says)


@dataclass(frozen=True, kw_only=True)
class Own(Estimator):
    """Of a user's own, with an option of a type that is not checked."""

    anything: dict | None = None

    name = "own"
    kind = "neither"

    def measure(self, samples, run):
        return Measurement(value=0.5, stderr=0.1)


def draw():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(200)
    return x, x + rng.standard_normal(200)


def test_options_are_keywords_of_estimate():
    x, y = draw()
    expected = mineral.KSG(k=5).estimate(x, y)
    for found in (
        mineral.estimate(x, y, estimator="ksg", k=5),
        mineral.estimate(x, y, estimator=mineral.KSG, k=5),
        mineral.estimate(x, y, estimator=mineral.KSG(k=3), k=5),
    ):
        assert found == expected
    assert mineral.estimate(x, y, estimator=mineral.KSG).options["k"] == 3
    assert mineral.estimate(x, y, budget="fast").options == {"budget": "fast"}
    assert mineral.estimate(x, y, estimator=Own, anything={"a": 1}).value == 0.5


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            {"estimator": "ksg", "K": 5},
            r"`K` is not an option of ksg: choose .* Did you mean 'k'\?",
        ),
        ({"estimator": mineral.KSG, "standardise": 5}, r"Did you mean 'standardize'\?"),
        ({"estimator": "gaussian", "k": 5}, "`k` is not an option of gaussian: it has no options"),
        ({"sead": 5}, "`sead` is not an option of auto: choose from budget"),
        ({"estimator": mineral.Estimator}, "`estimator` .* is unknown"),
        ({"estimator": int}, "`estimator` .* is unknown"),
        ({"estimator": "ksg", "k": 0}, "`k` must be at least 1, got 0"),
    ],
)
def test_unknown_options_are_refused(arguments, says, as_users_run_it):
    with pytest.raises(OptionError, match=says):
        mineral.estimate(*draw(), **arguments)


def test_no_option_has_the_name_of_an_argument_of_estimate():
    own = set(inspect.signature(mineral.estimate).parameters)
    assert not own & {name for _, name in OPTIONS.values()}


def test_suggestions_ignore_case_and_name_three_at_most():
    known = ["alpha", "Alpine", "alphas", "alphab", "zeta"]
    assert suggestion("ALPHA", known) == " Did you mean 'alpha'?"
    assert suggestion("alph", known).count("'") == 6
    assert suggestion("qqq", known) == ""
    assert suggestion("qqq", known, always=True).count("'") == 2
