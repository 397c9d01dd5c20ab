"""A folder of finished targets: each is a JSON file, whole or not there."""

import json
from pathlib import Path

from mineral.errors import InputError
from mineral.links.request import Request
from mineral.links.target import Target
from mineral.system import storage
from mineral.system.folders import claim, content_of, make

TARGETS = "targets"
NETWORK = "network.json"
WORDS = {"digest": "values", "names": "columns"}  # of messages


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
        make(path / TARGETS)
        claim(path, request.to_dict(), noun="a network", words=WORDS)

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
            return Target.from_dict(content_of(file, remedy="remove it"))
        except (TypeError, KeyError):
            raise InputError(f"`{file}` does not hold the target {name!r}: remove it.") from None
