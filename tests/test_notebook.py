"""The notebook runs from its first cell to its last, and what is committed of it stays small."""

import re
from pathlib import Path

import pytest
from marks import needs_mnist

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

ABSOLUTE = r"(?<![\w:/.<)])/[\w.-]+/"  # of a machine, and no part of an address
PATH = Path(__file__).parent.parent / "notebooks" / "mine.ipynb"
PICTURES = 7  # of its own; longer runs are linked


def ran(*, quick):
    """The notebook after all its cells: a failure in one fails the test."""
    notebook = nbformat.read(PATH, as_version=4)
    switch = [cell for cell in notebook.cells if cell.source.startswith("QUICK = False")]
    assert len(switch) == 1  # the first that runs
    if quick:
        switch[0].source = "QUICK = True"
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    nbclient.NotebookClient(notebook, timeout=1200, kernel_name="python3").execute()
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def told(outputs):
    return "".join(output.text for output in outputs if output.output_type == "stream")


def drawn(outputs):
    return sum("image/png" in output.get("data", {}) for output in outputs)


@needs_mnist
@pytest.mark.slow
def test_all_cells_run():
    outputs = ran(quick=True)
    assert drawn(outputs) == PICTURES
    assert "I(X; Y) = " in told(outputs) and "β = 5: I(sum; z) = " in told(outputs)
    assert not [output for output in outputs if output.get("name") == "stderr"]


@needs_mnist
@pytest.mark.slow
def test_all_of_it_shows_what_it_says():
    text = told(ran(quick=False))
    found = re.findall(r"I\(sum; z\) = (\S+) nats, I\(secret; z\) = (\S+)", text)
    (_, free), (useful, held) = ((float(a), float(b)) for a, b in found)
    assert held < free / 2 and useful > 0.5  # 0.05, 0.35 and 0.78 when it was written


def test_what_is_committed_is_small_and_of_the_long_run():
    assert PATH.stat().st_size < 250_000
    notebook = nbformat.read(PATH, as_version=4)
    nbformat.validate(notebook)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert drawn(outputs) == PICTURES
    for output in outputs:
        output.get("data", {}).pop("image/png", None)  # whose letters mean nothing
    assert not re.search(ABSOLUTE, nbformat.writes(notebook))
    assert not [output for output in outputs if output.output_type == "error"]
