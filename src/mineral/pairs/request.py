"""What a matrix is of: checked names, an estimator and a plan, from what a caller passes."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mineral.api import count_of, resolve
from mineral.basics.special import ndtri
from mineral.errors import InputError, OptionError
from mineral.methods import Estimator, GaussianCopula, PartialCopula
from mineral.methods.base import check_run
from mineral.pairs import copula, each
from mineral.pairs.copula import Copula, autocorrelations
from mineral.pairs.each import Each
from mineral.pairs.plan import Chunk, Plan
from mineral.pairs.sheet import Sheet, arguments_of, check_missing, listed, names_of, sheet
from mineral.results import Caution
from mineral.system.machine import versions

COPULAS = (GaussianCopula, PartialCopula)
TIED = 0.5  # distinct values of a column by rows, below which `copula` warns of ties


@dataclass(frozen=True, kw_only=True)
class Request:
    """All that decides the results of a matrix, as JSON can hold it.

    Attributes:
        names: Of the columns that have pairs, those of targets first.
        types: Of these columns.
        first, targets: As of `Plan`.
        given: Names of the columns of the condition.
        estimator, options: Of each pair.
        permutations: Of each test; 0 for p-values in closed form, or none.
        confidence: The level of the intervals.
        seed: Of the whole matrix.
        rows: Of the table.
        digest: SHA-256 of the columns' content.
        version: Of Mineral.
        warnings: Code and message of each.
    """

    names: list[str]
    types: list[str]
    first: int
    targets: bool
    given: list[str]
    estimator: str
    options: dict[str, Any]
    permutations: int
    confidence: float
    seed: int
    rows: int
    digest: str
    version: str
    warnings: list[list[str]]

    @property
    def is_copula(self) -> bool:
        """Whether pairs are computed by products of score matrices."""
        return self.estimator in (GaussianCopula.name, PartialCopula.name)

    @property
    def plan(self) -> Plan:
        """The pairs, by places in `names`."""
        columns = tuple(range(len(self.names)))
        return Plan(columns=columns, first=self.first, targets=self.targets)

    @property
    def chunks(self) -> list[Chunk]:
        """What is computed and stored at once; the same for any number of workers."""
        size = copula.PAIRS if self.is_copula else each.PAIRS
        return self.plan.chunks(size, whole_rows=self.is_copula)

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A request, what computes it, and the arguments of the call that name columns."""

    request: Request
    engine: Copula | Each
    arguments: Mapping[str, Any]


def prepare(
    table: Any,  # noqa: ANN401
    *,
    target: str | Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    given: str | Sequence[str] | None = None,
    types: Mapping[str, str] | None = None,
    estimator: str | Estimator | type[Estimator] = "copula",
    seed: int = 0,
    confidence: float = 0.95,
    missing: str = "pairwise",
    permutations: int | None = None,
    options: Mapping[str, Any] | None = None,
) -> Prepared:
    """Read a table and check all options of `mineral.matrix`.

    Raises:
        InputError, InputTypeError, OptionError: As `mineral.matrix` does.
    """
    recipe = resolve(estimator, options)
    is_copula = type(recipe) in COPULAS
    check_run(seed, confidence)
    check_missing(missing)
    count = _permutations(permutations, is_copula=is_copula)
    whole = sheet(table, types)
    targets, condition = (
        whole.find(names_of(names), argument)
        for names, argument in ((target, "target"), (given, "given"))
    )
    _check_condition(recipe, condition)
    named = None if columns is None else whole.find(names_of(columns), "columns")
    chosen, warnings = _chosen(whole, named, targets, condition, recipe)
    used = whole.select([*chosen, *condition])
    if missing == "raise":
        used.refuse_missing(of_each="pair")
    given_places = tuple(range(len(chosen), len(chosen) + len(condition)))
    plan = Plan(
        columns=tuple(range(len(chosen))),
        first=len(targets) or len(chosen) - 1,
        targets=bool(targets),
    )
    engine: Copula | Each
    if is_copula:
        warnings += _ties(used.select(range(len(chosen))))
        lags = autocorrelations(used)
        warnings += _series([used.names[i] for i in np.flatnonzero(lags[: len(chosen)])])
        level = float(ndtri(0.5 + confidence / 2))
        engine = Copula(sheet=used, plan=plan, lags=lags, given=given_places, level=level)
    else:
        engine = Each(
            sheet=used,
            plan=plan,
            estimator=recipe,
            given=given_places,
            permutations=count,
            confidence=float(confidence),
            seed=int(seed),
        )
    request = Request(
        names=list(used.names[: len(chosen)]),
        types=list(used.types[: len(chosen)]),
        first=plan.first,
        targets=plan.targets,
        given=list(used.names[len(chosen) :]),
        estimator=recipe.name,
        options=recipe.options(),
        permutations=count,
        confidence=float(confidence),
        seed=int(seed),
        rows=whole.rows,
        digest=hashlib.sha256(b"".join(used.digests)).hexdigest(),
        version=versions()["mineral"],
        warnings=[[w.code, w.message] for w in warnings],
    )
    arguments = arguments_of(target=target, columns=columns, types=types)
    return Prepared(request=request, engine=engine, arguments=arguments)


