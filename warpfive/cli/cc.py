"""``warpfive cc``: the compiler driver under our own name."""

from pathlib import Path


def cc(words: list[str]) -> int:
    """Compiles with nvcc's command line; returns the exit status."""
    from warpfive.compiler import main as compile_words

    return compile_words(words, _library)


def _library() -> Path:
    from warpfive.chip import library

    return library()
