"""The scripts of `benchmarks/`, as modules."""

import importlib.util
import sys
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "benchmarks"


def load(name, monkeypatch=None):
    """The script of that name, executed up to its `main`.

    With `monkeypatch`, it is among the imported modules until the test ends: for scripts with
    dataclasses that look their module up, and for those that import each other.
    """
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    script = importlib.util.module_from_spec(spec)
    if monkeypatch is not None:
        monkeypatch.setitem(sys.modules, name, script)
    spec.loader.exec_module(script)
    return script
