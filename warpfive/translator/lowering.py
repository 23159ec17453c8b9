"""What each instruction of the table does to a warp's values.

`Lowering` is the one place that knows mnemonics; the engines decide where values live, which
lanes are active and how control moves.
"""

from __future__ import annotations

from collections.abc import Callable

from warpfive.errors import TranslationError
from warpfive.isa import Instruction
from warpfive.translator.abi import CTX, TRAP_ASSERT, TRAP_TRAP
from warpfive.translator.memory import LOADS, STORES
from warpfive.translator.tiles import ACCESSES, Tiles
from warpfive.translator.values import Value, vector
from warpfive.units import WARP_LANES

BRANCHES = {"beq": "eq", "bne": "ne", "blt": "slt", "bge": "sge", "bltu": "ult", "bgeu": "uge"}
WIDE_OPS = {"add": "add", "sub": "sub", "and": "and", "or": "or", "xor": "xor",
            "sll": "shl", "srl": "lshr", "sra": "ashr", "mul": "mul"}  # fmt: skip
IMMEDIATES = {"addi": "add", "andi": "and", "ori": "or", "xori": "xor",
              "slli": "shl", "srli": "lshr", "srai": "ashr"}  # fmt: skip
AMO = {"swap": "xchg", "add": "add", "xor": "xor", "and": "and", "or": "or",
       "min": "min", "max": "max", "minu": "umin", "maxu": "umax"}  # fmt: skip
SIZES = {"b": 1, "h": 2, "w": 4, "d": 8}
FORMATS = {"s": "s", "d": "d", "h": "h", "bf16": "g"}
FLOAT_OPS = {"fadd": "add", "fsub": "sub", "fmul": "mul", "fdiv": "div", "fsqrt": "sqrt",
             "fmadd": "madd", "fmsub": "msub", "fnmadd": "nmadd", "fnmsub": "nmsub"}  # fmt: skip
FUSED = ("fmadd", "fmsub", "fnmadd", "fnmsub")
ENDS = {"jal", "jalr", "ebreak", "ecall", "unimp", "wf.exit", "wf.trap", *BRANCHES}
"""Instructions after which control does not simply go on."""
COLLECTIVE_UNITS = {"warp", "barrier"}

Handler = Callable[["Lowering", Instruction], None]


class Lowering(Tiles):
    """Lowers one instruction at a time onto the builder."""

    block_shape: tuple[int, int, int]

    # -- hooks --------------------------------------------------------------------------------

    def get(self, file: str, number: int) -> Value:
        raise NotImplementedError

    def put(self, file: str, number: int, value: Value) -> None:
        raise NotImplementedError

    def special(self, number: int) -> Value:
        raise NotImplementedError

    # -- registers ----------------------------------------------------------------------------

    def x(self, number: int) -> Value:
        return self.const(0) if number == 0 else self.get("x", number)

    def f(self, number: int) -> Value:
        return self.get("f", number)

    def set_x(self, number: int, value: Value) -> None:
        if number:
            self.put("x", number, value)

    def set_f(self, number: int, value: Value) -> None:
        self.put("f", number, value)

    # -- dispatch -----------------------------------------------------------------------------

    def lower(self, ins: Instruction) -> None:
        """Emit everything but control flow and barriers."""
        handler = HANDLERS.get(ins.name)
        if handler is None:
            raise TranslationError(
                f"the translator has no meaning for {ins.name} at {self.pc:#x}; "
                "run the program with --engine reference")
        handler(self, ins)

    def condition(self, ins: Instruction) -> Value:
        """A branch's condition."""
        return self.compare(BRANCHES[ins.name], self.x(ins.rs1), self.x(ins.rs2))

    def call_ctx(self, field: str) -> str:
        """The i64 a WfCtx callback returns."""
        pointer = self.b.emit(f"load ptr, ptr {self.ctx_pointer(field)}")
        return self.b.emit(f"call i64 {pointer}(ptr {self.ctx})")

    def ctx_value(self, field: str, element: str, extra: int = 0) -> Value:
        name = self.b.emit(f"load {element}, ptr {self.ctx_pointer(field, extra)}")
        return self.scalar("w" if element == "i32" else "x", name)


HANDLERS: dict[str, Handler] = {}


def _handler(*names: str) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        for name in names:
            HANDLERS[name] = handler
        return handler

    return register


