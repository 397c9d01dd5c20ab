"""The reader of MNIST: what the real files hold, and what it says of files that are broken."""

import gzip
import hashlib
import http.server
import os
import struct
import sys
import threading
import tracemalloc
import warnings
import zlib

import numpy as np
import pytest
from marks import needs_mnist

from mineral import mnist
from mineral.errors import InputError, MissingExtraError

# What the small files hold is nobody's digits, and said to be unchecked.
pytestmark = pytest.mark.filterwarnings("ignore:.*its digits are not verified")
HERE = os.environ.get("MINERAL_DATA")
COUNTS = {
    "train": [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
    "test": [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
}
IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


def idx(values, *, magic=None, shape=None):
    """The bytes of an IDX file."""
    shape = values.shape if shape is None else shape
    magic = 0x0800 + len(shape) if magic is None else magic
    return struct.pack(f">{1 + len(shape)}I", magic, *shape) + values.tobytes()


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A folder with a test part of seven images, in gzip, and what it holds."""
    monkeypatch.setitem(mnist.COUNT, "test", 7)
    images = np.random.default_rng(0).integers(256, size=(7, 28, 28), dtype=np.uint8)
    labels = np.arange(3, 10, dtype=np.uint8)
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / f"{IMAGES}.gz").write_bytes(gzip.compress(idx(images)))
    (tmp_path / "mnist" / f"{LABELS}.gz").write_bytes(gzip.compress(idx(labels)))
    return tmp_path, images, labels


@needs_mnist
@pytest.mark.parametrize("part", ["train", "test"])
def test_the_real_files_hold_the_digits_that_everyone_knows(part):
    images, labels = mnist.load(part)
    assert images.shape == (sum(COUNTS[part]), 28, 28) and images.dtype == np.uint8
    assert labels.shape == (sum(COUNTS[part]),) and labels.dtype == np.uint8
    assert np.bincount(labels).tolist() == COUNTS[part]
    first = {"train": [5, 0, 4, 1, 9, 2, 1, 3, 1, 4], "test": [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]}
    assert labels[:10].tolist() == first[part]
    # The known mean and deviation of the ink in the training images.
    if part == "train":
        assert images.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
        assert images.std() / 255 == pytest.approx(0.3081, abs=5e-5)
    assert images.min() == 0 and images.max() == 255
    tall, wide = (images[labels == 1].mean(axis=(0, axis)) for axis in (2, 1))  # ones stand upright
    assert tall[7] > 3 * wide[7]


@needs_mnist
def test_a_folder_that_is_named_comes_before_the_environment(monkeypatch):
    folder = HERE
    monkeypatch.setenv("MINERAL_DATA", "/nowhere")
    assert mnist.load("test", folder)[1][0] == 7


def test_files_may_be_plain_or_in_gzip(small):
    folder, images, labels = small
    for _ in range(2):
        found = mnist.load("test", folder)
        np.testing.assert_array_equal(found[0], images)
        np.testing.assert_array_equal(found[1], labels)
        found[0][:] = 0  # the arrays are the caller's own
        for name, values in ((IMAGES, images), (LABELS, labels)):
            (folder / "mnist" / f"{name}.gz").unlink(missing_ok=True)
            (folder / "mnist" / name).write_bytes(idx(values))


def test_digits_of_an_unknown_checksum_are_said_to_be_unchecked(small, monkeypatch):
    folder, images, labels = small
    with pytest.warns(
        UserWarning, match=r"-ubyte.gz` has an unknown checksum: .*digits are not verified"
    ):
        mnist.load("test", folder)
    sums = {
        IMAGES: {hashlib.sha256(idx(images)).hexdigest()},
        LABELS: {hashlib.sha256(idx(labels)).hexdigest()},
    }
    monkeypatch.setattr(mnist, "UNPACKED", sums)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mnist.load("test", folder)


@needs_mnist
@pytest.mark.parametrize("part", ["train", "test"])
def test_the_real_files_are_known(part):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mnist.load(part)


GOOD = idx(np.zeros((7, 28, 28), np.uint8))
BROKEN = {
    "nothing": (b"", "nothing"),
    "short header": (GOOD[:9], "must begin with 00000803"),
    "labels": (idx(np.zeros(7, np.uint8)), "found 00000801"),
    "floats": (idx(np.zeros((7, 28, 28), np.uint8), magic=0x0D03), "found 00000d03"),
    "text": (b"<html>Not found</html>" * 300, "found 3c68746d"),
    "truncated": (GOOD[:-1], r"announces 7 × 28 × 28 bytes and holds 5487"),
    "trailing": (GOOD + b"\0", "holds 5489"),
    "huge": (idx(np.zeros(3, np.uint8), shape=(2**32 - 1,) * 3), "and holds 3"),
    "few": (idx(np.zeros((6, 28, 28), np.uint8)), r"must be 7 images .* got .*\(6, 28, 28\)"),
    "wide": (idx(np.zeros((7, 14, 56), np.uint8)), r"\(7, 14, 56\)"),
}


@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "plain"])
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_one_line_that_says_what_is_wrong(small, name, packed):
    data, message = BROKEN[name]
    folder = small[0]
    if packed:
        (folder / "mnist" / f"{IMAGES}.gz").write_bytes(gzip.compress(data))
    else:
        (folder / "mnist" / IMAGES).write_bytes(data)
    with pytest.raises(InputError, match=message) as caught:
        mnist.load("test", folder)
    assert "\n" not in str(caught.value)


def without_end(data):
    return gzip.compress(data)[:-9]


def with_wrong_sum(data):
    packed = bytearray(gzip.compress(data))
    packed[-6] ^= 1
    return bytes(packed)


def scrambled(data):
    packed = bytearray(gzip.compress(data))
    packed[12:30] = bytes(range(200, 218))
    return bytes(packed)


@pytest.mark.parametrize(
    "broken",
    [without_end, with_wrong_sum, scrambled, lambda data: data],
    ids=["without end", "with a wrong sum", "scrambled", "not packed"],
)
def test_broken_gzip_is_one_line_too(small, broken):
    folder = small[0]
    noise = np.random.default_rng(1).integers(256, size=(7, 28, 28), dtype=np.uint8)
    (folder / "mnist" / f"{IMAGES}.gz").write_bytes(broken(idx(noise)))
    with pytest.raises(InputError, match=f"Cannot read .*{IMAGES}.gz") as caught:
        mnist.load("test", folder)
    assert "\n" not in str(caught.value)


def test_a_bomb_is_not_unpacked(small, monkeypatch):
    folder = small[0]
    monkeypatch.setattr(mnist, "LARGEST", 10**5)
    squeezed = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join(squeezed.compress(bytes(10**7)) for _ in range(8)) + squeezed.flush()
    assert len(packed) < 10**5
    (folder / "mnist" / f"{IMAGES}.gz").write_bytes(packed)
    tracemalloc.start()
    with pytest.raises(InputError, match="larger than any file of MNIST"):
        mnist.load("test", folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10**6


def test_labels_that_are_no_digits_are_refused(small):
    folder, _, labels = small
    (folder / "mnist" / LABELS).write_bytes(idx(labels + np.uint8(1)))
    with pytest.raises(InputError, match="labels up to 10"):
        mnist.load("test", folder)


def test_a_missing_file_names_the_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("MINERAL_DATA", str(tmp_path))
    with pytest.raises(InputError, match=r"no file `train-images-idx3-ubyte`.* let MINERAL_DATA"):
        mnist.load("train")


def test_without_a_folder_and_without_pooch_it_says_what_to_install(monkeypatch):
    monkeypatch.delenv("MINERAL_DATA", raising=False)
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(MissingExtraError, match=r"MINERAL_DATA.*mineral\[data\]"):
        mnist.load("train")


@pytest.fixture
def served(small, monkeypatch):
    """The small folder's files, from a server on this machine, and what was asked of it."""
    pooch = pytest.importorskip("pooch")
    folder, asked = small[0], []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=folder / "mnist")

        def log_message(self, _format, *arguments):
            asked.append(arguments[0])

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.delenv("MINERAL_DATA", raising=False)
    monkeypatch.setattr(mnist, "SERVER", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setattr(pooch, "os_cache", lambda _name: folder / "cache")
    for name in (IMAGES, LABELS):
        data = (folder / "mnist" / f"{name}.gz").read_bytes()
        monkeypatch.setitem(mnist.SHA256, f"{name}.gz", hashlib.sha256(data).hexdigest())
    yield asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_files_are_downloaded_once_and_in_silence(served, small, capfd, caplog):
    logger = sys.modules["pooch"].get_logger()
    level = logger.level
    logger.addHandler(caplog.handler)  # it has no parent that would hear of its records
    for _ in range(2):
        np.testing.assert_array_equal(mnist.load("test")[0], small[1])
    assert len(served) == 2
    assert capfd.readouterr() == ("", "") and not caplog.records
    logger.removeHandler(caplog.handler)
    assert logger.level == level


def test_a_download_that_is_not_what_it_should_be_is_refused(served, small):
    (small[0] / "mnist" / f"{LABELS}.gz").write_bytes(gzip.compress(idx(small[2])) + b"\0")
    with pytest.raises(InputError, match=r"Cannot download .*labels.*MINERAL_DATA") as caught:
        mnist.load("test")
    assert "\n" not in str(caught.value)
    assert len(served) == 2 and not list((small[0] / "cache" / "mnist").glob("*labels*"))


def test_a_download_that_fails_names_the_variable(served, small):
    (small[0] / "mnist" / f"{IMAGES}.gz").unlink()
    with pytest.raises(InputError, match=r"Cannot download .*404.*let MINERAL_DATA"):
        mnist.load("test")
    assert len(served) > 0
