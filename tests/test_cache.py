"""The cache: atomic writes, and a bound that drops what was not used for longest."""

import os

from warpfive.cache import bound, write


def test_a_write_is_whole_and_leaves_nothing_behind(tmp_path):
    write(tmp_path / "deep" / "file", b"one")
    write(tmp_path / "deep" / "file", b"two")
    assert (tmp_path / "deep" / "file").read_bytes() == b"two"
    assert os.listdir(tmp_path / "deep") == ["file"]


def test_the_bound_drops_what_was_used_least_recently(tmp_path):
    for age, name in enumerate("abcd"):
        path = tmp_path / name / "object.so"
        write(path, bytes(100))
        os.utime(path, (1000 - age, 1000 - age))
    bound(tmp_path, 250)
    kept = [name for name in "abcd" if (tmp_path / name / "object.so").exists()]
    assert kept == ["a", "b"]
