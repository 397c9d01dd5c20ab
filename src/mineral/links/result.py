"""What `mineral.network` returns: links with lags, values, intervals, p-values and q-values."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from mineral.basics.types import Unit
from mineral.figures import short
from mineral.links.pages import page, pictures
from mineral.links.request import Request
from mineral.links.target import Link, Target
from mineral.pairs import files
from mineral.pairs.nulls import q_values
from mineral.results import Caution, nats_per
from mineral.system import storage
from mineral.system.machine import versions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCHEMA = 1  # of `to_dict`: docs/json.md
SHOWN = 20  # links of `str`
NAME_SHOWN = 24  # letters of a column's name
COLUMNS = (
    "source",
    "lag",
    "target",
    "value",
    "lower",
    "upper",
    "p_value",
    "q_value",
    "significant",
    "n",
    "note",
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """Past values of columns that drive other columns of a table of series.

    Attributes:
        names: Of all columns used.
        targets: For each target its own lags, rows and the information of all its sources.
        links: All selected past values of sources, the smallest q-value first; values in `unit`.
        q_value: Of each link, over all pairs of a source and a target: a pair without a link counts
            with p = 1.
        fdr: The false discovery rate at which links are significant.
        pairs: How many pairs of a source and a target there are.
        trials: How many rows each trial has.
        max_lag, degree, alpha, surrogates: As of `mineral.network`.
        estimator, options: Of the values.
        unit: `"nats"` or `"bits"`.
        confidence: The level of the intervals.
        seed: Of the whole network.
        warnings: What was left out.
        seconds: Wall time.
        versions: Of Mineral, its libraries and Python.
        arguments: Of the call: `target`, `columns`, `trial` and `types`, where they were passed.
    """

    names: tuple[str, ...]
    targets: tuple[Target, ...]
    links: tuple[Link, ...]
    q_value: Float[np.ndarray, " m"]
    fdr: float
    pairs: int
    trials: tuple[int, ...]
    max_lag: int
    degree: int
    alpha: float
    surrogates: int
    estimator: str
    options: Mapping[str, Any]
    unit: Unit
    confidence: float
    seed: int
    warnings: tuple[Caution, ...]
    seconds: float
    versions: Mapping[str, str]
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.links)

    @property
    def significant(self) -> tuple[Link, ...]:
        """The links whose q-value is at most `fdr`."""
        return tuple(
            link for link, q in zip(self.links, self.q_value, strict=True) if q <= self.fdr
        )

    def columns(self) -> dict[str, list[Any]]:
        """The columns of `frame`, by name."""
        rows = [
            {**vars(link), "q_value": float(q), "significant": bool(q <= self.fdr)}
            for link, q in zip(self.links, self.q_value, strict=True)
        ]
        return {name: [row[name] for row in rows] for name in COLUMNS}

    def frame(self, library: str | None = None) -> Any:  # noqa: ANN401
        """A data frame with a row for each link.

        Its columns: source, lag, target, value, lower, upper, p_value, q_value, significant, n,
        note.

        Args:
            library: `"pandas"`, `"polars"` or `"pyarrow"`; None for the first that is installed.

        Raises:
            OptionError: If the library is unknown, or none is installed.
        """
        return files.frame_of(self.columns(), library)

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it (docs/json.md)."""
        columns = self.columns()
        rows = zip(*columns.values(), strict=True)
        return {
            "schema": SCHEMA,
            "links": [dict(zip(columns, row, strict=True)) for row in rows],
            "targets": [
                {
                    "name": target.name,
                    "own_lags": list(target.own_lags),
                    "information": target.information,
                    "n": target.n,
                    "note": target.note,
                }
                for target in self.targets
            ],
            "names": list(self.names),
            "pairs": self.pairs,
            "fdr": self.fdr,
            "max_lag": self.max_lag,
            "degree": self.degree,
            "alpha": self.alpha,
            "surrogates": self.surrogates,
            "estimator": self.estimator,
            "options": dict(self.options),
            "unit": self.unit,
            "confidence": self.confidence,
            "seed": self.seed,
            "trials": list(self.trials),
            "warnings": [{"code": w.code, "message": w.message} for w in self.warnings],
            "seconds": self.seconds,
            "versions": dict(self.versions),
        }

    def to_json(self, path: "str | os.PathLike[str]") -> None:
        """Write `to_dict` in one step.

        Raises:
            InputError: If the file cannot be written.
        """
        text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        storage.write(path, text.encode("utf-8", "replace"))

    def to_csv(self, path: "str | os.PathLike[str]") -> None:
        """Write the links as CSV, with the columns of `frame`, in one step.

        A name that a spreadsheet would compute, such as `=1+1`, is written after an apostrophe.

        Raises:
            InputError: If the file cannot be written.
        """
        storage.write(path, files.comma_separated(self.columns()).encode("utf-8", "replace"))

    def to_parquet(self, path: "str | os.PathLike[str]") -> None:
        """Write the links as Parquet, with the columns of `frame`, in one step.

        Raises:
            MissingExtraError: If pyarrow is not installed.
            InputError: If the file cannot be written.
        """
        pa = files.arrow()
        types = dict.fromkeys(COLUMNS, pa.float64())
        types |= dict.fromkeys(("source", "target", "note"), pa.string())
        types |= {"lag": pa.int64(), "n": pa.int64(), "significant": pa.bool_()}
        columns = self.columns()
        table = pa.table({name: pa.array(columns[name], types[name]) for name in COLUMNS})
        storage.write(path, files.parquet_bytes(table))

    def plot(self) -> "Figure":
        """Who drives whom: an arrow for each significant link, with its lags.

        Above 16 columns with links, a table of sources and targets is drawn in its place.

        Raises:
            MissingExtraError: If matplotlib is not installed.
        """
        return pictures.overview(self)

    def report(
        self,
        path: "str | os.PathLike[str]",
        *,
        title: str | None = None,
        command: str | None = None,
    ) -> None:
        """Write an HTML page: who drives whom at which lag, links with intervals, targets.

        Args:
            path: The file, which ends in .html; replaced if it exists.
            title: The heading.
            command: What reproduces the network; None for the Python call.

        Raises:
            MissingExtraError: If jinja2 or matplotlib is not installed.
            OptionError: If the file's name ends in something else than .html.
            InputError: If the file cannot be written.
        """
        page.write(self, path, title=title, command=command)

    def __str__(self) -> str:
        count = len(self.significant)
        lines = [
            f"{count:,} significant link{'s' * (count != 1)} of {self.pairs:,} "
            f"pair{'s' * (self.pairs != 1)} (false "
            f"discovery rate {self.fdr:g}); {len(self.names):,} series of {sum(self.trials):,} "
            f"rows, lags 1 to {self.max_lag}, {self.seconds:.2g} s; {self.unit}, "
            f"{100 * self.confidence:.4g}% intervals",
            *self._table(),
        ]
        lines += [f"  {t.name}: {t.note}" for t in self.targets if t.note is not None]
        lines += [f"  ! {caution}" for caution in self.warnings]
        return "\n".join(lines)

    def _table(self) -> list[str]:
        """The first links, aligned."""
        if not self.links:
            return ["  No past value of another column is significant."]
        rows = [("source", "lag", "target", str(self.unit), "interval", "p", "q", "n")]
        for link, q in list(zip(self.links, self.q_value, strict=True))[:SHOWN]:
            rows.append(
                (
                    short(link.source, NAME_SHOWN),
                    str(link.lag),
                    short(link.target, NAME_SHOWN),
                    number(link.value),
                    f"[{number(link.lower)}, {number(link.upper)}]",
                    f"{link.p_value:.2g}",
                    f"{q:.2g}" + ("" if q <= self.fdr else " (not significant)"),
                    f"{link.n:,}",
                )
            )
        lines = files.aligned(rows)
        if len(self.links) > SHOWN:
            lines.append(f"  and {len(self.links) - SHOWN:,} more")
        return lines


