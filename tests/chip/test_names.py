"""The name of a translated object is the same in C++ and in Python."""

import ctypes
import os

from warpfive.chip.names import hashed, translated_path
from warpfive.compiler import read


def test_both_sides_name_translations_alike(bench):
    name = ctypes.create_string_buffer(1024)
    block = (ctypes.c_uint32 * 3)(16, 8, 2)
    bench.device.lib.wf_translated_path(
        bench.image.handle, b"fill", block, b"count", name, len(name)
    )
    build_id = read(bench.elf).build_id
    host = os.environ["WARPFIVE_HOST"]
    assert name.value.decode() == str(translated_path(build_id, "fill", (16, 8, 2), "count", host))


def test_the_hash_is_fnv_1a():
    assert hashed(b"") == "cbf29ce484222325"
    assert hashed(b"foobar") == "85944171f73967e8"
