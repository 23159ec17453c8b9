"""The command: help, errors, speed of its start, and `run` from source to output."""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from warpfive.cli import main
from warpfive.cli.format import count, duration, shape, short_name

HELLO = r"""
#include <cstdio>
#include <cstdlib>
__global__ void hello(int n) { if (threadIdx.x < n) printf("thread %d\n", threadIdx.x); }
int main(int argc, char **argv) {
  hello<<<1, 32>>>(2);
  cudaDeviceSynchronize();
  fprintf(stderr, "to stderr\n");
  for (int i = 1; i < argc; i++) puts(argv[i]);
  return argc == 1 ? 0 : atoi(argv[1]);
}
"""


def command(*words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "warpfive", *map(str, words)],
        capture_output=True, text=True, timeout=120, check=False, cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip


@pytest.fixture(scope="module")
def hello(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hello") / "hello.cu"
    path.write_text(HELLO)
    return path


def test_help_names_every_verb() -> None:
    said = command("--help").stdout
    assert all(verb in said for verb in ("run", "cc", "env", "disasm", "info"))


@pytest.mark.parametrize("words", [["-c", "import warpfive"], ["-m", "warpfive", "--help"]])
def test_start_is_quick(words: list[str]) -> None:
    took = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(took) < 1  # seconds of processor time: 0.15 when nobody shares the machine


def test_the_package_imports_no_room() -> None:
    code = "import sys, warpfive; print([m for m in sys.modules if m.startswith('warpfive.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["bogus"], 2, "warpfive: no such command 'bogus'; `warpfive --help` lists what there is"),
        (["run"], 2, "warpfive: run needs a source: warpfive run PROG.cu [FLAGS] [-- ARGUMENTS]"),
        (["run", "no.cu"], 2, "warpfive: there is no file no.cu"),
        (
            ["run", "no.cu", "--engine", "x"],
            2,
            "warpfive: there is no engine 'x'; it is one of fast, general, reference",
        ),
        (
            ["run", "no.cu", "--kernel-timeout", "0"],
            2,
            "warpfive: --kernel-timeout is a positive number of seconds, not 0",
        ),
        (["disasm"], 2, "warpfive: disasm needs a source: warpfive disasm PROG.cu [FLAGS]"),
    ],
)
def test_user_errors_are_one_sentence(
    capsys: pytest.CaptureFixture[str], words: list[str], status: int, said: str
) -> None:
    assert main(words) == status
    assert capsys.readouterr().err == said + "\n"


def test_run_is_the_program_and_nothing_else(hello: Path) -> None:
    done = command("run", hello)
    assert (done.returncode, done.stdout) == (0, "thread 0\nthread 1\n")
    assert done.stderr == "to stderr\n"


def test_run_passes_arguments_and_status(hello: Path) -> None:
    done = command("run", hello, "-O2", "--", "7", "--report", "a b")
    assert (done.returncode, done.stdout.splitlines()[2:]) == (7, ["7", "--report", "a b"])


def test_report_and_json_tell_of_the_kernel(hello: Path, tmp_path: Path) -> None:
    words = ["--report", "--vs", "h20,h100", "--json", tmp_path / "out.json"]
    done = command("run", hello, *words)
    for word in ("hello", "zhenwu-810e", "h20", "h100", "speed", "no ground truth", "└"):
        assert word in done.stderr
    found = json.loads((tmp_path / "out.json").read_text())
    assert [one["chip"] for one in found["chips"]] == ["zhenwu-810e", "h20", "h100"]
    (row,) = found["kernels"]
    assert (row["launches"], row["grid"], row["block"]) == (1, [1, 1, 1], [32, 1, 1])
    assert sum(row["counters"]["warp"].values()) > 0
    assert [time["chip"] for time in row["times"]] == ["zhenwu-810e", "h20", "h100"]
    assert all(time["total_s"] > time["start_s"] > 0 for time in row["times"])


