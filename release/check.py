"""Check what is to be released: `python release/check.py dist`, which `make release` runs.

The wheel is small, and wheel and source each install into an environment of their own, outside of
the repository, where `mineral.estimate` and the command give the value of the README.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

LARGEST = 1_000_000  # bytes of the wheel
SMOKE = """
import numpy as np, mineral
rng = np.random.default_rng(0)
x = rng.standard_normal(2000)
y = x**2 + 0.5 * rng.standard_normal(2000)
r = mineral.estimate(x, y)
assert abs(r.value - 0.807) < 0.005, r  # as in the README, whose truth is 0.803
assert all(getattr(mineral, name) is not None for name in mineral.__all__)
"""


def run(command: list[str], folder: str) -> str:
    """The output of a command; its failure ends the check."""
    hidden = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=folder, env=hidden, text=True, stdout=subprocess.PIPE)
    if done.returncode:
        sys.exit(f"`{' '.join(command[:4])} …` failed with {done.returncode}.")
    return done.stdout


def installs(package: Path, version: str) -> None:
    """Install a package into a new environment, estimate, and run the command."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True, symlinks=True)
        programs = Path(folder) / "bin"
        python = str(programs / "python")
        run([python, "-m", "pip", "install", "--quiet", str(package)], folder)
        run([python, "-c", SMOKE], folder)
        printed = run([str(programs / "mineral"), "--version"], folder).strip()
        if version not in printed:
            sys.exit(f"`mineral --version` of {package.name} is {printed!r}, not {version}.")


def main() -> None:
    """Check every file of the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    packages = sorted(parser.parse_args().folder.resolve().iterdir())
    wheel, source = ([p for p in packages if p.name.endswith(end)] for end in (".whl", ".tar.gz"))
    if len(wheel) != 1 or len(source) != 1:
        sys.exit(f"There must be one wheel and one source, got {[p.name for p in packages]}.")
    size = wheel[0].stat().st_size
    if size > LARGEST:
        sys.exit(f"{wheel[0].name} has {size:,} bytes, more than {LARGEST:,}.")
    version = wheel[0].name.split("-")[1]
    for package in (*wheel, *source):
        installs(package, version)
        sys.stdout.write(f"{package.name}: {package.stat().st_size:,} bytes; installs and runs\n")


if __name__ == "__main__":
    main()
