"""Several cells at the same time, each in a process of its own, with the share that is done.

Each computes with its share of the cores, unless a variable such as OMP_NUM_THREADS says otherwise.
"""

import os
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeAlias

from mineral.basics.types import Progress
from mineral.system.workers import in_workers

# called with a function that reports the share done
Work: TypeAlias = Callable[[Callable[[float], None]], None]
SHARE = struct.Struct("d")
EVERY = 0.5  # seconds between looks at what is done


def run(work: Mapping[str, Work], jobs: int, report: Progress) -> None:
    """Do all the work, `jobs` pieces at a time; the first failure ends it, and is raised.

    Args:
        work: By name. What it gives, it writes: nothing comes back.
        jobs: Processes.
        report: Called, from a thread, with the share of all that is done, and what is running.
    """
    with tempfile.TemporaryDirectory(prefix="mineral-") as folder:
        shares = Path(folder) / "shares"  # one number a piece, written by whoever does it
        shares.write_bytes(SHARE.pack(0.0) * len(work))
        with _watching(shares, list(work), report):
            do = partial(_do, shares=shares, parent=os.getpid())
            for _ in in_workers(do, ((each, i) for i, each in enumerate(work.values())), jobs=jobs):
                pass


def _do(work: Work, i: int, *, shares: Path, parent: int) -> None:
    def tell(share: float) -> None:
        if os.getppid() != parent:
            os._exit(1)  # nobody waits for this process: a killed run must not go on by itself
        with shares.open("r+b") as file:
            file.seek(SHARE.size * i)
            file.write(SHARE.pack(max(share, 1e-9)))  # above 0: it has begun

    tell(0.0)
    work(tell)
    tell(1.0)


@contextmanager
def _watching(shares: Path, names: list[str], report: Progress) -> Iterator[None]:
    """Meanwhile, report what the file says."""

    def look() -> None:
        done = [share for (share,) in SHARE.iter_unpack(shares.read_bytes())]
        running = [name for name, share in zip(names, done, strict=True) if 0 < share < 1]
        finished = sum(share >= 1 for share in done)
        parts = [f"{finished} of {len(names)} done", *running]
        report(sum(done) / len(done), " · ".join(parts))

    def watch() -> None:
        look()
        while not over.wait(EVERY):
            look()

    over = threading.Event()
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
    look()
