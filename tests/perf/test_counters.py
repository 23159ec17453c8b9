"""Records of counters: reading, merging, refusing."""

import json
from dataclasses import replace

import pytest

from warpfive.errors import InputError
from warpfive.perf.counters import (
    BUCKETS,
    Counters,
    Reuse,
    SourceLine,
    merge_counters,
    sample_counters,
)


def test_json_and_back_is_the_same():
    one = sample_counters()
    assert Counters.from_json(json.loads(json.dumps(one.to_json()))) == one


def test_the_sample_agrees_with_itself():
    one = sample_counters()
    for name, kind in (("global_load", "loads"), ("global_store", "stores")):
        for reuse in (one.l1, one.l2):
            total = sum(getattr(reuse, kind)) + getattr(reuse, f"cold_{kind}")
            assert total == getattr(one, name).sectors
    assert one.divergence == 0 and one.warps == 8 and one.blocks == 4096


def test_merging_adds_counts_and_averages_what_is_per_launch():
    one = sample_counters()
    other = replace(one, launches=3, path_mean=21, path_max=30, exact=False,
                    lines=(SourceLine(file="saxpy.cu", line=5, requests=1),))
    merged, = merge_counters([one, other])
    assert merged.launches == 4 and not merged.exact
    assert merged.warp["fp32"] == 2 * one.warp["fp32"]
    assert merged.path_mean == 20 and merged.path_max == 30
    assert merged.l2.blocks == 4 and merged.l1.cold_loads == 2 * one.l1.cold_loads
    assert [line.line for line in merged.lines] == [4, 5]


def test_records_of_other_shapes_stay_apart():
    one = sample_counters()
    assert len(merge_counters([one, replace(one, dynamic_shared_bytes=64)])) == 2


def test_hits_of_a_cache_follow_from_distances():
    buckets = [0.0] * BUCKETS
    buckets[0], buckets[5] = 10, 8  # distances 0, and 16 to 31
    reuse = Reuse(loads=tuple(buckets))
    assert reuse.hits(32 * 16, 1) == 10
    assert reuse.hits(32 * 24, 1) == 14
    assert reuse.hits(32 * 64, 2) == 18
    assert reuse.hits(32 * 64, 4) == 10


@pytest.mark.parametrize(("change", "words"), [
    ({"warp": {"fpu": 1}}, "counters of k: warp has no 'fpu'; there are alu, int_mul"),
    ({"grid": [0, 1, 1]}, r"counters of k: grid is \(0, 1, 1\); three extents of 1 or more"),
    ({"lane": {"alu": 33}, "warp": {"alu": 1}}, "more lane instructions than 32 a warp"),
    ({"divergent_branches": 2, "branches": 1}, "more divergent branches than branches"),
    ({"colour": 1}, "counters have no key 'colour'; is the report of another version?"),
    ({"l1": {"loads": [1]}}, "l1 needs 40 buckets"),
    ({"warp": {"alu": -1}}, "warp of alu is -1; counts are not negative"),
])  # fmt: skip
def test_impossible_records_are_refused(change, words):
    record = {"kernel": "k", "grid": [1, 1, 1], "block": [32, 1, 1]} | change
    with pytest.raises(InputError, match=words):
        Counters.from_json(record)
