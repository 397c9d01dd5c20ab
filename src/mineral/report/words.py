"""The sentences and tables of a report, and the call that reproduces its estimate."""

import math
import re
from dataclasses import fields
from functools import partial
from typing import Any

from mineral import names
from mineral.api import KNOWN
from mineral.basics.types import Kind
from mineral.methods import Estimator
from mineral.results import Estimate

NAMES_SHOWN = 8
KINDS: dict[Kind, str] = {
    "lower bound": (
        "A lower bound: on average over samples it lies at or below the true mutual information, "
        "and may lie far below. The interval says where the bound is, not how far the truth is "
        "above it."
    ),
    "upper bound": (
        "An upper bound: on average over samples it lies at or above the true mutual information, "
        "and may lie far above. The interval says where the bound is, not how far the truth is "
        "below it."
    ),
    "neither": (
        "Neither a lower nor an upper bound: the truth may lie on either side. The interval covers "
        "the randomness of the samples, not a bias of the estimator."
    ),
}
READING = (
    "Each dot is one sample. Blue pairs are more likely together than if X and Y were "
    "independent, red ones less likely. The average over all pairs is the mutual information."
)
READING_PLAIN = (
    "Each dot is one sample. This estimator gives no pointwise mutual information, so all dots "
    "have one colour."
)
NO_WARNINGS = (
    "The checks found no reason to doubt this value. They cannot prove it right: if a decision "
    "depends on it, compare with another estimator."
)


def default_title(estimate: Estimate) -> str:
    """The title: the variables of the estimate."""
    of_x, of_y = (
        ", ".join(of) if len(of) <= 3 else f"{of[0]}, …, {of[-1]}"
        for of in (estimate.evidence.x_names, estimate.evidence.y_names)
    )
    if estimate.dim_z is not None:
        given = listed(estimate.evidence.z_names, 3)
        return f"Conditional mutual information between {of_x} and {of_y}, given {given}"
    return f"Mutual information between {of_x} and {of_y}"


def meaning(estimate: Estimate) -> list[str]:
    """The value compared with independence, and as a correlation."""
    low, high = estimate.interval
    sentences = []
    independent = "independent" if estimate.dim_z is None else "conditionally independent"
    if low > 0:
        sentences.append(f"The interval lies above 0, the value of {independent} variables.")
    elif high < 0:
        sentences.append(
            "The whole interval lies below 0, and mutual information is never negative: the "
            "dependence is too weak, or the samples too few, for this estimator."
        )
    elif low <= 0 <= high:
        sentences.append(
            f"The interval contains 0, the value of {independent} variables: dependence is not "
            "significant."
        )
    nats = estimate.to("nats").value
    if low > 0 and math.isfinite(nats) and _is_number_with_number(estimate):
        partial = "" if estimate.dim_z is None else "partial "
        rho = math.sqrt(-math.expm1(-2 * nats))
        shown = (
            f"of {rho:.2f}" if rho < 0.995 else f"of {rho:.3f}" if rho < 0.9995 else "above 0.999"
        )
        sentences.append(
            f"Two Gaussian variables with a {partial}correlation {shown} have the same mutual "
            "information."
        )
    return sentences


def _is_number_with_number(estimate: Estimate) -> bool:
    """Whether a correlation is a valid comparison: one number with one, and no categories."""
    seen = estimate.evidence
    return estimate.dim_x == estimate.dim_y == 1 and not (seen.x_levels or seen.y_levels)


def drawn(estimate: Estimate, across: list[int], up: list[int]) -> list[str]:
    """The columns and samples that are not plotted."""
    sentences = []
    if (len(across), len(up)) != (estimate.dim_x, estimate.dim_y):
        sentences.append(
            f"The plot shows {len(across)}\u00a0×\u00a0{len(up)} of "
            f"{estimate.dim_x:,}\u00a0×\u00a0{estimate.dim_y:,} pairs of columns: those with the "
            "strongest rank correlations."
        )
    rows = len(estimate.evidence.x)
    if rows < estimate.n:
        sentences.append(f"{rows:,} of {estimate.n:,} samples are plotted, chosen at random.")
    return sentences


def training(estimate: Estimate) -> str:
    """How to read training curves."""
    curves = estimate.evidence.curves
    runs, nats = len(curves), estimate.to("nats").value
    highest = max((value for run in curves for value in run.validation), default=math.inf)
    above = (
        " The value is above every curve: the curves show the training objective, while the value "
        "adds the part that is computed without the network, or is another bound."
        if nats > highest
        else ""
    )
    who = "A network" if runs == 1 else f"Each of {runs} networks, one for each colour,"
    return (
        f"{who} was trained on some rows (dashed). The weights with the highest bound on "
        "validation rows (solid) were kept (dot). The reported value is computed on rows used for "
        f"neither.{above}"
    )