# -- integers -----------------------------------------------------------------------------------


@_handler(*WIDE_OPS)
def _wide(low: Lowering, ins: Instruction) -> None:
    a, b = low.x(ins.rs1), low.x(ins.rs2)
    low.set_x(ins.rd, low.arith(WIDE_OPS[ins.name], a, b, 64))


@_handler(*(name + "w" for name in WIDE_OPS if name not in ("and", "or", "xor")))
def _word(low: Lowering, ins: Instruction) -> None:
    a, b = low.x(ins.rs1), low.x(ins.rs2)
    low.set_x(ins.rd, low.arith(WIDE_OPS[ins.name[:-1]], a, b, 32))


@_handler(*IMMEDIATES)
def _immediate(low: Lowering, ins: Instruction) -> None:
    op = IMMEDIATES[ins.name]
    low.set_x(ins.rd, low.arith(op, low.x(ins.rs1), low.const(ins.imm), 64))


@_handler("addiw", "slliw", "srliw", "sraiw")
def _immediate_word(low: Lowering, ins: Instruction) -> None:
    op = IMMEDIATES[ins.name[:-1]]
    low.set_x(ins.rd, low.arith(op, low.x(ins.rs1), low.const(ins.imm), 32))


@_handler("slt", "sltu")
def _less(low: Lowering, ins: Instruction) -> None:
    predicate = "slt" if ins.name == "slt" else "ult"
    a, b = low.x(ins.rs1), low.x(ins.rs2)
    if predicate == "ult" and a.const == 0:
        low.set_x(ins.rd, low.boolean(b))
        return
    low.set_x(ins.rd, low.compare(predicate, a, b))


@_handler("slti", "sltiu")
def _less_immediate(low: Lowering, ins: Instruction) -> None:
    a = low.x(ins.rs1)
    if ins.name == "sltiu" and ins.imm == 1:
        low.set_x(ins.rd, low.negate(low.boolean(a)))
        return
    predicate = "slt" if ins.name == "slti" else "ult"
    low.set_x(ins.rd, low.compare(predicate, a, low.const(ins.imm)))


@_handler("lui")
def _lui(low: Lowering, ins: Instruction) -> None:
    low.set_x(ins.rd, low.const(ins.imm))


@_handler("auipc")
def _auipc(low: Lowering, ins: Instruction) -> None:
    base = low.ctx_value("module_base", "i64")
    low.set_x(ins.rd, low.arith("add", base, low.const(low.pc + ins.imm), 64))


@_handler("add.uw", "sh1add.uw", "sh2add.uw", "sh3add.uw", "sh1add", "sh2add", "sh3add")
def _address_sum(low: Lowering, ins: Instruction) -> None:
    shift = int(ins.name[2]) if ins.name.startswith("sh") else 0
    index = low.x(ins.rs1)
    if ins.name.endswith(".uw"):
        index = low.zero_extend_word(index)
    index = low.arith("shl", index, low.const(shift), 64)
    low.set_x(ins.rd, low.arith("add", index, low.x(ins.rs2), 64))


@_handler("slli.uw")
def _shift_unsigned(low: Lowering, ins: Instruction) -> None:
    index = low.zero_extend_word(low.x(ins.rs1))
    low.set_x(ins.rd, low.arith("shl", index, low.const(ins.imm), 64))


@_handler("mulh", "mulhu", "mulhsu")
def _mul_high(low: Lowering, ins: Instruction) -> None:
    a, b = low.x(ins.rs1), low.x(ins.rs2)
    low.set_x(ins.rd, low.mul_high(a, b, ins.name != "mulhu", ins.name == "mulh"))


@_handler("div", "divu", "rem", "remu", "divw", "divuw", "remw", "remuw")
def _divide(low: Lowering, ins: Instruction) -> None:
    name = ins.name.removesuffix("w")
    op = ("u" if name.endswith("u") else "s") + name[:3]
    bits = 32 if ins.name.endswith("w") else 64
    low.set_x(ins.rd, low.divide(op, low.x(ins.rs1), low.x(ins.rs2), bits))


@_handler("andn", "orn", "xnor")
def _complement(low: Lowering, ins: Instruction) -> None:
    other = low.arith("xor", low.x(ins.rs2), low.const(-1), 64)
    op = {"andn": "and", "orn": "or", "xnor": "xor"}[ins.name]
    low.set_x(ins.rd, low.arith(op, low.x(ins.rs1), other, 64))


