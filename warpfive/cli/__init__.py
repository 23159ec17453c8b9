"""The ``warpfive`` command: one verb a file, rooms loaded when a verb needs them."""

import sys
from collections.abc import Sequence

from warpfive.errors import InputError, WarpfiveError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line and returns its exit status; a user's error is one sentence.

    >>> main(["info", "--nonsense"])
    2
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if words[:1] == ["cc"]:  # every word after it is the compiler's, --help too
            from warpfive.cli.cc import cc

            return cc(words[1:])
        return command(words)
    except InputError as error:
        print(f"warpfive: {error}", file=sys.stderr)
        return 2
    except WarpfiveError as error:
        print(f"warpfive: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read our output has seen enough
        sys.stderr.close()
        return 1
    except KeyboardInterrupt:
        return 130


def command(words: list[str]) -> int:
    """A verb that typer parses; what follows ``--`` or a script in ``run`` is the program's."""
    from warpfive.cli.app import ProgramArguments, invoke

    own, rest = words, []
    if words[:1] == ["run"]:
        ends = [place for place, word in enumerate(words) if word == "--" or word.endswith(".py")]
        if ends and words[ends[0]] == "--":
            own, rest = words[: ends[0]], words[ends[0] + 1 :]
        elif ends:
            own, rest = words[: ends[0] + 1], words[ends[0] + 1 :]
    return invoke(own, ProgramArguments(rest))
