"""``warpfive run``: compile, run, and tell what the chip did."""

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from warpfive import cache
from warpfive.catalog import DEFAULT_CHIP, ChipSpec, chip, with_settings
from warpfive.errors import InputError
from warpfive.perf import figures_text
from warpfive.units import MIB

PROGRAM_BYTES = 512 * MIB
"""Bound on the programs that are kept built."""
CLOCKS = ("chip", "host")
ENGINES = ("fast", "general", "reference")
SOURCES = {".cu", ".cpp", ".cc", ".cxx", ".c", ".o", ".a", ".so"}
TAKES_VALUE = frozenset({
    "-I", "-D", "-U", "-L", "-l", "-include", "-isystem", "-arch", "-gencode", "-code", "-std",
    "-Xcompiler", "-Xptxas", "-Xlinker", "-ccbin", "-x", "-maxrregcount", "--default-stream",
    "-t", "--threads",
})  # fmt: skip
"""Compiler options whose value is the next word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How ``run`` treats the program; what the program gets stays as it is without them."""

    report: bool = False
    json: Path | None = None
    chip: str = DEFAULT_CHIP
    settings: tuple[str, ...] = ()
    versus: str = ""
    exact: bool = False
    clock: str = "chip"
    trace: Path | None = None
    page: Path | None = None
    """Where `profile` writes its page."""
    engine: str | None = None
    kernel_timeout_s: float | None = None
    threads: int | None = None
    fallback: bool = False
    """Python scripts: the host may compute what has no kernel, and says so at exit."""


def run_program(words: list[str], arguments: list[str], options: RunOptions) -> int:
    """Compiles what ``words`` name with the flags among them, runs it with ``arguments``.

    Returns the program's exit status; 128 + n when signal n ended it.
    """
    check(options)
    chips_of(options)
    program = command_of(words)
    with tempfile.TemporaryDirectory(prefix="warpfive-") as folder:
        environment = environment_of(options, Path(folder))
        status = spawn([*program, *arguments], environment)
        tell(Path(folder), options, inputs_of(words)[0].name)
    return status


def command_of(words: list[str]) -> list[str]:
    """The words that start the program: a script's Python and itself, or what was compiled."""
    if not words or not words[0].endswith(".py"):
        return [str(executable(words))]
    if not Path(words[0]).exists():
        raise InputError(f"there is no file {words[0]}")
    from warpfive.torch_backend import check_torch

    check_torch()
    return [sys.executable, *words]


def check(options: RunOptions) -> None:
    if options.engine is not None and options.engine not in ENGINES:
        known = ", ".join(ENGINES)
        raise InputError(f"there is no engine {options.engine!r}; it is one of {known}")
    if options.page and not options.page.parent.is_dir():
        raise InputError(f"-o {options.page}: there is no folder {options.page.parent}")
    if options.clock not in CLOCKS:
        known = ", ".join(CLOCKS)
        raise InputError(f"there is no clock {options.clock!r}; it is one of {known}")
    if options.kernel_timeout_s is not None and options.kernel_timeout_s <= 0:
        raise InputError(
            f"--kernel-timeout is a positive number of seconds, not {options.kernel_timeout_s:g}"
        )
    if options.threads is not None and options.threads < 1:
        raise InputError(f"--threads is at least 1, not {options.threads}")


def environment_of(options: RunOptions, folder: Path) -> dict[str, str]:
    """The program's environment: ours, and what the chip reads of the options."""
    environment = dict(os.environ)
    if options.report or options.json or options.page:
        environment["WARPFIVE_REPORT"] = str(folder / "records")
    if options.trace or options.page:
        environment["WARPFIVE_TRACE"] = str(folder / "spans")
    if options.chip != DEFAULT_CHIP or options.settings:
        environment["WARPFIVE_CHIP"] = str(folder / "chip")
        (folder / "chip").write_text(figures_text(chips_of(options)[0]), encoding="utf-8")
    if options.clock != "chip":
        environment["WARPFIVE_CLOCK"] = options.clock
    if options.exact:
        environment["WARPFIVE_EXACT"] = "1"
    if options.engine:
        environment["WARPFIVE_ENGINE"] = options.engine
    if options.kernel_timeout_s:
        environment["WARPFIVE_KERNEL_TIMEOUT"] = f"{options.kernel_timeout_s:g}"
    environment["WARPFIVE_TORCH"] = "1"
    if options.report:
        environment["WARPFIVE_TORCH_REPORT"] = "1"
    if options.fallback:
        environment["WARPFIVE_TORCH_FALLBACK"] = "1"
    if options.threads:
        environment["WARPFIVE_THREADS"] = str(options.threads)
    return environment