def test_a_what_if_chip_and_a_file_are_chips(hello: Path, tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "warpfive/catalog/chips/h20.toml").read_text()
    (tmp_path / "mine.toml").write_text(text.replace('name = "h20"', 'name = "mine"'))
    words = ["--report", "--chip", tmp_path / "mine.toml", "--set", "clock=1.5GHz"]
    done = command("run", hello, *words, "--vs", "h20")
    assert "mine* " in done.stderr and "* mine with clock=1.5GHz" in done.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--chip", "h2"], "unknown chip 'h2'; did you mean h20, h20e, h200?"),
        (["--vs", "h20,zhenwu"], "unknown chip 'zhenwu'; did you mean"),
        (["--set", "clocks=1GHz"], "--set clocks: unknown key; did you mean clock"),
        (["--set", "memory.bandwidth=90TB/s"], "is more than 6 x HBM2e can carry"),
    ],
)
def test_chips_that_cannot_be_are_refused_before_anything_runs(hello, words, sentence) -> None:
    done = command("run", hello, *words)
    assert done.returncode == 2 and sentence in done.stderr and not done.stdout


def test_compile_errors_are_clangs(tmp_path: Path) -> None:
    (tmp_path / "bad.cu").write_text("int main() { return nothing; }\n")
    done = command("run", "bad.cu", cwd=tmp_path)
    assert done.returncode == 1 and "bad.cu:1:21: error:" in done.stderr


def test_a_changed_header_is_compiled_again(tmp_path: Path) -> None:
    (tmp_path / "n.h").write_text("#define N 3\n")
    (tmp_path / "p.cu").write_text('#include "n.h"\nint main() { return N; }\n')
    assert command("run", "p.cu", cwd=tmp_path).returncode == 3
    (tmp_path / "n.h").write_text("#define N 45\n")
    assert command("run", "p.cu", cwd=tmp_path).returncode == 45


def test_disasm_shows_source_lines(hello: Path) -> None:
    said = command("disasm", hello).stdout
    assert "hello" in said and "hello.cu:4" in said and "wf.sr" in said


def test_info_names_the_chip() -> None:
    assert "Zhenwu 810E" in command("info").stdout


def test_figures_of_the_table() -> None:
    assert [count(v) for v in (0, 999, 12345, 1.5e6, 2e9)] == ["0", "999", "12.3 k", "1.5 M", "2 G"]
    assert count(5e6, exact=False) == "~5 M"
    assert [duration(s) for s in (0, 2e-9, 3.21e-5, 0.5, 12)] == [
        "0 s", "2 ns", "32.1 us", "500 ms", "12 s",
    ]  # fmt: skip
    assert [shape(s) for s in ((5, 1, 1), (4, 2, 1), (1, 1, 3))] == ["5", "4x2", "1x1x3"]
    assert short_name("void a::f<(int)3>(float*, int)") == "a::f<(int)3>"


def test_any_number_of_processes_share_the_cache(tmp_path: Path) -> None:
    """Four users meet a program that no cache has seen, at the same time."""
    source = tmp_path / "shared.cu"
    source.write_text(f"// {tmp_path}\n{HELLO}")
    words = [sys.executable, "-m", "warpfive", "run", str(source)]
    running = [
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for one in running:
        said = one.communicate(timeout=120)
        assert (one.returncode, *said) == (0, "thread 0\nthread 1\n", "to stderr\n")


def test_an_interrupted_build_says_what_it_was_and_leaves_nothing_half_written(tmp_path) -> None:
    environment = os.environ | {"WARPFIVE_CACHE": str(tmp_path)}
    words = [sys.executable, "-m", "warpfive", "build"]
    with subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True) as build:
        said = build.stderr.readline()
        build.send_signal(signal.SIGINT)
        assert build.wait(60) == 130
        assert said == (
            "warpfive: building the chip's library and the host's C++ library; this happens once "
            "and takes about a minute\n"
        )
        assert build.stderr.read() == ""
    assert not list(tmp_path.rglob("lib*.so")) and not list((tmp_path / "lib").rglob(".*"))
