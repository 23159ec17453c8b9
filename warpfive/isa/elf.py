"""The parts of ELF64 little-endian files that objects and kernel images are made of."""

import struct

SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_RELA, SHT_NOBITS = 1, 2, 3, 4, 8
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_TLS = 1, 2, 4, 0x400
EM_RISCV = 243

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM = struct.Struct("<IIQQQQQQ")
SECTION = struct.Struct("<IIQQQQIIQQ")
SYMBOL = struct.Struct("<IBBHQQ")
RELA = struct.Struct("<QQq")


def text_at(table: bytes | bytearray, offset: int) -> str:
    """The NUL-terminated string at ``offset``."""
    return table[offset : table.index(b"\0", offset)].decode()
