"""The verbs and their options, as typer reads them."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from warpfive import __version__
from warpfive.catalog import DEFAULT_CHIP
from warpfive.errors import InputError

app = typer.Typer(
    name="warpfive",
    help="CUDA programs, run on a RISC-V chip.",
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

PASS_THROUGH = {"allow_extra_args": True, "ignore_unknown_options": True}


ChipName = Annotated[str, typer.Option(metavar="NAME|FILE", help="The chip whose time is told.")]
ChipSettings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A what-if change of that chip."),
]
Versus = Annotated[str, typer.Option("--vs", metavar="NAME,...", help="Chips to compare it with.")]
Exact = Annotated[bool, typer.Option(help="Count every block, not a sample.")]


@dataclass(frozen=True, slots=True)
class ProgramArguments:
    """What the command line gave to the program that ``run`` starts."""

    words: list[str]


LAZY_VERBS = {
    "calibrate": "warpfive.cli.calibrate",
    "chips": "warpfive.cli.chips",
    "estimate": "warpfive.cli.estimate",
    "gap": "warpfive.cli.gap",
    "models": "warpfive.cli.models",
    "parity": "warpfive.cli.parity",
    "plan": "warpfive.cli.plan",
    "serve": "warpfive.cli.serve",
    "simulate": "warpfive.cli.simulate",
    "torch": "warpfive.cli.torch",
    "validate": "warpfive.cli.validate",
}
"""Verbs whose module is imported, and its ``register(app)`` called, when one is asked for."""


def load_verbs(words: list[str]) -> None:
    """Register the verb that ``words`` begin with, or every verb when help is asked for."""
    asked = words[0] if words else "--help"
    names = LAZY_VERBS if asked.startswith("-") else LAZY_VERBS.keys() & {asked}
    known = {info.name for info in (*app.registered_groups, *app.registered_commands)}
    for name in sorted(set(names) - known):
        importlib.import_module(LAZY_VERBS[name]).register(app)


def invoke(words: list[str], rest: ProgramArguments) -> int:
    """Runs a verb; usage errors come back as :class:`InputError`."""
    load_verbs(words)
    group = typer.main.get_command(app)
    try:
        status = group.main(words, prog_name="warpfive", standalone_mode=False, obj=rest)
    except Exception as error:
        text = getattr(error, "format_message", None)
        if text is None:
            raise
        if type(error).__name__ == "NoArgsIsHelpError":
            print(text())
            return 2
        raise InputError(sentence(text())) from error
    return status if isinstance(status, int) else 0


def sentence(text: str) -> str:
    """A parser's message in the command's form: no full stop, a hint where help is."""
    text = text.rstrip(".")
    return f"{text[:1].lower()}{text[1:]}; `warpfive --help` lists what there is"


def show_version(asked: bool) -> None:
    if asked:
        print(f"warpfive {__version__}")
        raise typer.Exit(0)


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """CUDA programs, run on a RISC-V chip."""


@app.command(context_settings=PASS_THROUGH)
def run(
    context: typer.Context,
    report: Annotated[bool, typer.Option(help="Print a table of kernels on stderr.")] = False,
    json: Annotated[
        Path | None, typer.Option(help="Write all that was counted and predicted as JSON.")
    ] = None,
    chip: ChipName = DEFAULT_CHIP,
    settings: ChipSettings = None,
    versus: Versus = "",
    exact: Exact = False,
    clock: Annotated[
        str, typer.Option(help="What events and clock64 read: chip (predicted time) or host.")
    ] = "chip",
    trace: Annotated[
        Path | None, typer.Option(help="Write the chip's timeline for Perfetto (JSON).")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="fast, general, or reference (slow, from the ISA table).")
    ] = None,
    kernel_timeout: Annotated[
        float | None, typer.Option(help="Stop a kernel after this many seconds.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(help="Host threads to use; all cores unless given.")
    ] = None,
    fallback: Annotated[
        bool, typer.Option(help="Python: let the host compute operators that have no kernel.")
    ] = False,
) -> int:
    """Run a program: run PROG.cu [FLAGS] [-- ARGUMENTS], or run SCRIPT.py [ARGUMENTS]."""
    from warpfive.cli.run import RunOptions, run_program

    options = RunOptions(
        report=report, json=json, chip=chip, settings=tuple(settings or ()), versus=versus,
        exact=exact, clock=clock, trace=trace, engine=engine, kernel_timeout_s=kernel_timeout,
        threads=threads, fallback=fallback,
    )  # fmt: skip
    return run_program(context.args, context.obj.words, options)


@app.command(context_settings=PASS_THROUGH)
def profile(
    context: typer.Context,
    output: Annotated[Path, typer.Option("-o", "--output", help="The page.")] = Path("report.html"),
    report: Annotated[bool, typer.Option(help="Print the table of `run --report`, too.")] = False,
    json: Annotated[Path | None, typer.Option(help="Write everything as JSON, too.")] = None,
    trace: Annotated[Path | None, typer.Option(help="Write a Perfetto trace, too.")] = None,
    chip: ChipName = DEFAULT_CHIP,
    settings: ChipSettings = None,
    versus: Versus = "",
    exact: Exact = False,
) -> int:
    """Run a program and write a page about its time: profile PROG.cu -o report.html."""
    from warpfive.cli.run import RunOptions, run_program

    options = RunOptions(
        report=report, json=json, trace=trace, page=output, chip=chip,
        settings=tuple(settings or ()), versus=versus, exact=exact,
    )  # fmt: skip
    return run_program(context.args, context.obj.words, options)


@app.command(context_settings=PASS_THROUGH)
def cc(context: typer.Context) -> int:
    """Compile as nvcc does: cc [NVCC'S OPTIONS] FILES."""
    from warpfive.cli.cc import cc as compile_words

    return compile_words(context.args)


@app.command()
def env() -> None:
    """Print shell lines that put `nvcc` on PATH: eval "$(warpfive env)"."""
    from warpfive.cli.env import shell_lines

    print(shell_lines())


@app.command(context_settings=PASS_THROUGH)
def disasm(
    context: typer.Context,
    kernel: Annotated[str | None, typer.Option(help="Only kernels of this name.")] = None,
) -> None:
    """Print RISC-V assembly with source lines: disasm PROG.cu [FLAGS]."""
    from warpfive.cli.disasm import print_assembly

    print_assembly(context.args, kernel)


@app.command()
def info() -> None:
    """Say what the chip, the host and the caches are."""
    from warpfive.cli.info import print_info

    print_info()


@app.command()
def build() -> None:
    """Build the chip's and the device's libraries now, not at first use."""
    from warpfive.cli.build import build_libraries

    build_libraries()
