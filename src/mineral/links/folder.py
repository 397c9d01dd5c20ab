"""A folder of finished targets: each is a JSON file, whole or not there."""

import json
from pathlib import Path
from typing import Any

from mineral.errors import InputError, OptionError
from mineral.links.request import Request
from mineral.links.target import Target
from mineral.system import storage

SETTINGS = "settings.json"
TARGETS = "targets"
NETWORK = "network.json"
OTHER = {"digest": "values", "names": "columns"}
LARGEST = 1 << 28  # bytes of a file


class Folder:
    """Finished targets of one request.

    Args:
        path: Of the folder; it is made if it does not exist.
        request: What its targets are of.

    Raises:
        OptionError: If the folder is of another request.
        InputError: If it cannot be written or read.
    """

    def __init__(self, path: Path, request: Request) -> None:
        self.path, self.request = path, request
        try:
            (path / TARGETS).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"Cannot make `{path}`: {error.strerror or error}.") from None
        wanted = json.loads(json.dumps(request.to_dict()))
        if not (path / SETTINGS).exists():
            text = json.dumps(wanted, indent=1, ensure_ascii=False)
            storage.write(path / SETTINGS, text.encode("utf-8", "replace"))
            return
        settings = _content(path / SETTINGS)
        different = [name for name in wanted if settings.get(name) != wanted[name]]
        if different:
            what = OTHER.get(different[0], different[0])
            raise OptionError(
                f"`out` {str(path)!r} holds a network with {what} that differ: name another folder."
            )

    def file(self, name: str) -> Path:
        """Where a target is, once it is finished."""
        return self.path / TARGETS / f"{self.request.names.index(name):06d}.json"

    def is_done(self, name: str) -> bool:
        """Whether a target is finished."""
        return self.file(name).exists()

    def write(self, target: Target) -> None:
        """Store a finished target. When this returns, no crash can lose it."""
        text = json.dumps(target.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
        storage.write(self.file(target.name), text.encode("utf-8", "replace"))

    def read(self, name: str) -> Target:
        """A finished target.

        Raises:
            InputError: If its file is damaged.
        """
        file = self.file(name)
        try:
            return Target.from_dict(_content(file))
        except (TypeError, KeyError):
            raise InputError(f"`{file}` does not hold the target {name!r}: remove it.") from None


def _content(file: Path) -> dict[str, Any]:
    """What a JSON file holds.

    Raises:
        InputError: If it cannot be read, or holds something else than an object.
    """
    storage.check_file(file)
    try:
        with file.open("rb") as stream:
            content = json.loads(stream.read(LARGEST))
    except (OSError, ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise InputError(f"`{file}` is damaged: remove it, and run the command again.")
    return content
