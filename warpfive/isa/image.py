"""Reading a kernel image: the ELF file that the compiler makes and the chip loads."""

from dataclasses import dataclass, field

from warpfive.errors import ImageError
from warpfive.isa.elf import (
    EM_RISCV,
    HEADER,
    RELA,
    SECTION,
    SHF_ALLOC,
    SHT_NOBITS,
    SYMBOL,
    text_at,
)


@dataclass(frozen=True, slots=True)
class KernelEntry:
    """A kernel: ``entry`` is an offset in the image; sizes are bytes.

    ``params`` are (offset, size) in the argument block of ``args_bytes``. ``stack_bytes`` is per
    thread, 0 where it is not known (recursion, calls through pointers). Dynamic shared
    memory begins ``shared_bytes`` after the block's shared memory.
    """

    name: str
    entry: int
    args_bytes: int
    params: tuple[tuple[int, int], ...]
    shared_bytes: int
    stack_bytes: int
    max_threads: int


@dataclass(frozen=True, slots=True)
class ImageVariable:
    """A variable: ``kind`` is device, constant or managed.

    Code finds a managed variable through the pointer at offset ``slot``. As relocated it points to
    ``address``, where the initial value is; the loader may put another address there.
    """

    name: str
    address: int
    size: int
    kind: str
    slot: int = 0


@dataclass(frozen=True, slots=True)
class ImageSymbol:
    """A function or an object of the image; ``address`` is an offset in it."""

    name: str
    address: int
    size: int
    is_function: bool


@dataclass(frozen=True, slots=True)
class ImageSection:
    """A section: its address (0 for those not loaded), contents and size."""

    name: str
    address: int
    size: int
    data: bytes
    loaded: bool


@dataclass(slots=True)
class Image:
    """A kernel image.

    ``memory`` is the loaded part as it lies at the load address before relocation, and
    ``relative`` are (offset, value): the loader stores value + load address at offset.
    ``units`` are ids of the relocatable units that were linked into it.
    """

    build_id: str
    memory: bytes
    kernels: dict[str, KernelEntry]
    variables: dict[str, ImageVariable]
    symbols: list[ImageSymbol]
    sections: dict[str, ImageSection]
    relative: list[tuple[int, int]] = field(default_factory=list)
    units: tuple[str, ...] = ()

    @property
    def text(self) -> tuple[int, bytes]:
        """Offset and bytes of the code."""
        section = self.sections[".text"]
        return section.address, section.data

    def symbol_at(self, offset: int) -> ImageSymbol | None:
        """The function or object that covers an offset."""
        for symbol in self.symbols:
            if symbol.address <= offset < symbol.address + max(symbol.size, 1):
                return symbol
        return None


def read_image(data: bytes) -> Image:
    """Reads an image; refuses anything the compiler did not make."""
    if data[:4] != b"\x7fELF" or len(data) < HEADER.size:
        raise ImageError("not a kernel image: the file does not begin as an ELF file does")
    head = HEADER.unpack_from(data)
    if head[2] != EM_RISCV:
        raise ImageError(f"not a kernel image: ELF machine {head[2]}, expected 243 (RISC-V)")
    sections = _sections(data, head)
    if ".warpfive" not in sections:
        raise ImageError("not a kernel image: the RISC-V ELF file has no .warpfive section")
    build_id, kernels, variables = _records(sections[".warpfive"].data.decode())
    symbols = _symbols(sections)
    relative = [
        (offset, addend) for offset, _, addend in RELA.iter_unpack(sections[".rela.dyn"].data)
    ]
    memory = _memory(sections)
    units = tuple(
        line.split()[1]
        for line in sections[".warpfive"].data.decode().splitlines()
        if line.startswith("unit ")
    )
    return Image(build_id, memory, kernels, variables, symbols, sections, relative, units)


def _sections(data: bytes, head: tuple[int, ...]) -> dict[str, ImageSection]:
    rows = [SECTION.unpack_from(data, head[6] + i * SECTION.size) for i in range(head[12])]
    names = data[rows[head[13]][4] : rows[head[13]][4] + rows[head[13]][5]]
    found = {}
    for name, kind, flags, address, offset, size, *_ in rows[1:]:
        body = b"" if kind == SHT_NOBITS else data[offset : offset + size]
        title = text_at(names, name)
        found[title] = ImageSection(title, address, size, body, bool(flags & SHF_ALLOC))
    return found


def _memory(sections: dict[str, ImageSection]) -> bytes:
    loaded = [section for section in sections.values() if section.loaded]
    memory = bytearray(max((s.address + s.size for s in loaded), default=0))
    for section in loaded:
        memory[section.address : section.address + len(section.data)] = section.data
    return bytes(memory)


def _symbols(sections: dict[str, ImageSection]) -> list[ImageSymbol]:
    strings = sections[".strtab"].data
    rows = SYMBOL.iter_unpack(sections[".symtab"].data)
    found = [
        ImageSymbol(text_at(strings, name), value, size, info & 15 == 2)
        for name, info, _, _, value, size in rows
        if name
    ]
    return sorted(found, key=lambda symbol: symbol.address)


def _records(
    text: str,
) -> tuple[str, dict[str, KernelEntry], dict[str, ImageVariable]]:
    first, *lines = text.splitlines()
    mark, version, build_id = first.split()
    if mark != "warpfive" or version != "1":
        raise ImageError(f"kernel image version {version} is not 1; compile the program again")
    kernels, variables = {}, {}
    for line in lines:
        kind, name, *fields = line.split()
        values = dict(item.split("=", 1) for item in fields)
        if kind == "kernel":
            kernels[name] = KernelEntry(
                name,
                int(values["entry"], 16),
                int(values["args"]),
                _params(values["params"]),
                int(values["shared"]),
                int(values["stack"]),
                int(values["maxthreads"]),
            )
        elif kind == "var":
            slot = int(values.get("slot", "0"), 16)
            address, size = int(values["addr"], 16), int(values["size"])
            variables[name] = ImageVariable(name, address, size, values["kind"], slot)
    return build_id, kernels, variables


def _params(text: str) -> tuple[tuple[int, int], ...]:
    pairs = [item.split(":") for item in text.split(",") if item]
    return tuple((int(offset), int(size)) for offset, size in pairs)
