"""The commands of the pages about timing, run as they are printed."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from warpfive.perf.counters import UNITS
from warpfive.perf.timing import LIMITS, TERMS, KernelTime

DOCS = Path(__file__).parents[2] / "docs"
TUTORIAL = (DOCS / "tutorials" / "how-fast-on-another-chip.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"^    (warpfive .*)$", re.MULTILINE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tutorial's program lies."""
    found = re.search(r"```cuda\n(.*?)```", TUTORIAL, re.DOTALL)
    assert found
    place = tmp_path_factory.mktemp("tutorial")
    (place / "transpose.cu").write_text(found[1])
    return place


def run(words: list[str], folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "warpfive", *words], cwd=folder, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def steps() -> list[tuple[str, str]]:
    """Each command of the tutorial and the output printed below it, if there is one."""
    found = []
    for match in COMMAND.finditer(TUTORIAL):
        block = re.match(r"\n+```\n(.*?)```", TUTORIAL[match.end() :], re.DOTALL)
        found.append((match[1], block[1] if block else ""))
    return found


def words_of(text: str) -> list[str]:
    """Words without the figures, which differ a little from run to run."""
    return re.findall(r"[A-Za-z<>_-]{3,}", re.sub(r"in [\d.]+ m?s on this host.*", "", text))


@pytest.mark.parametrize(("command", "printed"), steps(), ids=[step[0] for step in steps()])
def test_the_tutorial_says_what_its_commands_print(folder, command, printed):
    said = run(shlex.split(command)[1:], folder)
    for line in printed.splitlines():
        words = words_of(line)
        same = [other for other in said.splitlines() if words_of(other) == words]
        assert same or not words, f"no line like {line!r} in\n{said}"
        rate = re.search(r"([\d.]+) GB/s", line)
        if rate:
            now = re.search(r"([\d.]+) GB/s", same[0])
            assert now and float(now[1]) == pytest.approx(float(rate[1]), rel=0.1)


def test_the_tutorial_has_commands_with_output():
    assert len(steps()) >= 6 and sum(bool(printed) for _, printed in steps()) >= 3


def test_metrics_define_every_key_of_a_kernels_time():
    page = (DOCS / "metrics.md").read_text(encoding="utf-8")
    for name in (*KernelTime.__dataclass_fields__, *TERMS, *LIMITS):
        assert name in page, name


def test_the_formulas_name_every_figure_and_term():
    page = (DOCS / "timing.md").read_text(encoding="utf-8")
    for term in TERMS:
        assert re.search(rf"\b{term}\b", page), term
    model = (DOCS.parent / "warpfive/perf/native/kernel_time.cpp").read_text(encoding="utf-8")
    for name, value in re.findall(r"#define (L2_SHARE|ILP|SHARPNESS|USUAL_CORES) ([\d.]+)", model):
        assert re.search(rf"(?<![\d.]){float(value):g}(?![\d.]\d)", page), name
    assert "constant" in UNITS  # which the page says costs nothing where it is uniform


@pytest.mark.parametrize("page", ["run.md", "timing.md", "metrics.md"])
def test_links_lead_somewhere(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\(([\w/.-]*)(?:#([\w-]+))?\)", text):
        there = DOCS / (target or page)
        assert there.exists(), target
        heads = re.findall(r"^#+ (.*)$", there.read_text(encoding="utf-8"), re.MULTILINE)
        names = {re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads}
        assert not anchor or anchor in names, f"{target}#{anchor}"
