"""The timing model: figures worked out by hand, and what more hardware may never do."""

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warpfive.catalog import chip, chip_names, with_settings
from warpfive.perf import counts_of, kernel_time, sample_counters
from warpfive.perf.counters import BUCKETS, Atomics, Counters, Reuse, SharedTraffic, Traffic
from warpfive.perf.timing import BOUND_WORDS, TERMS, Counts, figures_of

H100 = chip("h100")


def timed(one: Counters, spec=H100):
    return kernel_time(counts_of(one), spec)


def blank(blocks=132, threads=128, **more) -> Counters:
    return Counters(kernel="k", grid=(blocks, 1, 1), block=(threads, 1, 1), **more)


def test_the_header_and_the_words_name_the_same_terms():
    assert set(TERMS) | {"start"} == set(BOUND_WORDS)
    assert len(Counts().reuse_l1) == BUCKETS


def test_streaming_is_bound_by_memory_at_the_rate_that_streaming_reaches():
    sectors = 2.0**24
    load = Traffic(requests=sectors / 4, sectors=sectors, ideal_sectors=sectors)
    one = blank(
        2**19, 256, registers=16, warp={"global_load": sectors / 4}, global_load=load,
        global_load_groups=sectors / 4, footprint_sectors=sectors, footprint_loaded=sectors,
        l2=Reuse(blocks=4, cold_loads=sectors), l1=Reuse(cold_loads=sectors),
    )  # fmt: skip
    found = timed(one)
    assert found.terms["dram"] == pytest.approx(sectors * 32 / (0.9 * 3350e9))
    assert found.bound == "dram"
    assert found.dram_bytes == sectors * 32
    assert 0.75 < found.share < 0.9


def test_fp32_work_takes_its_lanes_and_the_clock():
    warps = 132 * 16 * 8
    found = timed(blank(132 * 16, 256, registers=32, warp={"fp32": warps * 4096.0}))
    assert found.terms["fp32"] == pytest.approx(16 * 8 * 4096 * 32 / 128 / 1.83e9)
    assert found.terms["issue"] == pytest.approx(found.terms["fp32"])
    assert found.tail == 1


@pytest.mark.parametrize(
    ("more", "resident", "limit"),
    [
        ({"registers": 32}, 8, "threads"),
        ({"registers": 64}, 4, "registers"),
        ({"registers": 255}, 1, "registers"),
        ({"registers": 400}, 1, "registers"),
        ({"registers": 16, "static_shared_bytes": 100 * 1024}, 2, "shared memory"),
    ],
)
def test_occupancy_and_what_bounds_it(more, resident, limit):
    found = timed(blank(132 * 64, 256, warp={"fp32": 1.0}, **more))
    assert (found.resident_blocks, found.limit) == (resident, limit)
    assert found.occupancy == pytest.approx(resident * 256 / 2048)


def test_small_blocks_meet_the_limit_of_blocks_and_small_grids_that_of_the_grid():
    assert timed(blank(132 * 64, 32, registers=16)).limit == "blocks"
    few = timed(blank(10, 1024, registers=16, warp={"fp32": 10.0}))
    assert (few.limit, few.resident_blocks, few.waves) == ("grid", 1, 1)


def test_one_block_more_than_the_cores_hold_costs_a_wave():
    def one(blocks: int):
        counts = {"fp32": blocks * 32 * 1000.0}
        return timed(blank(blocks, 1024, registers=32, warp=counts, path_mean=1000, path_max=1000))

    full, over = one(2 * 132), one(2 * 132 + 1)
    assert (full.waves, over.waves) == (1, 2)
    assert over.terms["latency"] == pytest.approx(2 * full.terms["latency"])
    assert over.terms["fp32"] == pytest.approx(1.5 * full.terms["fp32"])


def test_bank_conflicts_take_passes():
    def one(ways: int):
        requests = 132 * 8 * 1000.0
        shared = SharedTraffic(requests=requests, wavefronts=requests * ways,
                               ideal_wavefronts=requests)  # fmt: skip
        return timed(blank(132 * 8, 32, registers=16, warp={"shared_load": requests},
                           shared_load=shared)).terms["l1"]  # fmt: skip

    assert one(1) == pytest.approx(8 * 1000 / 1.83e9)
    assert one(32) == pytest.approx(32 * one(1))


def test_atomics_on_one_address_follow_one_another():
    hot = Atomics(requests=1000, lanes=32000, addresses=1000, passes=32000, sectors=1000,
                  hottest=32000)  # fmt: skip
    found = timed(blank(1000, 32, registers=16, warp={"atomic": 1000.0}, global_atomic=hot))
    assert found.terms["atomics"] == pytest.approx(32000 / 1.83e9)
    spread = replace(hot, hottest=1, passes=1000)
    assert timed(blank(1000, 32, registers=16, global_atomic=spread)).terms["atomics"] < 1e-8


def test_an_l1_that_holds_the_reuse_spares_the_l2():
    sectors = 2.0**20
    near = tuple(sectors if bucket == 8 else 0.0 for bucket in range(BUCKETS))
    far = tuple(sectors if bucket == 20 else 0.0 for bucket in range(BUCKETS))
    load = Traffic(requests=sectors / 4, sectors=sectors, ideal_sectors=sectors)

    def one(loads):
        return timed(blank(132 * 8, 256, registers=32, global_load=load, l1=Reuse(loads=loads),
                           l2=Reuse(loads=near)))  # fmt: skip

    assert one(near).l1_hit == 1 and one(near).l2_bytes == 0
    assert one(far).l1_hit == 0 and one(far).l2_bytes == sectors * 32


