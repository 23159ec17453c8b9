"""Joining the IR of several units for the device link, with LLVM's own linker."""

from warpfive.errors import CompileError


def join(texts: list[str]) -> str:
    """One module's text of many; a symbol defined twice is refused by name."""
    # loading LLVM takes longer than most compilations, and few programs link device code
    import llvmlite.binding as llvm

    try:
        whole = llvm.parse_assembly(texts[0])
        for text in texts[1:]:
            whole.link_in(llvm.parse_assembly(text))
    except RuntimeError as failure:
        raise CompileError(f"device link: {_plain(str(failure))}") from None
    return str(whole)


def _plain(text: str) -> str:
    return text.strip().removeprefix("Linking globals named ").replace("''", "'")