def _permutations(permutations: int | None, *, is_copula: bool) -> int:
    if permutations is None:
        return 0 if is_copula else each.PERMUTATIONS
    count = count_of("permutations", permutations)
    if is_copula and count:
        raise OptionError(
            "`permutations` does not apply to copula, whose p-values have a closed form: remove it."
        )
    return count


def _check_condition(recipe: Estimator, condition: Sequence[int]) -> None:
    """Refuse before anything is computed what each pair would refuse."""
    if condition and recipe.condition() == "none" and not isinstance(recipe, GaussianCopula):
        raise OptionError(
            f"`given` is a condition, which {recipe.name} does not have: use estimator='copula' or "
            "'auto'."
        )
    if not condition and isinstance(recipe, PartialCopula):
        raise OptionError("partial-copula needs a condition: pass `given`, or use 'copula'.")


def _chosen(
    whole: Sheet,
    named: Sequence[int] | None,
    targets: Sequence[int],
    condition: Sequence[int],
    recipe: Estimator,
) -> tuple[list[int], list[Caution]]:
    """Places of the columns that have pairs, targets first, and a caution on those left out."""
    for i in targets:
        if i in condition:
            raise OptionError(f"`given` names {whole.names[i]!r}, a target: remove one of the two.")
    candidates = range(len(whole.names)) if named is None else named
    chosen = list(targets)
    chosen += [i for i in candidates if i not in targets and i not in condition]
    reasons = {i: reason for i in chosen if (reason := _unusable(whole, i, recipe))}
    whole.refuse_named(reasons, targets, named or ())
    cautions = whole.cautions(reasons)
    chosen = [i for i in chosen if i not in reasons]
    if len(chosen) < 2:
        sentences = " ".join(caution.message for caution in cautions)
        raise InputError(
            f"`table` has {len(chosen)} usable columns: pass at least two. {sentences}"
        )
    return chosen, cautions


def _unusable(whole: Sheet, i: int, recipe: Estimator) -> str:
    """Why a column has no pairs; empty if it has."""
    if reason := whole.reason_against(i):
        return reason
    levels = whole.levels[i]
    # Two categories are in one of two orders, which have the same information.
    if levels is None or recipe.labels or (type(recipe) in COPULAS and len(levels) == 2):
        return ""
    return f"has {len(levels)} categories, which {recipe.name} does not read (use estimator='auto')"


def _ties(used: Sheet) -> list[Caution]:
    """A caution on columns whose ranks have many ties."""
    tied = [
        name
        for name, column, there in zip(used.names, used.values, used.is_there, strict=True)
        if len(np.unique(column[there])) < TIED * there.sum()
    ]
    if not tied:
        return []
    return [
        Caution(
            "ties",
            f"{len(tied):,} columns have few distinct values: {listed(tied)}. Ranks cannot order "
            "ties, and the copula of discrete data is not unique. Use estimator='auto' for these.",
        )
    ]


def _series(names: Sequence[str]) -> list[Caution]:
    """A caution on autocorrelated columns; one alone changes no pair."""
    if len(names) < 2:
        return []
    return [
        Caution(
            "rows-in-series",
            f"{len(names):,} columns are autocorrelated: {listed(names)}. Intervals and p-values "
            "of their pairs use the effective sample size. Keep one row in m, or take differences.",
        )
    ]
