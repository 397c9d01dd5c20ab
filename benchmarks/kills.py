"""Kills at random instants: no row, cell or file is lost, repeated or partial.

python benchmarks/kills.py [KILLS]      100 unless given, a quarter of them for each of:

benchmark       small estimates, two at a time; resumed by the same call
experiments     eight experiments of five cells, one after another; each resumed
shape           an encoder trained, and written over its file
report          a page, a table and a picture, written over theirs

Whatever a killed run leaves is checked at once; at the end each runs undisturbed, and must give
what a run gives that nobody killed.
"""

import dataclasses
import json
import math
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mineral import benchmark, experiments
from mineral.benchmark import Contestant, page
from mineral.errors import InputError
from mineral.experiments import Conclusion, Experiment
from mineral.experiments.base import Context
from mineral.rivals import serve
from mineral.shaping import Shaping, data, save_encoder, shape
from mineral.tasks import Draw, Task

Left = dict[str, Any]
SEEDS, CELLS, MATRIX = 40, 5, 8
WORKER = """
import sys, time
import numpy as np
sys.path.insert(0, {folder!r})
from serve import serve

def estimate(x, y, **_):
    time.sleep(0.02)
    return float(np.corrcoef(x[:, 0], y[:, 0])[0, 1])

serve(lambda: (estimate, {{"example": "1.0"}}))
"""


def sampler(n: int, rng: np.random.Generator) -> Draw:
    """Two normal variables."""
    x = rng.standard_normal((n, 1))
    return Draw(x, x + rng.standard_normal((n, 1)))


def rows(folder: Path) -> None:
    """A benchmark of 2 × 40 short estimates."""
    script = folder / "worker.py"
    script.write_text(WORKER.format(folder=str(Path(serve.__file__).parent)))
    command = (sys.executable, str(script))
    task = Task(
        name="normal",
        family="normal",
        dim_x=1,
        dim_y=1,
        information=math.log(2) / 2,
        known_by="closed form",
        source="Kullback (1959)",
        sampler=sampler,
    )
    contestants = [Contestant(name, name, (), command) for name in ("a", "b")]
    benchmark.run([task], contestants, sizes=[50], seeds=range(SEEDS), out=folder / "out", jobs=2)


def rows_left(folder: Path) -> Left:
    """Finished rows by key; each line but the last is one, and none comes twice."""
    path = folder / "out" / "rows.jsonl"
    if not path.exists():
        return {}
    content = path.read_bytes()
    found = [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]
    keys = [f"{row['label']} {row['seed']}" for row in found]
    assert len(set(keys)) == len(keys), "a row was repeated"
    return {key: row["value"] for key, row in zip(keys, found, strict=True)}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Of an experiment."""

    count: int = CELLS


def cell(context: Context[Settings], k: int) -> dict[str, Any]:
    """A number, after a while."""
    time.sleep(0.02)
    return {"number": float(context.rng(context.key).random()), "k": k}


def conclude(_settings: Settings, found: Any) -> Conclusion:  # noqa: ANN401
    """The sum."""
    return Conclusion(metrics={"sum": sum(each["number"] for each in found.values())})


def matrix(folder: Path) -> None:
    """Eight experiments of five cells."""
    for i in range(MATRIX):
        study = Experiment(
            name=f"toy-{i}",
            title="A toy",
            source="nobody",
            quick=Settings(),
            full=Settings(),
            cells=lambda settings: {f"c{k}": partial(cell, k=k) for k in range(settings.count)},
            conclude=conclude,
        )
        experiments.run(study, out=folder / str(i), resume=True, seed=i, command="kills")


def cells_left(folder: Path) -> Left:
    """Finished cells, and what was concluded, by file; with the time of writing, as seen first."""
    found = {}
    for path in sorted(folder.glob("*/cells/c*.json")):
        found[str(path.relative_to(folder))] = json.loads(path.read_text())["found"]
        found[f"{path.relative_to(folder)} written"] = path.stat().st_mtime_ns
    for path in folder.glob("*/metrics.json"):
        found[str(path.relative_to(folder))] = json.loads(path.read_text())
    return found


def encoder(folder: Path) -> None:
    """A small encoder, trained and saved."""
    recipe = Shaping(steps=30, batch_size=64, hidden=(8,), hidden_by="remine", beta=0.1)
    shaped = shape(data.gaussian_classes(200), recipe)
    save_encoder(shaped.encoder, folder / "encoder.safetensors")


def report(folder: Path) -> None:
    """The page of a benchmark."""
    plain = benchmark.Row(
        task="t", family="f", dim_x=1, dim_y=1, n=50, seed=0, label="a", truth=0.3, value=0.2
    )
    several = [dataclasses.replace(plain, seed=seed) for seed in range(3)]
    lines = "".join(json.dumps(dataclasses.asdict(row)) + "\n" for row in several)
    if not (folder / "rows.jsonl").exists():
        (folder / "rows.jsonl").write_text(lines)
    page.write(folder, picture=folder / "picture.png")


def files_left(folder: Path) -> Left:
    """What files hold, those apart that a writer had not yet moved into place."""
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if not path.name.startswith(".") and path.name != "worker.py"
    }


KINDS: dict[str, tuple[Callable[[Path], None], Callable[[Path], Left]]] = {
    "benchmark": (rows, rows_left),
    "experiments": (matrix, cells_left),
    "shape": (encoder, files_left),
    "report": (report, files_left),
}


def timeless(found: Left) -> Left:
    """What does not depend on when it was written."""
    return {name: value for name, value in found.items() if not name.endswith(" written")}


def killed(name: str, kills: int, rng: np.random.Generator, place: Path) -> str:
    """Kill one kind so many times; what was found, in words.

    Raises:
        AssertionError: If anything was lost, repeated or partial.
    """
    work, left = KINDS[name]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["kills"])
    whole, folder = place / f"{name}-whole", place / name
    whole.mkdir()
    folder.mkdir()
    work(whole)
    expected = timeless(left(whole))
    (place / f"{name}-timed").mkdir()
    for target in (left, work):  # the first of them waits for imports
        start = time.perf_counter()
        process = context.Process(target=target, args=(place / f"{name}-timed",))
        process.start()
        process.join()
    longest, alive, before = time.perf_counter() - start, 0, left(folder)
    for k in range(kills):
        process = context.Process(target=work, args=(folder,))
        process.start()
        time.sleep(rng.uniform(0, longest if name in ("shape", "report") else longest / 4))
        alive += process.is_alive()
        process.kill()
        process.join()
        now = left(folder)
        lost = [key for key in before if before[key] != now.get(key)]
        assert not lost, f"kill {k} of {name} lost or repeated {lost}"
        partial_ = [key for key, value in timeless(now).items() if value != expected[key]]
        assert not partial_, f"kill {k} of {name} left in part {partial_}"
        before = now
    try:
        work(folder)
    except InputError as error:
        raise AssertionError(f"{name} cannot be resumed: {error}") from None
    assert timeless(left(folder)) == expected, f"{name} ended otherwise than an undisturbed run"
    extra = sum(path.name.startswith(".") and path.name != ".lock" for path in folder.rglob("*"))
    return (
        f"{name}: {kills} kills, {alive} of them while it ran; {len(expected)} rows or files, none "
        f"lost, repeated or partial; {extra} temporary files remain"
    )


def main(kills: int) -> None:
    """Kill all kinds, and print what was found."""
    rng = np.random.default_rng(kills)
    with tempfile.TemporaryDirectory() as place:
        for name in KINDS:
            print(killed(name, kills // len(KINDS), rng, Path(place)), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
