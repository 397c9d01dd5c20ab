"""Files are whole or not there."""

import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from mineral.errors import InputError
from mineral.system import storage


@pytest.mark.parametrize("content", ["naïve\n", b"\x00\xff", ""])
def test_what_is_written_is_what_is_read(tmp_path, content):
    storage.write(tmp_path / "a.txt", content)
    expected = content.encode() if isinstance(content, str) else content
    assert (tmp_path / "a.txt").read_bytes() == expected
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_an_older_file_is_replaced(tmp_path):
    (tmp_path / "a.txt").write_text("old and longer")
    storage.write(str(tmp_path / "a.txt"), "new")
    assert (tmp_path / "a.txt").read_text() == "new"


@pytest.mark.parametrize("stage", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, stage):
    (tmp_path / "a.txt").write_text("old")

    def full(*_args):
        raise OSError(28, "No space left on device")

    if stage == "write":
        monkeypatch.setattr("builtins.open", full)
    elif stage == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(InputError, match=r"Cannot write `.*a\.txt`: No space left on device\."):
        storage.write(tmp_path / "a.txt", "new")
    monkeypatch.undo()
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_an_interrupt_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("old")

    def interrupt(_handle):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        storage.write(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_where_nothing_can_be_written_the_reason_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "missing" / "a.txt", tmp_path / "file" / "a.txt", tmp_path):
        with pytest.raises(InputError, match="Cannot write") as refusal:
            storage.write(path, "new")
        assert str(path) in str(refusal.value) and "\n" not in str(refusal.value)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_permissions_are_those_of_an_ordinary_file(tmp_path):
    storage.write(tmp_path / "a.txt", "new")
    (tmp_path / "b.txt").write_text("new")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a.txt", "b.txt")]
    assert modes[0] == modes[1]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.txt").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "folder" / "a.txt")
    storage.write(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "a.txt").read_text() == "new"


def test_a_device_is_written_to_and_never_replaced(tmp_path):
    # As root, a file moved over /dev/null would break the machine.
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    storage.write(tmp_path / "pipe", "new")
    assert os.read(reader, 100) == b"new"
    os.close(reader)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_an_archive_with_a_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "zeros.npz", a=np.zeros(10**6), b=np.arange(3))
    noise = np.random.default_rng(0).standard_normal(10**6)
    np.savez_compressed(tmp_path / "noise.npz", a=noise)
    for name in ("zeros", "noise"):
        storage.check_archive(tmp_path / f"{name}.npz")
    monkeypatch.setattr(storage, "LARGEST_MEMBER", 10**6)
    storage.check_archive(tmp_path / "noise.npz")
    with pytest.raises(InputError, match=r"its 'a.npy' would unpack to 8,000,128 bytes"):
        storage.check_archive(tmp_path / "zeros.npz")


def test_no_other_thread_sees_another_umask(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "umask", None)  # it belongs to the whole process, and can only be set
    storage.write(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "new"


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_follow_the_mask_of_the_program(tmp_path, mask):
    before = os.umask(mask)
    try:
        storage.write(tmp_path / "a.txt", "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o666 & ~mask


KILLED = """
import os, signal, sys
from mineral.system import storage
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
storage.write(sys.argv[1], "never")
"""


def test_the_next_write_removes_what_a_killed_one_left(tmp_path):
    kept = [".a.txt.settings", ".a.txt.0123456789abcdef", "b.0123456789abcdef.unfinished"]
    for name in kept:
        (tmp_path / name).write_text("someone's")
    run = subprocess.run([sys.executable, "-c", KILLED, tmp_path / "a.txt"], check=False)
    assert run.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == len(kept) + 1
    storage.write(tmp_path / "other.txt", "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, "other.txt"])


def test_a_write_leaves_alone_what_another_one_is_writing(tmp_path, monkeypatch):
    fsync = os.fsync

    def meanwhile(handle):
        monkeypatch.setattr(os, "fsync", fsync)
        storage.write(tmp_path / "a.txt", "second")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", meanwhile)
    storage.write(tmp_path / "a.txt", "first")
    assert (tmp_path / "a.txt").read_text() == "first"  # the last one to finish
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_many_threads_write_one_file(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        jobs = [
            pool.submit(storage.write, tmp_path / "a.txt", str(i % 10) * 999) for i in range(90)
        ]
        for job in jobs:
            job.result()
    content = (tmp_path / "a.txt").read_text()
    assert content == content[0] * 999
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
