"""The calls: `mineral.estimate`, `mineral.independence`, and the list of what they know."""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from numbers import Integral
from typing import Any, TypeGuard

import torch

from mineral.basics.types import Missing, Unit
from mineral.errors import OptionError, suggestion
from mineral.methods import CONDITIONAL, ESTIMATORS, Estimator
from mineral.methods.conditional.independence import permuted_given
from mineral.permutation import Independence, permuted
from mineral.results import Estimate
from mineral.samples import conditioned, paired
from mineral.system.progress import ProgressOption

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
    count = count_of("permutations", permutations)
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
    if not count:
        return found
    test = independence(x, y, given=given, permutations=count, seed=found.seed, missing=missing)
    return replace(found, p_value=test.p_value)


def independence(
    x: Any,  # noqa: ANN401
    y: Any,  # noqa: ANN401
    *,
    given: Any = None,  # noqa: ANN401
    permutations: int = 999,
    seed: int = 0,
    missing: Missing = "raise",
) -> Independence:
    """Test whether X and Y are independent, by permuting rows; with `given`, given a condition.

    Rows in series are compared with surrogates of one side that have its autocorrelation (random
    phases, or rotations where values of both sides repeat); `surrogates` of the result says what
    was drawn. Given Z,
    residuals of one side are permuted, among rows of similar Z where they depend on it.

    Args:
        x: Shape (n,), (n, dx) or (n, ...), as `mineral.estimate` takes it.
        y: The same, with as many rows.
        given: The condition Z, as `mineral.estimate` takes it; None for no condition.
        permutations: More give smaller p-values; 999 can give 0.001.
        seed: Fixes the permutations.
        missing: `"raise"`, or `"drop"` to leave out rows with missing values.

    Raises:
        InputError: If the samples cannot be used.
        OptionError: If `permutations` is not positive.

    References:
        Phipson & Smyth (2010), on p-values that are never 0, doi:10.2202/1544-6115.1585.
        Gretton et al. (2007), the kernel criterion; Zhang et al. (2018), by random features,
            arXiv:1606.07892. Berrett & Samworth (2019), on permutation, arXiv:1711.06642.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> x = rng.standard_normal(300)
        >>> independence(x, x**2 + rng.standard_normal(300)).p_value
        0.001
    """
    if permutations < 1:
        raise OptionError(f"`permutations` must be at least 1, got {permutations}.")
    if given is not None:
        whole = conditioned(x, y, given, missing=missing, words=True).measurable()
        if whole.z.shape[1]:
            return permuted_given(whole, permutations, seed)
        return permuted(whole.pair, permutations, seed)  # a constant condition
    samples, _, _ = paired(x, y, missing=missing, words=True).measurable()
    return permuted(samples, permutations, seed)


def estimators() -> dict[str, str]:
    """Each estimator's name, with one line about it; those that need a condition come last."""
    return {name: estimator.summary() for name, estimator in KNOWN.items()}


def count_of(name: str, value: object, *, least: int = 0) -> int:
    """A count that is an option of a call.

    Raises:
        OptionError: If it is no whole number, or below `least`.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise OptionError(f"`{name}` must be a whole number of at least {least}, got {value!r}.")
    return int(value)


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
    return OptionError(f"`{option}` is not an option of {estimator}: {choices}.{hint}")
