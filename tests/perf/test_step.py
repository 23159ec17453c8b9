"""Step times: what must hold for any chip, model and layout."""

import dataclasses

import numpy as np
import pytest

from warpfive.catalog import chip, engine_profile, model, with_settings
from warpfive.errors import InputError
from warpfive.perf import Layout, Speculation, StepModel, kernels, ledger


def step(name="qwen3-8b", on="h20", **kwargs) -> StepModel:
    layout = Layout(**{key: kwargs.pop(key) for key in ("tp", "pp", "dp", "ep") if key in kwargs})
    return StepModel(chip(on), model(name), layout, **kwargs)


def test_a_stretch_is_the_sum_of_its_steps():
    one = step()
    context = 8 * 1000
    by_hand = sum(one.decode(8, context + 8 * i) for i in range(500))
    assert one.decode_stretch(8, context, 500) == pytest.approx(by_hand, rel=1e-12)


def test_decode_reads_every_weight_once():
    one = step("llama-3.1-8b", "h100")
    floor = 2 * 7.5e9 / one.chip.bandwidth
    assert floor < one.decode(1, 1000) < 3 * floor + one.engine.step_s


@pytest.mark.parametrize("name", ["qwen3-8b", "qwen3-30b-a3b", "deepseek-v3", "gpt-oss-120b"])
def test_more_work_takes_longer(name):
    one = step(name, "h200", tp=8)
    assert one.decode(8, 8000) <= one.decode(16, 8000) <= one.decode(16, 64000)
    assert one.prefill(1000) < one.prefill(2000) < one.prefill(2000, 8000)


@pytest.mark.parametrize("setting", ["memory.bandwidth=4.9TB/s", "bf16=200TFLOPS", "fp8=400TFLOPS"])
def test_a_better_chip_is_never_slower(setting):
    base = step(dtype="fp8")
    better = dataclasses.replace(base, chip=with_settings(base.chip, [setting]), fit=base.fit)
    for batch in (1, 17, 64, 300):
        assert better.decode(batch, batch * 1000) <= base.decode(batch, batch * 1000)
    assert better.prefill(3000) <= base.prefill(3000)


def test_tensor_parallelism_shortens_large_prompts():
    assert step("llama-3.1-70b", "h200", tp=8).prefill(8192) < step(
        "llama-3.1-70b", "h200", tp=4
    ).prefill(8192)


def test_a_mixed_step_costs_less_than_its_parts():
    one = step()
    apart = one.prefill(4000) + one.decode(32, 32 * 1000)
    assert one.prefill(4000) < one.mixed(4000, 0, 32, 32 * 1000) < apart


def test_speculation_yields_more_tokens_for_a_longer_step():
    plain = step("deepseek-v3", "h200", tp=8)
    drafted = dataclasses.replace(plain, speculation=Speculation(drafts=1, acceptance=0.8))
    assert drafted.tokens_per_step == pytest.approx(1.8)
    assert drafted.decode(16, 16000) > plain.decode(16, 16000)


def test_four_bit_weights_are_read_faster_than_sixteen_bits():
    assert step("qwen3-14b", dtype="int4").decode(1, 1000) < 0.7 * step("qwen3-14b").decode(1, 1000)


def test_kernels_launched_one_by_one_bound_a_step_from_below():
    eager = dataclasses.replace(engine_profile("vllm"), launch_s=1e-3, expert_s=1e-4)
    dense = step(engine=eager)
    assert dense.launches == pytest.approx(36e-3)
    assert 36e-3 <= dense.decode(1, 100) < 2 * 36e-3
    mixture = step("qwen3-30b-a3b", engine=eager)
    assert mixture.launches == pytest.approx(48 * (1e-3 + 128 * 1e-4))


def test_an_engine_takes_smaller_steps_on_small_chips():
    """vLLM: 8,192 tokens and 1,024 sequences from 70 GiB on, but 2,048 and 256 on an A100."""
    profile = engine_profile("vllm")
    assert (profile.on(chip("h100")).chunk_tokens, profile.on(chip("h100")).slots) == (8192, 1024)
    for small in ("a100", "rtx-4090"):
        assert (profile.on(chip(small)).chunk_tokens, profile.on(chip(small)).slots) == (2048, 256)
    assert step("qwen3-8b", "a100").engine.chunk_tokens == 2048


