"""RISC-V relocations: where a symbol's value goes in the bytes (psABI, "Relocations")."""

from collections.abc import Callable

R_32, R_64 = 1, 2
R_BRANCH, R_JAL, R_CALL, R_CALL_PLT, R_GOT_HI20 = 16, 17, 18, 19, 20
R_PCREL_HI20, R_PCREL_LO12_I, R_PCREL_LO12_S, R_HI20, R_LO12_I, R_LO12_S = 23, 24, 25, 26, 27, 28
R_TPREL_HI20, R_TPREL_LO12_I, R_TPREL_LO12_S, R_TPREL_ADD = 29, 30, 31, 32
R_ADD8, R_ADD16, R_ADD32, R_ADD64, R_SUB8, R_SUB16, R_SUB32, R_SUB64 = range(33, 41)
R_ALIGN, R_RELAX, R_SUB6, R_SET6, R_SET8, R_SET16, R_SET32 = 43, 51, 52, 53, 54, 55, 56
R_32_PCREL, R_PLT32, R_SET_ULEB128, R_SUB_ULEB128 = 57, 59, 60, 61

RELATIVE = 3
"""``R_RISCV_RELATIVE``, the one kind an image keeps: add the load address."""

NOTHING = {0, R_TPREL_ADD, R_ALIGN, R_RELAX}
PCREL = {R_BRANCH, R_JAL, R_CALL, R_CALL_PLT, R_PCREL_HI20, R_GOT_HI20, R_32_PCREL, R_PLT32}
PCREL_LOW = {R_PCREL_LO12_I, R_PCREL_LO12_S}
TPREL = {R_TPREL_HI20, R_TPREL_LO12_I, R_TPREL_LO12_S}


def get(data: bytearray, at: int, size: int) -> int:
    """A little-endian number."""
    return int.from_bytes(data[at : at + size], "little")


def put(data: bytearray, at: int, size: int, value: int) -> None:
    """Stores a little-endian number, wrapped to its size."""
    data[at : at + size] = (value & ((1 << (8 * size)) - 1)).to_bytes(size, "little")


def _field(mask: int, encode: Callable[[int], int]) -> Callable[[bytearray, int, int], None]:
    def patch(data: bytearray, at: int, value: int) -> None:
        put(data, at, 4, (get(data, at, 4) & mask) | (encode(value) & 0xFFFFFFFF))

    return patch


def _b_type(v: int) -> int:
    high = (v >> 12 & 1) << 31 | (v >> 5 & 0x3F) << 25
    return high | (v >> 1 & 0xF) << 8 | (v >> 11 & 1) << 7


def _j_type(v: int) -> int:
    high = (v >> 20 & 1) << 31 | (v >> 1 & 0x3FF) << 21
    return high | (v >> 11 & 1) << 20 | (v >> 12 & 0xFF) << 12


_u_type = _field(0x00000FFF, lambda v: (v + 0x800) & 0xFFFFF000)
_i_type = _field(0x000FFFFF, lambda v: (v & 0xFFF) << 20)
_s_type = _field(0x01FFF07F, lambda v: (v >> 5 & 0x7F) << 25 | (v & 0x1F) << 7)


def _call(data: bytearray, at: int, value: int) -> None:
    _u_type(data, at, value)
    _i_type(data, at + 4, value)


def _store(size: int) -> Callable[[bytearray, int, int], None]:
    return lambda data, at, value: put(data, at, size, value)


def _add(size: int, sign: int) -> Callable[[bytearray, int, int], None]:
    return lambda data, at, value: put(data, at, size, get(data, at, size) + sign * value)


def _six(data: bytearray, at: int, value: int, keep: int) -> None:
    data[at] = (data[at] & 0xC0) | ((keep * data[at] + value) & 0x3F)


def _set_uleb(data: bytearray, at: int, value: int) -> None:
    while True:
        more = data[at] & 0x80
        data[at] = more | (value & 0x7F)
        value >>= 7
        at += 1
        if not more:
            return


def _sub_uleb(data: bytearray, at: int, value: int) -> None:
    old, shift, end = 0, 0, at
    while True:
        old |= (data[end] & 0x7F) << shift
        shift += 7
        end += 1
        if not data[end - 1] & 0x80:
            break
    _set_uleb(data, at, old - value)


PATCH: dict[int, Callable[[bytearray, int, int], None]] = {
    R_32: _store(4),
    R_64: _store(8),
    R_BRANCH: _field(0x01FFF07F, _b_type),
    R_JAL: _field(0x00000FFF, _j_type),
    R_CALL: _call,
    R_CALL_PLT: _call,
    R_GOT_HI20: _u_type,
    R_PCREL_HI20: _u_type,
    R_PCREL_LO12_I: _i_type,
    R_PCREL_LO12_S: _s_type,
    R_HI20: _u_type,
    R_LO12_I: _i_type,
    R_LO12_S: _s_type,
    R_TPREL_HI20: _u_type,
    R_TPREL_LO12_I: _i_type,
    R_TPREL_LO12_S: _s_type,
    R_ADD8: _add(1, 1),
    R_ADD16: _add(2, 1),
    R_ADD32: _add(4, 1),
    R_ADD64: _add(8, 1),
    R_SUB8: _add(1, -1),
    R_SUB16: _add(2, -1),
    R_SUB32: _add(4, -1),
    R_SUB64: _add(8, -1),
    R_SUB6: lambda data, at, value: _six(data, at, -value, 1),
    R_SET6: lambda data, at, value: _six(data, at, value, 0),
    R_SET8: _store(1),
    R_SET16: _store(2),
    R_SET32: _store(4),
    R_32_PCREL: _store(4),
    R_PLT32: _store(4),
    R_SET_ULEB128: _set_uleb,
    R_SUB_ULEB128: _sub_uleb,
}
"""What each relocation type does to the bytes; ``value`` is S + A, less P where `PCREL`."""
