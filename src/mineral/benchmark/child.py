"""Worker processes: started, sent jobs, killed at the time limit, and reused."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from multiprocessing.util import Finalize
from pathlib import Path
from typing import IO, Any, TypeAlias

from mineral.errors import InputError, OptionError
from mineral.rivals.serve import of_storage

Answer: TypeAlias = dict[str, Any]

SCRATCH = ".scratch"
START_LIMIT = 300.0  # seconds to import a library on a busy machine
GONE = (ProcessLookupError, PermissionError, BrokenPipeError)  # of a process that has ended
ROOM = 1 << 16  # bytes: more than a block of any common file system
LAST_WORDS = 5.0  # seconds between closing its pipe and ending
THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "JULIA_NUM_THREADS",
)


class Late(Exception):
    """The worker had not answered when its time was up."""


class Gone(Exception):
    """The worker died."""


class NoRoom(Exception):
    """A disk failed, which is no fault of the worker's."""


class Child:
    """One worker process, in a folder of its own, where it may leave what it likes.

    Raises:
        Gone: If it dies, says an error, or takes too long before it is ready.
        NoRoom: If that is because a disk failed.
        OSError: If the folder cannot be made, or the command not started.
    """

    def __init__(self, command: tuple[str, ...], threads: int, scratch: Path | None) -> None:
        self.command = command
        if scratch is not None:
            scratch.mkdir(exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="mineral-", dir=scratch))
        self._late = False
        self._errors = (self.folder / "errors.txt").open("ab")  # appends, so it can be emptied
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=self.folder,
            env=_environment(threads, self.folder),
            start_new_session=True,  # Ctrl-C is for the runner, and a kill reaches helpers too
        )
        try:
            said = self._answer(START_LIMIT, "ready", "error")
        except Late:
            self.close()
            raise Gone(f"not ready after {START_LIMIT:.0f} seconds") from None
        except BaseException:
            self.close()
            raise
        if "error" in said:
            self.close()
            raise (NoRoom if said.get("status") == "storage" else Gone)(str(said["error"]))
        self.versions = dict(said["ready"])

    def ask(self, job: Answer, limit: float | None) -> Answer:
        """The worker's answer to one job.

        Raises:
            Late: If it took more than `limit` seconds. The worker is dead then.
            Gone: If it died.
        """
        self._errors.truncate(0)
        try:
            _pipe(self._process.stdin).write(json.dumps(job).encode() + b"\n")
            _pipe(self._process.stdin).flush()
        except OSError:
            raise Gone(self._how_it_died()) from None
        return self._answer(limit, "value", "error")

    def check_room(self) -> None:
        """Write a little where the worker writes.

        Raises:
            NoRoom: If that fails: an error of the worker's is then not its own.
        """
        try:
            with tempfile.TemporaryFile(dir=self.folder.parent) as file:
                file.write(bytes(ROOM))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise NoRoom(f"{self.folder.parent}: {error.strerror or error}") from None

    @property
    def alive(self) -> bool:
        """Whether it can take another job."""
        return not self._late and self._process.poll() is None

    def kill(self) -> None:
        """End it at once, and what it started."""
        if self._process.returncode is not None:  # its number may be another's by now
            return
        if hasattr(os, "killpg"):
            with suppress(*GONE):
                os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.kill()

    def close(self) -> None:
        """End it, and remove its folder."""
        self.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            with suppress(*GONE):
                _pipe(pipe).close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answer(self, limit: float | None, *keys: str) -> Answer:
        """The next line that is one JSON object with one of the keys; other lines are chatter."""
        answered = threading.Lock()

        def stop() -> None:
            if answered.acquire(blocking=False):  # who comes first decides
                self._late = True
                self.kill()

        timer = threading.Timer(limit, stop) if limit is not None else None
        if timer is not None:
            timer.daemon = True
            timer.start()
        try:
            for line in _pipe(self._process.stdout):
                said = _said(line)
                if any(key in said for key in keys) and answered.acquire(blocking=False):
                    return said
        finally:
            if timer is not None:
                timer.cancel()
        if self._late:
            raise Late
        raise Gone(self._how_it_died())

    def _how_it_died(self) -> str:
        with suppress(subprocess.TimeoutExpired):  # its pipe is closed: it is about to end
            self._process.wait(LAST_WORDS)
        self.kill()
        status = self._process.wait()
        how = f"exit status {status}" if status >= 0 else f"signal {-status}"
        lines = (self.folder / "errors.txt").read_text(errors="replace").split("\n")
        last = [line.strip() for line in lines if line.strip()][-1:]
        return ": ".join([f"the worker ended with {how}", *last])


