"""The MNIST digits, from the four files that everyone passes on, wherever they are.

An IDX file is a magic number, 0x0800 plus the number of axes, the length of each axis as four bytes
with the highest first, and then the values, one byte each; often all of it in gzip.

References:
    LeCun, Cortes & Burges (1998), the MNIST database of handwritten digits.
"""

import gzip
import hashlib
import math
import os
import textwrap
import warnings
import zlib
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import UInt8

from mineral.errors import InputError, MissingExtraError
from mineral.system import storage

Images: TypeAlias = UInt8[np.ndarray, "n 28 28"]
Labels: TypeAlias = UInt8[np.ndarray, " n"]

VARIABLE = "MINERAL_DATA"  # names a folder that holds `mnist/`
SIDE = 28
PREFIX = {"train": "train", "test": "t10k"}
COUNT = {"train": 60_000, "test": 10_000}
LARGEST = COUNT["train"] * SIDE**2 + 16  # bytes: what would unpack to more is no file of MNIST

SERVER = "https://storage.googleapis.com/cvdf-datasets/mnist/"
SHA256 = {
    "train-images-idx3-ubyte.gz": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
    ),
    "train-labels-idx1-ubyte.gz": (
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
    ),
    "t10k-images-idx3-ubyte.gz": (
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
    ),
}
UNPACKED = {
    "train-images-idx3-ubyte": {
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        # Passed on, too: the same, but that ink of 1 is 0.
        "b61ffb6f513fd9ff8d89824731f6b4ed7863c759c33056d701efb8412469fb04",
    },
    "train-labels-idx1-ubyte": {"65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
    "t10k-images-idx3-ubyte": {"0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
    "t10k-labels-idx1-ubyte": {"ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"},
}
"""SHA-256 of what the files hold; packed anew, the same digits have another sum above."""


def load(
    part: Literal["train", "test"], folder: str | os.PathLike[str] | None = None
) -> tuple[Images, Labels]:
    """The images, ink as 255, and the digit that each shows.

    Args:
        part: `train` has 60,000 images, `test` 10,000.
        folder: Holds `mnist/` with the four files, plain or in gzip. By default the one that the
            environment variable MINERAL_DATA names and, without it, the user's cache folder, to
            which they are downloaded once, against checksums.

    Raises:
        InputError: If a file is missing, is not what it should be, or cannot be downloaded.
        MissingExtraError: If they must be downloaded, and pooch, of the extra `data`, is missing.

    Warns:
        UserWarning: If a file has the form of the digits, and a checksum that is not known.
    """
    images = _read(_locate(f"{PREFIX[part]}-images-idx3-ubyte", folder), axes=3)
    labels = _read(_locate(f"{PREFIX[part]}-labels-idx1-ubyte", folder), axes=1)
    expected = (COUNT[part], SIDE, SIDE)
    if images.shape != expected or labels.shape != expected[:1] or labels.max() > 9:
        raise InputError(
            f"The {part} part of MNIST must be {expected[0]} images of 28 × 28 and as many "
            f"digits, got arrays of shapes {images.shape} and {labels.shape} with labels up to "
            f"{labels.max(initial=0)}: download the files again."
        )
    return images, labels


def _check_sum(path: Path, data: bytes) -> None:
    """Warn if the digits cannot be verified."""
    known = UNPACKED[path.name.removesuffix(".gz")]
    if hashlib.sha256(data).hexdigest() not in known:
        warnings.warn(
            f"`{path}` has an unknown checksum: its digits are not verified.", stacklevel=4
        )


def _locate(name: str, folder: str | os.PathLike[str] | None) -> Path:
    named = os.environ.get(VARIABLE) if folder is None else folder
    if not named:
        return _downloaded(f"{name}.gz")
    below = Path(named) / "mnist"
    for path in (below / name, below / f"{name}.gz"):
        if path.is_file():
            return path
    raise InputError(
        f"There is no file `{name}`, plain or .gz, in `{below}`: let {VARIABLE} name a folder that "
        "holds `mnist/`, or unset it to download the files."
    )


def _downloaded(name: str) -> Path:
    try:
        import pooch
    except ImportError:
        what = f"MNIST, without a folder in {VARIABLE},"
        raise MissingExtraError(what, "data") from None
    cache, logger = Path(pooch.os_cache("mineral")) / "mnist", pooch.get_logger()
    level = logger.level
    logger.setLevel("WARNING")  # it would print what it downloads
    try:
        return Path(pooch.retrieve(f"{SERVER}{name}", f"sha256:{SHA256[name]}", name, cache))
    except (OSError, ValueError) as error:  # the network's errors are OSErrors, a wrong sum is not
        reason = textwrap.shorten(str(error), 100, placeholder=" …")
        raise InputError(
            f"Cannot download `{name}` of MNIST ({reason}): let {VARIABLE} name a folder that "
            "holds `mnist/` with the files."
        ) from None
    finally:
        logger.setLevel(level)


def _read(path: Path, axes: int) -> np.ndarray:
    """The values of an IDX file of bytes, as long as its header says and no longer."""
    data, start = _unpacked(path), 4 + 4 * axes
    head = np.frombuffer(data[:start], ">u4") if len(data) >= start else None
    if head is None or head[0] != 0x0800 + axes:
        raise InputError(
            f"`{path}` is not an IDX file of bytes in {axes} axes: it must begin with "
            f"{(0x0800 + axes).to_bytes(4, 'big').hex()} and {axes} lengths, found "
            f"{data[:4].hex() or 'nothing'}."
        )
    shape = tuple(int(length) for length in head[1:])
    if len(data) - start != math.prod(shape):
        raise InputError(
            f"`{path}` announces {' × '.join(map(str, shape))} bytes and holds "
            f"{len(data) - start}: download the file again."
        )
    _check_sum(path, data)
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape).copy()


def _unpacked(path: Path) -> bytes:
    storage.check_file(path)
    try:
        opened = gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115
        with opened as file:
            data = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"Cannot read `{path}`: {reason}.") from None
    if len(data) > LARGEST:
        raise InputError(f"`{path}` is larger than any file of MNIST: download the file again.")
    return data
