"""Loads, stores and atomic operations on values."""

from __future__ import annotations

from dataclasses import dataclass

from warpfive.translator.abi import CTX, TRAP_MISALIGNED
from warpfive.translator.floating import suffix
from warpfive.translator.sfu import Sfu
from warpfive.translator.values import BITS, ELEMENT, Value, const_vector, vector
from warpfive.units import WARP_LANES


@dataclass(frozen=True, slots=True)
class Access:
    """How memory holds a register: LLVM element, its bytes, and what the load yields."""

    element: str
    size: int
    type: str
    signed: bool = True


LOADS = {
    "lb": Access("i8", 1, "w"), "lbu": Access("i8", 1, "w", signed=False),
    "lh": Access("i16", 2, "w"), "lhu": Access("i16", 2, "w", signed=False),
    "lw": Access("i32", 4, "w"), "lwu": Access("i32", 4, "z"), "ld": Access("i64", 8, "x"),
    "flh": Access("half", 2, "h"), "flw": Access("float", 4, "s"), "fld": Access("double", 8, "d"),
}  # fmt: skip
STORES = {
    "sb": Access("i8", 1, "w"), "sh": Access("i16", 2, "w"), "sw": Access("i32", 4, "w"),
    "sd": Access("i64", 8, "x"), "fsh": Access("half", 2, "h"), "fsw": Access("float", 4, "s"),
    "fsd": Access("double", 8, "d"),
}  # fmt: skip
SHARED_WINDOW = 256 * 1024
"""No block's shared memory is larger; an address this close above tp is the block's own."""

UNIT = 16
"""Bytes of the widest loads of a lane, which code of vector types makes of several."""

GEP_ELEMENT = {0: "i8", 1: "i16", 2: "i32", 3: "i64"}


