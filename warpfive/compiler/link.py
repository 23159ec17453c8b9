"""The linker: objects from LLVM to one kernel image.

The image is an ELF64 RISC-V shared object linked at 0. File offset equals address for all
that is in the file. Only code and data that kernels and named variables reach is kept.
Shared variables get offsets from ``tp``; those of kernels that share no code may overlap.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from warpfive.compiler import relocate
from warpfive.compiler.demangle import demangle
from warpfive.compiler.elf import (
    EM_RISCV,
    HEADER,
    PROGRAM,
    RELA,
    SECTION,
    SHF_ALLOC,
    SHF_EXECINSTR,
    SHF_TLS,
    SHF_WRITE,
    SHT_NOBITS,
    SHT_PROGBITS,
    SHT_RELA,
    SHT_STRTAB,
    SHT_SYMTAB,
    SYMBOL,
    Object,
    Relocation,
    Section,
    Symbol,
)
from warpfive.compiler.ir import DYNAMIC_SHARED, MANAGED, Variable
from warpfive.compiler.thunks import ENTRY, Kernel
from warpfive.errors import CompileError

BASE = 0x200
"""Address of the first byte of code: nothing a program can name lies at offset 0."""

PAGE = 4096
STT_OBJECT, STT_FUNC, STT_SECTION, STT_TLS = 1, 2, 3, 6
ORDER = (".text", ".rodata", ".data", ".bss")


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


@dataclass(slots=True)
class Shared:
    """A static shared variable: alignment and size, the kernels that reach it, its offset."""

    size: int
    align: int
    kernels: set[str] = field(default_factory=set)
    offset: int = -1


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


class Linker:
    """Links objects; the order of use is the order of the methods in `link`."""

    def __init__(
        self, objects: Iterable[Object], kernels: list[Kernel], variables: list[Variable]
    ) -> None:
        self.inputs = [self._input(obj) for obj in objects]
        self.kernels = kernels
        self.variables = variables
        self.defined = self._definitions()
        self.kept: dict[int, Piece] = {}
        self.reach: dict[str, dict[int, Piece]] = {}
        self.layout: dict[int, dict[tuple[int, int], Shared]] = {}
        self.static_bytes: dict[str, int] = {}
        self.dynamic_at: dict[int, int] = {}
        self.slots: dict[str, int] = {}
        self.relative: list[tuple[int, int]] = []
        self.missing: dict[str, None] = {}
        self.ends: dict[str, tuple[int, int]] = {}
        self.slots_at = 0
        self.frames: dict[int, int] = {}
        for owner in self.inputs:
            for index, size in frame_sizes(owner.object):
                key = id(owner.pieces[index])
                self.frames[key] = max(size, self.frames.get(key, 0))

    @staticmethod
    def _input(obj: Object) -> Input:
        whole = Input(obj, [])
        whole.pieces = [Piece(section, whole) for section in obj.sections]
        return whole

    def _definitions(self) -> dict[str, tuple[Input, Symbol]]:
        found: dict[str, tuple[Input, Symbol]] = {}
        for owner in self.inputs:
            for symbol in owner.object.symbols:
                if symbol.section and symbol.name and symbol.type not in (3, 4):
                    found.setdefault(symbol.name, (owner, symbol))
        return found

    def find(self, owner: Input, index: int) -> tuple[Input, Symbol]:
        """The definition that a symbol of ``owner`` stands for."""
        symbol = owner.object.symbols[index]
        if symbol.section or not symbol.name:
            return owner, symbol
        return self.defined.get(symbol.name, (owner, symbol))

    # what is needed

    def mark(self) -> None:
        """Finds what every kernel reaches, and what the named variables add."""
        for owner in self.inputs:
            for piece in owner.pieces:
                if piece.section.flags & SHF_ALLOC:
                    self._edges(piece)
        for kernel in self.kernels:
            start = self._home(ENTRY + kernel.name)
            if start is None:
                raise CompileError(f"kernel {kernel.name} has no code; please report this program")
            self.reach[kernel.name] = self._closure([start])
            self.kept |= self.reach[kernel.name]
        homes = [self._home(self._storage(variable)) for variable in self.variables]
        self.kept |= self._closure([home for home in homes if home])

    @staticmethod
    def _storage(variable: Variable) -> str:
        return (MANAGED if variable.kind == "managed" else "") + variable.name

    def _home(self, name: str) -> Piece | None:
        found = self.defined.get(name)
        return found[0].pieces[found[1].section] if found else None

    def _edges(self, piece: Piece) -> None:
        for relocation in piece.section.relocations:
            owner, symbol = self.find(piece.owner, relocation.symbol)
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

    # shared memory

    def place_shared(self) -> None:
        """Offsets of shared variables, and the size of each kernel's static part.

        Every kernel has a layout of its own, but for kernels that share code which uses shared
        memory. Dynamic shared memory begins where the static part ends.
        """
        for group in self._groups():
            variables = self._variables(group)
            done: list[Shared] = []
            for variable in sorted(variables.values(), key=lambda v: (-v.align, -v.size)):
                variable.offset = self._free(variable, done)
                done.append(variable)
            for name in group:
                ends = [v.offset + v.size for v in done if name in v.kernels]
                self.static_bytes[name] = (max(ends, default=0) + 15) & -16
            self._place_dynamic(group)
            for name in group:
                for key in self.reach[name]:
                    self.layout[key] = variables

    def _groups(self) -> list[list[str]]:
        """Kernels that share code which uses shared memory."""
        leader = {name: name for name in self.reach}

        def root(name: str) -> str:
            while leader[name] != name:
                name = leader[name]
            return name

        users: dict[int, str] = {}
        for name, pieces in self.reach.items():
            for key, piece in pieces.items():
                if piece.dynamic or piece.shared:
                    leader[root(users.setdefault(key, name))] = root(name)
        groups: dict[str, list[str]] = {}
        for name in self.reach:
            groups.setdefault(root(name), []).append(name)
        return list(groups.values())

    def _variables(self, group: list[str]) -> dict[tuple[int, int], Shared]:
        found: dict[tuple[int, int], Shared] = {}
        for name in group:
            for piece in self.reach[name].values():
                for owner, index in piece.shared:
                    symbol = owner.object.symbols[index]
                    limit = owner.object.sections[symbol.section].align
                    align = min(limit, symbol.value & -symbol.value) if symbol.value else limit
                    variable = found.setdefault((id(owner), index), Shared(symbol.size, align))
                    variable.kernels.add(name)
        return found

    @staticmethod
    def _free(variable: Shared, done: list[Shared]) -> int:
        at = 0
        rivals = sorted((w for w in done if w.kernels & variable.kernels), key=lambda w: w.offset)
        for other in rivals:
            if at + variable.size <= other.offset:
                break
            end = other.offset + other.size
            at = max(at, (end + variable.align - 1) & -variable.align)
        return at

    def _place_dynamic(self, group: list[str]) -> None:
        users = [n for n in group if any(piece.dynamic for piece in self.reach[n].values())]
        start = max((self.static_bytes[name] for name in users), default=0)
        for name in users:
            self.static_bytes[name] = start
            self.dynamic_at |= dict.fromkeys(self.reach[name], start)

    # addresses

    def place(self) -> None:
        """Addresses of all that is kept; `ends` holds each output section's extent."""
        groups: dict[str, list[Piece]] = {name: [] for name in ORDER}
        for owner in self.inputs:
            for piece in owner.pieces:
                if id(piece) in self.kept and not piece.section.flags & SHF_TLS:
                    groups[self._kind(piece.section)].append(piece)
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
        at = self.slots_at = (at + 7) & -8
        for variable in self.variables:
            if variable.kind == "managed":
                self.slots[variable.name] = at
                at += 8
        return at

    @staticmethod
    def _kind(section: Section) -> str:
        if section.flags & SHF_EXECINSTR:
            return ".text"
        if section.type == SHT_NOBITS:
            return ".bss"
        # pointers in constants are relocated at load, as all of the image is written then
        return ".data" if section.flags & SHF_WRITE else ".rodata"

    def address(self, owner: Input, symbol: Symbol) -> int | None:
        """A symbol's address in the image; None for what is dropped or undefined."""
        if symbol.section >= 0xFF00:
            return symbol.value  # absolute
        if not symbol.section:
            return None
        piece = owner.pieces[symbol.section]
        if piece.section.flags & SHF_ALLOC and id(piece) not in self.kept:
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
        alloc = piece.section.flags & SHF_ALLOC
        if alloc and relocation.type == relocate.R_64:
            self.relative.append((piece.section.address + relocation.offset, value))

    def _value(self, piece: Piece, relocation: Relocation) -> int:
        owner, symbol = self.find(piece.owner, relocation.symbol)
        place = piece.section.address + relocation.offset
        if relocation.type in relocate.TPREL:
            return self._tprel(piece, owner, symbol, relocation) + relocation.addend
        if relocation.type == relocate.R_GOT_HI20:
            return self._slot(symbol.name) - place
        target = self.address(owner, symbol)
        if target is None:
            if not piece.section.flags & SHF_ALLOC:
                return -1  # a line of code that was dropped
            self.missing.setdefault(symbol.name)
            target = 0
        value = target + relocation.addend
        return value - place if relocation.type in relocate.PCREL else value

    def _tprel(self, piece: Piece, owner: Input, symbol: Symbol, relocation: Relocation) -> int:
        if symbol.name == DYNAMIC_SHARED:
            return self.dynamic_at.get(id(piece), 0)
        if not symbol.section:
            self.missing.setdefault(symbol.name)
            return 0
        layout = self.layout.get(id(piece), {})
        found = layout.get((id(owner), owner.object.symbols.index(symbol)))
        return found.offset if found else 0

    def fill_slots(self) -> None:
        """Managed variables lie in the image until the loader puts them elsewhere."""
        for name, slot in self.slots.items():
            owner, symbol = self.defined[MANAGED + name]
            self.relative.append((slot, self.address(owner, symbol) or 0))

    def _slot(self, name: str) -> int:
        if name not in self.slots:
            self.missing.setdefault(name)
        return self.slots.get(name, 0)

    # facts

    def stack_bytes(self, name: str) -> int:
        """Deepest stack of a kernel in bytes; 0 where recursion or pointers hide it."""
        frames: dict[int, int] = {}
        path: set[int] = set()

        def depth(piece: Piece) -> int | None:
            if id(piece) in path:
                return None
            if id(piece) not in frames:
                path.add(id(piece))
                inner = [depth(self._home_of_call(call)) for call in piece.calls]
                path.discard(id(piece))
                if any(part is None for part in inner):
                    return None
                own = self.frames.get(id(piece))
                if own is None or calls_itself(piece.section):
                    return None
                frames[id(piece)] = own + max((p for p in inner if p is not None), default=0)
            return frames[id(piece)]

        pieces = self.reach[name].values()
        called = {call for piece in pieces for call in piece.calls}
        for piece in pieces:
            # code that is reached but never called by name is called through a pointer
            if piece.section.flags & SHF_EXECINSTR:
                symbol = self._function_in(piece)
                if symbol not in called and symbol != ENTRY + name:
                    return 0
        deepest = depth(self._home_of_call(ENTRY + name))
        return 0 if deepest is None else max(deepest, 16)

    def _home_of_call(self, name: str) -> Piece:
        piece = self._home(name)
        assert piece is not None
        return piece

    def _function_in(self, piece: Piece) -> str:
        index = piece.owner.pieces.index(piece)
        for symbol in piece.owner.object.symbols:
            if symbol.section == index and symbol.type == STT_FUNC:
                return symbol.name
        return ""

    def records(self) -> str:
        """The lines of ``.warpfive`` after its first."""
        lines = []
        for kernel in self.kernels:
            owner, symbol = self.defined[ENTRY + kernel.name]
            params = ",".join(f"{offset}:{size}" for offset, size in kernel.params)
            lines.append(
                f"kernel {kernel.name} entry={self.address(owner, symbol):x} "
                f"args={kernel.args_bytes} params={params} "
                f"shared={self.static_bytes[kernel.name]} stack={self.stack_bytes(kernel.name)} "
                f"maxthreads={kernel.max_threads}"
            )
        for variable in self.variables:
            found = self.defined.get(self._storage(variable))
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
    linker.place_shared()
    linker.place()
    code = [piece for owner in linker.inputs for piece in owner.pieces if id(piece) in linker.kept]
    linker.patch(code)
    linker.fill_slots()
    if linker.missing:
        names = ", ".join(sorted(map(demangle, linker.missing)))
        raise CompileError(
            f"undefined in device code: {names}; define it with __device__, "
            "or build with -rdc=true and link the file that does"
        )
    return _Writer(linker, code).image(units)


