"""Precompiled headers: what a source includes before its first line of code is parsed once.

The ``#include <...>`` lines that open a source, with ``cuda_runtime.h`` before them, make a
precompiled header in the cache, named by those lines and all options. Sources of a project
that begin alike, and a source that is compiled again, start where their own code starts.
"""

import os
import re
import subprocess
from pathlib import Path

from warpfive import cache
from warpfive.compiler import toolchain
from warpfive.compiler.builtins import fingerprint

_OPENING = re.compile(
    r"(?:\s+|//[^\n]*(?:\n|$)|/\*.*?\*/|#\s*include\s*(<[^>\n]+>)[^\n]*(?:\n|$))", re.S
)
_PRELUDE = "cuda_runtime.h"


def preamble(text: str) -> list[str]:
    """The system headers that a source includes before anything else."""
    found, at = [], 0
    while match := _OPENING.match(text, at):
        at = match.end()
        if match[1]:
            found.append(match[1])
    return found


def run(words: list[str], source: str, action: list[str]) -> subprocess.CompletedProcess[bytes]:
    """Runs ``clang -cc1`` on a source; ``words`` are all of its line but the
    action, the source last.

    What fails with a precompiled header is run again without one, so that the diagnostics are
    those of the source alone.
    """
    if action[0] in ("-emit-llvm", "-emit-obj"):
        path = header(words, source)
        if path:
            rest = _without_prelude(words)[0]
            done = toolchain.run_clang(
                [*action, "-include-pch", str(path), "-fno-validate-pch", *rest]
            )
            if done.returncode == 0:
                return done
    return toolchain.run_clang([*action, *words])


def header(words: list[str], source: str) -> Path | None:
    """The precompiled header for a source.

    One for all headers that open it is made when they are met for the second time, as making it
    takes longer than one compilation; until then, one of ``cuda_runtime.h`` alone serves. None
    where there is nothing to gain: no headers, other forced includes, or headers that do not
    compile by themselves.
    """
    try:
        headers = preamble(Path(source).read_text(errors="replace"))
    except OSError:
        return None
    rest, prelude = _without_prelude(words)
    if "-include" in rest:
        return None
    options = _for_header(rest[:-1])
    first = [f"#include <{_PRELUDE}>"] * prelude
    lines = first + [f"#include {name}" for name in headers]
    if headers:
        key = _key(options, lines)
        found = cache.Memo("pch").path(key)
        if found or not _first_time(key):
            return found or _build(key, options, lines)
    return _kept(options, first) if first else None


def _kept(options: list[str], lines: list[str]) -> Path | None:
    key = _key(options, lines)
    return cache.Memo("pch").path(key) or _build(key, options, lines)


def _key(options: list[str], lines: list[str]) -> str:
    relative = any(re.match(r"-I[^/]|[^-/].*/", word) for word in options) or "-I" in options
    place = os.getcwd() if relative else ""
    return cache.digest(fingerprint(), "\0".join(options), place, *lines)


def _first_time(key: str) -> bool:
    """Whether a set of headers is met for the first time; notes that it was met."""
    seen = cache.Store("pch-seen", 1 << 20)
    if seen.get(key) is not None:
        return False
    seen.put(key, b"")
    return True


def _without_prelude(words: list[str]) -> tuple[list[str], bool]:
    for at in range(len(words) - 1):
        if words[at] == "-include" and words[at + 1] == _PRELUDE:
            return words[:at] + words[at + 2 :], True
    return words, False


def for_text(options: list[str]) -> list[str]:
    """Options for preprocessed text: no header is included once more."""
    kept, skip = [], False
    for word in options:
        skip, dropped = word == "-include", skip or word == "-include"
        if not dropped:
            kept.append(word)
    return kept


def _build(key: str, options: list[str], lines: list[str]) -> Path | None:
    """Makes the precompiled header; None where the headers do not compile alone."""
    folder = cache.root() / "pch-sources"
    file = folder / f"{key}.prefix.h"
    if not file.exists():
        cache.write(file, ("\n".join(lines) + "\n").encode())
    list_ = folder / f"{key}-{os.getpid()}.d"
    words = ["-emit-pch", "-o", "-", *options]
    words += ["-dependency-file", str(list_), "-sys-header-deps", "-MT", "x", str(file)]
    done = toolchain.run_clang(words)
    if done.returncode or not list_.exists():
        return None
    files = toolchain.changeable(toolchain.needed(list_), str(file))
    list_.unlink(missing_ok=True)
    memo = cache.Memo("pch")
    memo.put(key, files, done.stdout)
    return memo.path(key)


def _for_header(options: list[str]) -> list[str]:
    """Options less those that name one source."""
    kept, skip = [], False
    for word in options:
        if skip:
            skip = False
        elif word == "-main-file-name":
            skip = True
        else:
            kept.append(word)
    return kept
