"""What a network is of: checked columns and options, as JSON can hold them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from numbers import Real
from typing import Any

import numpy as np

from mineral.api import count_of, resolve
from mineral.errors import InputError, OptionError
from mineral.links.grid import functions_of
from mineral.links.target import Engine, least_rows
from mineral.methods import Estimator, GaussianCopula
from mineral.methods.base import check_run
from mineral.pairs.sheet import Sheet, arguments_of, check_missing, names_of, sheet
from mineral.results import Caution
from mineral.system.machine import versions

DEGREES = (1, 2, 3)


@dataclass(frozen=True, kw_only=True)
class Request:
    """All that decides the results of a network, as JSON can hold it.

    Attributes:
        names: Of the columns used.
        targets: Names of those that are targets.
        trials: How many rows each trial has.
        max_lag, degree, alpha, surrogates: As of `mineral.network`.
        estimator, options: Of the values.
        confidence: The level of the intervals.
        seed: Of the whole network.
        digest: SHA-256 of the columns' content.
        version: Of Mineral.
        warnings: Code and message of each.
    """

    names: list[str]
    targets: list[str]
    trials: list[int]
    max_lag: int
    degree: int
    alpha: float
    surrogates: int
    estimator: str
    options: dict[str, Any]
    confidence: float
    seed: int
    digest: str
    version: str
    warnings: list[list[str]]

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A request, what computes it, and the arguments of the call that name columns."""

    request: Request
    engine: Engine
    arguments: Mapping[str, Any]


def prepare(
    table: Any,  # noqa: ANN401
    *,
    target: str | Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    trial: str | None = None,
    types: Mapping[str, str] | None = None,
    max_lag: int = 10,
    degree: int = 3,
    alpha: float = 0.05,
    surrogates: int = 499,
    estimator: str | Estimator | type[Estimator] = "copula",
    seed: int = 0,
    confidence: float = 0.95,
    missing: str = "pairwise",
    options: Mapping[str, Any] | None = None,
) -> Prepared:
    """Read a table and check all options of `mineral.network`.

    Raises:
        InputError, InputTypeError, OptionError: As `mineral.network` does.
    """
    recipe = _recipe(estimator, options or {})
    check_run(seed, confidence)
    check_missing(missing)
    _check(degree, alpha)
    whole = sheet(table, types)
    targets, named = (
        whole.find(names_of(target), "target"),
        whole.find(names_of(columns), "columns"),
    )
    of_trial = whole.find(names_of(trial), "trial")
    trials = _trials(whole, of_trial)
    chosen, warnings = _chosen(whole, named, targets, of_trial, trials)
    used = whole.select(chosen)
    if missing == "raise":
        used.refuse_missing(of_each="link")
    engine = Engine(
        sheet=used,
        trials=trials,
        max_lag=count_of("max_lag", max_lag, least=1),
        degree=degree,
        alpha=float(alpha),
        surrogates=count_of("surrogates", surrogates, least=19),
        estimator=None if isinstance(recipe, GaussianCopula) else recipe,
        confidence=float(confidence),
        seed=int(seed),
    )
    _check_length(engine)
    request = Request(
        names=list(used.names),
        targets=[whole.names[i] for i in (targets or chosen)],
        trials=list(trials),
        max_lag=engine.max_lag,
        degree=degree,
        alpha=engine.alpha,
        surrogates=engine.surrogates,
        estimator=recipe.name,
        options=recipe.options(),
        confidence=engine.confidence,
        seed=engine.seed,
        digest=hashlib.sha256(b"".join(used.digests)).hexdigest(),
        version=versions()["mineral"],
        warnings=[[w.code, w.message] for w in warnings],
    )
    arguments = arguments_of(target=target, columns=columns, trial=trial, types=types)
    return Prepared(request=request, engine=engine, arguments=arguments)


def _recipe(estimator: str | Estimator | type[Estimator], options: Mapping[str, Any]) -> Estimator:
    recipe = resolve(estimator, options)
    if recipe.condition() == "none" and not isinstance(recipe, GaussianCopula):
        raise OptionError(
            f"`estimator` must have a condition, which {recipe.name} does not have: use 'copula', "
            "'cmi-knn' or 'auto'."
        )
    return recipe


