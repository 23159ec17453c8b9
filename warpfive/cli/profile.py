"""``warpfive profile``: runs a program and writes a page about it."""

import tempfile
from dataclasses import replace
from pathlib import Path

from warpfive.cli.run import (
    RunOptions,
    check,
    chips_of,
    environment_of,
    executable,
    inputs_of,
    spawn,
    tell,
)
from warpfive.errors import InputError


def profile_program(
    words: list[str], arguments: list[str], options: RunOptions, output: Path
) -> int:
    """Runs as `run_program` does and writes the page. Returns the program's exit status."""
    from warpfive.cli.page import write_page
    from warpfive.cli.report import read_records
    from warpfive.cli.trace import read_spans
    from warpfive.perf import compare

    options = replace(options, record=True)
    check(options)
    chips = chips_of(options)
    if not output.parent.is_dir():
        raise InputError(f"-o {output}: there is no folder {output.parent}")
    program = executable(words)
    with tempfile.TemporaryDirectory(prefix="warpfive-") as name:
        folder = Path(name)
        status = spawn([str(program), *arguments], environment_of(options, folder))
        found = compare(read_records(folder / "records"), chips)
        write_page(found, read_spans(folder / "spans"), inputs_of(words)[0].name, output)
        tell(folder, options)
    return status