class _Writer:
    """Puts the placed sections into a file."""

    def __init__(self, linker: Linker, code: list[Piece]) -> None:
        self.linker = linker
        self.code = code
        self.file = bytearray()
        self.sections: list[tuple[str, int, int, int, int, int, int, int, int, int]] = []

    def image(self, units: Iterable[str]) -> bytes:
        """The whole file."""
        linker, ends = self.linker, self.linker.ends
        self.file = bytearray(ends[".data"][1])
        for piece in self.code:
            if piece.section.type != SHT_NOBITS:
                at = piece.section.address
                self.file[at : at + piece.section.size] = piece.section.data
        flags = {".text": SHF_EXECINSTR, ".rodata": 0, ".data": SHF_WRITE, ".bss": SHF_WRITE}
        for name in ORDER:
            start, end = ends[name]
            kind = SHT_NOBITS if name == ".bss" else SHT_PROGBITS
            self._row(name, kind, SHF_ALLOC | flags[name], start, start, end - start, 64)
        rela = b"".join(RELA.pack(o, relocate.RELATIVE, v) for o, v in sorted(linker.relative))
        self._append(".rela.dyn", SHT_RELA, rela, entry=RELA.size, align=8)
        self._debug()
        records = linker.records() + "".join(f"unit {name}\n" for name in units)
        digest = hashlib.sha256(self.file + records.encode()).hexdigest()[:32]
        self._append(".warpfive", SHT_PROGBITS, f"warpfive 1 {digest}\n{records}".encode())
        self._symbols()
        self._finish()
        return bytes(self.file)

    def _row(
        self, name: str, kind: int, flags: int, address: int, offset: int, size: int, align: int,
        link: int = 0, info: int = 0, entry: int = 0,
    ) -> None:  # fmt: skip
        self.sections.append((name, kind, flags, address, offset, size, link, info, align, entry))

    def _append(
        self, name: str, kind: int, data: bytes, *, align: int = 1, link: int = 0, info: int = 0,
        entry: int = 0,
    ) -> None:  # fmt: skip
        self.file += bytes(-len(self.file) % align)
        self._row(name, kind, 0, 0, len(self.file), len(data), align, link, info, entry)
        self.file += data

    def _debug(self) -> None:
        """Line tables and what they need, joined by name and patched."""
        joined: dict[str, list[Piece]] = {}
        for owner in self.linker.inputs:
            for piece in owner.pieces:
                name = piece.section.name
                if name.startswith(".debug_") and piece.section.size:
                    joined.setdefault(name, []).append(piece)
        for pieces in joined.values():
            at = 0
            for piece in pieces:
                piece.section.address = at
                at += piece.section.size
        for name, pieces in joined.items():
            self.linker.patch(pieces)
            self._append(name, SHT_PROGBITS, b"".join(bytes(p.section.data) for p in pieces))

    def _symbols(self) -> None:
        strings, rows = bytearray(b"\0"), [SYMBOL.pack(0, 0, 0, 0, 0, 0)]
        index = {name: number + 1 for number, name in enumerate(ORDER)}
        for piece in self.code:
            kind = index[self.linker._kind(piece.section)]
            number = piece.owner.pieces.index(piece)
            for symbol in piece.owner.object.symbols:
                named = symbol.type in (STT_FUNC, STT_OBJECT) and symbol.section == number
                if named and not symbol.name.startswith(".L"):
                    name = symbol.name.removeprefix(ENTRY).removeprefix(MANAGED)
                    rows.append(
                        SYMBOL.pack(
                            len(strings), 0x10 | symbol.type, 0, kind,
                            piece.section.address + symbol.value, symbol.size,
                        )
                    )  # fmt: skip
                    strings += name.encode() + b"\0"
        self._append(
            ".symtab", SHT_SYMTAB, b"".join(rows), align=8, link=len(self.sections) + 2, info=1,
            entry=SYMBOL.size,
        )  # fmt: skip
        self._append(".strtab", SHT_STRTAB, bytes(strings))

    def _finish(self) -> None:
        names = bytearray(b"\0")
        offsets = []
        for row in [*self.sections, (".shstrtab",)]:
            offsets.append(len(names))
            names += row[0].encode() + b"\0"
        self._append(".shstrtab", SHT_STRTAB, bytes(names))
        self.file += bytes(-len(self.file) % 8)
        table = len(self.file)
        self.file += bytes(SECTION.size)
        for offset, row in zip(offsets, self.sections, strict=True):
            name, kind, flags, address, at, size, link, info, align, entry = row
            self.file += SECTION.pack(
                offset, kind, flags, address, at, size, link, info, align, entry
            )
        self.file[: HEADER.size] = HEADER.pack(
            b"\x7fELF\x02\x01\x01".ljust(16, b"\0"), 3, EM_RISCV, 1, 0, HEADER.size, table, 4,
            HEADER.size, PROGRAM.size, 3, SECTION.size, len(self.sections) + 1,
            len(self.sections),
        )  # fmt: skip
        self._segments()

    def _segments(self) -> None:
        ends, at = self.linker.ends, HEADER.size
        for flags, first, last, memory in (
            (5, ".text", ".text", ".text"),
            (4, ".rodata", ".rodata", ".rodata"),
            (6, ".data", ".data", ".bss"),
        ):
            start, end = ends[first][0], ends[last][1]
            size = ends[memory][1] - start
            self.file[at : at + PROGRAM.size] = PROGRAM.pack(
                1, flags, start, start, start, end - start, size, 64
            )
            at += PROGRAM.size