def number(value: float | None) -> str:
    """In three digits; a dash where there is none."""
    return "–" if value is None else f"{value:.3g}"


def assembled(
    request: Request,
    targets: Sequence[Target],
    *,
    unit: Unit,
    fdr: float,
    seconds: float,
    arguments: Mapping[str, Any],
) -> Network:
    """The network of all targets; q-values count each pair without a link with p = 1."""
    nats = nats_per(unit)
    links = [_in_unit(link, nats) for target in targets for link in target.links]
    pairs = len(request.targets) * (len(request.names) - 1)
    without = pairs - len({(link.source, link.target) for link in links})
    p_values = np.array([*(link.p_value for link in links), *[1.0] * without], dtype=np.float64)
    q_value = q_values(p_values)[: len(links)]
    order = sorted(range(len(links)), key=lambda k: (q_value[k], links[k].p_value))
    return Network(
        names=tuple(request.names),
        targets=tuple(
            replace(t, information=None if t.information is None else t.information / nats)
            for t in targets
        ),
        links=tuple(links[k] for k in order),
        q_value=q_value[order],
        fdr=float(fdr),
        pairs=pairs,
        trials=tuple(request.trials),
        max_lag=request.max_lag,
        degree=request.degree,
        alpha=request.alpha,
        surrogates=request.surrogates,
        estimator=request.estimator,
        options=request.options,
        unit=unit,
        confidence=request.confidence,
        seed=request.seed,
        warnings=tuple(Caution(code=code, message=text) for code, text in request.warnings),
        seconds=seconds,
        versions=versions(),
        arguments=arguments,
    )


def _in_unit(link: Link, nats: float) -> Link:
    if link.value is None or link.lower is None or link.upper is None:
        return link
    return replace(link, value=link.value / nats, lower=link.lower / nats, upper=link.upper / nats)