def inputs_of(words: list[str]) -> list[Path]:
    """The files among a compiler's words."""
    found, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word in TAKES_VALUE:
            skip = True
        elif not word.startswith("-"):
            found.append(Path(word))
    return found


def executable(words: list[str]) -> Path:
    """The program built from ``words``, from the cache when nothing it is made from changed."""
    inputs = inputs_of(words)
    if not inputs:
        raise InputError("run needs a source: warpfive run PROG.cu [FLAGS] [-- ARGUMENTS]")
    for path in inputs:
        if not path.exists():
            raise InputError(f"there is no file {path}")
    if "-o" in words:
        raise InputError("run keeps the program in its cache; use `warpfive cc -o` to keep it")
    if len(inputs) == 1 and inputs[0].suffix not in SOURCES and os.access(inputs[0], os.X_OK):
        return inputs[0].absolute()
    return built(words, inputs)


def built(words: list[str], inputs: list[Path]) -> Path:
    folder = cache.root() / "programs" / key(words, inputs)
    program, made_from = folder / "program", folder / "made-from"
    if not (program.exists() and unchanged(made_from)):
        folder.mkdir(parents=True, exist_ok=True)
        compile_program(words, program, made_from)
    os.utime(program)
    return program


def key(words: list[str], inputs: list[Path]) -> str:
    """Names the build: the words, where they are read, and the main files' contents."""
    from warpfive.cli.build import chip_library

    digest = hashlib.sha256(repr((words, os.getcwd(), str(chip_library()))).encode())
    for path in inputs:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:24]


def stamp(path: Path) -> str:
    status = path.stat()
    return f"{path} {status.st_mtime_ns} {status.st_size}"


def unchanged(made_from: Path) -> bool:
    """Whether every file that the program was made from is as it was."""
    try:
        lines = made_from.read_text().splitlines()
        return all(stamp(Path(line.rsplit(" ", 2)[0])) == line for line in lines)
    except OSError:
        return False


def compile_program(words: list[str], program: Path, made_from: Path) -> None:
    """Compiles to ``program``; clang's own diagnostics are on stderr by then."""
    from warpfive.cli.cc import cc

    with tempfile.TemporaryDirectory(dir=program.parent) as folder:
        output = Path(folder) / "program"
        dependencies = Path(folder) / "dependencies"
        status = cc([*words, "-o", str(output), "-MD", "-MF", str(dependencies)])
        if status:
            sys.exit(status)
        files = needed(dependencies) if dependencies.exists() else inputs_of(words)
        made_from.write_text("".join(f"{stamp(path)}\n" for path in files))
        os.replace(output, program)
    cache.bound(program.parents[1], PROGRAM_BYTES)


def needed(dependencies: Path) -> list[Path]:
    """The files that a make rule names after its colon."""
    text = dependencies.read_text().replace("\\\n", " ")
    names = [name for line in text.splitlines() for name in line.partition(": ")[2].split()]
    return sorted({Path(name).absolute() for name in names if Path(name).exists()})


def spawn(words: list[str], environment: dict[str, str]) -> int:
    """Runs the program with our stdin, stdout and stderr; signals reach it as they reach us."""
    sys.stdout.flush()
    child = subprocess.Popen(words, env=environment)
    # The terminal sends Ctrl-C to the program, too: what it does then is its own affair.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: child.send_signal(number))
    try:
        status = child.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    return status if status >= 0 else 128 - status


def chips_of(options: RunOptions) -> list[ChipSpec]:
    """The chip that the program runs on, and those it is compared with."""
    others = [name.strip() for name in options.versus.split(",") if name.strip()]
    return [with_settings(chip(options.chip), options.settings), *map(chip, others)]


def tell(folder: Path, options: RunOptions, program: str) -> None:
    """Prints and writes what the options ask for, from what the program left in the folder."""
    from warpfive.cli.trace import read_spans, write_trace

    spans = read_spans(folder / "spans")
    if options.trace:
        write_trace(spans, options.chip, options.trace)
    if not (options.report or options.json or options.page):
        return
    from warpfive.cli.report import print_report, read_records, write_json
    from warpfive.perf import compare

    found = compare(read_records(folder / "records"), chips_of(options))
    if options.json:
        write_json(found, options.json)
    if options.page:
        from warpfive.cli.page import write_page

        write_page(found, spans, program, options.page)
    if options.report:
        print_report(found)