@_handler("min", "max", "minu", "maxu")
def _min_max(low: Lowering, ins: Instruction) -> None:
    a, b = low.common(low.x(ins.rs1), low.x(ins.rs2))
    if a.type == "z":
        a, b = low.wide(a), low.wide(b)
    op = ("u" if ins.name.endswith("u") else "s") + ins.name[:3]
    bits = 32 if a.type in "wb" else 64
    low.set_x(ins.rd, low.binary_intrinsic(op, a, b, bits))


@_handler("clz", "ctz", "cpop", "clzw", "ctzw", "cpopw")
def _count(low: Lowering, ins: Instruction) -> None:
    bits = 32 if ins.name.endswith("w") else 64
    name = {"clz": "ctlz", "ctz": "cttz", "cpo": "ctpop"}[ins.name[:3]]
    extra = "" if name == "ctpop" else ", i1 false"
    value = low.unary_intrinsic(name, low.x(ins.rs1), bits, extra, bound=bits)
    low.set_x(ins.rd, low.low32(value))


@_handler("sext.b", "sext.h", "zext.h")
def _extend(low: Lowering, ins: Instruction) -> None:
    bits = 8 if ins.name.endswith("b") else 16
    low.set_x(ins.rd, low.extend_low(low.x(ins.rs1), bits, ins.name[0] == "s"))


@_handler("rol", "ror", "rori", "rolw", "rorw", "roriw")
def _rotate(low: Lowering, ins: Instruction) -> None:
    bits = 32 if ins.name.endswith("w") else 64
    value = low.x(ins.rs1)
    by = low.const(ins.imm) if "i" in ins.name else low.x(ins.rs2)
    name = "fshl" if ins.name.startswith("rol") else "fshr"
    low.set_x(ins.rd, low.binary_intrinsic(name, value, value, bits, by))


@_handler("rev8")
def _rev8(low: Lowering, ins: Instruction) -> None:
    low.set_x(ins.rd, low.unary_intrinsic("bswap", low.x(ins.rs1), 64))


@_handler("orc.b")
def _orc(low: Lowering, ins: Instruction) -> None:
    value = low.spread(low.wide(low.x(ins.rs1)))
    count = 8 * WARP_LANES
    octets = low.b.emit(f"bitcast {vector('i64')} {low.vec(value)} to <{count} x i8>")
    flags = low.b.emit(f"icmp ne <{count} x i8> {octets}, zeroinitializer")
    spread = low.b.emit(f"sext <{count} x i1> {flags} to <{count} x i8>")
    low.set_x(ins.rd, low.varying("x", low.b.emit(
        f"bitcast <{count} x i8> {spread} to {vector('i64')}")))


@_handler("bset", "bseti", "bclr", "bclri", "binv", "binvi", "bext", "bexti")
def _bit(low: Lowering, ins: Instruction) -> None:
    value = low.x(ins.rs1)
    by = low.const(ins.imm) if ins.name.endswith("i") else low.x(ins.rs2)
    name = ins.name[:4]
    if name == "bext":
        moved = low.arith("lshr", low.wide(value), by, 64)
        low.set_x(ins.rd, low.arith("and", moved, low.const(1), 64))
        return
    bit = low.arith("shl", low.const(1), by, 64)
    if name == "bclr":
        bit = low.arith("xor", bit, low.const(-1), 64)
    op = {"bset": "or", "bclr": "and", "binv": "xor"}[name]
    low.set_x(ins.rd, low.arith(op, value, bit, 64))


@_handler("czero.eqz", "czero.nez")
def _conditional_zero(low: Lowering, ins: Instruction) -> None:
    flag, value, zero = low.boolean(low.x(ins.rs2)), low.x(ins.rs1), low.const(0)
    yes, no = (value, zero) if ins.name == "czero.eqz" else (zero, value)
    low.set_x(ins.rd, low.select(flag, yes, no))


@_handler("wf.brev.w", "wf.brev.d")
def _bit_reverse(low: Lowering, ins: Instruction) -> None:
    bits = 32 if ins.name.endswith("w") else 64
    low.set_x(ins.rd, low.unary_intrinsic("bitreverse", low.x(ins.rs1), bits))


