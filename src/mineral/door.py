"""The one-call door: `mineral.estimate`, and the list of what it knows."""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from numbers import Integral
from typing import Any, TypeGuard

import torch

from mineral.errors import OptionError, suggestion
from mineral.methods import CONDITIONAL, ESTIMATORS, Estimator
from mineral.permutation import independence
from mineral.progress import ProgressOption
from mineral.results import Estimate
from mineral.types import Missing, Unit

ARGUMENTS = ("given", "seed", "device", "progress", "confidence", "unit", "missing", "permutations")

KNOWN = {**ESTIMATORS, **CONDITIONAL}


def estimate(
    x: Any,  # noqa: ANN401
    y: Any,  # noqa: ANN401
    *,
    given: Any = None,  # noqa: ANN401
    estimator: str | Estimator | type[Estimator] = "auto",
    seed: int = 0,
    device: str | torch.device | None = None,
    progress: ProgressOption = False,
    confidence: float = 0.95,
    unit: Unit = "nats",
    missing: Missing = "raise",
    permutations: int = 0,
    **options: Any,  # noqa: ANN401
) -> Estimate:
    """Estimate the mutual information I(X; Y) from n joint samples, one per row of x and of y.

    With `given`, the conditional mutual information I(X; Y | Z): what X and Y share beside what Z
    says of both (docs/conditional.md).

    Args:
        x: Shape (n,), (n, dx) or (n, ...): NumPy, torch, lists, pandas, polars or Arrow. Trailing
            dimensions, as of images, are flattened.
        y: The same, with as many rows. "auto", "discrete", "discriminant" and "classifier" read
            columns of text as categories, which have no order; other estimators refuse text. Dates
            are read as elapsed time.
        given: The condition Z, as `x`; columns of text are categories. None for no condition.
            "auto", "discrete", "partial-copula", "partial-information", "cmi-knn" and "strata" have
            one; other estimators refuse it.
        estimator: A name of `mineral.estimators()`, an estimator object such as `KSG(k=5)`, or its
            class.
        seed: Fixes every random choice. The global random state is not touched.
        device: Where networks train: `"cpu"` unless said otherwise.
        progress: True for a progress bar on standard error, or a function called with
            (fraction done, what is running).
        confidence: The level of the interval.
        unit: `"nats"` or `"bits"`.
        missing: `"raise"`, or `"drop"` to leave out rows with missing values.
        permutations: Of the rows, for a test of independence whose size is exact: 999 can give a
            `p_value` of 0.001. 0 tests nothing. See `mineral.independence`.
        options: Of the estimator: `estimate(x, y, estimator="ksg", k=5)`.

    May be called from several threads at once. After it, start processes with `spawn` or joblib,
    and do not fork: a forked process waits forever for threads that torch had (docs/threads.md).

    Returns:
        The estimate, with its interval, what kind of number it is, and reasons to doubt it.

    Raises:
        InputError: If the samples cannot be used: a ValueError.
        InputTypeError: If they cannot be read as numbers: a TypeError.
        OptionError: If an option or the estimator's name is unknown, or a value is out of range: a
            ValueError.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> x = rng.standard_normal(2000)
        >>> y = x + rng.standard_normal(2000)
        >>> round(estimate(x, y).value, 2)  # the true value is log(2) / 2 ≈ 0.35
        0.34
    """
    if isinstance(permutations, bool) or not isinstance(permutations, Integral) or permutations < 0:
        raise OptionError(
            f"`permutations` must be a whole number, 0 or more, got {permutations!r}."
        )
    found = resolve(estimator, options).estimate(
        x,
        y,
        given=given,
        seed=seed,
        device=device,
        progress=progress,
        confidence=confidence,
        unit=unit,
        missing=missing,
    )
    if not permutations:
        return found
    test = independence(x, y, permutations=int(permutations), seed=found.seed, missing=missing)
    return replace(found, p_value=test.p_value)


def estimators() -> dict[str, str]:
    """What `estimate` knows: each estimator's name, with one line about it."""
    return {name: estimator.summary() for name, estimator in ESTIMATORS.items()}


def resolve(
    estimator: str | Estimator | type[Estimator], options: Mapping[str, Any] | None = None
) -> Estimator:
    """An estimator object, from itself, its class or its name, with these options.

    Raises:
        OptionError: If there is no such estimator or option; the message names the closest.
    """
    options = options or {}
    kind = KNOWN.get(estimator) if isinstance(estimator, str) else estimator
    if isinstance(kind, Estimator) and not options:
        return kind
    if not (isinstance(kind, Estimator) or _is_concrete(kind)):
        hint = suggestion(str(estimator), KNOWN)
        raise OptionError(
            f"`estimator` {estimator!r} is unknown: choose one of {', '.join(KNOWN)}, or pass "
            f"an estimator object.{hint}"
        )
    known = [field.name for field in fields(kind)]
    for option in options:
        if option not in known:
            raise unknown_option(option, kind.name, known, beside=ARGUMENTS)
    return replace(kind, **options) if isinstance(kind, Estimator) else kind(**options)


def _is_concrete(kind: object) -> TypeGuard[type[Estimator]]:
    return isinstance(kind, type) and issubclass(kind, Estimator) and not inspect.isabstract(kind)


def unknown_option(
    option: str, estimator: str, known: Iterable[str], *, beside: Iterable[str] = ()
) -> OptionError:
    """What to raise where an estimator has no such option; `beside` are other names to suggest."""
    known = list(known)
    choices = f"choose from {', '.join(known)}" if known else "it has no options"
    hint = suggestion(option, (*known, *beside))
    return OptionError(f"`{option}` is no option of {estimator}: {choices}.{hint}")
