"""Files that are whole or not there: written beside their place, then moved into it."""

import contextlib
import os
import stat
import tempfile
import zipfile
from pathlib import Path

from mineral.errors import InputError

LARGEST_MEMBER, LARGEST_RATIO = 1 << 30, 100  # bytes unpacked, and times the packed ones


def write(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write a file in one step: a crash or a full disk leaves the old file, or none.

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
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o666 & ~_umask())  # noqa: PTH101
            Path(temporary).replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
    except OSError as error:
        raise InputError(f"Cannot write `{path}`: {error.strerror or error}.") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


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
        reason = "this is no name of a file"
    raise InputError(f"`{path}` cannot be read: {reason}.")


def check_archive(path: str | os.PathLike[str]) -> None:
    """Refuse a zip archive, as .npz is, of which a member would unpack to a bomb.

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
