"""Kernel times against counts by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpfive.catalog import AttentionSpec, chip, with_settings
from warpfive.perf import Efficiency, kernels, power_w

PLAIN = Efficiency(
    gemm=1.0, gemm_8bit=1.0, stream=1.0, grouped=1.0, grouped_stream=1.0, attention=1.0,
    attention_stream=1.0, gqa_decode=1.0, mla_decode=1.0, kernel_s=0.0, attention_s=0.0,
    sharpness=50.0, pull=1e9, link=1.0, network=1.0, allreduce_s=0.0,
)  # fmt: skip
H20 = chip("h20")


def test_a_large_product_takes_its_operations_at_the_peak():
    m = n = 64 * 78 * 4  # whole waves of 64 x 64 tiles
    seconds = kernels.gemm(H20, PLAIN, (m, n, 4096), "bf16", "bf16")
    assert seconds == pytest.approx(2 * m * n * 4096 / 148e12, rel=1e-6)


def test_a_small_product_takes_its_weights_at_the_bandwidth():
    fast = with_settings(H20, ["bf16=9000TFLOPS", "fp8=9000TFLOPS"])
    seconds = kernels.gemm(fast, PLAIN, (1, 4096, 4096), "bf16", "bf16")
    moved = 2 * 4096 * 4096 + 2 * 4096 + 2 * 4096
    assert seconds == pytest.approx(moved / 4e12, rel=1e-3)


def test_one_tile_more_than_a_wave_costs_a_second_wave():
    wave = kernels.tile_seconds(H20, (1, 64, 64 * 78, 1024), 148e12)
    more = kernels.tile_seconds(H20, (1, 64, 64 * 78 + 64, 1024), 148e12)
    assert more == pytest.approx(2 * wave)


def test_experts_hit_by_few_tokens():
    assert kernels.active_experts(128, 8, 1) == pytest.approx(8)
    assert kernels.active_experts(128, 8, 10_000) == pytest.approx(128)


def test_decode_attention_reads_the_cache_once():
    spec = AttentionSpec(kind="gqa", heads=8, kv_heads=8, head_dim=128, value_dim=128)
    seconds = kernels.decode_attention(H20, PLAIN, spec, 1000, "bf16")
    assert seconds == pytest.approx(1000 * 8 * 256 * 2 / 4e12, rel=1e-6)


def test_a_latent_cache_makes_decode_attention_arithmetic():
    spec = AttentionSpec(kind="mla", heads=128, kv_rank=512, rope_dim=64, value_dim=128)
    seconds = kernels.decode_attention(H20, PLAIN, spec, 1000, "bf16")
    assert seconds == pytest.approx(1000 * 2 * 128 * (512 + 64 + 512) / 148e12, rel=1e-6)


def test_an_all_reduce_moves_twice_its_share():
    seconds = kernels.all_reduce(H20, PLAIN, 1e9, 8)
    assert seconds == pytest.approx(2 * 7 / 8 * 1e9 / 450e9)
    assert kernels.all_reduce(H20, PLAIN, 1e9, 1) == 0


def test_a_mesh_offers_only_the_links_to_the_members():
    mesh = chip("ascend-910b")
    assert kernels.link_bandwidth(mesh, 2) == pytest.approx(196e9 / 7)
    assert kernels.link_bandwidth(mesh, 8) == pytest.approx(196e9)


def test_far_experts_are_reached_over_the_network():
    near = kernels.exchange(H20, PLAIN, 1e8, 8)
    far = kernels.exchange(H20, PLAIN, 1e8, 32)
    assert far > 5 * near
    assert far == pytest.approx(1e8 * 24 / 31 / 50e9 + 2 * H20.network.latency_s, rel=1e-6)


@given(
    m=st.integers(1, 5000), n=st.integers(1, 300), k=st.integers(1, 300),
    factor=st.floats(1.0, 4.0),
)  # fmt: skip
def test_more_bandwidth_is_never_slower(m, n, k, factor):
    shape = (m, 64 * n, 64 * k)
    bandwidth = 4000 * factor
    faster = with_settings(H20, ["memory.units=40", f"memory.bandwidth={bandwidth}GB/s"])
    base = kernels.gemm(H20, Efficiency(), shape, "fp8", "fp8")
    assert kernels.gemm(faster, Efficiency(), shape, "fp8", "fp8") <= base * (1 + 1e-12)


def test_power_lies_between_idle_and_tdp():
    idle = power_w(H20, 0, 0, "bf16")
    busy = power_w(H20, 2e12, 70e12, "bf16")
    assert idle is not None and busy is not None
    assert 0 < idle < busy < power_w(H20, 4e12, 148e12, "bf16") == 400
