"""What a report says in sentences, and the call that would make its estimate again."""

import math
import re
from collections.abc import Mapping
from typing import Any

from mineral.methods import ESTIMATORS
from mineral.results import Estimate
from mineral.types import Kind

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
    "Each dot is one sample. Blue pairs are more likely together than if X and Y were independent, "
    "red ones less likely. Averaged over all pairs, this is the mutual information."
)
READING_PLAIN = (
    "Each dot is one sample. This estimator does not say what a single sample contributes, so the "
    "dots have no colour of their own."
)
NO_WARNINGS = (
    "The checks found no reason to doubt this value. They cannot prove it right: compare another "
    "estimator where much depends on it."
)


def default_title(estimate: Estimate) -> str:
    """What the estimate is of."""
    of_x, of_y = (
        ", ".join(names) if len(names) <= 3 else f"{names[0]}, …, {names[-1]}"
        for names in (estimate.evidence.x_names, estimate.evidence.y_names)
    )
    return f"Mutual information between {of_x} and {of_y}"


def meaning(estimate: Estimate) -> list[str]:
    """The value in everyday terms: beside independence, and as a correlation."""
    low, high = estimate.interval
    sentences = []
    if low > 0:
        sentences.append("The interval lies above 0, the value of independent variables.")
    elif high < 0:
        sentences.append(
            "The whole interval lies below 0, which no mutual information can be: read it as too "
            "little dependence, or too few samples, for this estimator."
        )
    elif low <= 0 <= high:
        sentences.append(
            "The interval contains 0, the value of independent variables: no dependence is shown."
        )
    nats = estimate.to("nats").value
    if low > 0 and math.isfinite(nats):
        rho = math.sqrt(-math.expm1(-2 * nats))
        shown = (
            f"of {rho:.2f}" if rho < 0.995 else f"of {rho:.3f}" if rho < 0.9995 else "above 0.999"
        )
        sentences.append(
            f"Two Gaussian variables with a correlation {shown} share as much information."
        )
    return sentences


def drawn(estimate: Estimate, across: list[int], up: list[int]) -> list[str]:
    """Which of the coordinates and which of the samples a picture leaves out."""
    sentences = []
    if (len(across), len(up)) != (estimate.dim_x, estimate.dim_y):
        sentences.append(
            f"Of {estimate.dim_x:,}\u00a0×\u00a0{estimate.dim_y:,} pairs of coordinates, "
            f"{len(across)}\u00a0×\u00a0{len(up)} are shown: those with the strongest rank "
            "correlations."
        )
    rows = len(estimate.evidence.x)
    if rows < estimate.n:
        sentences.append(f"{rows:,} of {estimate.n:,} samples are drawn, chosen at random.")
    return sentences


def training(runs: int) -> str:
    """How to read training curves."""
    who = "A network" if runs == 1 else f"Each of {runs} networks, one for each colour,"
    return (
        f"{who} learned on some rows (dashed) and was kept as it was where the bound on others "
        "(solid) was highest (dot). The reported value comes from rows that served for neither."
    )


def facts(estimate: Estimate) -> list[tuple[str, str]]:
    """Everything else that one may need to know, as name and value."""
    method = ESTIMATORS.get(estimate.estimator)
    evidence = estimate.evidence
    options = [f"{name} = {_tidy(value)}" for name, value in estimate.options.items()]
    return [
        (
            "Estimator",
            f"{estimate.estimator}: {method.summary()}" if method else estimate.estimator,
        ),
        ("Options", ", ".join(options) or "none"),
        ("Samples", f"{estimate.n:,}"),
        ("X", _coordinates(estimate.dim_x, evidence.x_names)),
        ("Y", _coordinates(estimate.dim_y, evidence.y_names)),
        ("Value in full", f"{estimate.value!r} {estimate.unit}"),
        ("Standard error", f"{estimate.stderr:#.2g} {estimate.unit}"),
        ("Confidence", percent(estimate.confidence)),
        *([("p, if independent", f"{estimate.p_value:.3g}")] if estimate.p_value else []),
        ("Seed", str(estimate.seed)),
        (
            "Time",
            f"{estimate.seconds:.2g} s" if estimate.seconds < 10 else f"{estimate.seconds:,.0f} s",
        ),
        ("Versions", ", ".join(f"{name} {of}" for name, of in estimate.versions.items())),
    ]


def python_call(estimate: Estimate) -> str:
    """The call that makes this estimate, from the same samples as x and y."""
    arguments = [f"estimator={_recipe(estimate)}", f"seed={estimate.seed}"]
    if estimate.confidence != 0.95:
        arguments.append(f"confidence={estimate.confidence!r}")
    if estimate.unit != "nats":
        arguments.append(f"unit={estimate.unit!r}")
    if any(caution.code == "dropped-rows" for caution in estimate.warnings):
        arguments.append("missing='drop'")
    return f"mineral.estimate(x, y, {', '.join(arguments)})"


def listed(names: tuple[str, ...], most: int) -> str:
    """Names with commas, and how many more."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def percent(share: float) -> str:
    """0.95 as 95%."""
    return f"{100 * share:.10g}%"


def _coordinates(dims: int, names: tuple[str, ...]) -> str:
    return f"{dims:,} dimension{'s' * (dims != 1)}: {listed(names, NAMES_SHOWN)}"


def _recipe(estimate: Estimate) -> str:
    """A name where options are the defaults, an object where they are not."""
    if estimate.path:  # Only `auto` says how it chose.
        return repr("auto")
    method = ESTIMATORS.get(estimate.estimator)
    defaults: Mapping[str, Any] = method().options() if method else {}
    changed = {k: v for k, v in estimate.options.items() if v != defaults.get(k)}
    if method is None or not changed:
        return repr(estimate.estimator)
    arguments = ", ".join(f"{name}={_spelled(value)}" for name, value in changed.items())
    return f"mineral.{method.__name__}({arguments})"


def _spelled(value: object) -> str:
    """As Python reads it, or nearly so: of an object an estimate keeps the description only."""
    described = isinstance(value, str) and any(mark in value for mark in "<(")
    return _tidy(value) if described else repr(value)


def _tidy(value: object) -> str:
    """A description without module names and addresses: `JointCritic`, `partial(JointCritic)`."""
    text = re.sub(r"<(?:class|function) '?(?:[\w<>]+\.)*(\w+)'?(?: at \w+)?>", r"\1", str(value))
    return re.sub(r" at 0x[0-9a-fA-F]+", "", text)
