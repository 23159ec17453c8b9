"""The cache: atomic writes, and a bound that drops what was not used for longest."""

import os

from warpfive.cache import Store, bound, digest, write


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


def test_a_store_of_large_entries_keeps_to_its_limit(tmp_path, monkeypatch):
    monkeypatch.setenv("WARPFIVE_CACHE", str(tmp_path))
    store = Store("large", limit_bytes=1000)
    keys = [digest(str(number)) for number in range(20)]
    for key in keys:
        store.put(key, bytes(100))
    sizes = [path.stat().st_size for path in store.folder.glob("*/*")]
    assert 600 <= sum(sizes) <= 1000
    assert store.get(keys[-1]) is not None
