"""Rows → one self-contained HTML page, a CSV, a Markdown table, and a picture for a README."""

import operator
import os
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mineral.basics.terminal import escaped
from mineral.benchmark import pictures, tables
from mineral.benchmark.rows import Row, read
from mineral.benchmark.summary import REFERENCES, Standing, grouped, standings, with_references
from mineral.figures import ACCENT
from mineral.report.drawings import Drawing, draw, own_settings, picture_file
from mineral.report.templates import template
from mineral.system import storage
from mineral.system.folders import SETTINGS, json_of
from mineral.system.machine import versions

BEST_SHOWN = 12  # panels, of estimates against truth
LINES_SHOWN = 8
FAMILY: Callable[[Row], str] = operator.attrgetter("family")
LARGEST = 1 << 24  # bytes of settings.json, which has a few hundred for each run


def write(
    folder: str | os.PathLike[str],
    *,
    page: str | os.PathLike[str] | None = None,
    picture: str | os.PathLike[str] | None = None,
) -> list[Path]:
    """Write report.html, leaderboard.csv and leaderboard.md into a folder of rows.

    Args:
        folder: That of `mineral.benchmark.run`.
        page: Another place for the page.
        picture: Where to draw the leaderboard: .png, .svg or .pdf; None for nowhere.

    Returns:
        The files.

    Raises:
        InputError: If there are no rows, or a file cannot be written.
        OptionError: If the picture's name has none of these endings.
        MissingExtraError: If jinja2 or matplotlib is not installed.
    """
    folder = Path(folder)
    target = None if picture is None else Path(picture)
    if target is not None:
        storage.check_ending(target, storage.PICTURES, "picture")
    rows = with_references(read(folder))
    standing = standings(rows)
    files: dict[Path, str | bytes] = {
        folder / "report.html" if page is None else Path(page): in_html(rows, _runs(folder)),
        folder / "leaderboard.csv": tables.comma_separated(rows),
        folder / "leaderboard.md": tables.markdown(standing),
    }
    if target is not None:
        leaderboard = partial(pictures.leaderboard, standing, _ours(rows), _subject(rows))
        files[target] = picture_file(leaderboard, target.suffix, dpi=200)
    for path, text in files.items():
        storage.write(path, text)
    return list(files)


def in_html(rows: Sequence[Row], runs: Sequence[dict[str, Any]] = ()) -> str:
    """The page, of `with_references` rows; `runs` is what settings.json noted."""
    form = template("mineral.benchmark")
    standing, ours = standings(rows), _ours(rows)
    own = [each for each in standing if each.label not in REFERENCES]
    families = sorted({row.family for row in rows})
    sizes = sorted({row.n for row in rows})
    by_family = {name: _by_label(own_) for name, own_ in grouped(rows, FAMILY).items()}
    parts = {f"n = {n:,}": _by_label([row for row in rows if row.n == n]) for n in sizes}
    parts = (parts if len(sizes) > 1 else {}) | {name: by_family[name] for name in families}
    nulls = any(row.truth == 0 for row in rows)
    with own_settings():
        drawings = {
            "board": _drawn(
                pictures.leaderboard(standing, ours),
                "Bar chart: mean absolute error of each estimator, best first.",
                "board",
            ),
            "growth": _growth(rows, own) if len(sizes) > 1 else None,
            "cost": _drawn(
                pictures.cost(standing, ours),
                "Scatter plot: mean absolute error against median seconds.",
                "cost",
            ),
            "coverage": _drawn(
                pictures.coverage(own, ours),
                "Dot plot: share of intervals that contain the truth, for each estimator.",
                "coverage",
            ),
            "panels": _panels(rows, own, ours),
        }
    return form.render(
        **drawings,
        subject=_subject(rows),
        standing=standing,
        own=own,
        ours=ours,
        tables=tables,
        columns=tables.shown(standing),
        families=families,
        by_family=by_family,
        sizes_and_families=parts,
        nulls=nulls,
        best_shown=BEST_SHOWN,
        complaints=_complaints(rows),
        runs=runs,
        versions=_versions(rows),
        mineral=versions()["mineral"],
    )


def _by_label(rows: Sequence[Row]) -> dict[str, Standing]:
    return {each.label: each for each in standings(rows)}


def _ours(rows: Sequence[Row]) -> frozenset[str]:
    return frozenset(row.label for row in rows if "mineral" in row.versions)


def _subject(rows: Sequence[Row]) -> str:
    """`40 tasks, n = 1,000 and 5,000, 10 seeds`."""
    tasks, sizes, seeds = (
        sorted({getattr(row, name) for row in rows}) for name in ("task", "n", "seed")
    )
    *first, last = (f"{n:,}" for n in sizes)
    shown = f"{', '.join(first)} and {last}" if first else last
    return (
        f"{len(tasks):,} task{'s' * (len(tasks) != 1)}, n = {shown}, "
        f"{len(seeds):,} seed{'s' * (len(seeds) != 1)}"
    )


def _drawn(figure: Any, label: str, name: str) -> Drawing | None:  # noqa: ANN401
    return None if figure is None else draw(figure, label, name=name)


def _growth(rows: Sequence[Row], own: Sequence[Standing]) -> Drawing | None:
    labels = [each.label for each in own[:LINES_SHOWN]]
    label = "Line chart: mean absolute error of the best estimators against samples."
    return _drawn(pictures.against_n(rows, labels), label, "growth")


def _panels(
    rows: Sequence[Row], own: Sequence[Standing], ours: frozenset[str]
) -> list[tuple[str, Drawing]]:
    by_label, limits = grouped(rows, lambda row: row.label), pictures.limits_of(rows)
    found = []
    for k, each in enumerate(own[:BEST_SHOWN]):
        colour = ACCENT if each.label in ours else pictures.RIVAL
        figure = pictures.against_truth(by_label[each.label], colour, limits)
        label = f"Scatter plot: estimates of {each.label} against the truth."
        found.append((each.label, draw(figure, label, name=f"truth-{k}")))
    return found


def _complaints(rows: Sequence[Row]) -> list[tuple[str, str, str, int]]:
    """Estimator, status, message, and how often, the most frequent first; a few for each."""
    counts = Counter((row.label, row.status, row.message) for row in rows if row.status != "ok")
    kept: Counter[str] = Counter()
    found = []
    for (label, status, message), count in counts.most_common():
        kept[label] += 1
        if kept[label] <= 2:
            found.append((label, status, message, count))
    return sorted(found)


def _versions(rows: Sequence[Row]) -> dict[str, str]:
    """Of every library that computed something; several, if rows come from several."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        for name, version in row.versions.items():
            found.setdefault(name, {})[version] = None
    return {name: ", ".join(several) for name, several in sorted(found.items())}


def _runs(folder: Path) -> list[dict[str, Any]]:
    """What settings.json says of the runs, as far as it is a list of such; nothing else of it."""
    found = json_of(folder / SETTINGS, largest=LARGEST)
    runs = found if isinstance(found, list) else []
    return [_run(each) for each in runs if isinstance(each, dict)]


def _run(found: dict[str, Any]) -> dict[str, Any]:
    machine = found.get("machine")
    machine = machine if isinstance(machine, dict) else {}
    return {
        **_scalars(found, ("command", "started", "jobs", "threads", "time_limit")),
        "machine": _scalars(machine, ("system", "cores")),
    }


def _scalars(found: dict[str, Any], names: Sequence[str]) -> dict[str, str | int | float]:
    return {
        name: escaped(each, keep="\n") if isinstance(each, str) else each
        for name in names
        if isinstance(each := found.get(name), (str, int, float))
    }
