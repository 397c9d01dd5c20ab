"""What an estimate says, and how it is handed on."""

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mineral
from mineral.errors import OptionError
from mineral.results import Caution, Estimate, Evidence

X = np.random.default_rng(0).standard_normal(100)
Y = X + np.random.default_rng(1).standard_normal(100)


def made(**changes):
    """An estimate with the given fields, and with others that mean nothing."""
    fields = {
        "value": 0.5,
        "interval": (0.4, 0.6),
        "confidence": 0.95,
        "stderr": 0.05,
        "unit": "nats",
        "kind": "neither",
        "estimator": "ksg",
        "options": {"k": 3},
        "n": 1234,
        "dim_x": 1,
        "dim_y": 2,
        "warnings": (),
        "path": (),
        "seed": 0,
        "seconds": 0.25,
        "versions": {"mineral": "0.1.0"},
        "model": None,
        "evidence": Evidence(
            x=np.zeros((3, 1)),
            y=np.zeros((3, 2)),
            pointwise=None,
            x_names=("x",),
            y_names=("y0", "y1"),
        ),
    }
    return Estimate(**(fields | changes))


def test_it_is_its_value():
    assert float(made(value=0.25)) == 0.25
    assert math.isclose(made(value=0.25), 0.25)


def test_it_prints_the_number_the_interval_and_what_they_are():
    assert str(made()) == (
        "I(X; Y) = 0.5 nats, 95% interval [0.4, 0.6]\n"
        "  ksg, neither a lower nor an upper bound; n = 1,234, 1 + 2 dimensions, 0.25 s"
    )
    assert "a lower bound;" in str(made(kind="lower bound"))
    assert "an upper bound;" in str(made(kind="upper bound"))


def test_it_prints_its_path_and_its_doubts_in_their_order():
    doubts = Caution("ties", "Values repeat."), Caution("few-samples", "Collect more.")
    lines = str(made(path=("First this.", "Then that."), warnings=doubts)).splitlines()
    assert lines[2:] == [
        "  First this.",
        "  Then that.",
        "  ! ties: Values repeat.",
        "  ! few-samples: Collect more.",
    ]


@pytest.mark.parametrize(
    ("confidence", "words"), [(0.95, "95%"), (0.999, "99.9%"), (0.975, "97.5%"), (0.29, "29%")]
)
def test_the_level_is_printed_as_it_is(confidence, words):
    # Rounded to whole percent, 0.999 would read as certainty.
    assert f" {words} interval" in str(made(confidence=confidence))
    assert f">{words} interval" in made(confidence=confidence)._repr_html_()


def test_notebooks_show_a_card_with_everything_escaped():
    evil = "<script>alert('&')</script>"
    html = made(
        estimator=evil, path=(evil,), warnings=(Caution(evil, evil),), kind="lower bound"
    )._repr_html_()
    assert "<script" not in html
    assert html.count("&lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt;") == 4
    assert "<b>0.5</b> nats" in html and "[0.4, 0.6]" in html and "a lower bound" in html


def test_names_of_columns_are_escaped_too():
    x = {"<b>evil</b>": np.ones(100), "mass": X}
    html = mineral.estimate(x, Y, estimator="gaussian")._repr_html_()
    assert "&lt;b&gt;evil" in html and "<b>evil" not in html


def test_a_bit_is_log_2_nats():
    bits = made(value=math.log(2), interval=(0.0, math.log(4)), stderr=math.log(8)).to("bits")
    assert (bits.value, *bits.interval, bits.stderr) == pytest.approx((1, 0, 2, 3), rel=1e-15)
    assert bits.unit == "bits"
    assert str(bits).startswith("I(X; Y) = 1 bits, 95% interval [0, 2]")


@given(st.floats(-100, 100), st.floats(0, 10))
def test_to_bits_and_back_is_where_it_was(value, stderr):
    start = made(value=value, interval=(value - stderr, value + stderr), stderr=stderr)
    back = start.to("bits").to("nats")
    assert back.value == pytest.approx(value, rel=1e-15, abs=0)
    assert back.interval == pytest.approx(start.interval, rel=1e-15, abs=0)
    assert back.stderr == pytest.approx(stderr, rel=1e-15, abs=0)
    assert start.to("nats") == start


def test_everything_but_the_numbers_survives_another_unit():
    start = made(path=("Found.",), warnings=(Caution("ties", "Values repeat."),))
    bits = start.to("bits")
    for field in dataclasses.fields(start):
        if field.name not in ("value", "interval", "stderr", "unit"):
            assert getattr(bits, field.name) == getattr(start, field.name)


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize("unit", ["bans", "NATS", "", None, ["bits"]])
def test_other_units_are_refused(unit):
    with pytest.raises(OptionError, match="`unit` must be 'nats' or 'bits', got"):
        made().to(unit)


def test_asking_for_bits_gives_what_converting_gives(brief_estimator):
    nats = brief_estimator.estimate(X, Y)
    bits = brief_estimator.estimate(X, Y, unit="bits")
    assert bits.unit == "bits"
    assert bits.value == pytest.approx(nats.to("bits").value, rel=1e-14)
    assert bits.interval == pytest.approx(nats.to("bits").interval, rel=1e-14)
    assert bits.stderr == pytest.approx(nats.to("bits").stderr, rel=1e-14)


