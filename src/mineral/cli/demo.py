"""`mineral demo`: two questions about real penguins."""

from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mineral import tables
from mineral.cli.app import app
from mineral.cli.output import folded, show
from mineral.cli.reporting import check_report, command_line, write_report
from mineral.errors import MissingExtraError

if TYPE_CHECKING:
    from mineral.results import Estimate

DEMO_REPORT = Path("mineral-report.html")
PENGUINS = """\
Palmer penguins: 344 birds of three species, measured in Antarctica, 2007-2009.
Gorman, Williams & Fraser (2014), doi:10.1371/journal.pone.0090081. Table:
palmerpenguins, doi:10.5281/zenodo.3960218. Licence: CC0 1.0 (public domain)."""
IN_WORDS = (
    "Knowing one variable reduces uncertainty about the other by {bits:.2f} bits. A linear "
    "estimate (--estimator gaussian) gives {line:.2f} bits."
)
QUESTIONS = (
    (
        "flipper_length_mm",
        "body_mass_g",
        "1. How much information does flipper length give about body mass?",
        "Both are rounded, to 1 mm and 25 g; ties are broken at random.",
    ),
    (
        "bill_length_mm",
        "bill_depth_mm",
        "2. How much information does bill length give about bill depth?",
        "Within each species, longer bills are deeper. Gentoo bills are long and shallow and "
        "Adelie bills short and deep, so that a single line through all species hides the "
        "dependence.",
    ),
)


@app.command()
def demo(
    *,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help=(f"Write an HTML report here; {DEMO_REPORT} by default.")
        ),
    ] = None,
) -> None:
    """Estimate mutual information in a table of penguins, and write a report."""
    with as_file(files("mineral") / "data" / "penguins.csv") as path:
        target, refusal = report or DEMO_REPORT, None
        try:
            check_report(target, path)
        except MissingExtraError as error:
            if report is not None:
                raise
            refusal = error
        show(f"{PENGUINS}\n\n  >>> birds = pandas.read_csv({str(path)!r})")
        for x, y, question, remark in QUESTIONS:
            found, line = _ask(path, x, y), _ask(path, x, y, estimator="gaussian")
            command = command_line(path, {"--x": [x], "--y": [y]}, {"--missing": "drop"})
            words = IN_WORDS.format(bits=found.to("bits").value, line=line.to("bits").value)
            show(f"\n{question}\n\n  $ {command}")
            show(f"  >>> mineral.estimate(birds[{x!r}], birds[{y!r}], missing='drop')\n")
            show(f"{folded(str(found))}\n\n{folded(f'{words} {remark}', indent=0)}")
        if refusal is not None:
            show(f"\nNo report: {refusal}")
            return
        write_report(found, target, title=question, command=command)
        show(f"\nReport on the last question: {target}")


def _ask(path: Path, x: str, y: str, *, estimator: str = "auto") -> "Estimate":
    from mineral.api import resolve

    values_x, values_y = tables.read(path, x=[x], y=[y])
    return resolve(estimator).estimate(values_x, values_y, missing="drop")
