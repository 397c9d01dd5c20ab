"""What the tests of the benchmark share: small tasks, and workers of ten lines."""

import math
import sys
from pathlib import Path

import numpy as np

from mineral.benchmark import Contestant, run
from mineral.rivals import serve
from mineral.tasks import Draw, Task

SERVE = Path(serve.__file__).parent


def correlated(rho, *, name=None, fails=False):
    """Two Gaussian variables, and the pointwise values."""

    def sampler(n, rng):
        if fails:
            raise RuntimeError("no data")
        x = rng.standard_normal((n, 1))
        y = rho * x + math.sqrt(1 - rho**2) * rng.standard_normal((n, 1))
        square = (rho**2 * (x**2 + y**2) - 2 * rho * x * y) / (2 * (1 - rho**2))
        return Draw(x, y, -math.log(1 - rho**2) / 2 - square[:, 0])

    return Task(
        name=name or f"normal-{rho}",
        family="null" if rho == 0 else "normal",
        dim_x=1,
        dim_y=1,
        information=-math.log(1 - rho**2) / 2,
        known_by="closed form",
        source="Kullback (1959)",
        sampler=sampler,
    )


TASKS = (correlated(0.0), correlated(0.5), correlated(0.9))

# A worker that uses our loop: what it does depends on what it is asked for.
WORKER = """
import os, signal, sys, time
import numpy as np
sys.path.insert(0, {serve!r})
from serve import Refused, serve

def estimate(x, y, *, seed, estimator, settings):
    print("chatter, on standard output")
    pause = float(settings[0]) if settings else 0.0
    time.sleep(pause)
    if estimator == "refuses":
        raise Refused("not for\\nthese samples")
    if estimator == "fails":
        raise ZeroDivisionError("by zero")
    if estimator == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if estimator == "leaves":
        sys.exit("I have had enough")
    if estimator == "full" and os.path.exists(settings[1]):
        try:
            raise OSError(28, "No space left on device")
        except OSError as error:
            raise RuntimeError("cannot spill") from error
    if estimator == "nan":
        return float("nan")
    if estimator == "dies-once" and not os.path.exists(settings[1]):
        open(settings[1], "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    rho = np.corrcoef(x[:, 0], y[:, 0])[0, 1]
    value = -np.log(1 - rho**2) / 2
    options = {{"pid": os.getpid()}}
    return {{"value": value, "low": value - 0.1, "high": value + 0.1, "options": options}}

serve(lambda: (estimate, {{"example": "1.0"}}))
"""


def worker(folder, estimator="plain", *settings, source=WORKER):
    """A contestant whose worker is that script."""
    path = folder / "worker.py"
    path.write_text(source.format(serve=str(SERVE)) if source is WORKER else source)
    label = ":".join((estimator, *settings))
    return Contestant(label, estimator, settings, (sys.executable, str(path)))


def race(folder, seeds):
    """A run with failures and crashes, each estimate long enough for a kill to hit it."""
    names = ("plain", "fails", "dies", "other")
    contestants = [worker(folder, name, "0.03") for name in names]
    return run(TASKS, contestants, sizes=[50, 60], seeds=range(seeds), out=folder / "out", jobs=2)


def table(rows):
    """What must be the same however often the runner was killed."""
    return sorted((*row.key, row.status, row.value, row.truth, row.oracle) for row in rows)


def sample_correlation(task, n, seed):
    draw = task.draw(n, seed=seed)
    return -np.log(1 - np.corrcoef(draw.x[:, 0], draw.y[:, 0])[0, 1] ** 2) / 2
