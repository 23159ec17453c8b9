"""Public trace formats, good and malformed."""

import json

import pytest

from warpfive.errors import InputError
from warpfive.fleet import read_trace

GOOD = {
    "mooncake.jsonl": (
        '{"timestamp": 0, "input_length": 1100, "output_length": 5, "hash_ids": [7, 8, 9]}\n'
        '\n{"timestamp": 2500, "input_length": 600, "output_length": 6, "hash_ids": [7, 5]}\n'
    ),
    "azure.csv": (
        "TIMESTAMP,ContextTokens,GeneratedTokens\n"
        "2023-11-16 18:15:46.6805900,1100,5\n2023-11-16 18:15:49.1805900,600,6\n"
    ),
    "azure2024.csv": (
        "TIMESTAMP,ContextTokens,GeneratedTokens\n"
        "2024-05-10 00:00:00.009930+00:00,1100,5\n2024-05-10 00:00:02.509930+00:00,600,6\n"
    ),
    "burst.csv": (
        "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
        "5,ChatGPT,1100,5,1105,Conversation log\n6,ChatGPT,9,0,9,API log\n"
        "7.5,GPT-4,600,6,606,API log\n"
    ),
    "servegen.csv": (
        "request_id,timestamp,input_tokens,output_tokens\n0,10,1100,5\n1,12.5,600,6\n"
    ),
    "bench.json": json.dumps({
        "request_rate": 0.4, "input_lens": [1100, 600, 7], "output_lens": [5, 6, 0],
    }),
    "detailed.json": json.dumps({
        "input_lens": [600, 1100], "output_lens": [6, 5], "start_times": [12.5, 10.0],
    }),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_each_format_gives_the_same_requests(name, tmp_path):
    path = tmp_path / name
    path.write_text(GOOD[name])
    trace = read_trace(path)
    assert trace.prompt.tolist() == [1100, 600]
    assert trace.output.tolist() == [5, 6]
    assert trace.arrival_ps.tolist() == pytest.approx([0, 2.5e12], rel=1e-6)


def test_mooncake_hashes_are_cut_to_full_blocks_and_numbered(tmp_path):
    path = tmp_path / "mooncake.jsonl"
    path.write_text(GOOD["mooncake.jsonl"])
    trace = read_trace(path)
    assert trace.hash_tokens == 512
    assert trace.hash_at.tolist() == [0, 2, 3]
    assert trace.hash.tolist() == [0, 1, 0]


def test_a_servegen_folder_is_drawn_from(tmp_path):
    (tmp_path / "chunk-0-trace.csv").write_text("0,2.0,1.5,Gamma,1,1\n600,4.0,1.0,Gamma,1,1\n")
    lengths = {"0": {"input_tokens": "{100: 0.5, 200: 0.5}", "output_tokens": "{30: 1.0}"}}
    (tmp_path / "chunk-0-dataset.json").write_text(json.dumps(lengths))
    trace = read_trace(tmp_path)
    assert 800 < len(trace) < 1600
    assert set(trace.prompt.tolist()) == {100, 200} and set(trace.output.tolist()) == {30}


HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\n"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.jsonl", '{"timestamp": 0}\n', "t.jsonl:1: no input_length"),
        ("t.jsonl", GOOD["mooncake.jsonl"] + "{oops\n", "t.jsonl:4: not a line of JSON"),
        ("t.jsonl", "[1]\n", "t.jsonl:1: must be a JSON object"),
        (
            "t.jsonl",
            '{"timestamp": 0, "input_length": 2000, "output_length": 5, "hash_ids": [7]}',
            "t.jsonl:1: 1 hash_ids for 2000 tokens; one for each 512 tokens is needed",
        ),
        (
            "t.jsonl",
            '{"timestamp": 0, "input_length": 20, "output_length": 5, "hash_ids": "x"}',
            "t.jsonl:1: hash_ids must be a list of integers",
        ),
        (
            "t.jsonl",
            '{"timestamp": 0, "input_length": -4, "output_length": 5}',
            "t.jsonl:1: input_length -4 must be at least 1",
        ),
        ("t.csv", HEADER + "soon,1,1\n", "t.csv:2: TIMESTAMP 'soon' is no date and time"),
        (
            "t.csv",
            HEADER + "2023-11-16 18:15:46.68,many,1\n",
            "t.csv:2: ContextTokens 'many' is not a number",
        ),
        ("t.csv", HEADER + "2023-11-16 18:15:46.68,1\n", "t.csv:2: 2 cells where the header has 3"),
        ("t.csv", HEADER, "t.csv: holds no request"),
        (
            "t.csv",
            "Timestamp,Request tokens\n1,2\n",
            "t.csv:1: no column 'Response tokens'; has Timestamp, Request tokens",
        ),
        (
            "t.json",
            "{}",
            "t.json:1: no input_lens and output_lens of equal length; save the benchmark with "
            "--save-detailed",
        ),
        (
            "t.txt",
            "hello\n",
            "t.txt:1: not a known trace format; known: mooncake, azure, burstgpt, servegen, vllm; "
            "name one as in azure:FILE",
        ),
    ],
)
def test_malformed_traces_are_refused_with_file_and_line(name, text, message, tmp_path):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError) as error:
        read_trace(path)
    assert str(error.value) == f"{tmp_path}/{message}"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="none.csv: no such trace file"):
        read_trace(tmp_path / "none.csv")
