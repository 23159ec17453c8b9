"""Random programs of blocks whose warps meet: barriers in loops, data that threads exchange.

Between meetings, which the whole block reaches, threads run random code of their own. What decides
how often and where they meet is the same in the whole block; which of several barriers a lane
waits at may differ. Nothing in a program races, so every engine has one answer.
"""

from __future__ import annotations

from .programs import BLOCK_WIDE, FLOATS, INTS, LANE_BYTES, Writer, plain

BUFFER_BYTES = 1024
BUFFERS = 2
COUNTERS = BUFFERS * BUFFER_BYTES
SHARED_BYTES = COUNTERS + 64
LANE_BITS = LANE_BYTES.bit_length() - 1
EXCHANGED = 320
"""Where in a thread's bytes others may read, between meetings."""
MEETINGS = 10
WHOLE = "wf.bar.sync zero, zero"
COUNT, REACH, TID, BLOCK_DATA = (24, 25), 31, 26, 27


class Meetings(Writer):
    """A program for blocks of up to 128 threads. Some have barriers with numbers and counts."""

    def __init__(self, seed: int, threads: int) -> None:
        super().__init__(seed)
        self.threads = threads
        self.named = threads % 64 == 0 and self.draw.random() < 0.3
        self.read_since: set[str] = set()
        self.left = MEETINGS

    def program(self) -> str:
        start = [
            f"wf.sr x{TID}, tid.x", f"slli t3, t1, {LANE_BITS}", f"add x{BLOCK_DATA}, gp, t3",
            f"sh3add t3, x{TID}, tp",
            *(f"sd t0, {BUFFER_BYTES * n}(t3)" for n in range(BUFFERS)), f"li t3, {COUNTERS}",
            "add t3, t3, tp", *(f"sd zero, {8 * n}(t3)" for n in range(4)),
            f"sd t0, {EXCHANGED}(s0)", f"li x{REACH}, 1",
            f"wf.sr x{BLOCK_WIDE[0]}, ctaid.x", f"lw x{BLOCK_WIDE[1]}, 256(gp)", WHOLE,
        ]  # fmt: skip
        return self.finished([*start, *self.meetings(2)])

    # -- what the whole block does ------------------------------------------------------------

    def meetings(self, depth: int) -> list[str]:
        lines = []
        for _ in range(min(self.draw.randrange(1, 4), self.left)):
            self.left -= 1
            lines += self.alone()
            choice = self.draw.random()
            if depth and choice < 0.4:
                lines += self.rounds(depth)
            elif depth and choice < 0.55:
                lines += self.sides(depth)
            else:
                lines += self.exchange()
        return [*lines, *self.settled()]

    def alone(self) -> list[str]:
        """What each thread does by itself."""
        return self.body(1 if self.draw.random() < 0.3 else 0)

    def body(self, depth: int) -> list[str]:
        """Shorter than a program's without meetings."""
        if depth == 0:
            return [plain(self.draw) for _ in range(self.draw.randrange(4))]
        return super().body(depth)

    def early_exit(self, depth: int) -> list[str]:
        """Lanes leave for good only where nobody counts them."""
        return self.branch(depth) if self.named else super().early_exit(depth)

    def rounds(self, depth: int) -> list[str]:
        """A loop in which the block meets; its reach doubles, as in a scan."""
        head, out = self.label(), self.label()
        counter = COUNT[depth - 1]
        count = self.draw.choice([f"li x{counter}, {self.draw.randrange(1, 5)}",
                                  f"andi x{counter}, x{self.block_wide()}, 3"])
        lines = [*self.settled(), f"li x{REACH}, {self.draw.choice([1, 1, 2, 5])}", count,
                 f"{head}:", *self.meetings(depth - 1)]
        if self.draw.random() < 0.7:
            lines.append(f"slliw x{REACH}, x{REACH}, 1")
        if self.draw.random() < 0.3:
            lines.append(f"beq x{self.block_wide()}, x{self.block_wide()}, {out}")
        return [*lines, f"addi x{counter}, x{counter}, -1", f"bgtz x{counter}, {head}", f"{out}:"]

    def sides(self, depth: int) -> list[str]:
        """A branch that the whole block takes alike, with meetings on its sides."""
        other, end = self.label(), self.label()
        test = self.draw.choice(["beqz", "bgtz", "bltz"])
        lines = [*self.settled(), f"{test} x{self.block_wide()}, {other}",
                 *self.meetings(depth - 1)]
        if self.draw.random() < 0.5:
            return [*lines, f"j {end}", f"{other}:", *self.meetings(depth - 1), f"{end}:"]
        return [*lines, f"{other}:"]

    def block_wide(self) -> int:
        return self.draw.choice(BLOCK_WIDE)

    # -- exchange -----------------------------------------------------------------------------

    def exchange(self) -> list[str]:
        if self.named and self.draw.random() < 0.3:
            return self.in_pairs()
        return self.draw.choice([self.through_shared, self.through_shared, self.through_shared,
                                 self.through_global, self.through_counter, self.vote])()

    def barrier(self) -> list[str]:
        """The whole block meets, at one barrier or at the one that a thread's values choose."""
        self.read_since.clear()
        if self.draw.random() < 0.75:
            return [WHOLE]
        other, end = self.label(), self.label()
        if self.draw.random() < 0.4:
            warp = [f"srli t3, x{TID}, 5", "andi t3, t3, 1", f"beqz t3, {other}"]
        else:
            warp = [self.condition(other)]
        left, right = ([*self.body(0), WHOLE] if self.draw.random() < 0.5 else [WHOLE]
                       for _ in range(2))
        return [*warp, *left, f"j {end}", f"{other}:", *right, f"{end}:"]

    def settled(self) -> list[str]:
        """A barrier, if somebody may still read what was exchanged."""
        return self.barrier() if self.read_since else []

    def through_shared(self) -> list[str]:
        """Write, meet, read another's. The other buffer can be written at once."""
        buffer = self.draw.randrange(BUFFERS)
        lines = self.settled() if f"buffer {buffer}" in self.read_since else []
        place = BUFFER_BYTES * buffer
        lines += [f"sh3add t3, x{TID}, tp", f"sd x{self.draw.choice(INTS)}, {place}(t3)",
                  *self.barrier()]
        for _ in range(self.draw.randrange(1, 3)):
            lines += self.read(3, place, "tp")
        self.read_since.add(f"buffer {buffer}")
        return lines

    def through_global(self) -> list[str]:
        lines = self.settled() if "global" in self.read_since else []
        lines += [f"sd x{self.draw.choice(INTS)}, {EXCHANGED}(s0)", *self.barrier(),
                  *self.read(LANE_BITS, EXCHANGED, f"x{BLOCK_DATA}")]
        self.read_since.add("global")
        return lines

    def read(self, scale: int, place: int, base: str) -> list[str]:
        """A register gets what another thread wrote."""
        skip = self.label()
        load = self.draw.choice([f"ld x{self.draw.choice(INTS)}", f"lw x{self.draw.choice(INTS)}",
                                 f"flw f{self.draw.choice(FLOATS)}"])
        own = self.body(0) if self.draw.random() < 0.3 else []
        return [*self.neighbour(scale, skip), f"add t3, t3, {base}", f"{load}, {place}(t3)",
                *own, f"{skip}:"]

    def neighbour(self, scale: int, skip: str) -> list[str]:
        """t3: another thread's number times 2^scale; lanes that have none branch to `skip`.

        Those lanes' index lies outside the block, and in some ways outside of 32 bits.
        """
        last = self.threads - 1
        far = self.draw.choice([f"li t4, {self.draw.choice([1, 2, 31, 32, 33])}",
                                f"mv t4, x{REACH}"])
        wide = self.draw.choice([
            [f"slli t3, t3, {scale}"],
            ["slli t3, t3, 32", f"srli t3, t3, {32 - scale}"] if scale < 5 else
            ["slli t3, t3, 32", "srli t3, t3, 32", f"slli t3, t3, {scale}"],
        ])
        choice = self.draw.randrange(6)
        if choice <= 1:
            test = self.draw.choice(["bltu", "blt"])
            return [far, f"{test} x{TID}, t4, {skip}", f"subw t3, x{TID}, t4", *wide]
        if choice == 2:
            return [far, f"addw t3, x{TID}, t4", f"li t5, {last}", f"bgtu t3, t5, {skip}", *wide]
        if choice == 3:
            return [f"li t3, {last}", f"subw t3, t3, x{TID}", *wide]
        if choice == 4:
            return [f"li t3, {self.draw.randrange(self.threads)}", *wide]
        return self.wrapping(scale)

    def wrapping(self, scale: int) -> list[str]:
        """The thread's own number, by way of sums that wrap in some lanes of some warps."""
        near = self.draw.choice([(1 << 31) - self.draw.randrange(1, self.threads + 40),
                                 (1 << 32) - self.draw.randrange(1, self.threads + 40)])
        extend = self.draw.choice(["sext.w t3, t3", "zext.w t3, t3"])
        back = [f"srli t3, t3, {35 - scale}"] if scale <= 3 else [
            "srli t3, t3, 35", f"slli t3, t3, {scale}"]
        return [f"li t4, {near}", f"addw t3, x{TID}, t4", extend, "slli t3, t3, 3",
                "slli t4, t4, 3", "sub t3, t3, t4", "slli t3, t3, 32", *back]

    def through_counter(self) -> list[str]:
        """All add to one of the block's counters, then read it."""
        name = self.draw.choice(["amoadd.w", "amomaxu.d", "amoxor.d", "amoadd.d", "amomin.w"])
        result = self.draw.choice([*INTS, *BLOCK_WIDE])
        skip = self.label()
        guard = [self.condition(skip)] if self.draw.random() < 0.5 else []
        lines = self.settled() if "counters" in self.read_since else []
        place = [f"li t3, {COUNTERS + 8 * self.draw.randrange(4)}", "add t3, t3, tp"]
        lines += [*guard, *place, f"{name} zero, x{self.draw.choice(INTS)}, (t3)", f"{skip}:",
                  *self.barrier(), *place, f"l{name[-1]} x{result}, (t3)"]
        self.read_since.add("counters")
        return lines

    def vote(self) -> list[str]:
        """A barrier that counts; its result is the same in the whole block."""
        name = self.draw.choice(["popc", "and", "or"])
        self.read_since.clear()
        return [f"slti t3, x{self.draw.choice(INTS)}, {self.draw.randrange(-5, 40)}",
                f"wf.bar.red.{name} x{self.draw.choice([*INTS, *BLOCK_WIDE])}, t3"]

    def in_pairs(self) -> list[str]:
        """Even warps hand something to the warp after them, at a barrier of the two or of all."""
        consume, end = self.label(), self.label()
        number = self.draw.randrange(1, 5)
        place = BUFFER_BYTES  # the second buffer
        lines = [*self.settled(), f"srli t3, x{TID}, 6", f"li t4, {number}", "li t5, 64"]
        if self.draw.random() < 0.5:
            lines.append("add t4, t4, t3")
        else:
            lines.append(f"li t5, {self.threads}")
        self.read_since.clear()
        lines += [f"srli t3, x{TID}, 5", "andi t3, t3, 1", f"bnez t3, {consume}",
                  f"sh3add t3, x{TID}, tp", f"sd x{self.draw.choice(INTS)}, {place}(t3)",
                  "wf.bar.arrive t4, t5", f"j {end}", f"{consume}:", "wf.bar.sync t4, t5",
                  f"sh3add t3, x{TID}, tp", f"ld x{self.draw.choice(INTS)}, {place - 256}(t3)",
                  f"{end}:", WHOLE]
        return lines
