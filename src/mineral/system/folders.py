"""Folders of runs: made, claimed by what a run is of, and their JSON files read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mineral.errors import InputError, OptionError
from mineral.system import storage

SETTINGS = "settings.json"  # what a folder's results are of
LARGEST = 1 << 28  # bytes of a JSON file: 256 for each of a million columns


def make(path: Path) -> None:
    """Make a folder, with those above it.

    Raises:
        InputError: If it cannot be made, with the system's reason.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"Cannot make `{path}`: {error.strerror or error}.") from None


def claim(
    path: Path, wanted: Mapping[str, Any], *, noun: str, words: Mapping[str, str] | None = None
) -> None:
    """Write what a folder's results are of, or find the same there.

    Args:
        path: Of the folder.
        wanted: All that decides the results, as JSON can hold it.
        noun: What the folder holds, for the message.
        words: What the message calls some of the keys of `wanted`.

    Raises:
        OptionError: If the folder is of something else.
        InputError: If it cannot be written or read.
    """
    if not (path / SETTINGS).exists():
        text = json.dumps(wanted, indent=1, ensure_ascii=False)
        storage.write(path / SETTINGS, text.encode("utf-8", "replace"))
        return
    held, needed = settings_of(path), json.loads(json.dumps(wanted))
    different = [name for name in needed if held.get(name) != needed[name]]
    if different:
        what = (words or {}).get(different[0], different[0])
        raise OptionError(
            f"`out` {str(path)!r} holds {noun} with {what} that differ: name another folder."
        )


def settings_of(path: Path) -> dict[str, Any]:
    """What settings.json of a folder holds.

    Raises:
        InputError: If there is none, or it is damaged.
    """
    return content_of(path / SETTINGS, remedy="remove the folder")


def content_of(file: Path, *, remedy: str) -> dict[str, Any]:
    """What a JSON file with an object holds.

    Args:
        file: The file.
        remedy: What to do if it is damaged, before the command is run again.

    Raises:
        InputError: If it cannot be read, or holds something else than an object.
    """
    storage.check_file(file)
    found = json_of(file)
    if not isinstance(found, dict):
        raise InputError(f"`{file}` is damaged: {remedy}, and run the command again.")
    return found


def json_of(file: Path, *, largest: int = LARGEST) -> Any:  # noqa: ANN401
    """What a JSON file holds; None if it cannot be read.

    Args:
        file: The file.
        largest: Bytes that are read of it.
    """
    try:
        storage.check_file(file)
        with file.open("rb") as content:
            return json.loads(content.read(largest))
    except (OSError, ValueError, RecursionError):
        return None