@_handler("wf.shf.l", "wf.shf.r")
def _funnel(low: Lowering, ins: Instruction) -> None:
    name = "fshl" if ins.name.endswith("l") else "fshr"
    low.set_x(ins.rd, low.binary_intrinsic(
        name, low.x(ins.rs2), low.x(ins.rs1), 32, low.x(ins.rs3)))


@_handler("wf.prmt")
def _permute_bytes(low: Lowering, ins: Instruction) -> None:
    low_word = low.zero_extend_word(low.x(ins.rs1))
    high = low.arith("shl", low.wide(low.zero_extend_word(low.x(ins.rs2))), low.const(32), 64)
    pair = low.arith("or", low.wide(low_word), high, 64)
    selector = low.low32(low.x(ins.rs3))
    total = low.const(0)
    for position in range(4):
        nibble = low.arith("lshr", selector, low.const(4 * position), 32)
        which = low.arith("and", nibble, low.const(7), 32)
        shift = low.arith("shl", which, low.const(3), 32)
        octet = low.low32(low.arith("lshr", pair, shift, 64))
        signed = low.extend_low(octet, 8, signed=True)
        sign = low.arith("ashr", signed, low.const(31), 32)
        flag = low.boolean(low.arith("and", nibble, low.const(8), 32))
        octet = low.select(flag, sign, octet)
        octet = low.arith("and", octet, low.const(255), 32)
        octet = low.arith("shl", octet, low.const(8 * position), 32)
        total = low.arith("or", total, octet, 32)
    low.set_x(ins.rd, total)


@_handler("wf.dp4a.s", "wf.dp4a.u")
def _dot_bytes(low: Lowering, ins: Instruction) -> None:
    signed = ins.name.endswith("s")
    a, b, total = (low.low32(low.x(n)) for n in (ins.rs1, ins.rs2, ins.rs3))
    for position in range(4):
        by = low.const(8 * position)
        one = low.extend_low(low.arith("lshr", a, by, 32), 8, signed)
        two = low.extend_low(low.arith("lshr", b, by, 32), 8, signed)
        total = low.arith("add", total, low.arith("mul", one, two, 32), 32)
    low.set_x(ins.rd, total)


# -- memory -------------------------------------------------------------------------------------


@_handler(*LOADS)
def _load(low: Lowering, ins: Instruction) -> None:
    value = low.load(LOADS[ins.name], low.x(ins.rs1), ins.imm)
    (low.set_f if ins.name[0] == "f" else low.set_x)(ins.rd, value)


@_handler(*STORES)
def _store(low: Lowering, ins: Instruction) -> None:
    value = low.f(ins.rs2) if ins.name[0] == "f" else low.x(ins.rs2)
    low.store(STORES[ins.name], low.x(ins.rs1), ins.imm, value)


@_handler("fence", "fence.i")
def _fence(low: Lowering, ins: Instruction) -> None:
    low.b.run("fence seq_cst")


@_handler(*(f"amo{op}.{size}" for op in AMO for size in SIZES))
def _amo(low: Lowering, ins: Instruction) -> None:
    op, size = ins.name[3:].split(".")
    old = low.atomic(AMO[op], SIZES[size], low.x(ins.rs1), low.x(ins.rs2),
                     "x" if size == "d" else "w", ins.rd != 0)
    if old is not None:
        low.set_x(ins.rd, old)


@_handler("amocas.b", "amocas.h", "amocas.w", "amocas.d")
def _compare_and_swap(low: Lowering, ins: Instruction) -> None:
    size = ins.name[-1]
    old = low.atomic("cas", SIZES[size], low.x(ins.rs1), low.x(ins.rs2),
                     "x" if size == "d" else "w", ins.rd != 0, compare=low.x(ins.rd))
    if old is not None:
        low.set_x(ins.rd, old)


@_handler("wf.amoadd.s", "wf.amoadd.d", "wf.amoadd.h", "wf.amoadd.bf16")
def _float_add(low: Lowering, ins: Instruction) -> None:
    type_ = FORMATS[ins.name.split(".")[2]]
    size = {"s": 4, "d": 8, "h": 2, "g": 2}[type_]
    old = low.atomic("fadd", size, low.x(ins.rs1), low.f(ins.rs2), type_, True)
    low.set_f(ins.rd, old)


