"""Copies a finished run of an experiment into the documentation.

    python benchmarks/publish.py FOLDER NAME

Writes docs/results/NAME.json, with the command, settings, versions, machine, the seconds of each
cell and the metrics of the run in FOLDER, and its figures as docs/images/experiment-NAME.png.
"""

import json
import shlex
import shutil
import sys
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def without_folder(command: str, name: str) -> str:
    """The command with `name` in place of the folder after --out."""
    words = shlex.split(command)
    if "--out" in words:
        words[words.index("--out") + 1] = name
    return shlex.join(words)


def publish(folder: Path, name: str) -> Path:
    """The JSON file that was written for a finished run."""
    made = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    cells = {path.stem: json.loads(path.read_text()) for path in (folder / "cells").glob("*.json")}
    made["command"] = without_folder(made["command"], name)
    made["seconds"] = {key: cells[key]["seconds"] for key in sorted(cells)}
    made["metrics"] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    target = DOCS / "results" / f"{name}.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for i, figure in enumerate(sorted(folder.glob("*.png"))):
        suffix = f"-{i + 1}" if i else ""
        shutil.copyfile(figure, DOCS / "images" / f"experiment-{name}{suffix}.png")
    return target


if __name__ == "__main__":
    print(publish(Path(sys.argv[1]), sys.argv[2]))
