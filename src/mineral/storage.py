"""Files that are whole or not there: written beside their place, then moved into it."""

import contextlib
import os
import tempfile
from pathlib import Path

from mineral.errors import InputError


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
