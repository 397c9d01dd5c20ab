"""The sentences of an audit's report."""

import math
from collections.abc import Sequence

from mineral.audit.findings import Audit, Audited
from mineral.audit.rows import Attack, Measure

NO_PROMISE = (
    "No encoder here is proved to be private. A failed attack does not rule out a stronger one."
)
LOW_BOUNDS = (
    "A lower bound is the least that leaks. A small lower bound means that little leaks, or that "
    "the classifiers are too weak: it is no evidence of privacy."
)
INFINITE = (
    "A deterministic code of continuous data has infinite I(X; Z). Only noise, or a small number "
    "of possible codes, limits it. The information about a label is at most its entropy H(S)."
)
SIDES = {
    "lower bound": "at least",
    "upper bound": "at most",
    "neither": "about",
    "exact": "",
}


def number(value: float, digits: int = 3) -> str:
    """0.123, or the sign of infinity."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞"
    return f"{value:.{digits}f}".replace("-", "−")


def percent(value: float) -> str:
    """83.7 %, or as exact as a small share needs."""
    return f"{100 * value:.1f} %" if value >= 0.0005 or value == 0 else f"{100 * value:.2g} %"


def span(row: Measure | Attack) -> str:
    """The interval, in the unit of the row."""
    low, high = row.interval
    if math.isinf(low):
        return ""
    share = row.unit == "share" if isinstance(row, Attack) else row.name == "accuracy"
    show = percent if share else number
    return f"{show(low)} to {show(high)}"


def amount(row: Measure | Attack) -> str:
    """The value, in the unit of the row."""
    if isinstance(row, Attack):
        return percent(row.value) if row.unit == "share" else f"R² {number(row.value, 2)}"
    return percent(row.value) if row.name == "accuracy" else number(row.value)


def best(rows: Sequence[Measure], name: str, side: str) -> Measure | None:
    """The tightest bound of a kind: the highest from below, the lowest from above."""
    found = [each for each in rows if each.name == name and each.side == side]
    if not found:
        return None
    return (max if side == "lower bound" else min)(found, key=lambda each: each.value)


def leaked(audit: Audit) -> str:
    """The leaked quantity of this audit."""
    return "I(X; Z)" if audit.hides == "everything" else "I(S; Z)"


def kept(audit: Audit) -> str:
    """What the label to keep is called."""
    return audit.keep_name or "L"


def secret(audit: Audit) -> str:
    """What is hidden, by its name; X where all features are to be hidden."""
    return "X" if audit.hides == "everything" else audit.hide_name or "S"


def notation(audit: Audit) -> str:
    """What the letters of formulas mean, by the names of the user's columns."""
    label = f"L is {audit.keep_name}, the label to keep" if audit.keep_name else "L: label to keep"
    named = f"S is {audit.hide_name}" if audit.hide_name else "S"
    hidden = {
        "label": f"{named}, a label to hide" if audit.hide_name else "S: label to hide",
        "numbers": f"{named}, numbers to hide" if audit.hide_name else "S: numbers to hide",
        "everything": "X, all features, is to be hidden",
    }
    return f"{label}; {hidden[audit.hides]}; Z is the code."


def count(n: int, noun: str) -> str:
    """1 number, 2,000 numbers."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def verdict(each: Audited, audit: Audit) -> list[str]:
    """The results of one encoder."""
    return [_bounds(each, audit), *_attacks(each, audit)]


def _bounds(each: Audited, audit: Audit) -> str:
    name = leaked(audit)
    low, high = (best(each.leakage, name, side) for side in ("lower bound", "upper bound"))
    above = "" if high is None else f", and at most {number(high.value)}"
    of = f"of {secret(audit)}"
    if low is None:
        return f"There is no lower bound on the information {of}{above and above[5:]}."
    if each.leaks_by_bound:
        floor = f", of which the kept label alone reveals {number(audit.floor)}"
        beyond = floor if audit.floor >= 0.0005 else ""
        return f"It leaks at least {number(low.value)} nats {of}{above}{beyond}."
    return (
        f"The best lower bound, {number(low.value)} nats {of}, does not exceed what the kept "
        f"label alone reveals{above}. A stronger adversary may learn more."
    )


def _attacks(each: Audited, audit: Audit) -> list[str]:
    sentences = []
    for attack in each.attacks:
        name = attack.name.capitalize()
        if attack.unit == "R²":
            sentences.append(
                f"{name}: {amount(attack)}, by {attack.how}; without the code, R² is 0."
            )
            continue
        chance = percent(attack.chance)
        if attack.name in ("label", "transfer") and audit.guess is not None:
            chance += f", or {percent(audit.guess)} from the kept label alone"
        sentences.append(
            f"{name}: correct for {percent(attack.value)} of {count(attack.n, 'row')} "
            f"({span(attack)}), by {attack.how}; chance is {chance}."
        )
    return sentences


def general(audit: Audit) -> list[str]:
    """Remarks on all encoders."""
    return [
        NO_PROMISE,
        LOW_BOUNDS,
        *([INFINITE] if any(each.stochastic is not True for each in audit.encoders) else []),
        *_floor(audit),
    ]


def _floor(audit: Audit) -> list[str]:
    if audit.hides == "everything":
        return [
            (
                f"A code that keeps the label reveals at least its entropy, {number(audit.floor)} "
                "nats about X."
            )
        ]
    if audit.hides == "numbers" or audit.guess is None:
        return []
    return [
        f"The data impose a minimum leak: I(L; S) = {number(audit.floor)} nats. From L alone, S "
        f"is predicted correctly in {percent(audit.guess)} of rows; no encoder that keeps all of "
        "L leaks less."
    ]


def text(audit: Audit) -> str:
    """The audit for a terminal."""
    a, b, c = audit.n
    rows = f"{count(a, 'training row')}, {count(b, 'validation row')}, {count(c, 'test row')}"
    lines = [f"{audit.problem}: {rows}", notation(audit), ""]
    for each in audit.encoders:
        accuracy = next(row for row in each.utility if row.name == "accuracy")
        lines += [
            f"{each.encoder}, {count(each.dim, 'dimension')}: accuracy "
            f"{percent(accuracy.value)} for {kept(audit)}",
            *(f"  {sentence}" for sentence in verdict(each, audit)),
            "",
        ]
    return "\n".join([*lines, *general(audit)])
