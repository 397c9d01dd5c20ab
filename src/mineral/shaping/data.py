"""Problems of the literature, and a user's own folder of images."""

import csv
import math
import os
import warnings
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float

from mineral import mnist
from mineral.basics.types import PerSample
from mineral.errors import InputError, MissingExtraError, OptionError
from mineral.shaping.problem import Problem, label
from mineral.system import storage

PAIRS = 10
RHO = 0.99
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF", "WEBP")  # others start programs, as EPS does
MOST_PIXELS = 1 << 24  # 4096 × 4096: as features of float32 they take 64 MB, and thrice in colour
LARGE = 5  # digits from it on are hidden as "large"


def gaussian_classes(n: int, seed: int = 0) -> Problem:
    """The thesis' two classes: x in R²⁰ whose ten pairs (x_i, x_{i+10}) correlate by −0.99 or 0.99.

    Every coordinate is standard normal in both classes; only products differ. The hidden variable
    is x itself.

    References:
        InfoShape thesis (MIT MEng 2022), DSpace 1721.1/147511.
    """
    rng = np.random.default_rng(seed)
    keep = rng.integers(2, size=n)
    first, other = rng.standard_normal((2, n, PAIRS))
    rho = np.where(keep == 1, RHO, -RHO)[:, None]
    x = np.hstack([first, rho * first + np.sqrt(1 - rho**2) * other])
    return Problem(name="gaussian classes", x=x, keep=keep)