def test_sglang_leaves_memory_free_by_its_own_rule():
    def left(name: str, **layout: int) -> float:
        one = StepModel(
            chip(name), model("qwen3-30b-a3b"), Layout(**layout), engine_profile("sglang")
        )
        book = ledger(one)
        return (book.activations_bytes + book.reserve_bytes) / 2**20

    assert left("h100", tp=2) == 512 + 1.5 * 8192 + 2 * 256 + 128 * 2
    assert left("h100", tp=4) == 512 + 1.5 * 8192 + 2 * 512 + 128 * 4
    assert left("h200", dp=8, ep=8) == 512 + 1.5 * 8192 + 2 * 512 + 128 * 8 + 4.5 * 512 * 8
    assert left("ascend-910b", tp=4) == pytest.approx(512 + 1.5 * 8192 + 2 * 512 + 128 * 4)


def test_the_ledger_adds_up():
    book = ledger(step("qwen3-32b", "h200", dtype="fp8"))
    parts = (
        book.weights_bytes + book.activations_bytes + book.runtime_bytes + book.reserve_bytes
        + book.fragmentation_bytes + book.kv_bytes
    )  # fmt: skip
    assert parts == pytest.approx(book.capacity_bytes)
    assert book.kv_tokens == int(book.kv_bytes / model("qwen3-32b").kv_bytes_per_token())


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: step(tp=3), "has 32 attention heads, and each chip must get as many"),
        (lambda: step(tp=16), "h20 links 8 chips at full rate"),
        (lambda: step(ep=2), "qwen3-8b has no experts"),
        (lambda: step("qwen3-30b-a3b", tp=4, ep=3), "--ep 3 must divide tp x dp = 4"),
        (lambda: step(pp=99), "has only 36 layers"),
        (lambda: step(dtype="fp9"), "--dtype 'fp9': did you mean fp8"),
        (lambda: ledger(step("deepseek-v3")), "deepseek-v3 does not fit: .* GiB of weights"),
        (lambda: engine_profile("vlm9"), "unknown engine 'vlm9'; did you mean vllm"),
    ],
)
def test_impossible_requests_are_one_sentence(build, message):
    with pytest.raises(InputError, match=message):
        build()


def test_the_fullest_rank_of_experts_is_what_drawing_gives():
    """Eight experts of 384 for each of 4 tokens, on 16 ranks, drawn 2,000 times."""
    rng = np.random.default_rng(1)
    ranks, tokens, experts, top = 16, 4, 384, 8
    most = []
    for _ in range(2000):
        hit = np.unique(np.concatenate([rng.permutation(experts)[:top] for _ in range(tokens)]))
        most.append(np.bincount(hit % ranks, minlength=ranks).max())
    chance = kernels.active_experts(experts, top, tokens) / experts
    assert kernels.fullest(experts / ranks, chance, ranks) == pytest.approx(np.mean(most), rel=0.12)
    assert kernels.fullest(24, 0.5, 1) == 12
    assert kernels.fullest(24, 1.0, 8) == 24


def test_four_bit_weights_unpacked_through_memory_cost_nearly_what_16_bits_do():
    """On Ascend at most 1.48 times faster than fp16 (He et al., arXiv 2601.16536)."""
    fast, chips = kernels.efficiency(chip("ascend-910b")), chip("ascend-910b")
    times = {
        weights: kernels.gemm(chips, fast, (4, 4096, 12288), weights, "bf16")
        for weights in ("bf16", "int4")
    }
    assert 1.3 < times["bf16"] / times["int4"] < 1.55


def test_sliced_experts_of_data_parallel_groups_wait_twice_a_layer():
    late = dataclasses.replace(kernels.efficiency(chip("h200")), gather_s=1e-3)
    for name, layout, waits in (
        ("qwen3-30b-a3b", {"dp": 4}, 2), ("qwen3-30b-a3b", {"tp": 4}, 0),
        ("qwen3-30b-a3b", {"dp": 4, "ep": 4}, 0), ("qwen3-8b", {"dp": 4}, 0),
    ):  # fmt: skip
        now = dataclasses.replace(late, gather_s=1e-4)
        one, other = (step(name, "h200", fit=fit, **layout) for fit in (now, late))
        gained = waits * 9e-4 * one.model.layer_count * one.engine.comm_scale
        assert other.decode(8, 800) - one.decode(8, 800) == pytest.approx(gained, rel=1e-6)
