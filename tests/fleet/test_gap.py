"""The ladder: every step is a change of inputs, bands hold the value, pictures say it."""

import json
import re
from dataclasses import replace

import pytest

from warpfive.catalog import chip, engine_profile, model
from warpfive.cli import main
from warpfive.errors import InputError
from warpfive.fleet import STEPS, gap, gap_json, parse_slo, parse_workload, write_chart
from warpfive.fleet.ladder import (
    EAGER_KERNELS,
    Doubt,
    System,
    imbalance,
    mean_over_peak,
    narrow_dtype,
    unfused_attention,
)
from warpfive.perf import Layout

from .test_docs import DOCS, keys

SLO = parse_slo("ttft=5s,tpot=100ms,p=90")
SMALL = model("qwen3-4b")


@pytest.fixture(scope="module")
def found():
    trace = parse_workload("talk").trace(250, 1.0)
    return gap(SMALL, chip("zhenwu-810e"), chip("h20"), trace, SLO, draws=2, workers=1)


def naive(**changes) -> System:
    values = dict(
        chip=chip("zhenwu-810e"), model=model("qwen3-32b"), engine=engine_profile(), longest=9000,
        layout=Layout(tp=8),
    )  # fmt: skip
    return System(**{**values, **changes})


def test_every_step_of_the_ladder_is_there(found):
    names = ["naive", *(key for key, _ in STEPS)]
    assert [rung.key for rung in found.own.rungs] == names
    assert [rung.key for rung in found.other.rungs] == names


def test_every_json_key_of_a_gap_is_documented(found):
    words = set(re.findall(r"[a-z0-9_]+", (DOCS / "plan.md").read_text(encoding="utf-8")))
    assert (
        not keys(gap_json(found))
        - words
        - {f"output_tokens_per_s_per_chip_{end}" for end in ("p10", "p90")}
    )


def test_gains_multiply_to_the_whole(found):
    for side in (found.own, found.other):
        product = side.naive.value
        for rung in side.rungs[1:]:
            product *= rung.gain if rung.kept else 1.0
        assert product == pytest.approx(side.whole.value, rel=1e-9)
        assert side.whole.value > side.naive.value


def test_bands_hold_their_values(found):
    for rung in (*found.own.rungs, *found.other.rungs):
        assert rung.low <= rung.gain <= rung.high
        assert rung.value_low <= rung.value <= rung.value_high
    for ratio in (found.chip_to_chip, found.whole_to_naive, found.whole_to_whole):
        assert ratio.low <= ratio.value <= ratio.high


def test_each_step_changes_exactly_its_inputs():
    off = naive().setup(chip("zhenwu-810e"), Layout(tp=8))
    assert off.profile.layer_s == pytest.approx(EAGER_KERNELS * off.chip.launch_s * 1.3)

    def on(step):
        return naive(on=frozenset({step})).setup(chip("zhenwu-810e"), Layout(tp=8))

    assert on("quantisation") == replace(off, dtype="int8", kv_dtype="int8")
    assert on("kernels").profile.layer_s < off.profile.layer_s
    assert replace(on("kernels"), engine=off.engine) == off
    assert on("topology").chip.link.bandwidth == 7 * off.chip.link.bandwidth
    assert on("speculation").speculation and not off.speculation
    assert on("bare metal").profile.step_s == pytest.approx(off.profile.step_s / 1.3)
    for step in ("batching", "prefix cache"):
        assert on(step) == off
        group = naive(on=frozenset({step})).group(10**6)
        assert group.pools[0].limits != naive().group(10**6).pools[0].limits


def test_what_the_steps_are_made_of():
    assert unfused_attention(model("qwen3-32b")) == pytest.approx(1 + 14 * 64 / (2 * 2 * 8 * 128))
    assert narrow_dtype(model("qwen3-32b"), chip("h20")) == "fp8"
    assert narrow_dtype(model("qwen3-32b"), chip("zhenwu-810e")) == "int8"
    assert 1.0 <= imbalance(model("qwen3-235b-a22b"), 16) < 1.2
    shares = [mean_over_peak(count, 1.0) for count in (1, 2, 4)]
    assert shares == sorted(shares) and 0.3 < shares[0] < 0.5


def test_draws_come_in_mirrored_pairs():
    one, other = Doubt.draw([0, 4]), Doubt.draw([0, 5])
    assert one.host * other.host == pytest.approx(1.0)
    assert one.network * other.network == pytest.approx(1.0)


def test_pictures_are_written(found, tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("plotly")
    write_chart(found, tmp_path / "gap.png")
    assert (tmp_path / "gap.png").read_bytes().startswith(b"\x89PNG")
    write_chart(found, tmp_path / "gap.html")
    page = (tmp_path / "gap.html").read_text()
    assert "zhenwu-810e against h20, qwen3-4b" in page and "<script src=" not in page


def test_a_chart_needs_a_known_name(found, tmp_path):
    with pytest.raises(InputError) as error:
        write_chart(found, tmp_path / "gap.pdf")
    assert str(error.value).endswith("gap.pdf: a chart's name must end in .png or .html")


def test_json_has_both_ladders(found):
    data = json.loads(json.dumps(gap_json(found)))
    assert data["own"]["chip"] == "zhenwu-810e" and len(data["own"]["steps"]) == 13
    assert set(data["chip_to_chip"]) == {"value", "p10", "p90"}


def test_models_that_write_nothing_are_refused():
    with pytest.raises(InputError) as error:
        gap(model("resnet-50"), chip("h20"), chip("h100"), parse_workload("talk"), SLO)
    assert str(error.value) == (
        "--model resnet-50: the ladder is for models that generate text; this one is a vision model"
    )


def test_bad_options_are_one_sentence(capsys):
    assert main(["gap", "--model", "qwen3-4b", "--vs", "h20", "--draws", "-1"]) == 2
    assert capsys.readouterr().err == "warpfive: --draws -1: must be at least 0\n"
