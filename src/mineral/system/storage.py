"""Files that are whole or not there: written beside their place, then moved into it."""

import contextlib
import os
import re
import secrets
import stat
import zipfile
from collections.abc import Sequence
from pathlib import Path

from mineral.errors import InputError, OptionError

LARGEST_MEMBER, LARGEST_RATIO = 1 << 30, 100  # bytes unpacked, and times the packed ones
PICTURES = (".png", ".svg", ".pdf")  # endings of figures

try:
    import fcntl
except ImportError:  # Windows, where a file that someone has open cannot be removed
    fcntl = None  # type: ignore[assignment]

UNFINISHED = re.compile(r"\..+\.[0-9a-f]{16}\.unfinished")  # names of files that are being written


def check_html(path: str | os.PathLike[str], argument: str = "path") -> None:
    """Refuse a page's name that promises another format. A name without an ending is accepted.

    Raises:
        OptionError: If the name ends in something else than .html or .htm.
    """
    if Path(path).suffix.lower() not in (".html", ".htm", ""):
        raise OptionError(
            f"`{argument}` writes HTML, got `{path}`: name a file that ends in .html."
        )


def check_ending(
    path: str | os.PathLike[str], endings: Sequence[str], argument: str = "path"
) -> None:
    """Refuse a file's name that ends in none of these, in capitals or not.

    Raises:
        OptionError: If it ends in something else.
    """
    if Path(path).suffix.lower() not in endings:
        raise OptionError(
            f"`{argument}` must end in one of {', '.join(endings)}, got {Path(path).name!r}."
        )


def write(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write a file in one step: a crash or a full disk leaves the old file, or none.

    Removes what writers that were killed have left in the same folder. A writer holds a lock on
    its unfinished file, which ends with the process: what nobody has locked is nobody's.

    Raises:
        InputError: If the file cannot be written, with the system's reason.
    """
    path = Path(path)
    data = content.encode() if isinstance(content, str) else content
    try:
        if path.exists() and not path.is_file():  # /dev/null, a pipe: nothing to replace
            path.write_bytes(data)
            return
        target = path.resolve()  # a link stays, and what it points to is written
        _sweep(target.parent)
        handle, temporary = _create(target)
        try:
            with open(handle, "wb") as file:  # noqa: PTH123  (a handle, and no path)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                if fcntl is None:
                    file.close()  # Windows moves no open file
                temporary.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
    except OSError as error:
        raise InputError(f"Cannot write `{path}`: {error.strerror or error}.") from None


def check_file(path: str | os.PathLike[str]) -> None:
    """Refuse what would be read for ever, or not at all: a pipe, a device, a directory.

    Raises:
        InputError: If it is no regular file, is missing, or may not be read.
    """
    path = Path(path)
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            path.open("rb").close()
            return
        reason = "it is a directory" if stat.S_ISDIR(mode) else "it is a pipe or a device"
    except FileNotFoundError:
        raise InputError(f"There is no file `{path}`.") from None
    except OSError as error:
        reason = error.strerror or str(error)
    except ValueError:  # NUL in its name
        reason = "this is not a file name"
    raise InputError(f"`{path}` cannot be read: {reason}.")


def check_archive(path: str | os.PathLike[str]) -> None:
    """Refuse a zip archive, as .npz and .xlsx are, of which a member would unpack to a bomb.

    Raises:
        InputError: If a member has more than 1 GiB and a hundred times its packed size; numbers
            that were measured pack to a tenth at best.
        BadZipFile: If it is no archive.
    """
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.file_size > max(LARGEST_MEMBER, LARGEST_RATIO * member.compress_size):
                raise InputError(
                    f"`{path}` cannot be read: its {member.filename!r} would unpack to "
                    f"{member.file_size:,} bytes, {LARGEST_RATIO} times its packed size or more."
                )


def _create(target: Path) -> tuple[int, Path]:
    """A new file beside the target, locked, with the permissions that any new file has."""
    while True:
        name = f".{target.name}.{secrets.token_hex(8)}.unfinished"
        temporary = target.with_name(name)
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | _BINARY, 0o666)
        _lock(handle, wait=True)
        if temporary.exists():
            return handle, temporary
        os.close(handle)  # another writer swept it away before it was locked


def _sweep(folder: Path) -> None:
    """Remove the unfinished files of writers that no longer exist."""
    for entry in os.scandir(folder):
        if not UNFINISHED.fullmatch(entry.name):
            continue
        with contextlib.suppress(OSError):  # finished meanwhile, or someone else's
            handle = os.open(entry.path, os.O_RDWR | _BINARY)
            try:
                if _lock(handle, wait=False):
                    Path(entry.path).unlink()
            finally:
                os.close(handle)


def _lock(handle: int, *, wait: bool) -> bool:
    """Lock an open file until it is closed; False where another has locked it, or none can."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


_BINARY = getattr(os, "O_BINARY", 0)  # Windows would change the ends of lines