@pytest.mark.usefixtures("as_users_run_it")
def test_json_holds_all_but_the_model_and_the_samples(brief_estimator):
    found = brief_estimator.estimate(
        X, Y, seed=np.int64(3), confidence=np.float64(0.9), missing="drop"
    )
    held = found.to_dict()
    fields = {field.name for field in dataclasses.fields(found)}
    beside = {"schema", "x_names", "y_names", "z_names"}
    assert set(held) == fields - {"model", "evidence"} | beside
    assert json.loads(json.dumps(held, allow_nan=False)) == held
    assert held["seed"] == 3 and held["confidence"] == 0.9 and held["n"] == 100
    for caution, doubt in zip(held["warnings"], found.warnings, strict=True):
        assert caution == {"code": doubt.code, "message": doubt.message}


def test_it_cannot_be_changed():
    found = made(warnings=(Caution("ties", "Values repeat."),))
    for thing, name in ((found, "value"), (found.warnings[0], "code"), (found.evidence, "x")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, name, None)


def test_estimates_are_equal_by_what_was_found_and_not_by_how_long_it_took():
    assert made() == made(seconds=9.0)
    assert made() != made(value=0.51)
    assert made() != made(seed=1)
    assert made() != made(warnings=(Caution("ties", "Values repeat."),))
    assert mineral.KSG().estimate(X, Y) == mineral.KSG().estimate(X, Y)


def test_negative_values_are_not_clipped():
    rng = np.random.default_rng(0)
    found = [
        mineral.estimate(rng.standard_normal(50), rng.standard_normal(50), estimator=name)
        for name in ("gaussian", "copula", "ksg")
        for _ in range(10)
    ]
    for name in ("gaussian", "copula", "ksg"):
        assert min(e.value for e in found if e.estimator == name) < -0.005
    assert "I(X; Y) = -" in str(min(found, key=float))


def test_more_confidence_is_a_wider_interval_around_the_same_value(cheap_estimator):
    levels = [0.5, 0.8, 0.95, 0.999]
    found = [cheap_estimator.estimate(X, Y, confidence=level) for level in levels]
    assert len({e.value for e in found}) == 1
    below = [e.value - e.interval[0] for e in found]
    above = [e.interval[1] - e.value for e in found]
    assert below == sorted(below) and below[0] > 0
    assert above == sorted(above)
    # Of a normal distribution, 95 % lie within 1.96 standard errors; what is probably left out
    # reaches further upwards only.
    assert below[2] == pytest.approx(1.959964 * found[2].stderr, rel=1e-6)
    assert all(a >= b * (1 - 1e-9) for a, b in zip(above, below, strict=True))


def test_doubts_have_a_code_for_programs_and_a_message_for_people(brief_estimator):
    x = np.where(X > 0, np.round(X, 1), np.nan)
    x[:65] = np.round(X[:65])
    found = brief_estimator.estimate(x, Y, missing="drop")
    assert "dropped-rows" in [doubt.code for doubt in found.warnings]
    for doubt in found.warnings:
        assert isinstance(doubt, Caution)
        assert doubt.code == doubt.code.lower() and " " not in doubt.code
        assert doubt.message.endswith(".") and "\n" not in doubt.message
        assert str(doubt) == f"{doubt.code}: {doubt.message}"


def test_the_samples_behind_an_estimate_are_kept_as_they_came():
    found = mineral.estimate(X, Y, estimator="gaussian").evidence
    assert np.array_equal(found.x[:, 0], X) and np.array_equal(found.y[:, 0], Y)
    assert found.pointwise.shape == (100,)


def test_of_many_samples_a_part_is_kept_in_pairs():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(5000)
    y = 2 * x + 1e-3 * rng.standard_normal(5000)
    found = mineral.estimate(x, y, estimator="gaussian")
    kept = found.evidence
    assert len(kept.x) == len(kept.y) == len(kept.pointwise) == 2000
    assert np.abs(kept.y - 2 * kept.x).max() < 0.01
    assert np.isin(kept.x, x).all() and len(np.unique(kept.x)) == 2000
    assert found.n == 5000
    assert kept.pointwise == pytest.approx(found.model.pmi(kept.x, kept.y))
    other = mineral.estimate(x, y, estimator="gaussian", seed=1).evidence
    assert not np.array_equal(other.x, kept.x)


def test_it_plots_itself(cheap_estimator):
    from matplotlib.figure import Figure

    figure = cheap_estimator.estimate(X, Y).plot()
    assert isinstance(figure, Figure)
    assert len(figure.axes) >= 1 + len(figure.texts)


def test_it_knows_what_it_was_computed_with():
    found = mineral.estimate(X, Y, estimator="gaussian")
    assert set(found.versions) == {"mineral", "python", "torch", "numpy", "scipy", "processor"}
    assert found.versions["numpy"] == np.__version__
    assert found.seconds >= 0


def test_the_card_draws_the_interval_and_marks_warnings():
    card = made(path=("Found.",), warnings=(Caution("ties", "Values repeat."),))._repr_html_()
    assert (
        "<svg" in card
        and "<details><summary>How the value was computed</summary><ul><li>Found." in card
    )
    assert (
        "border-left" in card.split("<b>ties</b>")[0] and "border-left" not in made()._repr_html_()
    )
    assert "<svg" not in made(value=np.nan, interval=(np.nan, np.nan))._repr_html_()