def facts(estimate: Estimate) -> list[tuple[str, str]]:
    """All other facts of the estimate, as name and value."""
    method = KNOWN.get(estimate.estimator)
    evidence = estimate.evidence
    options = [f"{name} = {_tidy(value)}" for name, value in estimate.options.items()]
    return [
        (
            "Estimator",
            f"{estimate.estimator}: {method.summary()}" if method else estimate.estimator,
        ),
        ("Options", ", ".join(options) or "none"),
        *([("Reported", estimate.decision.summary())] if estimate.decision else []),
        ("Samples", f"{estimate.n:,}"),
        ("X", _coordinates(estimate.dim_x, evidence.x_names)),
        ("Y", _coordinates(estimate.dim_y, evidence.y_names)),
        *(
            [("Z, the condition", _coordinates(estimate.dim_z, evidence.z_names))]
            if estimate.dim_z is not None
            else []
        ),
        ("Value", f"{estimate.value!r} {estimate.unit}"),
        ("Sampling error", f"{estimate.stderr:#.2g} {estimate.unit} (standard error)"),
        ("Allowance", _allowance(estimate)),
        (
            f"{percent(estimate.confidence)} interval",
            f"{estimate.interval[0]!r} to {estimate.interval[1]!r} {estimate.unit}",
        ),
        *([("p, if independent", f"{estimate.p_value:.3g}")] if estimate.p_value else []),
        ("Seed", str(estimate.seed)),
        (
            "Time",
            f"{estimate.seconds:.2g} s" if estimate.seconds < 10 else f"{estimate.seconds:,.0f} s",
        ),
        ("Versions", ", ".join(f"{name} {of}" for name, of in estimate.versions.items())),
    ]


def python_call(estimate: Estimate) -> str:
    """The call that makes this estimate, from the same samples as x and y, and z as condition."""
    given = [] if estimate.dim_z is None else ["given=z"]
    arguments = [
        *given,
        f"estimator={estimate.estimator!r}",
        *_changed(estimate),
        f"seed={estimate.seed}",
    ]
    if estimate.confidence != 0.95:
        arguments.append(f"confidence={estimate.confidence!r}")
    if estimate.unit != "nats":
        arguments.append(f"unit={estimate.unit!r}")
    if any(caution.code == "dropped-rows" for caution in estimate.warnings):
        arguments.append("missing='drop'")
    return f"mineral.estimate(x, y, {', '.join(arguments)})"


def listed(columns: tuple[str, ...], most: int) -> str:
    """Names with commas, and how many more."""
    more = len(columns) - most
    return ", ".join(columns[:most]) + (f" and {more:,} more" if more > 0 else "")


def percent(share: float) -> str:
    """0.95 as 95%."""
    return f"{100 * share:.10g}%"


def _coordinates(dims: int, columns: tuple[str, ...]) -> str:
    return f"{dims:,} dimension{'s' * (dims != 1)}: {listed(columns, NAMES_SHOWN)}"


def candidates(estimate: Estimate) -> list[tuple[str, ...]]:
    """The rows of the table of candidates, under `candidate_columns`."""
    decision = estimate.decision
    rows = [] if decision is None else decision.considered
    return [
        (
            *([each.columns] if _is_by_columns(estimate) else []),
            each.estimator,
            ", ".join(f"{name} = {_tidy(value)}" for name, value in each.options.items()),
            each.view,
            each.in_unit(estimate.unit) or "not measured",
            f"{each.weight:.0%}" if each.weight > 0 else "",
            each.verdict.value,
        )
        for each in rows
    ]


def candidate_columns(estimate: Estimate) -> tuple[str, ...]:
    """The heads of the table of candidates."""
    value = f"Value ± standard error, {estimate.unit}"
    by_columns = ("Columns",) if _is_by_columns(estimate) else ()
    return (*by_columns, "Estimator", "Options", "Samples", value, "Share", "Verdict")


def _is_by_columns(estimate: Estimate) -> bool:
    decision = estimate.decision
    return decision is not None and any(each.columns for each in decision.considered)


def _allowance(estimate: Estimate) -> str:
    if estimate.allowance == 0:
        return "0: the interval does not allow for bias of the estimator"
    return (
        f"{estimate.allowance:#.2g} {estimate.unit} (added to the upper end, for dependence that "
        "the estimator may miss)"
    )


def _changed(estimate: Estimate) -> list[str]:
    """The options that are not the defaults, as keywords."""
    method = KNOWN.get(estimate.estimator)
    usual: Any = method() if method else None
    return [
        f"{name}={_spelled(value)}"
        for name, value in estimate.options.items()
        if usual is None or value != getattr(usual, name, None)
    ]


def _spelled(value: object) -> str:
    """As Python reads it, where the objects it names are imported."""
    if isinstance(value, partial):
        parts = [_spelled(value.func), *map(_spelled, value.args)]
        parts += [f"{name}={_spelled(each)}" for name, each in value.keywords.items()]
        return f"functools.partial({', '.join(parts)})"
    if isinstance(value, Estimator):
        parts = [f"{f.name}={_spelled(getattr(value, f.name))}" for f in fields(value)]
        return f"{_spelled(type(value))}({', '.join(parts)})"
    name = getattr(value, "__name__", None)
    if callable(value) and isinstance(name, str):
        return f"mineral.{name}" if name in names.__all__ else name
    return repr(value)


def _tidy(value: object) -> str:
    """A description without module names and addresses: `JointCritic`, `partial(JointCritic)`."""
    text = re.sub(r"<(?:class|function) '?(?:[\w<>]+\.)*(\w+)'?(?: at \w+)?>", r"\1", str(value))
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)
