"""``warpfive cc``: the compiler driver under our own name."""


def cc(words: list[str]) -> int:
    """Compiles with nvcc's command line; returns the exit status."""
    from warpfive.cli.build import chip_library
    from warpfive.compiler import main as compile_words

    return compile_words(words, chip_library)
