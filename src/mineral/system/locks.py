"""One run at a time in a folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mineral.errors import InputError, MissingExtraError, OptionError

FILE = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Within it, no other run of any process has this folder; the system unlocks after a kill.

    Raises:
        OptionError: If another run has it.
        InputError: If the folder cannot be locked, with the system's reason.
        MissingExtraError: If filelock is not installed.
    """
    try:
        from filelock import FileLock, Timeout
    except ImportError:
        raise MissingExtraError("Writing a run's folder", "benchmark") from None
    lock = FileLock(folder / FILE, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise OptionError(
            f"`out` {str(folder)!r} is in use by another run: wait for it, or name another folder."
        ) from None
    except OSError as error:
        raise InputError(f"Cannot lock `{folder}`: {error.strerror or error}.") from None
    try:
        yield
    finally:
        lock.release()
