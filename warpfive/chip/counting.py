"""What a launch on the reference engine counts: every definition of the counters, slowly.

`chip/native/capture.cpp` and `trace.cpp` say the same for translated code, and a test holds them
together. The reference counts every block and samples nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from warpfive.isa import reference as isa
from warpfive.translator import ATOMIC, UNITS, Plan, Program, Site, Where, kind_of
from warpfive.units import WARP_LANES

GLOBAL, SHARED, LOCAL, CONSTANT = range(4)
SECTOR, WORD, BANKS, ARGS = 32, 4, 32, 32 << 10
GROUP = 4
"""Neighbouring blocks whose streams are looked at together."""
BUCKETS = 40
OP_CONDITIONAL, OP_OPENS, OP_FOLDED = 1, 2, 4


def sectors(addresses: Iterable[int]) -> list[int]:
    """Distinct 32-byte sectors."""
    return sorted({address // SECTOR for address in addresses})


def ideal_sectors(touched: int, lanes: int, size: int) -> int:
    """The fewest sectors for so many bytes, and no more than were touched."""
    return min(touched, -(-lanes * size // SECTOR))


def wavefronts(lanes: dict[int, int], size: int) -> tuple[int, int]:
    """Passes over the banks of shared memory, and how many there were without conflicts."""
    together = WARP_LANES if size <= WORD else WARP_LANES // 2 if size == 8 else WARP_LANES // 4
    groups: dict[int, set[int]] = defaultdict(set)
    for lane, address in lanes.items():
        groups[lane // together] |= {(address + at) // WORD for at in range(0, size, WORD)}
    passes = sum(max(Counter(word % BANKS for word in words).values()) for words in groups.values())
    return passes, len(groups)


def local_sectors(offsets: Iterable[tuple[int, int]], size: int) -> int:
    """Sectors of (thread, stack offset), a warp's words of one offset lying side by side."""
    found = set()
    for thread, offset in offsets:
        for at in range(0, max(size, WORD), WORD):
            word = (offset + at) // WORD
            found.add((thread // WARP_LANES, word, thread % WARP_LANES // 8))
    return len(found)


def reuse(stream: list[tuple[int, int]]) -> tuple[list[list[int]], list[int]]:
    """(distances by bucket, cold accesses) of loads and stores in a stream of (sector, kind)."""
    distances, cold = [[0] * BUCKETS, [0] * BUCKETS], [0, 0]
    stack: list[int] = []
    for sector, kind in stream:
        if sector in stack:
            depth = len(stack) - 1 - stack.index(sector)
            stack.remove(sector)
            if kind != ATOMIC:
                distances[kind][depth.bit_length()] += 1
        elif kind != ATOMIC:
            cold[kind] += 1
        stack.append(sector)
    return distances, cold


@dataclass(slots=True)
class Space:
    """Accesses of one instruction to one memory."""

    requests: int = 0
    lanes: int = 0
    bytes: int = 0
    touched: int = 0
    ideal: int = 0
    addresses: int = 0
    passes: int = 0


@dataclass(slots=True)
class Row:
    """What one instruction did."""

    times: int = 0
    lanes: int = 0
    parted: int = 0
    captured: int = 0
    wide: int = 0
    spaces: dict[int, Space] = field(default_factory=lambda: defaultdict(Space))


class Counting:
    """Observes a launch and counts it. `job` is what `chip/native/reference.cpp` wrote."""

    def __init__(self, job: dict, image: bytes, where: Where) -> None:
        program = Program(image)
        self.job, self.base, self.where = job, job["image"], where
        self.plan = Plan(program, job["kernel"])
        self.instructions = {pc: ins for block in self.plan.blocks.values()
                             for pc, ins in block.instructions}
        self.rows: dict[int, Row] = defaultdict(Row)
        self.progress: dict[tuple[int, int], int] = defaultdict(int)
        self.waited = 0
        self.accesses: dict[int, list[tuple[int, int, int, int]]] = defaultdict(list)
        self.hot: list[Counter] = [Counter(), Counter()]
        self.at = 0
        self.tile: list[tuple[isa.Warp, dict[int, int]]] = []

    # -- what the reference tells -------------------------------------------------------------

    def executed(self, warp: isa.Warp, pc: int, lanes: int) -> None:
        """An instruction of a warp."""
        self.at = pc - self.base
        row = self.rows[self.at]
        row.times += 1
        row.lanes += lanes
        self.progress[self.name(warp)] += 1

    def parted(self, warp: isa.Warp, pc: int) -> None:
        """A branch at which lanes went both ways."""
        self.rows[pc - self.base].parted += 1

    def met(self, warps: set[isa.Warp]) -> None:
        """A barrier opens: its warps go on together."""
        names = {self.name(warp) for warp in warps}
        for block in {block for block, _ in names}:
            here = [name for name in names if name[0] == block]
            slowest = max(self.progress[name] for name in here)
            self.waited += sum(slowest - self.progress[name] for name in here)
            self.progress.update(dict.fromkeys(here, slowest))

    def accessed(self, warp: isa.Warp, addresses: np.ndarray, size: int) -> None:
        """An access by the active lanes of a warp."""
        site_number = self.plan.reports(self.at)
        if site_number is None:
            return
        site, row = self.plan.sites[site_number], self.rows[self.at]
        if site.columns:
            self.tile.append((warp, {lane: int(addresses[lane]) for lane in warp.lanes()}))
            if len(self.tile) == site.registers:
                self._moved(site, row)
            return
        lanes = {lane: int(addresses[lane]) + site.offset for lane in warp.lanes()}
        whole = size * site.parts
        wide = site.parts > 1 and not any(address % whole for address in lanes.values())
        row.captured += 1
        row.wide += wide
        parts = [(0, whole)] if wide else [(size * i, size) for i in range(site.parts)]
        by_space: dict[int, dict[int, int]] = defaultdict(dict)
        for lane, address in lanes.items():
            by_space[self.space(warp, address)][lane] = address
        for space in sorted(by_space):
            for offset, bytes_ in parts:
                moved = {lane: address + offset for lane, address in by_space[space].items()}
                self.request(warp, row.spaces[space], space, moved, bytes_)

    def _moved(self, site: Site, row: Row) -> None:
        """A tile was moved, register by register: one request."""
        warp = self.tile[0][0]
        elements = [address for _, lanes in self.tile for address in lanes.values()]
        space = self.space(warp, elements[0])
        to = row.spaces[space]
        row.captured += 1
        to.requests += 1
        to.lanes += len(self.tile[0][1])
        to.bytes += len(elements) * site.size
        self.tile.clear()
        if space == SHARED:
            words = Counter(word % BANKS for word in {e // WORD for e in elements})
            least = -(-len(elements) * site.size // (BANKS * WORD))
            to.touched += max(least, *words.values())
            to.ideal += least
            return
        touched = sectors(elements)
        to.touched += len(touched)
        to.ideal += ideal_sectors(len(touched), len(elements), site.size)
        if space == GLOBAL:
            self._note(warp, touched, site.kind)

    # -- what it means ------------------------------------------------------------------------

    def name(self, warp: isa.Warp) -> tuple[int, int]:
        """Number of the block in the grid, and of the warp in the block."""
        (x, y, z), (nx, ny, _) = warp.block.place, warp.launch.grid
        return x + nx * (y + ny * z), warp.index

    def space(self, warp: isa.Warp, address: int) -> int:
        """The memory that an address is of."""
        slot, launch = warp.block.slot, warp.launch
        if 0 <= address - slot.shared < launch.dynamic_offset + launch.dynamic_bytes:
            return SHARED
        if 0 <= address - slot.stack < launch.stack_bytes * launch.threads:
            return LOCAL
        constants = [(launch.args, ARGS), *zip(*[iter(self.job["constants"])] * 2, strict=True)]
        if any(0 <= address - base < size for base, size in constants):
            return CONSTANT
        return GLOBAL

    def request(self, warp: isa.Warp, to: Space, space: int, lanes: dict[int, int],
                size: int) -> None:
        """Counts one request of lanes' addresses in one memory."""
        addresses = list(lanes.values())
        to.requests += 1
        to.lanes += len(lanes)
        to.bytes += len(lanes) * size
        kind = self.plan.sites[self.plan.site_of[self.at]].kind
        if kind == ATOMIC:
            counts = Counter(addresses)
            to.addresses += len(counts)
            to.passes += max(counts.values())
            origin = warp.block.slot.shared if space == SHARED else 0
            for address, count in counts.items():
                self.hot[space == SHARED][address - origin] += count
        if space == CONSTANT:
            to.touched += len(set(addresses))
            to.ideal += 1
        elif space == SHARED:
            passes, least = wavefronts(lanes, size)
            to.touched += passes
            to.ideal += least
        elif space == LOCAL:
            stack, each = warp.block.slot.stack, warp.launch.stack_bytes
            touched = local_sectors((divmod(a - stack, each) for a in addresses), size)
            to.touched += touched
            to.ideal += ideal_sectors(touched, len(lanes), size)
        else:
            touched = sectors(addresses)
            to.touched += len(touched)
            to.ideal += ideal_sectors(len(touched), len(lanes), size)
            self._note(warp, touched, kind)

    def _note(self, warp: isa.Warp, touched: list[int], kind: int) -> None:
        block, index = self.name(warp)
        time = self.progress[block, index] - 1
        self.accesses[block] += [(time, index, sector, kind) for sector in touched]

    # -- the reply ----------------------------------------------------------------------------

    def reply(self) -> str:
        """Lines that `chip/native/reference.cpp` reads."""
        lines = []
        for pc, row in sorted(self.rows.items()):
            lines.append(self._op(pc))
            lines.append(f"counts {pc} {row.times} {row.lanes} {row.parted} {row.captured} "
                         f"{row.wide}")
            for number, one in row.spaces.items():
                lines.append(f"space {pc} {number} {one.requests} {one.lanes} {one.bytes} "
                             f"{one.touched} {one.ideal} {one.addresses} {one.passes}")
        blocks = {block for block, _ in self.progress}
        paths = [max(count for (block, _), count in self.progress.items() if block == one)
                 for one in blocks]
        lines.append(f"blocks {len(blocks)} {sum(paths)} {max(paths, default=0)} {self.waited} "
                     f"{self.plan.registers}")
        lines += [line for level, size in ((1, 1), (2, GROUP)) for line in self._reuse(level, size)]
        lines.append(self._footprint())
        shares = [max(c.values()) / c.total() if c else 0 for c in self.hot]
        lines.append(f"hottest {shares[0]!r} {shares[1]!r}")
        return "\n".join(lines) + "\n"

    def _op(self, pc: int) -> str:
        ins, plan = self.instructions[pc], self.plan
        kind = kind_of(ins)
        unit = "spill" if pc in plan.spills else kind.unit
        flags = OP_CONDITIONAL * (ins.row.unit == "branch" and not ins.name.startswith("jal"))
        flags |= OP_OPENS * (pc in plan.opens) | OP_FOLDED * (pc in plan.folded)
        leader = plan.folded.get(pc, pc)
        site = plan.sites[plan.site_of[leader]] if leader in plan.site_of else None
        access = f"{leader} {site.size} {site.parts} {site.kind}" if site else "-1 0 0 0"
        file, line = self.where(pc) or ("", 0)
        return (f"op {pc} {UNITS.index(unit)} {kind.flop_type} {kind.flops} {kind.tensor_type} "
                f"{kind.tensor_ops} {flags} {access} {line} {file.replace(' ', '%20') or '-'}")

    def _reuse(self, level: int, size: int) -> list[str]:
        groups: dict[int, list] = defaultdict(list)
        for block, accesses in self.accesses.items():
            groups[block // size] += [(time, block, warp, sector, kind)
                                      for time, warp, sector, kind in accesses]
        total, cold = [[0] * BUCKETS, [0] * BUCKETS], [0, 0]
        for group in groups.values():
            group.sort(key=lambda one: one[:3])
            found, first = reuse([(sector, kind) for *_, sector, kind in group])
            for kind in range(2):
                total[kind] = [a + b for a, b in zip(total[kind], found[kind], strict=True)]
                cold[kind] += first[kind]
        grid = np.prod(self.job["grid"])
        return [f"reuse {level} {kind} {min(size, grid)} {cold[kind]} "
                + " ".join(map(str, total[kind])) for kind in range(2)]

    def _footprint(self) -> str:
        touched: dict[int, set[int]] = defaultdict(set)
        for accesses in self.accesses.values():
            for *_, sector, kind in accesses:
                touched[sector] |= {0, 1} if kind == ATOMIC else {kind}
        counts = [len(touched), *(sum(k in kinds for kinds in touched.values()) for k in (0, 1))]
        return "footprint " + " ".join(map(str, counts))