def synthetic(n: int = 10_000, seed: int = 1) -> Problem:
    """The paper's four classes y in ten features, three of them informative: y // 2, not y mod 2.

    References:
        InfoShape, arXiv:2210.15034.
    """
    from sklearn.datasets import make_classification

    x, y = make_classification(
        n, n_features=10, n_informative=3, n_classes=4, class_sep=1.0, random_state=seed
    )
    return Problem(name="synthetic", x=x, keep=y // 2, hide=y % 2)


def mnist_parity(
    *,
    n: int = 60_000,
    n_test: int = 10_000,
    folder: str | os.PathLike[str] | None = None,
    seed: int = 0,
) -> Problem:
    """Digits: keep whether they are odd, hide whether they are above 4.

    Three of five odd digits are above 4, so that I(L; S) = 0.016 nats cannot be hidden.

    Args:
        n: Images from MNIST's training file.
        n_test: Images from its test file: the test rows.
        folder: As for `mineral.mnist.load`.
        seed: Chooses the images, where not all are taken.
    """
    x, digits, test = _digits(n, n_test, folder, seed)
    return Problem(
        name="mnist parity",
        x=x.reshape(len(x), -1),
        keep=digits % 2,
        hide=(digits >= LARGE).astype(np.int64),
        shape=(mnist.SIDE, mnist.SIDE),
        test=test,
    )


def mnist_style(
    style: str = "slant",
    *,
    n: int = 60_000,
    n_test: int = 10_000,
    folder: str | os.PathLike[str] | None = None,
    seed: int = 0,
) -> Problem:
    """Digits: keep the digit, hide the style: more slanted, or thicker, than half of its kind.

    The median is over the training images of the same digit, so that digit and style are
    independent: I(L; S) = 0.

    Args:
        style: "slant" or "thickness": see these functions.
        n: Images from MNIST's training file.
        n_test: Images from its test file: the test rows.
        folder: As for `mineral.mnist.load`.
        seed: Chooses the images, where not all are taken.

    Raises:
        OptionError: If there is no such style.
    """
    if style not in STYLES:
        raise OptionError(f"`style` must be one of {', '.join(STYLES)}, got {style!r}.")
    x, digits, test = _digits(n, n_test, folder, seed)
    amount = STYLES[style](x)
    median = np.array([np.median(amount[(digits == d) & ~test]) for d in range(10)])
    return Problem(
        name=f"mnist {style}",
        x=x.reshape(len(x), -1),
        keep=digits,
        hide=(amount > median[digits]).astype(np.int64),
        shape=(mnist.SIDE, mnist.SIDE),
        test=test,
    )


def slant(images: Float[np.ndarray, "n h w"]) -> PerSample:
    """Columns to the right for each row up: minus cov(column, row) / var(row), weighted by ink."""
    down, across = np.mgrid[: images.shape[1], : images.shape[2]].astype(np.float64)
    weight = images / images.sum(axis=(1, 2), keepdims=True)
    down, across = (
        each - (weight * each).sum(axis=(1, 2), keepdims=True) for each in (down, across)
    )
    together, alone = (weight * down * each for each in (across, down))
    return np.asarray(-together.sum(axis=(1, 2)) / alone.sum(axis=(1, 2)))


def thickness(images: Float[np.ndarray, "n h w"]) -> PerSample:
    """Ink for each unit of outline: the sum of values over the sum of differences to neighbours."""
    outline = sum(np.abs(np.diff(images, axis=axis)).sum(axis=(1, 2)) for axis in (1, 2))
    return np.asarray(images.sum(axis=(1, 2)) / outline)


STYLES = {"slant": slant, "thickness": thickness}


def _digits(
    n: int, n_test: int, folder: str | os.PathLike[str] | None, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images within 0 and 1, their digits, and which of them are of the test file."""
    rng = np.random.default_rng(seed)
    images, digits = [], []
    parts: tuple[tuple[Literal["train", "test"], int], ...] = (("train", n), ("test", n_test))
    for part, count in parts:
        if not 1 <= count <= mnist.COUNT[part]:
            raise OptionError(
                f"MNIST has 1 to {mnist.COUNT[part]} images of the {part} part, got {count}."
            )
        all_images, all_digits = mnist.load(part, folder)
        chosen = np.sort(rng.permutation(len(all_images))[:count])
        images.append(all_images[chosen].astype(np.float32) / 255)
        digits.append(all_digits[chosen].astype(np.int64))
    return np.concatenate(images), np.concatenate(digits), np.arange(n + n_test) >= n


def image_folder(
    folder: str | os.PathLike[str],
    *,
    keep: str,
    hide: str | None = None,
    labels: str = "labels.csv",
    colour: bool = False,
) -> Problem:
    """A folder of images of one size, with a CSV file of labels.

    Args:
        folder: Holds the images and the labels.
        keep: The column of the label to keep: numbers or texts.
        hide: The column of the label to hide, or None to hide the image itself.
        labels: Name of the CSV file: a column `file` with names of images, relative to the folder,
            and a column for each label.
        colour: Whether to keep red, green and blue; else one brightness.

    Raises:
        InputError: If a file or a column is missing or cannot be read, a file is not within the
            folder, a label is missing or has one class only, or images are too large or of several
            sizes.
        MissingExtraError: If Pillow is not installed.
    """
    place = Path(folder)
    if keep == hide:
        raise InputError(f"`keep` {keep!r} is also hidden: keep one variable and hide another.")
    if not (place / labels).is_file():
        raise InputError(
            f"`{place}` has no `{labels}`: label its images there, in a column `file` and one for "
            "each label."
        )
    wanted = ["file", keep, *([] if hide is None else [hide])]
    names, *codes = _labelled(place / labels, wanted)
    found = [label(name, np.array(each)) for name, each in zip(wanted[1:], codes, strict=True)]
    images: list[np.ndarray] = []
    for name in names:
        like = (names[0], images[0].shape[:2]) if images else None
        images.append(_pixels(place, name, like, colour=colour))
    stack = np.stack(images)
    stack = np.moveaxis(stack, -1, 1) if colour else stack
    return Problem(
        name=place.name,
        x=stack.reshape(len(stack), -1),
        keep=found[0],
        hide=None if hide is None else found[1],
        shape=tuple(stack.shape[1:]),
        keep_name=keep,
        hide_name=hide or "",
    )


def _pixels(
    place: Path, name: str, like: tuple[str, tuple[int, ...]] | None, *, colour: bool
) -> Float[np.ndarray, "h w *channels"]:
    """An image of a folder within 0 and 1, of the size of the first; sizes come before pixels."""
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtraError("A folder of images", "shaping") from None
    try:
        inside = (place / name).resolve().is_relative_to(place.resolve())
    except (OSError, ValueError, RuntimeError):  # NUL in it, or links in a circle
        inside = False
    if not inside:
        raise InputError(f"{name!r} is no file within `{place}`: name images in the folder.")
    storage.check_file(place / name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(place / name, formats=FORMATS) as image:
                if math.prod(image.size) > MOST_PIXELS:
                    raise InputError(
                        f"`{place / name}` has {image.width} × {image.height} pixels, more than "
                        f"{MOST_PIXELS:,}: resize it first."
                    )
                size = image.size[::-1]
                if like is not None and size != like[1]:
                    raise InputError(
                        f"Images must have one size: `{like[0]}` has {like[1]} pixels and `{name}` "
                        f"{size}. Resize them first."
                    )
                return np.asarray(image.convert("RGB" if colour else "L"), np.float32) / 255
    except (InputError, MemoryError):
        raise
    except Exception:  # whatever its decoder says of a damaged file
        raise InputError(f"`{place / name}` is not an image that can be read.") from None


def _labelled(path: Path, wanted: list[str]) -> list[list[str]]:
    """Columns of texts from a CSV file, none of them empty."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows, header = list(reader), reader.fieldnames or []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"`{path}` cannot be read as CSV: {error}.") from None
    for name in wanted:
        if name not in header:
            raise InputError(
                f"`{path}` has no column {name!r}: it has {', '.join(map(str, header)) or 'none'}."
            )
        for line, row in enumerate(rows, start=2):
            if not (row[name] or "").strip():
                raise InputError(f"`{path}` has no {name!r} in line {line}: label every image.")
    if not rows:
        raise InputError(f"`{path}` has no rows: label the images.")
    return [[row[name].strip() for row in rows] for name in wanted]
