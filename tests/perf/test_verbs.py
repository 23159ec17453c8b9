"""The verbs as a user types them."""

import json

import pytest

from warpfive.cli import main


def run(capsys, *words: str) -> tuple[int, str, str]:
    status = main(list(words))
    out = capsys.readouterr()
    return status, out.out, out.err


def test_chips_lists_every_chip_with_its_estimates_marked(capsys):
    status, out, _ = run(capsys, "chips")
    assert status == 0
    assert "zhenwu-810e" in out and "118.7~" in out and "989.4 " in out


def test_chips_show_prints_grade_and_source_of_every_figure(capsys):
    _, out, _ = run(capsys, "chips", "show", "zhenwu-810e", "--set", "memory=hbm3e")
    assert "effective" in out and "community" in out and "licence needed" in out
    assert "216 GiB HBM3e" in out


def test_chips_compare_sets_against_the_first(capsys):
    _, out, _ = run(capsys, "chips", "compare", "zhenwu-810e", "h20")
    assert "148 (1.25x)" in out


def test_chips_check_says_what_is_wrong(capsys, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\n')
    status, _, err = run(capsys, "chips", "check", str(path))
    assert status == 2
    assert "mine.toml: vendor is missing" in err


def test_estimate_prints_bands_bounds_and_memory(capsys):
    status, out, _ = run(capsys, "estimate", "--model", "qwen3-8b", "--chip", "h20")
    assert status == 0
    for word in ("TTFT", "TPOT", "80% band", "largest bound", "KV cache holds", "rental"):
        assert word in out


def test_estimate_json_has_the_documented_keys(capsys):
    _, out, _ = run(capsys, "estimate", "--model", "qwen3-8b", "--chip", "h20", "--json", "-")
    record = json.loads(out)
    assert {"ttft", "tpot", "output_rate", "memory", "bounds", "terms", "bound"} <= record.keys()
    assert record["tpot"]["low"] < record["tpot"]["value"] < record["tpot"]["high"]


def test_prompts_can_have_an_instance_of_another_chip(capsys):
    words = ("estimate", "--model", "qwen3-8b", "--chip", "zhenwu-810e", "--json", "-")
    _, out, _ = run(capsys, *words)
    together = json.loads(out)
    _, out, _ = run(capsys, *words, "--prefill-chip", "h20", "--prefill-tp", "2")
    apart = json.loads(out)
    assert (apart["chips"], apart["prefill_chip"], apart["prefill_chips"]) == (3, "h20", 2)
    assert apart["tpot"]["value"] < together["tpot"]["value"]
    assert apart["prefill_s"] < together["prefill_s"]
    status, _, err = run(capsys, "estimate", "--model", "qwen3-8b", "--prefill-tp", "2")
    assert status == 2 and "name its --prefill-chip" in err


def test_models_are_listed_and_told(capsys):
    _, out, _ = run(capsys, "models")
    assert "kimi-k2-thinking" in out and "8/384" in out and "resnet-50" in out
    _, out, _ = run(capsys, "models", "deepseek-v3", "--json", "-")
    record = json.loads(out)
    assert record["parameters"] == pytest.approx(671e9, rel=0.01)
    assert record["kv_bytes_per_token"] == 61 * 576 * 2
    status, _, err = run(capsys, "models", "nosuch")
    assert status == 2 and "nothing known is spelt like it" in err


def test_a_chip_never_measured_says_so(capsys):
    _, out, _ = run(capsys, "estimate", "--model", "qwen3-8b")
    assert "no ground truth" in out


def test_vision_models_answer_in_samples(capsys):
    _, out, _ = run(
        capsys, "estimate", "--model", "resnet-50", "--chip", "hanguang-800", "--concurrency", "64"
    )
    assert "samples" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--model", "qwen3-9b"), "unknown model 'qwen3-9b'; did you mean qwen3"),
        (("--model", "deepseek-v3"), "does not fit"),
        (("--model", "qwen3-8b", "--input", "0"), "--input must be at least 1"),
        (("--model", "qwen3-8b", "--input", "99999"), "is longer than qwen3-8b's context"),
        (("--model", "qwen3-8b", "--requests", "3"), "--requests must be 0 or at least"),
        (("--model", "qwen3-8b", "--drafts", "1", "--acceptance", "2"), "--acceptance must lie"),
        (("--modle", "qwen3-8b"), "no such option: --modle"),
        (("--model", "bert-base", "--tp", "2"), "bert-base answers in one pass on one chip"),
        (("--model", "qwen3-8b", "--json", "/no/such/f"), "there is no folder /no/such"),
    ],
)
def test_bad_input_is_one_sentence(capsys, words, message):
    status, _, err = run(capsys, "estimate", *words)
    assert status == 2
    assert message in err
    assert len(err.strip().splitlines()) == 1


HEAD = "id,model,hardware,parallelism,engine,input_len,output_len,batch,metric,value,unit\n"


def test_validate_and_calibrate_read_a_users_rows(capsys, tmp_path):
    rows = tmp_path / "rows.csv"
    lines = [
        f"r{batch}{metric},qwen3-8b,H20,TP1,vllm 9.9,1000,50,{batch},{metric},{value},ms"
        for batch, ttft, tpot in ((1, 200, 20), (16, 2000, 40))
        for metric, value in (("ttft_mean", ttft), ("tpot_mean", tpot), ("tpot_p99", tpot))
    ]
    rows.write_text(HEAD + "\n".join(lines) + "\n")
    status, out, _ = run(capsys, "validate", str(rows))
    assert status == 0 and "6 rows compared, 0 left out" in out and "TPOT tail" in out
    profile = tmp_path / "mine.json"
    status, out, _ = run(capsys, "calibrate", str(rows), "--out", str(profile))
    assert status == 0 and "median error before and after" in out
    status, out, _ = run(
        capsys, "estimate", "--model", "qwen3-8b", "--chip", "h20", "--engine", str(profile)
    )
    assert status == 0


def test_a_file_without_a_column_says_which(capsys, tmp_path):
    rows = tmp_path / "rows.csv"
    rows.write_text("id,model\n1,x\n")
    status, _, err = run(capsys, "validate", str(rows))
    assert status == 2
    assert "column batch, engine, hardware" in err
