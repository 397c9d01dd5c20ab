"""Progress is told to whoever asks, and shown only where somebody watches."""

import io
import sys

import numpy as np
import pytest

import mineral
from mineral.system.progress import reporting

X = np.random.default_rng(0).standard_normal(200)
Y = X + np.random.default_rng(1).standard_normal(200)


def test_silence_is_the_default_and_costs_nothing(capsys):
    with reporting(False) as report:
        report(0.5, "half")
    assert capsys.readouterr() == ("", "")


def test_where_nobody_watches_nothing_is_shown(capsys):
    with reporting(True) as report:  # captured: standard error is no terminal
        report(0.5, "half")
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_a_bar_appears_on_standard_error_and_vanishes(monkeypatch, capsys):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with reporting(True) as report:
        report(0.25, "counting neighbours of [/red]\x1b[31m")
    shown = terminal.getvalue()
    assert r"counting neighbours of [/red]\x1b[31m" in shown and "25%" in shown
    assert shown.rstrip().endswith("\x1b[2K")  # the line is erased at the end
    assert capsys.readouterr().out == ""


def test_a_function_of_the_callers_is_called_as_it_is():
    told = []
    with reporting(lambda fraction, text: told.append((fraction, text))) as report:
        report(0.5, "half")
    assert told == [(0.5, "half")]


def test_every_estimator_tells_how_far_it_is(brief_estimator):
    told = []
    brief_estimator.estimate(X, Y, progress=lambda fraction, text: told.append((fraction, text)))
    fractions = [fraction for fraction, _ in told]
    assert all(0 <= fraction <= 1 for fraction in fractions)
    assert all(isinstance(text, str) and text for _, text in told)
    if fractions:  # some are over before there is much to tell
        assert fractions[-1] == pytest.approx(1)
    assert fractions or brief_estimator.name in ("gaussian", "copula", "histogram")
    if brief_estimator.name != "auto":  # which tries one thing after another
        assert fractions == sorted(fractions)


def test_telling_changes_nothing(cheap_estimator):
    silent = cheap_estimator.estimate(X, Y)
    assert cheap_estimator.estimate(X, Y, progress=lambda _fraction, _text: None) == silent


def test_what_the_callers_function_raises_is_the_callers():
    class Enough(Exception):
        pass

    def stop(_fraction, _text):
        raise Enough

    with pytest.raises(Enough):
        mineral.KSG().estimate(X, Y, progress=stop)
