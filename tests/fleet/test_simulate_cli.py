"""``warpfive simulate``: figures, JSON, refusals."""

import json

import pytest

from warpfive.cli import main


def test_figures_and_json(tmp_path, capsys):
    target = tmp_path / "run.json"
    words = (
        "simulate --model qwen3-8b --chip h20 --dtype fp8 --workload talk --rate 2 "
        f"--requests 300 --json {target}"
    )
    assert main(words.split()) == 0
    data = json.loads(target.read_text())
    assert data["requests"] == 300 and 0.2 < data["hit_share"] < 0.9
    text = capsys.readouterr().out
    assert "TTFT" in text and "prefix hits" in text


def test_plain_and_fast_print_the_same_numbers(tmp_path):
    found = []
    for flag in ("", "--plain"):
        target = tmp_path / f"run{flag}.json"
        words = (
            f"simulate --model qwen3-8b --chip h20 --rate 3 --requests 60 {flag} --json {target}"
        )
        assert main(words.split()) == 0
        found.append(json.loads(target.read_text()))
        del found[-1]["simulated_per_s"]
    assert found[0] == found[1]


def test_prompts_on_another_chip_and_an_overload(tmp_path, capsys):
    words = "simulate --model qwen3-32b --tp 4 --rate 4 --requests 2000"
    assert main(words.split()) == 0
    assert "overloaded: " in capsys.readouterr().out
    target = tmp_path / "run.json"
    words += f" --prefill-chip h20 --prefill-tp 2 --prefill-replicas 2 --json {target}"
    assert main(words.split()) == 0
    text = capsys.readouterr().out
    assert "2 x h20 tp2 prefill, zhenwu-810e tp4 decode" in text and "overloaded" not in text
    data = json.loads(target.read_text())
    assert data["prefill_setup"] == "h20 tp2" and data["ttft_mean_s"] < 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--rate -1", "--rate -1: must be at least 0"),
        ("--requests 0", "--requests 0: must be at least 1"),
        ("--rate 1 --clients 2", "--rate and --clients: give one; clients send when they are"),
        ("--max-tokens 0 --max-seqs 0", "max_seqs = 0: must be at least 1"),
        ("--routing best", "routing 'best': unknown; known: round_robin, least_loaded"),
        ("--model resnet-50", "--model resnet-50: serving is simulated for models that generate"),
        ("--prefill-tp 2", "--prefill-tp and --prefill-replicas describe a prefill pool"),
        ("--prefill-chip h20 --clients 4", "--prefill-chip and --clients: separate pools"),
        ("--drafts 1 --acceptance 2", "--drafts must not be negative and --acceptance must"),
        ("--workload none.csv", "none.csv: no such trace file"),
    ],
)
def test_bad_options_are_one_sentence(words, message, capsys):
    assert main(f"simulate --model qwen3-8b --chip h20 {words}".split()) == 2
    assert capsys.readouterr().err.startswith(f"warpfive: {message}")
