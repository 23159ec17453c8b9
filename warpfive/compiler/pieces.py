"""What the linker moves about: the sections of its objects, and who defines which name."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from warpfive.compiler.object import Object, Section, Symbol
from warpfive.isa import elf

STT_OBJECT, STT_FUNC, STT_SECTION, STT_FILE, STT_TLS = 1, 2, 3, 4, 6
ORDER = (".text", ".rodata", ".data", ".bss")
"""Sections of an image, in their order."""


@dataclass(eq=False, slots=True)
class Piece:
    """A section of one of the objects, as the linker moves it about."""

    section: Section
    owner: "Input"
    uses: list["Piece"] = field(default_factory=list)
    shared: list[tuple["Input", int]] = field(default_factory=list)
    dynamic: bool = False
    calls: set[str] = field(default_factory=set)


@dataclass(eq=False, slots=True)
class Input:
    """One object with its sections as pieces."""

    object: Object
    pieces: list[Piece]


def kind(section: Section) -> str:
    """The section of the image that takes in a section of an object."""
    if section.flags & elf.SHF_EXECINSTR:
        return ".text"
    if section.type == elf.SHT_NOBITS:
        return ".bss"
    # pointers in constants are relocated at load, as all of the image is written then
    return ".data" if section.flags & elf.SHF_WRITE else ".rodata"


class Inputs:
    """The objects of one link, and the definitions in them."""

    def __init__(self, objects: Iterable[Object]) -> None:
        self.all = [self._input(obj) for obj in objects]
        self.defined: dict[str, tuple[Input, Symbol]] = {}
        for owner in self.all:
            for symbol in owner.object.symbols:
                if symbol.section and symbol.name and symbol.type not in (STT_SECTION, STT_FILE):
                    self.defined.setdefault(symbol.name, (owner, symbol))

    @staticmethod
    def _input(obj: Object) -> Input:
        whole = Input(obj, [])
        whole.pieces = [Piece(section, whole) for section in obj.sections]
        return whole

    def pieces(self) -> Iterable[Piece]:
        """Every section of every object, in their order."""
        return (piece for owner in self.all for piece in owner.pieces)

    def find(self, owner: Input, index: int) -> tuple[Input, Symbol]:
        """The definition that a symbol of ``owner`` stands for."""
        symbol = owner.object.symbols[index]
        if symbol.section or not symbol.name:
            return owner, symbol
        return self.defined.get(symbol.name, (owner, symbol))

    def home(self, name: str) -> Piece | None:
        """The section that defines a name."""
        found = self.defined.get(name)
        return found[0].pieces[found[1].section] if found else None
