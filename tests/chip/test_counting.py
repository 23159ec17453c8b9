"""Counts: kernels whose counts are known by hand, and three engines that must agree."""

from pathlib import Path

import pytest

from warpfive.compiler import compile_device
from warpfive.perf import Counters

HERE = Path(__file__).parent
GENERAL_ONLY = {"recursive"}


@pytest.fixture(scope="module")
def elf() -> bytes:
    return compile_device(HERE / "counted.cu")


@pytest.fixture(scope="module")
def bench(device, elf, make_bench):
    made = make_bench(device, device.load(elf), elf)
    yield made
    device.count(on=False)


@pytest.fixture
def counted(bench):
    """Runs a kernel on arrays and integers, every block counted; gives its record."""

    def run(kernel: str, shape, *args: int, exact: bool = True, **options) -> Counters:
        bench.device.count(exact=exact)
        done = bench.run(kernel, shape, *args, **options)
        assert done.fault == 0, done.message
        record, = bench.device.records()
        return Counters.from_json(record)

    return run


@pytest.fixture
def array(bench):
    return lambda count, fill=0: bench.array(count, fill)[0]


# -- global memory ------------------------------------------------------------------------------


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 8, 16, 32])
def test_strided_loads_touch_a_sector_for_each_32_bytes(counted, array, stride):
    one = counted("strided", (1, 64), array(4096), array(64), stride, 0)
    load = one.global_load
    assert (load.requests, load.lanes, load.bytes) == (2, 64, 256)
    assert load.sectors == 2 * min(4 * stride, 32) and load.ideal_sectors == 8
    assert one.global_store.sectors == one.global_store.ideal_sectors == 8
    assert one.warp["global_load"] == 2 and one.lane["global_load"] == 64


def test_loads_that_are_kept_in_slots_are_waited_for_once(counted, array):
    one = counted("many_loads", (1, 32), array(40 * 32), array(32))
    assert one.global_load.requests == 40 and one.warp["spill"] > 0
    assert one.global_load_groups == 1
    assert one.registers >= 40


def test_misaligned_loads_touch_one_sector_more(counted, array):
    one = counted("strided", (1, 64), array(4096), array(64), 1, 3)
    assert one.global_load.sectors == 10 and one.global_load.ideal_sectors == 8


def test_a_broadcast_touches_one_sector(counted, array):
    one = counted("strided", (1, 32), array(64), array(64), 0, 5)
    assert (one.global_load.sectors, one.global_load.ideal_sectors) == (1, 1)


def test_a_vector_of_four_is_one_request(counted, array):
    one = counted("quads", (4, 128), array(4 * 512), array(4 * 512))
    assert one.global_load.requests == one.global_store.requests == 16
    assert one.global_load.bytes == 512 * 16
    assert one.global_load.sectors == one.global_load.ideal_sectors == 256
    assert one.warp["global_load"] == 16 and one.warp["folded"] >= 2 * 3 * 16


def test_neighbours_that_are_not_aligned_stay_apart(counted, array):
    one = counted("quads_apart", (1, 32), array(256), array(32))
    assert one.global_load.requests == 4 and one.global_load.bytes == 4 * 128
    # The fourth reaches into one sector more.
    assert one.global_load.sectors == 16 + 16 + 16 + 17 and one.warp["global_load"] == 4


# -- shared memory ------------------------------------------------------------------------------


@pytest.mark.parametrize(("stride", "ways"), [(1, 1), (2, 2), (4, 4), (8, 8), (16, 16), (32, 32),
                                              (33, 1), (3, 1), (6, 2), (0, 1)])  # fmt: skip
def test_strides_in_shared_memory_conflict(counted, array, stride, ways):
    one = counted("banks", (1, 32), array(32), stride)
    for traffic in (one.shared_load, one.shared_store):
        assert (traffic.requests, traffic.wavefronts) == (1, ways)
        assert traffic.conflicts == ways - 1


def test_eight_byte_accesses_are_served_a_half_warp_at_a_time(counted, array):
    one = counted("shared_doubles", (1, 64), array(128))
    assert (one.shared_load.wavefronts, one.shared_load.ideal_wavefronts) == (4, 4)


# -- control ------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_ways_of_a_branch_run_one_after_another(counted, array, k):
    one = counted("ways", (1, 32), array(256), k)
    # One load a way that is taken, each for its own lanes.
    assert one.global_load.requests == k and one.global_load.lanes == 32
    assert (one.divergent_branches > 0) == (k > 1)


def test_half_a_warp_idle_is_seen(counted, array):
    one = counted("half_works", (8, 64), array(64))
    assert one.divergent_branches == one.branches == 16
    assert one.global_store.lanes == 16 * one.global_store.requests == 256


