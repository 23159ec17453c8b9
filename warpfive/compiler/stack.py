"""How deep a kernel's stack can become, from what LLVM says of each function's frame."""

from collections.abc import Iterable

from warpfive.compiler.object import Object, Section
from warpfive.compiler.pieces import STT_FUNC, Inputs, Piece
from warpfive.isa import elf


def frame_sizes(obj: Object) -> Iterable[tuple[int, int]]:
    """(section of a function, bytes of its stack) from ``.stack_sizes``; functions whose stack
    changes as they run are not in it."""
    for section in obj.sections:
        if section.name == ".stack_sizes":
            for relocation in section.relocations:
                value, shift, at = 0, 0, relocation.offset + 8
                while True:
                    value |= (section.data[at] & 0x7F) << shift
                    shift += 7
                    at += 1
                    if not section.data[at - 1] & 0x80:
                        break
                yield obj.symbols[relocation.symbol].section, value


def calls_itself(section: Section) -> bool:
    """Whether a function calls itself: such calls need no relocation."""
    patched = {r.offset for r in section.relocations}
    for at in range(0, len(section.data) - 3, 4):
        word = int.from_bytes(section.data[at : at + 4], "little")
        if word & 0xFFF in (0x0EF, 0x097) and at not in patched:  # jal ra; auipc ra
            return True
    return False


class Stacks:
    """The frames of all functions."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self.frames: dict[int, int] = {}
        for owner in inputs.all:
            for index, size in frame_sizes(owner.object):
                key = id(owner.pieces[index])
                self.frames[key] = max(size, self.frames.get(key, 0))

    def deepest(self, entry: str, reached: Iterable[Piece]) -> int:
        """Bytes that ``entry`` and what it calls need at most; 0 where recursion or calls through
        pointers hide it. ``reached`` are the sections it reaches."""
        pieces = [piece for piece in reached if piece.section.flags & elf.SHF_EXECINSTR]
        called = {call for piece in pieces for call in piece.calls}
        if any(function_in(piece) not in called | {entry} for piece in pieces):
            return 0  # code that is reached but never called by name is called through a pointer
        deepest = self._depth(self._called(entry), {}, set())
        return 0 if deepest is None else max(deepest, 16)

    def _depth(self, piece: Piece, known: dict[int, int], path: set[int]) -> int | None:
        key = id(piece)
        if key in path:
            return None
        if key not in known:
            path.add(key)
            inner = [self._depth(self._called(call), known, path) for call in piece.calls]
            path.discard(key)
            own = self.frames.get(key)
            depths = [part for part in inner if part is not None]
            if len(depths) < len(inner) or own is None or calls_itself(piece.section):
                return None
            known[key] = own + max(depths, default=0)
        return known[key]

    def _called(self, name: str) -> Piece:
        piece = self.inputs.home(name)
        assert piece is not None
        return piece


def function_in(piece: Piece) -> str:
    """The function that a section of code holds."""
    index = piece.owner.pieces.index(piece)
    for symbol in piece.owner.object.symbols:
        if symbol.section == index and symbol.type == STT_FUNC:
            return symbol.name
    return ""
