"""Names of registers, rounding modes and control registers."""

X_NAMES = (
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1",
    *(f"a{n}" for n in range(8)), *(f"s{n}" for n in range(2, 12)),
    *(f"t{n}" for n in range(3, 7)),
)  # fmt: skip
F_NAMES = (
    *(f"ft{n}" for n in range(8)), "fs0", "fs1", *(f"fa{n}" for n in range(8)),
    *(f"fs{n}" for n in range(2, 12)), *(f"ft{n}" for n in range(8, 12)),
)  # fmt: skip
ROUNDING_NAMES = ("rne", "rtz", "rdn", "rup", "rmm", "", "", "dyn")
DYNAMIC = 7

CSR_NAMES = {
    0x001: "fflags", 0x002: "frm", 0x003: "fcsr",
    0xC00: "cycle", 0xC01: "time", 0xC02: "instret",
}  # fmt: skip

X_NUMBERS = {name: number for number, name in enumerate(X_NAMES)} | {"fp": 8}
X_NUMBERS |= {f"x{number}": number for number in range(32)}
F_NUMBERS = {name: number for number, name in enumerate(F_NAMES)}
F_NUMBERS |= {f"f{number}": number for number in range(32)}
CSR_NUMBERS = {name: number for number, name in CSR_NAMES.items()}