def test_a_loop_runs_as_long_as_its_longest_lane(counted, array):
    one = counted("uneven_loop", (1, 32), array(128, 1))
    assert one.global_load.requests == 31 and one.global_load.lanes == 31 * 32 // 2


def test_barriers_count_warps_and_waiting(counted, array):
    quiet, busy = (counted("barriers", (2, 256), array(256), rounds) for rounds in (0, 5))
    assert quiet.warp.get("barrier", 0) == 0 and busy.warp["barrier"] == 2 * 8 * 5
    assert quiet.barrier_wait == 0 and busy.barrier_wait >= 2 * 7 * 5 * 30
    assert busy.path_mean == busy.path_max > quiet.path_max


def test_unaligned_warps_all_wait_for_the_slowest(counted, array):
    one, more = (counted("barriers", (1, 256), array(256), rounds) for rounds in (1, 2))
    assert more.barrier_wait == 2 * one.barrier_wait


# -- atomics ------------------------------------------------------------------------------------


@pytest.mark.parametrize("spread", [1, 2, 32])
def test_atomics_collide_on_equal_addresses(counted, array, spread):
    one = counted("add_to", (3, 64), array(64), spread)
    atomics = one.global_atomic
    assert (atomics.requests, atomics.lanes) == (6, 192)
    assert (atomics.addresses, atomics.passes) == (6 * spread, 6 * 32 // spread)
    assert atomics.hottest == 192 / spread and one.warp["atomic"] == 6
    assert one.shared_atomic.requests == 0


def test_atomics_on_shared_memory_are_apart(counted, array):
    one = counted("add_shared", (2, 64), array(64), 4)
    assert (one.shared_atomic.requests, one.shared_atomic.addresses) == (4, 16)
    assert one.shared_atomic.passes == 32 and one.global_atomic.requests == 0


# -- arithmetic ---------------------------------------------------------------------------------


def test_tile_products_count_operations_by_type(counted, array):
    one = counted("tiles", (2, 32), array(256), array(256), array(256))
    assert one.tensor_ops == {"fp16": 2 * 3 * 2 * 16**3} and one.warp["tensor"] == 6


def test_a_tile_is_one_request(counted, array):
    one = counted("tiles", (2, 32), array(256), array(256), array(256))
    load, store = one.global_load, one.global_store
    assert (load.requests, load.bytes, load.sectors) == (4, 4 * 512, 4 * 16)
    assert (store.requests, store.bytes, store.sectors) == (2, 2 * 1024, 2 * 32)


def test_scalar_operations_count_by_type(counted, array):
    one = counted("arithmetic", (1, 32), array(128), array(128), array(128))
    assert one.flops["fp64"] == 32 * 3 and one.flops["fp16"] == 32
    assert one.flops["fp32"] == 32 * (4 + 2)  # two multiply-adds; a root and a sum
    assert one.warp["sfu"] == 1 and one.warp["convert"] >= 1 and one.warp["fp64"] == 2


def test_constants_cost_a_turn_for_each_address(counted, array):
    one = counted("looked_up", (1, 32), array(32), 8)
    args = counted("looked_up", (1, 32), array(32), 0)
    assert one.constant_requests - args.constant_requests == 8
    assert one.constant_addresses - args.constant_addresses == 16
    assert one.global_load.requests == 0


def test_addressed_stack_is_local_memory(counted, array):
    one = counted("stacked", (1, 32), array(32), 5)
    assert one.local_load.requests > 0 and one.local_load.sectors == 4 * one.local_load.requests
    assert one.warp["local"] == one.local_load.requests + one.local_store.requests
    assert one.global_load.requests == 0


# -- reuse --------------------------------------------------------------------------------------


def test_a_stream_is_cold(counted, array):
    one = counted("stream", (8, 256), array(16384), array(16384), 16384)
    assert one.l1.cold_loads == one.global_load.sectors == 2048 and sum(one.l1.loads) == 0
    assert one.l2.cold_loads == 2048 and one.l2.blocks == 4
    assert (one.footprint_sectors, one.footprint_loaded, one.footprint_stored) == \
        (4096, 2048, 2048)


def test_a_looped_table_is_reused_at_its_size(counted, array):
    n, rounds = 1 << 14, 3  # 64 KB: 2048 sectors
    one = counted("table_loop", (2, 256), array(n), array(512), n, rounds)
    assert one.l1.cold_loads == 2 * 2048
    assert one.l1.loads[11] == 2 * 2 * 2048  # distances 1024 to 2047
    assert one.l2.cold_loads == 2048  # the second block finds what the first has just read
    assert one.l2.hits(1 << 20, 2) == one.global_load.sectors - 2048
    assert one.l1.hits(1 << 20, 1) == 4 * 2048 and one.l1.hits(1 << 14, 1) == 0
    assert one.footprint_loaded == 2048


def test_a_large_table_is_sampled_and_still_reused_at_its_size(counted, array):
    n = 1 << 18  # 1 MB: 32768 sectors
    one = counted("table_loop", (1, 1024), array(n), array(1024), n, 2, exact=False)
    assert one.global_load.sectors == pytest.approx(2 * 32768, rel=0.02)
    assert one.l1.hits(1 << 21, 1) == pytest.approx(32768, rel=0.1)
    # few sectors stand for all, and which depends on where the table lies
    assert one.l1.hits(1 << 19, 1) == pytest.approx(0, abs=0.35 * 32768)
    assert one.footprint_loaded == pytest.approx(32768, rel=0.1)


def test_long_blocks_are_seen_in_windows_that_their_warps_share(counted, array):
    n = 40_000  # past the first window; eight warps read the same, and a sector holds 8 floats
    one = counted("broadcasts", (2, 256), array(n), array(512), n, exact=False)
    assert one.global_load.sectors == pytest.approx(2 * 8 * n, rel=0.01)
    assert one.l1.hits(1 << 14, 1) == pytest.approx((1 - 1 / 64) * 16 * n, rel=0.03)
    assert one.global_store.requests == 16  # what is in no loop is seen wherever it comes


def test_a_blocked_product_shares_rows_between_blocks(counted, array):
    n = 64
    one = counted("matmul", ((4, 4), (16, 16)), n, array(n * n), array(n * n), array(n * n))
    assert one.global_load.sectors == 16 * 4 * 2 * 32  # blocks, steps, tiles, sectors
    assert one.l1.cold_loads == one.global_load.sectors  # a block reads nothing twice
    # Four blocks side by side share their rows of A: one reads them first.
    assert one.l2.cold_loads == 4 * (4 * 32 + 4 * 4 * 32)
    assert one.footprint_loaded == 2 * n * n / 8 and one.footprint_stored == n * n / 8
    assert one.shared_load.conflicts == 0 and one.flops["fp32"] == 2 * n**3


# -- engines ------------------------------------------------------------------------------------

CASES = [
    ("strided", (2, 64), "aa", (3, 1)), ("quads", (2, 64), "aa", ()),
    ("quads_apart", (1, 48), "aa", ()), ("banks", (1, 32), "a", (6,)),
    ("shared_doubles", (2, 40), "a", ()), ("ways", (1, 40), "a", (4,)),
    ("half_works", (2, 64), "a", ()), ("uneven_loop", (1, 40), "a", ()),
    ("add_to", (2, 64), "a", (3,)), ("add_shared", (2, 64), "a", (5,)),
    ("barriers", (2, 96), "a", (3,)), ("tiles", (1, 32), "aaa", ()),
    ("arithmetic", (1, 32), "aaa", ()), ("looked_up", (1, 64), "a", (5,)),
    ("stacked", (1, 33), "a", (6,)), ("shuffled", (1, 64), "a", ()),
    ("recursive", (1, 32), "a", ()), ("wrapped", (1, 64), "a", (2**32 - 16,)),
    ("stream", (6, 64), "aa", (700,)), ("table_loop", (5, 32), "aa", (200, 2)),
    ("matmul", ((2, 3), (16, 16)), "", (32, "a", "a", "a")),
    ("broadcasts", (2, 96), "aa", (50,)),
]  # fmt: skip


def counts_of(record: dict) -> dict:
    """A record without what engines may differ in: the host's time."""
    record["lines"] = {(line.pop("file"), line.pop("line")): line for line in record["lines"]}
    return {name: value for name, value in record.items() if name != "host_s"}


@pytest.mark.parametrize(("kernel", "shape", "arrays", "rest"), CASES, ids=[c[0] for c in CASES])
def test_engines_count_the_same(bench, array, kernel, shape, arrays, rest):
    found = {}
    args = [array(1 << 12, 1) if one == "a" else one for one in [*arrays, *rest]]
    try:
        for engine in ("reference", "general", "fast"):
            bench.device.set("WARPFIVE_ENGINE", engine)
            bench.device.count(exact=True)
            done = bench.run(kernel, shape, *args)
            assert done.fault == 0, done.message
            record, = bench.device.records()
            found[engine] = counts_of(record)
    finally:
        bench.device.set("WARPFIVE_ENGINE", "fast")
    assert found["reference"]["warp"] and found["reference"]["exact"]
    assert found["general"] == found["reference"]
    assert found["fast"] == found["reference"]