def _check(degree: int, alpha: float) -> None:
    if degree not in DEGREES or isinstance(degree, bool):
        raise OptionError(f"`degree` must be 1, 2 or 3, got {degree!r}.")
    if isinstance(alpha, bool) or not isinstance(alpha, Real) or not 0.001 <= alpha <= 0.5:
        raise OptionError(f"`alpha` must lie between 0.001 and 0.5, got {alpha!r}: try 0.05.")


def _trials(whole: Sheet, of_trial: Sequence[int]) -> tuple[int, ...]:
    """How many rows each trial has: rows of the same value, one after another."""
    if not of_trial:
        return (whole.rows,)
    column = whole.values[of_trial[0]]
    name = whole.names[of_trial[0]]
    if np.isnan(column).any():
        raise InputError(f"`trial` names {name!r}, which has a missing value: fill it.")
    starts = np.r_[0, np.flatnonzero(np.diff(column) != 0) + 1]
    if len(np.unique(column)) < len(starts):
        raise InputError(
            f"`trial` names {name!r}, whose rows of one trial are not one after another: sort the "
            "table by trial and time."
        )
    return tuple(int(length) for length in np.diff(np.r_[starts, whole.rows]))


def _chosen(
    whole: Sheet,
    named: Sequence[int],
    targets: Sequence[int],
    of_trial: Sequence[int],
    trials: Sequence[int],
) -> tuple[list[int], list[Caution]]:
    """Places of the columns used, in the order of the table, and cautions on the others."""
    for i in of_trial:
        if i in targets or i in named:
            raise OptionError(f"`trial` names {whole.names[i]!r}, which is a column as well.")
    required = {*targets, *named}
    candidates = [i for i in range(len(whole.names)) if i not in of_trial]
    if named:
        candidates = [i for i in candidates if i in required]
    reasons = {
        i: reason for i in candidates if (reason := _unusable(whole, i, trials, i in required))
    }
    reasons |= _copies(whole, [i for i in candidates if i not in reasons], targets, named)
    whole.refuse_named(reasons, targets, named)
    cautions = whole.cautions(reasons)
    chosen = [i for i in candidates if i not in reasons]
    if len(chosen) < 2:
        sentences = " ".join(caution.message for caution in cautions)
        raise InputError(
            f"`table` has {len(chosen)} usable series: pass at least two. {sentences}".strip()
        )
    return chosen, cautions


def _unusable(whole: Sheet, i: int, trials: Sequence[int], is_named: bool) -> str:  # noqa: FBT001
    """Why a column cannot be used; empty if it can."""
    if reason := whole.reason_against(i):
        return reason
    levels, values = whole.levels[i], whole.values[i]
    if levels is not None and len(levels) > 2:
        return (
            f"has {len(levels)} categories, which have no order: make a column of 0 and 1 of each"
        )
    within = [np.diff(part) for part in np.split(values, np.cumsum(trials)[:-1])]
    if not is_named and levels is None and (np.concatenate(within) > 0).all():
        return "increases in each row, as a clock does"
    return ""


def _copies(
    whole: Sheet, candidates: Sequence[int], targets: Sequence[int], named: Sequence[int]
) -> dict[int, str]:
    """Columns with the ranks of another one, or their reverse: targets and named ones come first.

    The past of both is the same information, so that no data distinguish their links.
    """
    first: dict[bytes, int] = {}
    found: dict[int, str] = {}
    for i in sorted(candidates, key=lambda i: (i not in targets, i not in named, i)):
        scores = functions_of(whole.values[i], 1)[0].round(9)
        scores *= np.sign(scores[np.flatnonzero(scores)[0]])
        digest = hashlib.sha256(scores.tobytes() + whole.is_there[i].tobytes()).digest()
        if digest in first:
            found[i] = f"is a monotone function of {whole.names[first[digest]]!r}"
        else:
            first[digest] = i
    return found


def _check_length(engine: Engine) -> None:
    rows = sum(max(0, length - engine.max_lag) for length in engine.trials)
    least = least_rows(engine.alpha)
    if rows < least:
        raise InputError(
            f"{rows} rows remain after `max_lag` {engine.max_lag}, and {least} are needed: pass "
            "longer series, or fewer lags."
        )
