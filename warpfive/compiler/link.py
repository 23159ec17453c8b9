"""The linker: objects from LLVM to one kernel image.

The image is an ELF64 RISC-V shared object linked at 0. File offset equals address for all
that is in the file. Only code and data that kernels and named variables reach is kept.
Shared variables get offsets from ``tp``; those of kernels that share no code may overlap.
"""

from collections.abc import Iterable

from warpfive.compiler import relocate
from warpfive.compiler.demangle import demangle
from warpfive.compiler.ir import DYNAMIC_SHARED, MANAGED, Variable
from warpfive.compiler.object import Object, Relocation, Symbol
from warpfive.compiler.pieces import ORDER, STT_TLS, Input, Inputs, Piece, kind
from warpfive.compiler.shared import SharedMemory
from warpfive.compiler.stack import Stacks
from warpfive.compiler.thunks import ENTRY, Kernel
from warpfive.compiler.write import Writer
from warpfive.errors import CompileError
from warpfive.isa import elf

BASE = 0x200
"""Address of the first byte of code: nothing a program can name lies at offset 0."""

PAGE = 4096


class Linker:
    """Links objects; the order of use is the order of the methods in `link`."""

    def __init__(
        self, objects: Iterable[Object], kernels: list[Kernel], variables: list[Variable]
    ) -> None:
        self.inputs = Inputs(objects)
        self.kernels = kernels
        self.variables = variables
        self.kept: dict[int, Piece] = {}
        self.reach: dict[str, dict[int, Piece]] = {}
        self.shared = SharedMemory({})
        self.slots: dict[str, int] = {}
        self.relative: list[tuple[int, int]] = []
        self.missing: dict[str, None] = {}
        self.ends: dict[str, tuple[int, int]] = {}

    # what is needed

    def mark(self) -> None:
        """Finds what every kernel reaches, and what the named variables add."""
        for piece in self.inputs.pieces():
            if piece.section.flags & elf.SHF_ALLOC:
                self._edges(piece)
        for kernel in self.kernels:
            start = self.inputs.home(ENTRY + kernel.name)
            if start is None:
                raise CompileError(f"kernel {kernel.name} has no code; please report this program")
            self.reach[kernel.name] = self._closure([start])
            self.kept |= self.reach[kernel.name]
        homes = [self.inputs.home(self._storage(variable)) for variable in self.variables]
        self.kept |= self._closure([home for home in homes if home])
        self.shared = SharedMemory(self.reach)

    @staticmethod
    def _storage(variable: Variable) -> str:
        return (MANAGED if variable.kind == "managed" else "") + variable.name

    def _edges(self, piece: Piece) -> None:
        for relocation in piece.section.relocations:
            owner, symbol = self.inputs.find(piece.owner, relocation.symbol)
            if relocation.type in relocate.TPREL or symbol.type == STT_TLS:
                if symbol.name == DYNAMIC_SHARED:
                    piece.dynamic = True
                elif symbol.section:
                    piece.shared.append((owner, owner.object.symbols.index(symbol)))
            elif 0 < symbol.section < len(owner.pieces):
                target = owner.pieces[symbol.section]
                if target is not piece:
                    piece.uses.append(target)
                if relocation.type in (relocate.R_CALL, relocate.R_CALL_PLT):
                    piece.calls.add(symbol.name)

    @staticmethod
    def _closure(start: list[Piece]) -> dict[int, Piece]:
        seen, todo = {id(piece): piece for piece in start}, list(start)
        while todo:
            for piece in todo.pop().uses:
                if id(piece) not in seen:
                    seen[id(piece)] = piece
                    todo.append(piece)
        return seen

    # addresses

    def place(self) -> None:
        """Addresses of all that is kept; `ends` holds each output section's extent."""
        groups: dict[str, list[Piece]] = {name: [] for name in ORDER}
        for piece in self.inputs.pieces():
            if id(piece) in self.kept and not piece.section.flags & elf.SHF_TLS:
                groups[kind(piece.section)].append(piece)
        at = BASE
        for name in ORDER:
            start = at = (at + 63) & -64
            for piece in sorted(groups[name], key=lambda piece: piece.section.align >= PAGE):
                at = (at + piece.section.align - 1) & -piece.section.align
                piece.section.address = at
                at += piece.section.size
                if piece.section.align >= PAGE:
                    at = (at + PAGE - 1) & -PAGE  # pages of its own, for managed variables
            if name == ".data":
                at = self._place_slots(at)
            self.ends[name] = (start, at)

    def _place_slots(self, at: int) -> int:
        at = (at + 7) & -8
        for variable in self.variables:
            if variable.kind == "managed":
                self.slots[variable.name] = at
                at += 8
        return at

    def address(self, owner: Input, symbol: Symbol) -> int | None:
        """A symbol's address in the image; None for what is dropped or undefined."""
        if symbol.section >= 0xFF00:
            return symbol.value  # absolute
        if not symbol.section:
            return None
        piece = owner.pieces[symbol.section]
        if piece.section.flags & elf.SHF_ALLOC and id(piece) not in self.kept:
            return None
        return piece.section.address + symbol.value

    # patching

    def patch(self, pieces: Iterable[Piece]) -> None:
        """Applies the relocations of sections that have their addresses."""
        for piece in pieces:
            highs = self._highs(piece)
            for relocation in piece.section.relocations:
                if relocation.type not in relocate.NOTHING:
                    self._apply(piece, relocation, highs)

    def _highs(self, piece: Piece) -> dict[int, int]:
        """Values of the pc-relative high parts, by offset: low parts name their high part."""
        found = {}
        for relocation in piece.section.relocations:
            if relocation.type in (relocate.R_PCREL_HI20, relocate.R_GOT_HI20):
                found[relocation.offset] = self._value(piece, relocation)
        return found

    def _apply(self, piece: Piece, relocation: Relocation, highs: dict[int, int]) -> None:
        patch = relocate.PATCH.get(relocation.type)
        if patch is None:
            raise CompileError(
                f"device linker: relocation type {relocation.type} in {piece.section.name} is "
                "not supported; please report this program"
            )
        if relocation.type in relocate.PCREL_LOW:
            value = highs[piece.owner.object.symbols[relocation.symbol].value]
        else:
            value = self._value(piece, relocation)
        patch(piece.section.data, relocation.offset, value)
        alloc = piece.section.flags & elf.SHF_ALLOC
        if alloc and relocation.type == relocate.R_64:
            self.relative.append((piece.section.address + relocation.offset, value))

    def _value(self, piece: Piece, relocation: Relocation) -> int:
        owner, symbol = self.inputs.find(piece.owner, relocation.symbol)
        place = piece.section.address + relocation.offset
        if relocation.type in relocate.TPREL:
            return self._tprel(piece, owner, symbol, relocation) + relocation.addend
        if relocation.type == relocate.R_GOT_HI20:
            return self._slot(symbol.name) - place
        target = self.address(owner, symbol)
        if target is None:
            if not piece.section.flags & elf.SHF_ALLOC:
                return -1  # a line of code that was dropped
            self.missing.setdefault(symbol.name)
            target = 0
        value = target + relocation.addend
        return value - place if relocation.type in relocate.PCREL else value

    def _tprel(self, piece: Piece, owner: Input, symbol: Symbol, relocation: Relocation) -> int:
        if symbol.name == DYNAMIC_SHARED:
            return self.shared.dynamic_offset(piece)
        if not symbol.section:
            self.missing.setdefault(symbol.name)
            return 0
        return self.shared.offset(piece, owner, owner.object.symbols.index(symbol))

    def fill_slots(self) -> None:
        """Managed variables lie in the image until the loader puts them elsewhere."""
        for name, slot in self.slots.items():
            owner, symbol = self.inputs.defined[MANAGED + name]
            self.relative.append((slot, self.address(owner, symbol) or 0))

    def _slot(self, name: str) -> int:
        if name not in self.slots:
            self.missing.setdefault(name)
        return self.slots.get(name, 0)

    # facts

    def records(self) -> str:
        """The lines of ``.warpfive`` after its first."""
        lines = []
        stacks = Stacks(self.inputs)
        for kernel in self.kernels:
            stack = stacks.deepest(ENTRY + kernel.name, self.reach[kernel.name].values())
            owner, symbol = self.inputs.defined[ENTRY + kernel.name]
            params = ",".join(f"{offset}:{size}" for offset, size in kernel.params)
            lines.append(
                f"kernel {kernel.name} entry={self.address(owner, symbol):x} "
                f"args={kernel.args_bytes} params={params} "
                f"shared={self.shared.static_bytes[kernel.name]} stack={stack} "
                f"maxthreads={kernel.max_threads}"
            )
        for variable in self.variables:
            found = self.inputs.defined.get(self._storage(variable))
            if found:
                address = self.address(*found)
                slot = f" slot={self.slots[variable.name]:x}" if variable.name in self.slots else ""
                lines.append(
                    f"var {variable.name} addr={address:x} size={found[1].size} "
                    f"kind={variable.kind}{slot}"
                )
        return "".join(line + "\n" for line in lines)


def link(
    objects: Iterable[Object],
    kernels: list[Kernel],
    variables: list[Variable],
    units: Iterable[str] = (),
) -> bytes:
    """The image of objects that define the kernels' entries and the variables.

    ``units`` are the lines of relocatable units that the image answers for.
    """
    linker = Linker(objects, kernels, variables)
    linker.mark()
    linker.place()
    code = [piece for piece in linker.inputs.pieces() if id(piece) in linker.kept]
    linker.patch(code)
    linker.fill_slots()
    if linker.missing:
        names = ", ".join(sorted(map(demangle, linker.missing)))
        raise CompileError(
            f"undefined in device code: {names}; define it with __device__, "
            "or build with -rdc=true and link the file that does"
        )
    return Writer(linker, code).image(units)