class Pool:
    """Children to borrow. One that is given back is used again, by the next job of its kind.

    On another machine of a cluster, or in another process, a pool refers to the one there.

    Args:
        threads: That each child may compute with.
        idle: How many to keep waiting: starting takes seconds, and each holds memory.
        folder: Where their own folders are made and, after a crash, cleared away; None for the
            system's place. One pool at a time.
    """

    def __init__(self, threads: int, idle: int, folder: Path | None = None) -> None:
        self.threads, self.idle = threads, idle
        self._scratch = None if folder is None else folder.resolve() / SCRATCH
        self._clear()
        self._lock = threading.Lock()
        self._idle: list[Child] = []
        self._busy: set[Child] = set()
        self._closed = False

    def __reduce__(self) -> tuple[Callable[[int, int], "Pool"], tuple[int, int]]:
        return _pool_here, (self.threads, self.idle)

    @contextmanager
    def child(self, command: tuple[str, ...]) -> Iterator[Child]:
        """A worker started with this command, for a while.

        Raises:
            Gone: If it does not start.
            NoRoom: If a disk failed.
            OSError: As `Child`.
        """
        if self._closed:
            raise Gone("the run was stopped")
        child = self._idle_one(command) or Child(command, self.threads, self._scratch)
        with self._lock:
            self._busy.add(child)
        try:
            yield child
        finally:
            self._give_back(child)

    def check(self, label: str, command: tuple[str, ...]) -> None:
        """Start a worker that will be needed, to know at once whether it does.

        Raises:
            OptionError: If it does not start, with what it says.
            InputError: If a disk failed.
        """
        try:
            with self.child(command):
                pass
        except (Gone, NoRoom, OSError) as error:
            if isinstance(error, NoRoom) or of_storage(error):
                raise InputError(f"`{label}` cannot start: {error}. Make room first.") from None
            raise OptionError(
                f"`{label}` does not start: {error}. docs/rivals.md explains how to install it."
            ) from None

    def close(self) -> None:
        """End all children, also those at work: the run is over."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            busy = list(self._busy)
        for child in idle:
            child.close()
        for child in busy:  # the threads that wait for them give them back
            child.kill()
        self._clear()

    def _clear(self) -> None:
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _idle_one(self, command: tuple[str, ...]) -> Child | None:
        with self._lock:
            for child in self._idle:
                if child.command == command and child.alive:
                    self._idle.remove(child)
                    return child
        return None

    def _give_back(self, child: Child) -> None:
        with self._lock:
            self._busy.discard(child)
            surplus = [child]
            if child.alive and not self._closed:
                self._idle.append(child)
                surplus = [self._dispensable()] if len(self._idle) > self.idle else []
            self._idle = [other for other in self._idle if other not in surplus]
        for other in surplus:
            other.close()

    def _dispensable(self) -> Child:
        """The one that has waited longest, of those that are not the last of their kind if any."""
        kinds = Counter(child.command for child in self._idle)
        several = [child for child in self._idle if kinds[child.command] > 1]
        return (several or self._idle)[0]


@cache
def _pool_here(threads: int, idle: int) -> Pool:
    pool = Pool(threads, idle)
    Finalize(None, pool.close, exitpriority=1)  # runs in worker processes too, unlike atexit
    return pool


def _environment(threads: int, folder: Path) -> dict[str, str]:
    """Ours, with threads limited, and temporary files where nobody else's are."""
    limits = dict.fromkeys(THREADS, str(threads))
    if threads == 1:
        limits["XLA_FLAGS"] = " ".join(
            [
                os.environ.get("XLA_FLAGS", ""),
                "--xla_cpu_multi_thread_eigen=false",
                "intra_op_parallelism_threads=1",
            ]
        ).strip()
    return os.environ | limits | {"TMPDIR": str(folder)}


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def _said(line: bytes) -> Answer:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
