"""``warpfive serve`` as a client sees it."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")

from warpfive.cli import main  # noqa: E402

WORDS = ["serve", "Qwen3-0.6B", "--chip", "h20", "--port", "0", "--speed", "5"]


@pytest.fixture(scope="module")
def server():
    """A running server: its process and port."""
    with subprocess.Popen(
        [sys.executable, "-m", "warpfive", *WORDS], stderr=subprocess.PIPE, text=True
    ) as process:
        lines = []
        while not lines or not lines[-1].startswith("http"):
            lines.append(process.stderr.readline())
            assert lines[-1], "".join(lines)
        try:
            yield process, int(re.search(r":(\d+)/", lines[-1])[1]), lines[0]
        finally:
            process.kill()


@pytest.fixture
def ask(server):
    """Sends one request; its status and body."""

    def send(path, body=None):
        line = http.client.HTTPConnection("127.0.0.1", server[1], timeout=60)
        data = None if body is None else json.dumps(body)
        line.request("GET" if body is None else "POST", path, data,
                     {"Content-Type": "application/json"})  # fmt: skip
        answer = line.getresponse()
        return answer.status, answer.read().decode()

    return send


def test_it_says_what_it_is(server):
    assert server[2].startswith("Qwen3-0.6B as a twin of h20 1 chip: 1 chip, KV cache of ")
    assert "times are predicted, the text is filler" in server[2]


def test_a_chat_in_one_piece(ask):
    status, body = ask("/v1/chat/completions", {
        "model": "Qwen3-0.6B", "max_tokens": 7, "messages": [{"role": "user", "content": "hello"}],
    })  # fmt: skip
    record = json.loads(body)
    assert status == 200 and record["object"] == "chat.completion"
    assert len(record["choices"][0]["message"]["content"].split()) == 7
    assert record["usage"] == {"prompt_tokens": 3, "completion_tokens": 7, "total_tokens": 10}
    assert record["system_fingerprint"] == "h20 1 chip, predicted by warpfive; filler text"


@pytest.mark.parametrize("chat", [False, True])
def test_a_stream_has_a_chunk_a_token(ask, chat):
    body = {"model": "Qwen3-0.6B", "max_tokens": 5, "stream": True,
            "stream_options": {"include_usage": True}}  # fmt: skip
    more = {"messages": [{"role": "user", "content": "hi"}]} if chat else {"prompt": [1, 2, 3]}
    status, text = ask("/v1/chat/completions" if chat else "/v1/completions", body | more)
    events = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    assert status == 200 and events.pop() == "[DONE]"
    *chunks, last = map(json.loads, events)
    assert last["choices"] == [] and last["usage"]["completion_tokens"] == 5
    choices = [chunk["choices"][0] for chunk in chunks]
    assert choices[-1]["finish_reason"] == "length"
    if chat:
        assert choices[0]["delta"] == {"role": "assistant", "content": ""}
        pieces = [each["delta"].get("content") for each in choices[1:-1]]
    else:
        pieces = [each["text"] for each in choices[:-1]]
    assert len(pieces) == 5 and all(pieces)


@pytest.mark.parametrize(
    ("path", "change", "status", "message"),
    [
        ("completions", {"model": "x"}, 404,
         "model 'x' is not served here; 'Qwen3-0.6B' is"),
        ("completions", {"n": 2}, 400,
         "n = 2: one answer a request is served; send the request again for another"),
        ("completions", {"max_tokens": 0}, 400,
         "max_tokens = 0: Input should be greater than or equal to 1"),
        ("completions", {"prompt": ["a", "b"]}, 400,
         "prompt: one prompt a request is served, not 2; send one each"),
        ("completions", {"prompt": ""}, 400, "prompt = '': empty; at least one token is needed"),
        ("completions", {"logprobs": 3}, 400,
         "logprobs = 3: there are no probabilities of filler text; leave it out"),
        ("completions", {"max_tokens": 50_000, "stream": True}, 400,
         "request 1: 1 prompt and 50000 output tokens exceed the 40960 this engine holds; shorten "
         "it or add KV memory"),
        ("chat/completions", {"messages": []}, 400,
         "messages: List should have at least 1 item after validation, not 0"),
        ("chat/completions", {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
         400, "messages: content of type 'image_url': only text is served"),
    ],
)  # fmt: skip
def test_bad_requests_say_what_is_wrong(ask, path, change, status, message):
    body = {"model": "Qwen3-0.6B", "prompt": "a", "messages": [{"role": "user"}]} | change
    got, text = ask(f"/v1/{path}", body)
    said = json.loads(text)["error"]["message"]
    assert (got, re.sub(r"request \d+", "request 1", said)) == (status, message)


def test_models_health_and_metrics(ask):
    assert json.loads(ask("/v1/models")[1])["data"][0]["id"] == "Qwen3-0.6B"
    assert ask("/health") == (200, "")
    figures = dict(
        line.rsplit(" ", 1) for line in ask("/metrics")[1].splitlines() if line[0] != "#"
    )
    assert float(figures["vllm:generation_tokens_total"]) >= 7
    assert float(figures["vllm:num_requests_running"]) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--speed", "0"], "--speed must be above 0, not 0"),
        (["--context", "0"], "--context must be at least 1, not 0"),
        (["--drafts", "-1"], "--drafts must not be negative and --acceptance must lie in 0 to 1, "
         "not -1 and 0.7"),
    ],
)  # fmt: skip
def test_bad_options_say_what_is_wrong(capsys, words, message):
    assert main(["serve", "Qwen3-0.6B", *words]) != 0
    assert capsys.readouterr().err.strip() == f"warpfive: {message}"


def test_a_port_in_use_is_named(capsys):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["serve", "Qwen3-0.6B", "--port", str(port)]) != 0
    assert capsys.readouterr().err.strip() == (
        f"warpfive: --host 127.0.0.1 --port {port}: cannot listen there ({os.strerror(98)}); name "
        "another port, or 0 for a free one"
    )


def test_a_client_that_hangs_up_frees_its_seat(server, ask):
    body = {"model": "Qwen3-0.6B", "prompt": "a", "max_tokens": 40_000, "stream": True}
    line = http.client.HTTPConnection("127.0.0.1", server[1], timeout=60)
    line.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
    line.getresponse().readline()
    line.sock.shutdown(socket.SHUT_RDWR)
    line.close()
    end = time.monotonic() + 60
    while "requests_aborted_total 1.0" not in (said := ask("/metrics")[1]):
        assert time.monotonic() < end, said
        time.sleep(0.1)
    assert "vllm:num_requests_running 0.0" in said, said


def test_ctrl_c_ends_it_quietly(server):
    process = server[0]
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) in (0, 130)
    assert "Traceback" not in process.stderr.read()
