"""Options are read from text by their types. What is refused, and how: see test_cli.py."""

import pytest

import mineral
from mineral.methods import ESTIMATORS
from mineral.settings import configured, settable


def test_settings_are_read_by_their_types_and_the_last_wins():
    assert configured(
        "ksg", ["standardize=false", "standardize=true", "k=5", "k=7"]
    ) == mineral.KSG(k=7)
    assert configured("ksg", ["standardize=TRUE"]) == mineral.KSG(standardize=True)
    assert configured("mine", ["learning_rate=1e-3"]).learning_rate == 1e-3


def test_without_settings_the_estimator_is_the_usual_one():
    assert all(configured(name, []) == kind() for name, kind in ESTIMATORS.items())


def test_the_text_of_every_settable_value_gives_it_back():
    for name, kind in ESTIMATORS.items():
        values = kind().options()
        assert (
            configured(name, [f"{option}={values[option]}" for option in settable(kind)]) == kind()
        )


@pytest.mark.parametrize(("text", "budget"), [("fast", "fast"), ("30", 30.0), ("2.5", 2.5)])
def test_a_budget_is_a_word_or_a_number(text, budget):
    assert configured("auto", [f"budget={text}"]) == mineral.Auto(budget=budget)


def test_what_takes_a_python_object_is_not_settable():
    assert set(mineral.MINE().options()) - set(settable(mineral.MINE)) == {"critic"}
