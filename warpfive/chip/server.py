"""Answers the chip's requests: ``python -m warpfive.chip.server``.

Requests and replies are lines; spaces inside a field are percent-encoded:

    translate IMAGE KERNEL BX BY BZ VARIANT PATH  ->  ok PATH          a translated object
    where IMAGE PC                                ->  ok FILE:LINE     of an instruction (hex)
    reference JOB                                 ->  ok counts W L    on the reference engine
    anything, when it fails                       ->  error SENTENCE
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from warpfive import cache
from warpfive.errors import InputError, WarpfiveError

TRANSLATED_BYTES = 2 << 30
"""Bound on translated objects; ``WARPFIVE_CACHE_BYTES`` is another."""


def translate(image: str, kernel: str, x: str, y: str, z: str, variant: str, place: str) -> str:
    """Makes the translated object ``place`` if the cache lacks it."""
    from warpfive.chip.lines import LineTable
    from warpfive.translator import translate as make

    path = Path(place)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.stem}.{os.getpid()}.so")
        host = os.environ.get("WARPFIVE_HOST", "")
        data, block = Path(image).read_bytes(), (int(x), int(y), int(z))
        lines = LineTable(data).where if variant.endswith("count") else None
        make(data, kernel, block, variant, temporary, host, lines)
        os.replace(temporary, path)
        limit = int(os.environ.get("WARPFIVE_CACHE_BYTES") or TRANSLATED_BYTES)
        cache.bound(cache.root() / "translated", limit)
    return place


def where(image: str, pc: str) -> str:
    """``file:line`` of the instruction at an offset of the image."""
    from warpfive.chip.lines import source_line

    return source_line(Path(image), int(pc, 16))


def reference(job: str) -> str:
    """What a launch on the reference engine came to: see ``chip/native/reference.cpp``."""
    from warpfive.chip.reference import run_reference

    return run_reference(Path(job))


REQUESTS: dict[str, Callable[..., str]] = {
    "translate": translate,
    "where": where,
    "reference": reference,
}


def answer(request: str) -> str:
    """The reply line to one request line."""
    verb, *fields = request.split()
    try:
        if verb not in REQUESTS:
            raise InputError(f"unknown request {verb!r}; there are " + ", ".join(REQUESTS))
        return "ok " + REQUESTS[verb](*map(unquote, fields))
    except WarpfiveError as error:
        return "error " + one_line(str(error))
    except Exception as error:  # whatever goes wrong, the program gets a reply
        if os.environ.get("WARPFIVE_DEBUG"):
            import traceback

            traceback.print_exc()
        return "error " + one_line(f"{type(error).__name__}: {error}")


def one_line(text: str) -> str:
    return " ".join(text.split())


def detach() -> None:
    """Leaves the program that started us: it must not find us among its children."""
    if os.fork():
        os._exit(0)


def main() -> None:
    detach()
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # nothing else may reach the program through our standard output
    for line in sys.stdin:
        if line.strip():
            print(answer(line), file=replies)
    os._exit(0)  # the program has ended: do not keep its terminal waiting


if __name__ == "__main__":
    main()
