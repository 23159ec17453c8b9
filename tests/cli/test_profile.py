"""The profile page as a browser shows it."""

import html
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from warpfive.catalog import chip
from warpfive.cli.page import page
from warpfive.cli.trace import Span
from warpfive.perf import SourceLine, compare, sample_counters

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
BROWSER = next((found for name in BROWSERS if (found := shutil.which(name))), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")

# What the page does not say in text: how many pixels of the timeline are painted, in how many
# colours, and how long the page's own script took.
LOOK = """<script>
const pen = $("canvas").getContext("2d"), size = [$("canvas").width, $("canvas").height];
const pixels = size[0] ? pen.getImageData(0, 0, ...size).data : [];
const colours = new Set();
for (let i = 0; i < pixels.length; i += 4)
  if (pixels[i + 3] === 255) colours.add(pixels[i] << 16 | pixels[i + 1] << 8 | pixels[i + 2]);
document.body.dataset.colours = colours.size;
document.body.dataset.took = Math.round(performance.now());
</script>"""


def shown(text: str, folder: Path) -> str:
    """The document after its script has run, as the browser has it."""
    file = folder / "page.html"
    file.write_text(text.replace("</body>", LOOK + "</body>"), encoding="utf-8")
    words = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1320,1800",
             f"--user-data-dir={folder / 'browser'}", "--dump-dom", file.as_uri()]  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def words_of(document: str) -> str:
    """The text of a document without its scripts and styles."""
    text = re.sub(r"<(script|style).*?</\1>", "", document, flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)))


def data(document: str, name: str) -> int:
    found = re.search(rf'data-{name}="(\d+)"', document)
    assert found, f"the page has no data-{name}: its script failed"
    return int(found[1])


def uncoalesced(file: Path):
    """A record whose loads touch eight times as many sectors as they need to, at line 2."""
    one = sample_counters()
    sectors = 8 * one.global_load.sectors
    load = replace(one.global_load, sectors=sectors)
    line = SourceLine(
        file=str(file), line=2, warp_instructions=one.warp_instructions,
        lane_instructions=one.lane_instructions, requests=load.requests, sectors=sectors,
        ideal_sectors=load.ideal_sectors,
    )  # fmt: skip
    cold = replace(one.l2, cold_loads=sectors)
    return replace(
        one, kernel="void gather<float>(float*)", global_load=load, l2=cold, launches=3,
        footprint_loaded=sectors / 3, footprint_sectors=sectors / 3, lines=(line,),
    )  # fmt: skip


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "gather.cu"
    file.write_text("// one\n  y[i] = x[8 * i];  // the <hot> line\n// three\n")
    return file


def spans(count: int, kernels) -> list[Span]:
    return [
        Span(kind="kernel", stream=i % 3, start_ns=1000 * i, end_ns=1000 * i + 900,
             kernel=one.kernel, grid=one.grid, block=one.block)
        for i in range(count)
        for one in [kernels[i % len(kernels)]]
    ]  # fmt: skip


@needs_browser
def test_a_browser_shows_kernels_chips_roofline_timeline_and_source(source, tmp_path):
    records = [sample_counters(), uncoalesced(source)]
    found = compare(records, [chip("zhenwu-810e"), chip("h20"), chip("ascend-910c")])
    copy = Span(kind="copy in", stream=0, start_ns=0, end_ns=900, bytes=4096)
    document = shown(page(found, [copy, *spans(6, records)], "gather.cu"), tmp_path)
    text = words_of(document)
    for words in (
        "Zhenwu 810E", "gather<float>", "saxpy", "4096 blocks of 256", "4 launches", "ascend-910c",
        "memory bandwidth", "as fast", "no ground truth", "mJ",
        "gather.cu:2: 67% of global accesses at line 2 touch 32 sectors a warp where 4 would do",
        "y[i] = x[8 * i]; // the <hot> line", "32 sectors a warp where 4 would do",
        "bf16 tensor 119 TFLOP/s", "memory 2.46 TB/s",
    ):  # fmt: skip
        assert words in text, words
    assert document.count('class="dot"') == 2  # both kernels lie below the roof
    assert document.count('<tr class="pick') == 2
    assert data(document, "colours") >= 4  # two kernels, a copy, the ruler


@needs_browser
def test_ten_thousand_launches_open_at_once(source, tmp_path):
    records = [
        replace(sample_counters(), kernel=f"k{i}(int)", grid=(i + 1, 1, 1), launches=50)
        for i in range(200)
    ]
    found = compare(records, [chip("zhenwu-810e"), chip("h100")])
    text = page(found, spans(10_000, records), "many.cu")
    assert len(text) < 1_000_000
    document = shown(text, tmp_path)
    assert "10,000 launches of 200 kernels" in words_of(document)
    # Loading and drawing; far less on an idle machine.
    assert data(document, "took") < 5000


@needs_browser
def test_a_program_without_kernels_has_a_page(tmp_path):
    document = shown(page(compare([], [chip("h20")]), [], "empty.cu"), tmp_path)
    text = words_of(document)
    assert "0 launches of 0 kernels" in text and "nothing ran on the device" in text


def test_the_page_needs_nothing_else(source):
    text = page(compare([uncoalesced(source)], [chip("h20")]), [], "a</script>.cu")
    assert not re.search(r'(src|href)="(?!data:)', text)
    assert text.count("</script>") == 1


STREAMS = r"""
__global__ void fill(float *x, float v) { x[blockIdx.x * 256 + threadIdx.x] = v; }
int main() {
  float *x; cudaStream_t s[2];
  cudaMalloc(&x, 2 << 20);
  for (int i = 0; i < 2; i++) cudaStreamCreate(&s[i]);
  for (int i = 0; i < 8; i++) fill<<<1024, 256, 0, s[i % 2]>>>(x + (i % 2) * 262144, i);
  return cudaDeviceSynchronize();
}
"""


def test_profile_writes_the_page_the_trace_and_the_json(tmp_path):
    (tmp_path / "streams.cu").write_text(STREAMS)
    words = ["profile", "streams.cu", "-o", "r.html", "--trace", "t.json", "--json", "r.json"]
    done = subprocess.run(
        [sys.executable, "-m", "warpfive", *words, "--vs", "h20"], cwd=tmp_path,
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "r.html").read_text()
    assert "streams.cu on zhenwu-810e" in text and "x[blockIdx.x * 256 + threadIdx.x] = v" in text
    events = json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    assert len({event["tid"] for event in events if event["ph"] == "X"}) == 2
    assert len([event for event in events if event.get("cat") == "kernel"]) == 8
    assert json.loads((tmp_path / "r.json").read_text())["kernels"][0]["launches"] == 8


def test_a_page_that_cannot_be_written_is_refused_before_the_run(tmp_path):
    (tmp_path / "a.cu").write_text("int main() {}\n")
    done = subprocess.run(
        [sys.executable, "-m", "warpfive", "profile", "a.cu", "-o", "no/where.html"], cwd=tmp_path,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2 and "-o no/where.html: there is no folder no" in done.stderr
