"""Published rows are read as they were measured."""

import pytest

from warpfive.perf import Layout
from warpfive.perf.rows import COLUMNS, Case, Skip, read_case

ROW = dict.fromkeys(COLUMNS, "") | {
    "id": "S1", "model": "Qwen/Qwen3-32B", "precision": "fp8", "hardware": "h200_sxm",
    "chips": "8", "parallelism": "tp8 pp1 adp1 moe_tp1 moe_ep1", "engine": "vllm 0.12.0",
    "input_len": "1024", "output_len": "128", "batch": "16", "metric": "tpot_mean",
    "value": "12.5", "unit": "ms",
}  # fmt: skip


def case(**changes) -> Case:
    found = read_case(ROW | changes)
    assert isinstance(found, Case), found
    return found


def test_a_plain_row():
    found = case()
    assert (found.chip, found.model, found.engine) == ("h200", "qwen3-32b", "vllm-0.12.0")
    assert found.layout == Layout(tp=8)
    assert (found.quantity, found.value) == ("tpot_s", 0.0125)
    assert (found.dtype, found.kv_dtype, found.concurrency) == ("fp8", "", 16)


def test_tail_percentiles_are_read():
    found = case(metric="ttft_p99", value="900")
    assert (found.quantity, found.value) == ("ttft_p99_s", 0.9)


@pytest.mark.parametrize("value", ["0", "-3", "nan", "inf", "many"])
def test_a_value_no_measurement_can_have_is_a_cause(value):
    found = read_case(ROW | {"value": value})
    assert isinstance(found, Skip) and found.cause.startswith("value is not")


def test_medians_are_not_means():
    assert case(metric="ttft_median", value="900").quantity == "ttft_p50_s"
    assert case(metric="itl_median", value="9").quantity == "itl_s"


def test_an_offline_run_has_the_requests_that_its_page_states():
    found = case(
        engine="TensorRT-LLM v1.0", hardware="H200", precision="FP8", parallelism="TP1",
        setup="aggregated, offline max throughput, all requests queued", batch="max",
        input_len="2048", output_len="128", metric="output_throughput", value="442",
        unit="tok/s total",
    )  # fmt: skip
    assert (found.concurrency, found.requests, found.slots) == (3000, 3000, 8192)


def test_inferencex_lengths_are_nine_tenths_of_the_nominal_ones():
    found = case(section="2026_04_06_x_tp4_ep4_7", parallelism="tp16 pp1 adp1 moe_tp4 moe_ep4")
    assert found.input_tokens == pytest.approx(921.6)
    assert found.layout == Layout(tp=4, ep=4)


def test_users_of_data_parallel_groups_are_those_of_the_instance():
    shared = {"model": "Qwen/Qwen3-235B-A22B-FP8", "parallelism": "tp1 pp1 adp moe_tp2 moe_ep1"}
    own = case(**shared, section="1000x100_c8_tp1_epnone_2", batch="8")
    assert own.layout == Layout(dp=2) and own.concurrency == 16
    grid = shared | {"parallelism": "tp4 pp1 adp4 moe_tp1 moe_ep16"}
    other = case(**grid, section="2026_04_06_fp8_agg_8192x1024_c32_tp4_ep4", batch="32")
    assert other.layout == Layout(dp=4, ep=4) and other.concurrency == 32


def test_a_server_command_gives_layout_and_limits():
    found = case(
        model="x", parallelism="see cmd", source="GPUStack", batch="4", input_len="2000",
        notes="vllm serve Qwen/Qwen3-235B-A22B-FP8 -tp 8 --enable-expert-parallel "
        "--max-num-seqs 64 --kv-cache-dtype fp8", precision="see cmd",
    )  # fmt: skip
    assert found.layout == Layout(tp=8, ep=8)
    assert (found.model, found.slots, found.kv_dtype) == ("qwen3-235b-a22b", 64, "fp8")


def test_servers_that_mix_prompts_and_decodes_are_known_by_their_option_or_their_generator():
    served = {
        "parallelism": "see cmd", "source": "GPUStack", "batch": "4", "input_len": "2000",
        "engine": "sglang",
    }  # fmt: skip
    command = "python3 -m sglang.launch_server --model-path Qwen/Qwen3-32B --tp-size 8"
    assert case(**served, notes=f"{command} --enable-mixed-chunk").mixed
    assert not case(**served, notes=command).mixed
    own = {"section": "1000x100_c8_tp8_epnone_2"}
    assert case(**own, engine="sglang 0.5.6.post2").mixed
    assert not case(**own, engine="sglang 0.5.1.post1").mixed
    assert not case(**own, engine="vllm 0.12.0").mixed
    assert not case(section="2026_04_06_x_tp8", engine="sglang 0.5.9").mixed


def test_data_parallel_attention_divides_the_tensor_width():
    found = case(
        parallelism="see cmd", source="GPUStack", batch="512", input_len="8192",
        notes="python3 -m sglang.launch_server --model-path deepseek-ai/DeepSeek-V3.2 --tp-size 8 "
        "--dp-size 8 --enable-dp-attention",
    )  # fmt: skip
    assert found.layout == Layout(tp=1, dp=8)


def test_disaggregated_rows_have_two_layouts():
    found = case(
        parallelism="P: tp8 adp1 ep1 x1; D: tp1 adp8 ep8 x1", model="deepseek-ai/DeepSeek-V3"
    )
    assert found.prefill_layout == Layout(tp=8)
    assert found.layout == Layout(dp=8, ep=8)


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"metric": "power"}, "metric power is not predicted"),
        ({"model": "Mystery-9"}, "model Mystery-9 is not in the catalog"),
        ({"hardware": "TPUv9"}, "hardware 'TPUv9' is not a chip of the catalog"),
        ({"batch": ""}, "concurrency is not in the row"),
        ({"input_len": "ShareGPT"}, "input length is not a number"),
        ({"notes": "--speculative-algorithm EAGLE"}, "speculative decoding"),
        ({"setup": "MLPerf Server"}, "MLPerf Server"),
        ({"parallelism": "P: tp8 adp1 ep8 x; D: tp8 adp1 ep8 x"}, "number of prefill and decode"),
    ],
)
def test_what_cannot_be_predicted_is_named(changes, cause):
    found = read_case(ROW | changes)
    assert isinstance(found, Skip)
    assert found.cause.startswith(cause)