@_handler("wf.amoinc.w", "wf.amodec.w", "wf.amoadd.h2", "wf.amoadd.bf2")
def _packed_atomic(low: Lowering, ins: Instruction) -> None:
    op = {"wf.amoinc.w": "uinc_wrap", "wf.amodec.w": "udec_wrap",
          "wf.amoadd.h2": "h2", "wf.amoadd.bf2": "bf2"}[ins.name]
    old = low.atomic(op, 4, low.x(ins.rs1), low.x(ins.rs2), "w", ins.rd != 0)
    if old is not None:
        low.set_x(ins.rd, old)


# -- floats -------------------------------------------------------------------------------------


@_handler(*(f"{op}.{t}" for op in FLOAT_OPS for t in "sdh"))
def _float_op(low: Lowering, ins: Instruction) -> None:
    op, type_ = ins.name.split(".")
    count = 1 if op == "fsqrt" else 3 if op in FUSED else 2
    numbers = (ins.rs1, ins.rs2, ins.rs3)[:count]
    operands = [low.f(number) for number in numbers]
    low.set_f(ins.rd, low.farith(FLOAT_OPS[op], type_, ins.rm, *operands))


@_handler(*(f"{op}.{t}" for op in ("fsgnj", "fsgnjn", "fsgnjx") for t in "sdh"))
def _sign(low: Lowering, ins: Instruction) -> None:
    op, type_ = ins.name.split(".")
    a, b = low.f(ins.rs1), low.f(ins.rs2)
    low.set_f(ins.rd, low.sign_inject(op, type_, a, b, ins.rs1 == ins.rs2))


@_handler(*(f"{op}.{t}" for op in ("fmin", "fmax") for t in "sdh"))
def _float_min_max(low: Lowering, ins: Instruction) -> None:
    op, type_ = ins.name.split(".")
    low.set_f(ins.rd, low.fminmax(op, type_, low.f(ins.rs1), low.f(ins.rs2)))


@_handler(*(f"{op}.{t}" for op in ("feq", "flt", "fle") for t in "sdh"))
def _float_compare(low: Lowering, ins: Instruction) -> None:
    op, type_ = ins.name.split(".")
    a, b = (low.as_float(low.f(n), type_) for n in (ins.rs1, ins.rs2))
    low.set_x(ins.rd, low.fcompare("o" + op[1:], a, b))


@_handler(*(f"fclass.{t}" for t in "sdh"))
def _float_class(low: Lowering, ins: Instruction) -> None:
    low.set_x(ins.rd, low.fclass(low.f(ins.rs1), ins.name[-1]))


@_handler(*(f"fcvt.{a}.{b}" for a in ("w", "wu", "l", "lu") for b in "sdh"))
def _float_to_int(low: Lowering, ins: Instruction) -> None:
    _, kind, type_ = ins.name.split(".")
    low.set_x(ins.rd, low.float_to_int(low.f(ins.rs1), type_, kind, ins.rm))


@_handler(*(f"fcvt.{b}.{a}" for a in ("w", "wu", "l", "lu") for b in "sdh"))
def _int_to_float(low: Lowering, ins: Instruction) -> None:
    _, type_, kind = ins.name.split(".")
    low.set_f(ins.rd, low.int_to_float(low.x(ins.rs1), kind, type_, ins.rm))


@_handler("fcvt.s.d", "fcvt.d.s", "fcvt.s.h", "fcvt.h.s", "fcvt.d.h", "fcvt.h.d",
          "fcvt.s.bf16", "fcvt.bf16.s")
def _float_to_float(low: Lowering, ins: Instruction) -> None:
    _, target, source = ins.name.split(".")
    low.set_f(ins.rd, low.float_to_float(
        low.f(ins.rs1), FORMATS[source], FORMATS[target], ins.rm))


@_handler("fmv.x.w", "fmv.x.d", "fmv.x.h")
def _float_bits(low: Lowering, ins: Instruction) -> None:
    value = low.f(ins.rs1)
    if ins.name == "fmv.x.w":
        low.set_x(ins.rd, low.low32(low.float_bits(low.as_float(value, "s"))))
    elif ins.name == "fmv.x.d":
        low.set_x(ins.rd, low.raw(value))
    else:
        low.set_x(ins.rd, low.extend_low(low.raw(value), 16, signed=True))


