"""A, Zabha, Zacas: read-modify-write of memory, and compare and swap.

The lanes of a warp act one after another, the lowest first.
"""

from warpfive.isa.row import Row, table

_OPERATIONS = (
    ("swap", 0x01, "swap", "Exchanges."),
    ("add", 0x00, "add", "Adds."),
    ("xor", 0x04, "xor", "Exclusive or."),
    ("and", 0x0C, "and_", "And."),
    ("or", 0x08, "or_", "Or."),
    ("min", 0x10, "min_s", "Keeps the lesser, signed."),
    ("max", 0x14, "max_s", "Keeps the greater, signed."),
    ("minu", 0x18, "min_u", "Keeps the lesser, unsigned."),
    ("maxu", 0x1C, "max_u", "Keeps the greater, unsigned."),
)
_SIZES = {"b": (0, 1), "h": (1, 2), "w": (2, 4), "d": (3, 8)}


def _amos(extension: str, sizes: str) -> tuple[Row, ...]:
    """One row for each operation and size."""
    lines = []
    for name, f5, operation, text in _OPERATIONS:
        for size in sizes:
            f3, count = _SIZES[size]
            lines.append(
                f"amo{name}.{size} rd, rs2, (rs1) | op=0x2f f3={f3} f5={f5} | atomic "
                f"| rd = atomic(rs1, {count}, {operation}, rs2) | {text} {8 * count} bits."
            )
    return table(extension, "\n".join(lines))


_RESERVED = table("A", """
lr.w  rd, (rs1) | op=0x2f f3=2 f5=0x02 rs2=0 | atomic | rd = reserve(rs1, 4)
      | Loads 32 bits and reserves the address.
lr.d  rd, (rs1) | op=0x2f f3=3 f5=0x02 rs2=0 | atomic | rd = reserve(rs1, 8)
      | Loads 64 bits and reserves the address.
sc.w  rd, rs2, (rs1) | op=0x2f f3=2 f5=0x03 | atomic | rd = conditional(rs1, 4, rs2)
      | Stores 32 bits if the reservation holds; zero where it did.
sc.d  rd, rs2, (rs1) | op=0x2f f3=3 f5=0x03 | atomic | rd = conditional(rs1, 8, rs2)
      | Stores 64 bits if the reservation holds; zero where it did.
""")

_ZACAS = table("Zacas", """
amocas.b rdu, rs2, (rs1) | op=0x2f f3=0 f5=0x05 | atomic | rd = cas(rs1, 1, rd, rs2)
         | Stores rs2 where memory equals rd; the old 8 bits come back.
amocas.h rdu, rs2, (rs1) | op=0x2f f3=1 f5=0x05 | atomic | rd = cas(rs1, 2, rd, rs2)
         | Stores rs2 where memory equals rd; the old 16 bits come back.
amocas.w rdu, rs2, (rs1) | op=0x2f f3=2 f5=0x05 | atomic | rd = cas(rs1, 4, rd, rs2)
         | Stores rs2 where memory equals rd; the old 32 bits come back.
amocas.d rdu, rs2, (rs1) | op=0x2f f3=3 f5=0x05 | atomic | rd = cas(rs1, 8, rd, rs2)
         | Stores rs2 where memory equals rd; the old 64 bits come back.
amocas.q rdp, rs2p, (rs1) | op=0x2f f3=4 f5=0x05 | atomic | rd = cas_pair(rs1, rd, rs2)
         | The same for 128 bits in pairs of registers, even one first.
""")

ROWS = _amos("A", "wd") + _RESERVED + _amos("Zabha", "bh") + _ZACAS
