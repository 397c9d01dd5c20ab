"""The scripts of `benchmarks/`, as modules."""

import importlib.util
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "benchmarks"


def load(name):
    """The script of that name, executed up to its `main`."""
    spec = importlib.util.spec_from_file_location(f"{name}_script", FOLDER / f"{name}.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script