def test_launches_that_follow_one_another_find_their_data_in_an_l2_that_holds_it():
    one = sample_counters()
    again = replace(one, launches=100, footprint_sectors=one.footprint_sectors)
    small = timed(again, with_settings(H100, ["memory.l2=1MiB"]))
    large = timed(again, H100)
    assert large.dram_bytes < 0.02 * small.dram_bytes
    far = replace(again, period_sectors=1e9)  # other kernels' data came between
    assert timed(far, H100).dram_bytes == pytest.approx(timed(one, H100).dram_bytes)


def test_half_of_the_lanes_of_a_narrow_chip_take_twice_as_long():
    one = blank(132 * 16, 256, registers=32, warp={"sfu": 1e6})
    narrow = replace(H100, core=replace(H100.core, sfu_lanes=8))
    assert timed(one, narrow).terms["sfu"] == pytest.approx(2 * timed(one).terms["sfu"])


def test_every_chip_of_the_catalog_times_it_in_less_than_a_fifth_of_a_second():
    records = [sample_counters() for _ in range(20)]
    names = chip_names()[:20]
    kernel_time(counts_of(records[0]), chip(names[0]))  # builds the library, reads the files
    specs = [chip(name) for name in names]
    start = time.process_time()
    times = [kernel_time(counts_of(one), spec) for one in records for spec in specs]
    assert time.process_time() - start < 0.2
    assert all(0 < found.total_s < 1 for found in times)


counts = st.floats(0, 1e7)
buckets = st.lists(st.floats(0, 1e6), min_size=BUCKETS, max_size=BUCKETS).map(tuple)


UNITS = ("alu", "fp32", "fp64", "sfu", "global_load", "barrier")


@st.composite
def records(draw) -> Counters:
    load = draw(counts)
    traffic = Traffic(requests=load, sectors=load * draw(st.floats(1, 32)))
    atomic = draw(counts)
    launches = draw(st.integers(1, 50))
    footprint = draw(counts)
    return Counters(
        kernel="k", grid=(draw(st.integers(1, 5000)), 1, 1),
        block=(draw(st.integers(1, 1024)), 1, 1),
        launches=launches, registers=draw(st.integers(0, 255)),
        static_shared_bytes=draw(st.integers(0, 48 * 1024)),
        warp={unit: draw(counts) for unit in UNITS},
        tensor_ops={"bf16": draw(counts) * 8192}, global_load=traffic,
        global_load_groups=load * draw(st.floats(0.1, 1)),
        global_atomic=Atomics(requests=atomic, lanes=atomic, sectors=atomic, passes=atomic,
                              hottest=atomic * draw(st.floats(0, 1))),
        l1=Reuse(loads=draw(buckets)),
        l2=Reuse(blocks=draw(st.integers(1, 8)), loads=draw(buckets), cold_loads=footprint * 2),
        footprint_sectors=footprint, footprint_loaded=footprint, path_mean=100, path_max=150,
    )  # fmt: skip


MORE = {
    "memory": lambda c, k: replace(
        c, memory=replace(c.memory, bandwidth=c.memory.bandwidth * k, effective_bandwidth=None)
    ),
    "L2 bandwidth": lambda c, k: replace(
        c, memory=replace(c.memory, l2_bandwidth=c.memory.l2_bandwidth * k)
    ),
    "L2": lambda c, k: replace(c, memory=replace(c.memory, l2_bytes=c.memory.l2_bytes * k)),
    "latency": lambda c, k: replace(c, memory=replace(c.memory, latency_s=c.memory.latency_s / k)),
    "clock": lambda c, k: with_settings(c, [f"clock={c.clock_hz * k:.0f}Hz"]),
    "cores": lambda c, k: with_settings(c, [f"cores={round(c.cores * k)}"]),
    "L1": lambda c, k: replace(c, core=replace(c.core, l1_bytes=c.core.l1_bytes * k)),
}


@pytest.mark.parametrize("what", MORE)
@given(one=records(), factor=st.floats(1, 4))
@settings(max_examples=60, deadline=None)
def test_more_is_never_slower(what, one, factor):
    found = counts_of(one)
    before = kernel_time(found, H100)
    after = kernel_time(found, MORE[what](H100, factor))
    assert after.total_s <= before.total_s * (1 + 1e-9)


@given(one=records())
@settings(max_examples=60, deadline=None)
def test_the_joined_time_lies_between_the_largest_term_and_the_sum(one):
    found = kernel_time(counts_of(one), H100)
    assert max(found.terms.values()) <= found.body_s * (1 + 1e-9)
    assert found.body_s <= sum(found.terms.values()) * (1 + 1e-9) + 1e-15
    assert 0 <= found.l1_hit <= 1 and 0 <= found.l2_hit <= 1 and 0 < found.share <= 1


def test_a_chip_without_a_type_multiplies_in_a_wider_one():
    assert figures_of(chip("h20")).tensor_bf16 == chip("h20").rates["bf16"]
    assert figures_of(chip("hanguang-800")).tensor_bf16 > 0
