"""Device code inside host objects: the section ``.nv_fatbin`` and what the device linker reads.

A host object is compiled with a placeholder in that section, at the same time as the device
code; `fill` then puts the real contents there. They are a kernel image, or, for relocatable
device code, a packed unit: the magic, the unit's id, and its IR for the device link.
"""

import hashlib
import json
import re
import struct
import zlib
from dataclasses import asdict

from warpfive.compiler import toolchain
from warpfive.compiler.ir import Unit, Variable
from warpfive.compiler.thunks import Kernel
from warpfive.errors import CompileError
from warpfive.isa import elf

SECTION_NAME = ".nv_fatbin"
PLACEHOLDER = b"warpfive"
MAGIC = b"WFBC"
_UNIT = struct.Struct("<4sI32sQ")
"""Magic, version, id in hex, bytes that follow."""


def pack(unit: Unit) -> bytes:
    """A unit as relocatable objects carry it."""
    record = {
        "text": unit.text,
        "kernels": [asdict(kernel) for kernel in unit.kernels],
        "variables": [asdict(variable) for variable in unit.variables],
    }
    body = zlib.compress(json.dumps(record).encode(), 1)
    name = hashlib.sha256(body).hexdigest()[:32]
    return _UNIT.pack(MAGIC, 1, name.encode(), len(body)) + body


def unit_line(name: str, unit: Unit) -> str:
    """A unit as the image lists it: its id, and the names that clang made unique among units.

    Host code registers a static kernel or variable by the name it has in its own file.
    """
    symbols = [k.name for k in unit.kernels] + [v.name for v in unit.variables]
    pairs = [f"{match[1]}={match[0]}" for match in map(_UNIQUE.match, symbols) if match]
    return " ".join([name, *pairs])


_UNIQUE = re.compile(r"(.*?)__(?:intern|static)__[0-9a-f]+(?:_[0-9a-f]+)?$")


def unpack(data: bytes) -> tuple[str, Unit]:
    """The id and the unit that `pack` made."""
    _, version, name, size = _UNIT.unpack_from(data)
    if version != 1:
        raise CompileError(f"relocatable device code of version {version}; compile it again")
    record = json.loads(zlib.decompress(data[_UNIT.size : _UNIT.size + size]))
    kernels = [
        Kernel(k["name"], tuple((o, s) for o, s in k["params"]), k["max_threads"])
        for k in record["kernels"]
    ]
    variables = [Variable(**item) for item in record["variables"]]
    return name.decode(), Unit(record["text"], kernels, variables)


def fill(host: bytes, device: bytes) -> bytes:
    """A host object with ``device`` in place of the placeholder."""
    rows, offset = _rows(host)
    for number, (title, row) in enumerate(rows):
        if title == SECTION_NAME:
            body = host + bytes(-len(host) % 16)
            data = bytearray(body + device)
            row[4], row[5] = len(body), len(device)
            elf.SECTION.pack_into(data, offset + number * elf.SECTION.size, *row)
            return bytes(data)
    return host  # nothing of CUDA is left in the host code


def carrier(image: bytes) -> bytes:
    """A host object that brings a linked image, and announces it before ``main``."""
    words = ["-triple", toolchain.host_triple(), "-x", "c", "-emit-obj", "-O1"]
    words += ["-mrelocation-model", "pic", "-pic-level", "2", "-o", "-", "-"]
    done = toolchain.run_clang(words, stdin=_CARRIER)
    if done.returncode:
        raise CompileError(f"device link: {done.stderr.decode(errors='replace')}")
    return fill(done.stdout, image)


_CARRIER = b"""
static const char image[] __attribute__((section(".nv_fatbin"), aligned(16), used)) = "warpfive";
extern void __wf_register_linked(const void *);
__attribute__((constructor(101))) static void announce(void) { __wf_register_linked(image); }
"""


def contents(host: bytes) -> bytes:
    """What a host object holds in its device section; empty where it has none."""
    if host[:4] != b"\x7fELF":
        return b""
    for title, row in _rows(host)[0]:
        if title == SECTION_NAME and row[1] != 8:
            return host[row[4] : row[4] + row[5]]
    return b""


def units(host: bytes) -> list[tuple[str, Unit]]:
    """The relocatable units in an object; several where objects were joined with ``ld -r``."""
    data, found = contents(host), []
    mark = MAGIC + (1).to_bytes(4, "little")
    at = data.find(mark)
    while at >= 0:
        found.append(unpack(data[at:]))
        size = _UNIT.unpack_from(data, at)[3]
        at = data.find(mark, at + _UNIT.size + size)
    return found


def _rows(data: bytes) -> tuple[list[tuple[str, list[int]]], int]:
    head = elf.HEADER.unpack_from(data)
    offset, count, names = head[6], head[12], head[13]
    size = elf.SECTION.size
    rows = [list(elf.SECTION.unpack_from(data, offset + i * size)) for i in range(count)]
    if not rows:
        return [], offset
    strings = data[rows[names][4] : rows[names][4] + rows[names][5]]
    return [(elf.text_at(strings, row[0]), row) for row in rows], offset