@_handler("fmv.w.x", "fmv.d.x", "fmv.h.x")
def _bits_float(low: Lowering, ins: Instruction) -> None:
    type_ = {"w": "s", "d": "d", "h": "h"}[ins.name[4]]
    value = low.x(ins.rs1)
    if type_ == "s":
        word = low.spread(low.low32(value)) if value.kind == "A" else low.low32(value)
        low.set_f(ins.rd, low._bitcast(word, "float", "s"))
        return
    value = low.wide(value)
    value = low.spread(value) if value.kind == "A" else value
    low.set_f(ins.rd, low.as_float(value, type_))


@_handler(*(f"wf.{op}" for op in ("ex2", "lg2", "sin", "cos", "rcp", "rsqrt", "sqrt", "tanh")))
def _approximation(low: Lowering, ins: Instruction) -> None:
    low.set_f(ins.rd, low.approximate(ins.name[3:], low.f(ins.rs1)))


# -- the warp -----------------------------------------------------------------------------------


@_handler("wf.sr")
def _special(low: Lowering, ins: Instruction) -> None:
    low.set_x(ins.rd, low.special(ins.imm))


@_handler(*(f"wf.vote.{name}" for name in ("ballot", "any", "all", "uni")))
def _vote(low: Lowering, ins: Instruction) -> None:
    name = ins.name.split(".")[2]
    low.set_x(ins.rd, low.vote(name, low.x(ins.rs1), low.x(ins.rs2)))


@_handler("wf.match.any", "wf.match.all")
def _match(low: Lowering, ins: Instruction) -> None:
    name = ins.name.split(".")[2]
    low.set_x(ins.rd, low.match(name, low.x(ins.rs1), low.x(ins.rs2)))


@_handler(*(f"wf.redux.{n}" for n in ("add", "min", "max", "minu", "maxu", "and", "or", "xor")))
def _redux(low: Lowering, ins: Instruction) -> None:
    name = ins.name.split(".")[2]
    low.set_x(ins.rd, low.redux(name, low.x(ins.rs1), low.x(ins.rs2)))


@_handler(*(f"wf.shfl.{mode}" for mode in ("idx", "up", "down", "bfly")))
def _shuffle(low: Lowering, ins: Instruction) -> None:
    mode = ins.name.split(".")[2]
    low.set_x(ins.rd, low.shuffle(mode, low.x(ins.rs1), low.x(ins.rs2), low.x(ins.rs3)))


@_handler("wf.mma.f32.f16", "wf.mma.f32.bf16", "wf.mma.f16.f16", "wf.mma.s32.s8",
          "wf.mma.s32.u8", "wf.mma.f32.tf32")
def _tile(low: Lowering, ins: Instruction) -> None:
    depth = 4 if ins.name.endswith("tf32") else 8
    c, a, b = ([low.f(first + j) for j in range(count)]
               for first, count in ((ins.rd, 8), (ins.rs1, depth), (ins.rs2, depth)))
    for j, value in enumerate(low.tile_product(ins.name, c, a, b)):
        low.set_f(ins.rd + j, value)


@_handler(*(f"wf.tld.{form}" for form in ACCESSES),
          *(f"wf.tldt.{form}" for form in ("h", "w", "b", "bu")))
def _tile_load(low: Lowering, ins: Instruction) -> None:
    for j, value in enumerate(low.tile_load(ins.name, low.x(ins.rs1), low.x(ins.rs2))):
        low.set_f(ins.rd + j, value)


@_handler(*(f"wf.{op}.{form}" for op in ("tst", "tstt") for form in "hw"))
def _tile_store(low: Lowering, ins: Instruction) -> None:
    values = [low.f(ins.rs2 + j) for j in range(8)]
    low.tile_store(ins.name, low.x(ins.rs1), low.x(ins.rs3), values)


@_handler("wf.warp.sync", "wf.nanosleep")
def _nothing(low: Lowering, ins: Instruction) -> None:
    """Lanes of a warp that meet here already execute together."""


@_handler("csrrw", "csrrs", "csrrc", "csrrwi", "csrrsi", "csrrci")
def _csr(low: Lowering, ins: Instruction) -> None:
    """Rounding is static and flags are not kept: float status registers read as zero."""
    low.set_x(ins.rd, low.const(0))


TRAP_CODES = {1: TRAP_ASSERT, 2: TRAP_TRAP}

__all__ = ["BRANCHES", "COLLECTIVE_UNITS", "CTX", "ENDS", "HANDLERS", "TRAP_CODES", "Lowering"]