class Memory(Sfu):
    """Memory instructions' meanings. `ctx` is the operand that points at the WfCtx."""

    allocas: list[str]
    labels: int
    checked: set[tuple]
    """(kind, operand, size) of addresses known to be aligned in the block that is emitted."""
    precise = False
    pc = 0
    ctx = "%ctx"

    # -- hooks --------------------------------------------------------------------------------

    def trap_unless(self, ok: str, code: int, address: str, lanes: str) -> None:
        """Stop the launch with `code` unless the i1 operand `ok` holds."""
        raise NotImplementedError

    def look_ahead(self, address: str, size: int) -> None:
        """A load of `size` bytes at `address` is made; one of a loop may fetch later ones."""

    def shared_base(self) -> str:
        """The i64 operand that holds the block's shared memory address."""
        return self.b.emit(f"load i64, ptr {self.ctx_pointer('shared')}")

    def scratch(self, kind: str) -> str:
        """A pointer to stack memory of LLVM type `kind`."""
        self.labels += 1
        name = f"%slot{self.labels}"
        self.allocas.append(f"  {name} = alloca {kind}, align 64")
        return name

    def branch_label(self, hint: str) -> str:
        """A label name not used before."""
        self.labels += 1
        return f"{hint}{self.labels}"

    def goto(self, text: str, label: str, splats: dict | None = None) -> None:
        """End the LLVM block with `text` and begin `label`, keeping splats that dominate it.

        Where the block that ends does not, `splats` are those from before it.
        """
        splats = dict(self.b.splats if splats is None else splats)
        self.b.run(text)
        self.b.label(label)
        self.b.splats = splats

    def ctx_pointer(self, field: str, extra: int = 0) -> str:
        return self.b.emit(f"getelementptr i8, ptr {self.ctx}, i64 {CTX[field] + extra}")

    def report_access(self, address: Value) -> None:
        """Counting variants tell the chip of the access at `pc`."""

    def report_tile(self, base: Value, stride: Value) -> None:
        """The same of a tile that is moved."""

    # -- addresses ----------------------------------------------------------------------------

    def address(self, base: Value, offset: int) -> Value:
        """base + offset as a 64-bit value."""
        total = self.arith("add", self.wide(base), self.const(offset), 64)
        return self.wide(total)

    def begin_access(self, address: Value, size: int, base: Value | None = None) -> None:
        """Checks and records that come before every access.

        `base`: what the address is a multiple of `size` away from; it need be checked only once.
        """
        self.report_access(address)
        if self.precise:
            self._record(address)
        root = base or address
        key = (root.kind, root.name or root.parts[0], size)
        if size > 1 and key not in self.checked:
            self.checked.add(key)
            self._check_alignment(root, size)

    def _access(self, base: Value, offset: int, size: int) -> Value:
        """The address of an access that may now be made."""
        base = self.wide(base)
        address = self.address(base, offset)
        self.begin_access(address, size, None if offset % size else base)
        return address

    def _record(self, address: Value) -> None:
        b = self.b
        b.run(f"store volatile i64 {self.pc}, ptr {self.ctx_pointer('access_pc')}")
        b.run(f"store volatile i32 {self.mask_operand()}, ptr {self.ctx_pointer('access_mask')}")
        b.run(f"store volatile {vector('i64')} {self.vec(address)}, "
              f"ptr {self.ctx_pointer('access_addr')}, align 8")

    def _check_alignment(self, address: Value, size: int) -> None:
        low = size - 1
        if address.kind == "V" and address.parts and 1 << address.parts[2] >= size:
            if address.parts[0] == "0":
                return
            scalar = address.parts[0]
        elif address.kind == "V":
            lanes = self.vec(address)
            bits = self.b.emit(f"and {vector('i64')} {lanes}, splat (i64 {low})")
            bad = self.b.emit(f"icmp ne {vector('i64')} {bits}, zeroinitializer")
            bad = self.b.emit(f"bitcast {vector('i1')} {bad} to i32")
            if self.mask is not None:
                bad = self.b.emit(f"and i32 {bad}, {self.mask}")
            ok = self.b.emit(f"icmp eq i32 {bad}, 0")
            lane = self.b.emit(f"call i32 @llvm.cttz.i32(i32 {bad}, i1 false)")
            at = self.b.emit(f"extractelement {vector('i64')} {lanes}, i32 {lane}")
            self.trap_unless(ok, TRAP_MISALIGNED, at, bad)
            return
        else:
            scalar = address.name
            if address.kind == "A" and address.stride % size:
                self._check_alignment(self.varying("x", self.vec(address)), size)
                return
            if address.kind == "A" and address.row != 0:
                scalar = self.b.emit(f"or i64 {scalar}, {address.row}")
        bits = self.b.emit(f"and i64 {scalar}, {low}")
        ok = self.b.emit(f"icmp eq i64 {bits}, 0")
        at = scalar if address.kind == "V" else address.name
        self.trap_unless(ok, TRAP_MISALIGNED, at, self.mask_operand())

    def pointer(self, operand: str) -> str:
        return self.b.emit(f"inttoptr i64 {operand} to ptr")

    def pointers(self, address: Value) -> str:
        """32 pointers, as base plus scaled index where the address is so built."""
        if address.kind == "V" and address.parts:
            base, index, shift = address.parts
            wide = self.extend_vector(index)
            pointer = self.pointer(base)
            if shift not in GEP_ELEMENT:
                wide = self.b.emit(f"shl {vector('i64')} {wide}, splat (i64 {shift})")
                shift = 0
            return self.b.emit(
                f"getelementptr {GEP_ELEMENT[shift]}, ptr {pointer}, {vector('i64')} {wide}")
        return self.b.emit(f"inttoptr {vector('i64')} {self.vec(address)} to {vector('ptr')}")

    def _contiguous(self, address: Value, size: int) -> bool:
        return address.kind == "A" and address.stride == size and self.run >= 8

    # -- loads --------------------------------------------------------------------------------

    def load(self, access: Access, base: Value, offset: int, volatile: bool = False) -> Value:
        """The value a load instruction yields."""
        address = self._access(base, offset, access.size)
        element = access.element
        if address.uniform:
            keyword = "load volatile" if volatile else "load"
            name = self.b.emit(f"{keyword} {element}, ptr {self.pointer(address.name)}, "
                               f"align {access.size}")
            return self._loaded(access, name, "U")
        if self._contiguous(address, access.size):
            self.look_ahead(address.name, access.size * self.run)
            name = self._load_runs(access, address)
        elif address.kind == "A" and address.stride == 0:
            name = self._load_rows(access, address)
        elif self._in_words(address, access.size):
            self.look_ahead(address.name, address.stride * WARP_LANES)
            name = self._load_words(access, address)
        elif self._in_units(address, access.size):
            self.look_ahead(address.name, UNIT * WARP_LANES)
            name = self._load_units(access, address, offset % UNIT)
        elif access.size < 4 and access.element != "half":
            return self._gather_small(access, address)
        elif access.element == "half":
            word = self._gather_small(Access("i16", 2, "w", signed=False), address)
            bits = self.b.emit(f"trunc {vector('i32')} {self.vec(word)} to {vector('i16')}")
            name = self.b.emit(f"bitcast {vector('i16')} {bits} to {vector('half')}")
        else:
            name = self.gather(element, address, access.size)
        return self._loaded(access, name, "V")

    def gather(self, element: str, address: Value, align: int) -> str:
        pointers = self.pointers(address)
        kind = vector(element)
        return self.b.emit(
            f"call {kind} @llvm.masked.gather.v{WARP_LANES}{suffix(element)}.v{WARP_LANES}p0"
            f"({vector('ptr')} align {align} {pointers}, {vector('i1')} {self.mask_vector()}, "
            f"{kind} poison)")

    def _loaded(self, access: Access, name: str, kind: str) -> Value:
        if access.size >= 4 or access.element == "half":
            return Value(kind, access.type, name)
        op = "sext" if access.signed else "zext"
        bits = 8 * access.size
        low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if access.signed else (
            0, (1 << bits) - 1)
        source, target = (access.element, "i32") if kind == "U" else (
            vector(access.element), vector("i32"))
        return Value(kind, "w", self.b.emit(f"{op} {source} {name} to {target}"),
                     low=low, high=high)

    def _gather_small(self, access: Access, address: Value) -> Value:
        """Bytes and halves come out of the aligned word around them: hosts gather words."""
        lanes = self.vec(address)
        kind = vector("i64")
        word = self.b.emit(f"and {kind} {lanes}, splat (i64 -4)")
        gathered = self.gather("i32", self.varying("x", word), 4)
        within = self.b.emit(f"trunc {kind} {lanes} to {vector('i32')}")
        within = self.b.emit(f"and {vector('i32')} {within}, splat (i32 3)")
        shift = self.b.emit(f"shl {vector('i32')} {within}, splat (i32 3)")
        value = self.b.emit(f"lshr {vector('i32')} {gathered}, {shift}")
        return self.extend_low(self.varying("w", value), 8 * access.size, access.signed)

    def _in_words(self, address: Value, size: int) -> bool:
        """Whether each lane's element lies in a word of its own, the words side by side."""
        return (address.kind == "A" and self.run == WARP_LANES and address.row == 0
                and address.stride in (2, 4, 8) and size < address.stride)

    def _load_words(self, access: Access, address: Value) -> str:
        """The words around the elements, which begin as far from them in every lane."""
        b, bits = self.b, 8 * address.stride
        kind = vector(f"i{bits}")
        first = b.emit(f"and i64 {address.name}, {-address.stride}")
        words = self._load_run(Access(f"i{bits}", address.stride, "x"), first, 0)
        within = b.emit(f"and i64 {address.name}, {address.stride - 1}")
        by = b.emit(f"shl i64 {within}, 3")
        if bits < 64:
            by = b.emit(f"trunc i64 {by} to i{bits}")
        words = b.emit(f"lshr {kind} {words}, {b.splat(f'i{bits}', by)}")
        whole = vector(f"i{8 * access.size}")
        name = b.emit(f"trunc {kind} {words} to {whole}")
        if whole == vector(access.element):
            return name
        return b.emit(f"bitcast {whole} {name} to {vector(access.element)}")

    def _in_units(self, address: Value, size: int) -> bool:
        """Whether the elements are every fourth (or second) of those in a row of 16-byte units."""
        return (address.kind == "A" and self.run == WARP_LANES and address.row == 0
                and address.stride == UNIT and size in (4, 8))

    def _load_units(self, access: Access, address: Value, at: int) -> str:
        """All elements of the units, and every lane's own out of them; else a gather.

        `at`: where an element lies in its unit if the units begin at multiples of their size. Then
        a unit never crosses into a page that the lane's own element does not touch.
        """
        b, kind = self.b, vector(access.element)
        result = self.scratch(kind)
        first = b.emit(f"sub i64 {address.name}, {at}")
        within = b.emit(f"and i64 {first}, {UNIT - 1}")
        aligned = b.emit(f"icmp eq i64 {within}, 0")
        if self.mask is not None:
            self.mask_vector()
            full = b.emit(f"icmp eq i32 {self.mask}, -1")
            aligned = b.emit(f"and i1 {aligned}, {full}")
        before = dict(b.splats)
        units, apart, joined = (self.branch_label(n) for n in ("units", "apart", "joined"))
        self.goto(f"br i1 {aligned}, label %{units}, label %{apart}", apart)
        gathered = self.gather(access.element, address, access.size)
        b.run(f"store {kind} {gathered}, ptr {result}, align 64")
        self.goto(f"br label %{joined}", units, before)
        picked = self._every(access.element, first, UNIT // access.size, at // access.size)
        b.run(f"store {kind} {picked}, ptr {result}, align 64")
        self.goto(f"br label %{joined}", joined, before)
        return b.emit(f"load {kind}, ptr {result}, align 64")

    def _every(self, element: str, first: str, count: int, at: int) -> str:
        """Element `at` of each of 32 groups of `count` elements that lie side by side."""
        b, kind = self.b, vector(element)
        pointer = self.pointer(first)
        loaded = []
        for number in range(count):
            place = b.emit(f"getelementptr {kind}, ptr {pointer}, i64 {number}")
            loaded.append(b.emit(f"load {kind}, ptr {place}, align {BITS[element] // 8}"))
        while len(loaded) > 1:
            # Of two neighbours every other element, those of the right parity.
            picks = [at % 2 + 2 * i for i in range(WARP_LANES)]
            loaded = [b.emit(f"shufflevector {kind} {low}, {kind} {high}, "
                             f"{vector('i32')} {const_vector('i32', picks)}")
                      for low, high in zip(loaded[::2], loaded[1::2], strict=True)]
            at //= 2
        return loaded[0]

    def _row_address(self, address: Value, row: int) -> str:
        if row == 0 or address.row == 0:
            return address.name
        far = self.b.emit(f"mul i64 {address.row}, {row}") if row > 1 else str(address.row)
        return self.b.emit(f"add i64 {address.name}, {far}")

    def _load_rows(self, access: Access, address: Value) -> str:
        """One scalar load for each row of lanes; rows without active lanes read another's."""
        b, run = self.b, self.run
        kind = f"<{run} x {access.element}>"
        fallback = None
        if self.mask is not None:
            lane = b.emit(f"call i32 @llvm.cttz.i32(i32 {self.mask}, i1 false)")
            row = b.emit(f"lshr i32 {lane}, {run.bit_length() - 1}")
            row = b.emit(f"zext i32 {row} to i64")
            far = b.emit(f"mul i64 {row}, {address.row}")
            fallback = b.emit(f"add i64 {address.name}, {far}")
        pieces = []
        for row in range(WARP_LANES // run):
            place = self._row_address(address, row)
            if fallback is not None:
                active = b.emit(f"and i32 {self.mask}, {((1 << run) - 1) << row * run}")
                active = b.emit(f"icmp ne i32 {active}, 0")
                place = b.emit(f"select i1 {active}, i64 {place}, i64 {fallback}")
            one = b.emit(f"load {access.element}, ptr {self.pointer(place)}, "
                         f"align {access.size}")
            first = b.emit(f"insertelement {kind} poison, {access.element} {one}, i32 0")
            pieces.append(b.emit(f"shufflevector {kind} {first}, {kind} poison, "
                                 f"<{run} x i32> zeroinitializer"))
        return self._joined(access.element, pieces)

    def _joined(self, element: str, pieces: list[str]) -> str:
        """Runs of lanes put together into a warp."""
        width = self.run
        while len(pieces) > 1:
            pieces = [self._concat(element, width, *pieces[i:i + 2])
                      for i in range(0, len(pieces), 2)]
            width *= 2
        return pieces[0]

    def _row_mask(self, row: int) -> str:
        if self.mask is None:
            return "splat (i1 true)"
        picks = const_vector("i32", [row * self.run + i for i in range(self.run)])
        flags = vector("i1")
        return self.b.emit(f"shufflevector {flags} {self.mask_vector()}, {flags} poison, "
                           f"<{self.run} x i32> {picks}")

    def _load_runs(self, access: Access, address: Value) -> str:
        pieces = [self._load_run(access, self._row_address(address, row), row)
                  for row in range(WARP_LANES // self.run)]
        return self._joined(access.element, pieces)

    def _concat(self, element: str, width: int, low: str, high: str) -> str:
        picks = const_vector("i32", list(range(2 * width)))
        kind = f"<{width} x {element}>"
        return self.b.emit(f"shufflevector {kind} {low}, {kind} {high}, "
                           f"<{2 * width} x i32> {picks}")

    def _load_run(self, access: Access, address: str, row: int) -> str:
        kind = f"<{self.run} x {access.element}>"
        pointer = self.pointer(address)
        if self.mask is None:
            return self.b.emit(f"load {kind}, ptr {pointer}, align {access.size}")
        mangled = f"v{self.run}{suffix(access.element)}"
        mask = self.mask_vector() if self.run == WARP_LANES else self._row_mask(row)
        return self.b.emit(
            f"call {kind} @llvm.masked.load.{mangled}.p0(ptr align {access.size} {pointer}, "
            f"<{self.run} x i1> {mask}, {kind} poison)")

    # -- stores -------------------------------------------------------------------------------

    def store(self, access: Access, base: Value, offset: int, value: Value) -> None:
        """What a store instruction does."""
        address = self._access(base, offset, access.size)
        value = self._stored(access, value)
        if address.uniform:
            self._store_one(access, address, value)
            return
        kind = vector(access.element)
        lanes = self._stored_lanes(access, value)
        if self._contiguous(address, access.size):
            for row in range(WARP_LANES // self.run):
                self._store_run(access, self._row_address(address, row), row, lanes)
            return
        self.b.run(
            f"call void @llvm.masked.scatter.v{WARP_LANES}{suffix(access.element)}"
            f".v{WARP_LANES}p0({kind} {lanes}, {vector('ptr')} align {access.size} "
            f"{self.pointers(address)}, {vector('i1')} {self.mask_vector()})")

    def _stored(self, access: Access, value: Value) -> Value:
        if access.type in "sdh":
            return self.as_float(value, access.type)
        return self.wide(value) if access.size == 8 else self.low32(value)

    def _stored_lanes(self, access: Access, value: Value) -> str:
        lanes = self.vec(value)
        if access.size < 4 and access.element != "half":
            return self.b.emit(
                f"trunc {vector(value.element)} {lanes} to {vector(access.element)}")
        return lanes

    def _store_one(self, access: Access, address: Value, value: Value) -> None:
        """All active lanes write one place: the highest of them wins."""
        name = self.literal(value) if value.uniform else self.last_lane(value)
        if access.size < 4 and access.element != "half":
            name = self.b.emit(f"trunc {value.element} {name} to {access.element}")
        self.b.run(f"store {access.element} {name}, ptr {self.pointer(address.name)}, "
                   f"align {access.size}")

    def last_lane(self, value: Value) -> str:
        """The scalar that the highest active lane holds."""
        lane = "31"
        if self.mask is not None:
            zeros = self.b.emit(f"call i32 @llvm.ctlz.i32(i32 {self.mask}, i1 false)")
            lane = self.b.emit(f"sub i32 31, {zeros}")
            lane = self.b.emit(f"and i32 {lane}, 31")
        return self.b.emit(
            f"extractelement {vector(value.element)} {self.vec(value)}, i32 {lane}")

    def _store_run(self, access: Access, address: str, row: int, lanes: str) -> None:
        element, run = access.element, self.run
        kind = f"<{run} x {element}>"
        if run != WARP_LANES:
            picks = const_vector("i32", [row * run + i for i in range(run)])
            lanes = self.b.emit(f"shufflevector {vector(element)} {lanes}, "
                                f"{vector(element)} poison, <{run} x i32> {picks}")
        pointer = self.pointer(address)
        if self.mask is None:
            self.b.run(f"store {kind} {lanes}, ptr {pointer}, align {access.size}")
            return
        mask = self.mask_vector() if run == WARP_LANES else self._row_mask(row)
        self.b.run(f"call void @llvm.masked.store.v{run}{suffix(element)}.p0({kind} {lanes}, "
                   f"ptr align {access.size} {pointer}, <{run} x i1> {mask})")

    # -- atomics ------------------------------------------------------------------------------

    def atomic(self, op: str, size: int, base: Value, operand: Value, type_: str,
               used: bool, compare: Value | None = None) -> Value | None:
        """A read-modify-write by each active lane, lowest first; the old values."""
        address = self._access(base, 0, size)
        element = {1: "i8", 2: "i16", 4: "i32", 8: "i64"}[size] if type_ in "wx" \
            else ELEMENT[type_]
        if address.uniform and not used and op in REDUCIBLE and type_ in "wx" and size >= 4:
            self._atomic_reduced(op, element, address, operand)
            return None
        return self._atomic_loop(op, element, size, address, operand, type_, used, compare)

    def _atomic_reduced(self, op: str, element: str, address: Value, operand: Value) -> None:
        """One atomic operation with the lanes' combined operand."""
        total = self.reduce(op, element, operand, self.mask_operand())
        self.b.run(f"atomicrmw {op} ptr {self.pointer(address.name)}, {element} {total} monotonic")

    def reduce(self, op: str, element: str, operand: Value, lanes: str) -> str:
        """The lanes in mask `lanes` combined; `element` i32 or i64."""
        value = self.low32(operand) if element == "i32" else self.wide(operand)
        names = self.vec(value)
        if lanes != "-1":
            flags = self.b.emit(f"bitcast i32 {lanes} to {vector('i1')}")
            names = self.b.emit(
                f"select {vector('i1')} {flags}, {vector(element)} {names}, "
                f"{vector(element)} splat ({element} {_identity(op, BITS[element])})")
        kind = REDUCIBLE[op]
        return self.b.emit(f"call {element} @llvm.vector.reduce.{kind}.v{WARP_LANES}{element}"
                           f"({vector(element)} {names})")

    def _atomic_loop(self, op, element, size, address, operand, type_, used, compare):
        b = self.b
        narrow = type_ == "w" and size < 4
        lane_element = "i32" if narrow else element
        value = self.as_float(operand, type_) if type_ in "sdhg" else (
            self.low32(operand) if size < 8 else self.wide(operand))
        lanes = {"address": ("i64", self.vec(address)), "operand": (lane_element, self.vec(value))}
        if compare is not None:
            wanted = self.low32(compare) if size < 8 else self.wide(compare)
            lanes["compare"] = (lane_element, self.vec(wanted))
        result = self.scratch(vector(lane_element))
        joined = self.branch_label("atomics")
        if op in PLAIN and not narrow:
            self._private_lanes(op, element, address, value, lanes, result if used else None,
                                joined)
        self._locked_lanes(op, element, narrow, lanes, result if used else None, joined)
        if not used:
            return None
        name = b.emit(f"load {vector(lane_element)}, ptr {result}, align 64")
        return self.varying(type_, name)

    def _private_lanes(self, op: str, element: str, address: Value, operand: Value, lanes: dict,
                       result: str | None, joined: str) -> None:
        """A block's shared memory belongs to one host thread: no locked operation is needed."""
        every = self._all_private(address)
        near, far = self.branch_label("own"), self.branch_label("global")
        before = dict(self.b.splats)
        self.goto(f"br i1 {every}, label %{near}, label %{far}", near)
        if self.mask is not None:
            whole, part = self.branch_label("whole"), self.branch_label("part")
            full = self.b.emit(f"icmp eq i32 {self.mask}, -1")
            self.goto(f"br i1 {full}, label %{whole}, label %{part}", part)
            slots = self._spread_to_memory(lanes)
            lane, head, done = self._next_lane()
            items = self._items(slots, lane)
            old = self._plain_update(op, element, self.pointer(items["address"]),
                                     items["operand"])
            self._give(result, element, old, lane)
            self.goto(f"br label %{head}", done)
            self.goto(f"br label %{joined}", whole, before)
        self._every_lane(op, element, address, operand, result)
        self.goto(f"br label %{joined}", far, before)

    def _all_private(self, address: Value) -> str:
        """Whether all active lanes' addresses are in the block's shared memory."""
        b, kind = self.b, vector("i64")
        if address.parts and None not in (address.parts[1].low, address.parts[1].high):
            base, index, shift = address.parts
            reach = (index.high + 1) << shift
            if index.low >= 0 and reach < SHARED_WINDOW:
                away = b.emit(f"sub i64 {base}, {self.shared_base()}")
                return b.emit(f"icmp ult i64 {away}, {SHARED_WINDOW - reach}")
        away = b.emit(f"sub {kind} {self.vec(address)}, {b.splat('i64', self.shared_base())}")
        own = b.emit(f"icmp ult {kind} {away}, splat (i64 {SHARED_WINDOW})")
        bits = b.emit(f"bitcast {vector('i1')} {own} to i32")
        if self.mask is not None:
            absent = b.emit(f"xor i32 {self.mask}, -1")
            bits = b.emit(f"or i32 {bits}, {absent}")
        return b.emit(f"icmp eq i32 {bits}, -1")

    def _every_lane(self, op: str, element: str, address: Value, operand: Value,
                    result: str | None) -> None:
        """The 32 updates one after another; lanes' numbers come out of memory cheaper."""
        b = self.b
        parts = address.parts if address.kind == "V" else None
        index = parts[1] if parts else address
        if index.type == "b":
            index = self.low32(index)
        words = {}
        for name, value in (("at", index), ("by", operand)):
            if not value.uniform:
                words[name] = self.scratch(vector(value.element))
                b.run(f"store {vector(value.element)} {self.vec(value)}, ptr {words[name]}, "
                      "align 64")
        base = self.pointer(parts[0]) if parts else None

        def item(name: str, value: Value, lane: int) -> str:
            if value.uniform:
                return self.literal(value)
            place = b.emit(f"getelementptr {value.element}, ptr {words[name]}, i64 {lane}")
            return b.emit(f"load {value.element}, ptr {place}")

        for lane in range(WARP_LANES):
            at = item("at", index, lane)
            if parts:
                wide = at
                if index.element != "i64":
                    extend = "zext" if index.type == "z" else "sext"
                    wide = b.emit(f"{extend} {index.element} {at} to i64")
                wide = b.emit(f"shl i64 {wide}, {parts[2]}")
                pointer = b.emit(f"getelementptr i8, ptr {base}, i64 {wide}")
            else:
                pointer = self.pointer(at)
            old = self._plain_update(op, element, pointer, item("by", operand, lane))
            self._give(result, element, old, str(lane))

    def _plain_update(self, op: str, element: str, pointer: str, operand: str) -> str:
        b = self.b
        old = b.emit(f"load {element}, ptr {pointer}, align {BITS[element] // 8}")
        new = PLAIN[op](b, element, old, operand)
        b.run(f"store {element} {new}, ptr {pointer}, align {BITS[element] // 8}")
        return old

    def _give(self, result: str | None, element: str, old: str, lane: str) -> None:
        if result is not None:
            place = self.b.emit(f"getelementptr {element}, ptr {result}, i32 {lane}")
            self.b.run(f"store {element} {old}, ptr {place}, align {BITS[element] // 8}")

    def _locked_lanes(self, op: str, element: str, narrow: bool, lanes: dict,
                      result: str | None, joined: str) -> None:
        slots = self._spread_to_memory(lanes)
        lane, head, done = self._next_lane()
        old = self._one_atomic(op, element, self._items(slots, lane), narrow)
        self._give(result, "i32" if narrow else element, old, lane)
        self.goto(f"br label %{head}", done)
        self.goto(f"br label %{joined}", joined)

    def _spread_to_memory(self, lanes: dict) -> dict:
        """Vectors in memory, from which one lane is cheap to read."""
        slots = {}
        for name, (kind, names) in lanes.items():
            slot = self.scratch(vector(kind))
            self.b.run(f"store {vector(kind)} {names}, ptr {slot}, align 64")
            slots[name] = (kind, slot)
        return slots

    def _items(self, slots: dict, lane: str) -> dict:
        items = {}
        for name, (kind, slot) in slots.items():
            place = self.b.emit(f"getelementptr {kind}, ptr {slot}, i32 {lane}")
            items[name] = self.b.emit(f"load {kind}, ptr {place}, align {BITS[kind] // 8}")
        return items

    def _next_lane(self) -> tuple[str, str, str]:
        """The head of a loop over the active lanes: (lane, head label, done label)."""
        b = self.b
        left_slot = self.scratch("i32")
        head, body, done = (self.branch_label(n) for n in ("lanes", "lane", "done"))
        b.run(f"store i32 {self.mask_operand()}, ptr {left_slot}")
        self.goto(f"br label %{head}", head)
        left = b.emit(f"load i32, ptr {left_slot}")
        some = b.emit(f"icmp ne i32 {left}, 0")
        self.goto(f"br i1 {some}, label %{body}, label %{done}", body)
        lane = b.emit(f"call i32 @llvm.cttz.i32(i32 {left}, i1 true)")
        fewer = b.emit(f"sub i32 {left}, 1")
        b.run(f"store i32 {b.emit(f'and i32 {left}, {fewer}')}, ptr {left_slot}")
        return lane, head, done

    def _one_atomic(self, op: str, element: str, items: dict, narrow: bool) -> str:
        b = self.b
        pointer = self.pointer(items["address"])
        if narrow:
            for name in ("operand", "compare"):
                if name in items:
                    items[name] = b.emit(f"trunc i32 {items[name]} to {element}")
        if op == "cas":
            pair = b.emit(f"cmpxchg ptr {pointer}, {element} {items['compare']}, "
                          f"{element} {items['operand']} seq_cst seq_cst")
            old = b.emit(f"extractvalue {{ {element}, i1 }} {pair}, 0")
        elif op in ("h2", "bf2"):
            pair = "<2 x half>" if op == "h2" else "<2 x bfloat>"
            operand = b.emit(f"bitcast i32 {items['operand']} to {pair}")
            old = b.emit(f"atomicrmw fadd ptr {pointer}, {pair} {operand} seq_cst, align 4")
            old = b.emit(f"bitcast {pair} {old} to i32")
        else:
            old = b.emit(f"atomicrmw {op} ptr {pointer}, {element} {items['operand']} seq_cst")
        if narrow:
            old = b.emit(f"sext {element} {old} to i32")
        return old


def _binary(op: str):
    return lambda b, element, old, value: b.emit(f"{op} {element} {old}, {value}")


def _pick(predicate: str):
    def emit(b, element, old, value):
        flag = b.emit(f"icmp {predicate} {element} {old}, {value}")
        return b.emit(f"select i1 {flag}, {element} {old}, {element} {value}")

    return emit


PLAIN = {
    "add": _binary("add"), "and": _binary("and"), "or": _binary("or"), "xor": _binary("xor"),
    "fadd": _binary("fadd"), "xchg": lambda b, element, old, value: value,
    "min": _pick("slt"), "max": _pick("sgt"), "umin": _pick("ult"), "umax": _pick("ugt"),
}  # fmt: skip
REDUCIBLE = {"add": "add", "and": "and", "or": "or", "xor": "xor",
             "min": "smin", "max": "smax", "umin": "umin", "umax": "umax"}  # fmt: skip


def _identity(op: str, bits: int) -> int:
    return {"add": 0, "or": 0, "xor": 0, "and": -1, "umin": -1, "umax": 0,
            "min": (1 << (bits - 1)) - 1, "max": -(1 << (bits - 1))}[op]  # fmt: skip
