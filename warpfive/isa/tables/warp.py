"""Xwarp: what a warp of lanes needs beyond the standard, in the custom-0 to custom-3 spaces.

A collective with a member mask waits until every live lane of the mask has come to the same
instruction with the same mask. Masks come back zero-extended, other 32-bit results sign-extended.
``f32 += f16 * f16`` and the like name a tile product's formats.
"""

from dataclasses import dataclass

from warpfive.isa.row import table


@dataclass(frozen=True, slots=True)
class SpecialRegister:
    """A value that ``wf.sr`` reads. ``stable``: it never changes while a lane lives."""

    number: int
    name: str
    text: str
    stable: bool = True


SPECIAL_REGISTERS = (
    SpecialRegister(0, "tid.x", "thread's coordinate in its block, x"),
    SpecialRegister(1, "tid.y", "thread's coordinate in its block, y"),
    SpecialRegister(2, "tid.z", "thread's coordinate in its block, z"),
    SpecialRegister(3, "ntid.x", "threads of a block along x"),
    SpecialRegister(4, "ntid.y", "threads of a block along y"),
    SpecialRegister(5, "ntid.z", "threads of a block along z"),
    SpecialRegister(6, "ctaid.x", "block's coordinate in the grid, x"),
    SpecialRegister(7, "ctaid.y", "block's coordinate in the grid, y"),
    SpecialRegister(8, "ctaid.z", "block's coordinate in the grid, z"),
    SpecialRegister(9, "nctaid.x", "blocks of the grid along x"),
    SpecialRegister(10, "nctaid.y", "blocks of the grid along y"),
    SpecialRegister(11, "nctaid.z", "blocks of the grid along z"),
    SpecialRegister(12, "laneid", "lane in the warp, 0 to 31"),
    SpecialRegister(13, "warpid", "warp in the block"),
    SpecialRegister(14, "smid", "core that runs the block", stable=False),
    SpecialRegister(15, "nsmid", "cores of the chip"),
    SpecialRegister(16, "dynshared", "address of the dynamic shared memory"),
    SpecialRegister(17, "lanemask.eq", "mask of the lane itself"),
    SpecialRegister(18, "lanemask.lt", "mask of the lanes below"),
    SpecialRegister(19, "lanemask.le", "mask of the lane and those below"),
    SpecialRegister(20, "lanemask.gt", "mask of the lanes above"),
    SpecialRegister(21, "lanemask.ge", "mask of the lane and those above"),
    SpecialRegister(22, "activemask", "mask of the lanes that execute together", stable=False),
    SpecialRegister(23, "clock64", "chip clock, cycles", stable=False),
    SpecialRegister(24, "globaltimer", "chip time, nanoseconds", stable=False),
    SpecialRegister(25, "dynshared.bytes", "bytes of dynamic shared memory"),
    SpecialRegister(26, "gridid", "number of the launch"),
    SpecialRegister(27, "nwarpid", "warps of a block"),
    SpecialRegister(28, "runtime.area", "address of the runtime's area (printf buffer, heap)"),
    SpecialRegister(29, "sharedbase", "address of the block's shared memory, as tp at entry"),
    SpecialRegister(30, "sharedsize", "bytes of shared memory, static and dynamic"),
)

_SPECIAL = table("Xwarp", """
wf.sr rd, sreg | op=0x0b f3=0 rs1=0 | alu | rd = special(imm) | Reads a special register.
""")

_BARRIERS = table("Xwarp", """
wf.bar.sync rs1, rs2 | op=0x0b f3=1 f7=0 rd=0 | barrier | barrier(rs1, rs2)
    | Waits at barrier rs1 until rs2 threads have come; rs2 = 0 means the whole block.
wf.bar.red.popc rd, rs1 | op=0x0b f3=1 f7=2 rs2=0 | barrier | rd = barrier_popc(rs1)
    | Waits for the block; how many threads came with rs1 not zero.
wf.bar.red.and rd, rs1 | op=0x0b f3=1 f7=3 rs2=0 | barrier | rd = barrier_and(rs1)
    | Waits for the block; one where every thread came with rs1 not zero.
wf.bar.red.or rd, rs1 | op=0x0b f3=1 f7=4 rs2=0 | barrier | rd = barrier_or(rs1)
    | Waits for the block; one where any thread came with rs1 not zero.
wf.warp.sync rs1 | op=0x0b f3=1 f7=5 rd=0 rs2=0 | warp | meet(rs1)
    | Waits for the live lanes of mask rs1.
wf.grid.sync | op=0x0b f3=1 f7=6 rd=0 rs1=0 rs2=0 | barrier | grid_barrier()
    | Waits for every thread of the grid.
wf.nanosleep rs1 | op=0x0b f3=1 f7=7 rd=0 rs2=0 | system | sleep(rs1)
    | Lets others run for about rs1 nanoseconds.
wf.exit | op=0x0b f3=1 f7=8 rd=0 rs1=0 rs2=0 | system | leave() | Ends the lane.
wf.trap rs1 | op=0x0b f3=1 f7=9 rd=0 rs2=0 | system | trap(rs1)
    | Stops the launch: 1 a failed assertion, 2 a trap.
wf.bar.arrive rs1, rs2 | op=0x0b f3=1 f7=10 rd=0 | barrier | arrive(rs1, rs2)
    | Counts as come to barrier rs1 of rs2 threads, and goes on.
""")

_VOTES = table("Xwarp", """
wf.vote.ballot rd, rs1, rs2 | op=0x0b f3=2 f7=0 | warp | rd = ballot(rs1, rs2)
    | Mask of the members whose rs1 is not zero.
wf.vote.any rd, rs1, rs2 | op=0x0b f3=2 f7=1 | warp | rd = ballot(rs1, rs2) != 0
    | One where any member's rs1 is not zero.
wf.vote.all rd, rs1, rs2 | op=0x0b f3=2 f7=2 | warp | rd = ballot(rs1 == 0, rs2) == 0
    | One where every member's rs1 is not zero.
wf.vote.uni rd, rs1, rs2 | op=0x0b f3=2 f7=3 | warp
    | rd = (ballot(rs1, rs2) == 0) \\| (ballot(rs1 == 0, rs2) == 0)
    | One where the members' rs1 are all zero or all not zero.
wf.match.any rd, rs1, rs2 | op=0x0b f3=2 f7=4 | warp | rd = match(rs1, rs2)
    | Mask of the members whose 64-bit rs1 equals the lane's own.
wf.match.all rd, rs1, rs2 | op=0x0b f3=2 f7=5 | warp
    | rd = pick(match(rs1, rs2) == members(rs2), members(rs2), 0)
    | Mask of the members where all 64-bit rs1 are equal, else 0.
wf.redux.add rd, rs1, rs2 | op=0x0b f3=2 f7=8 | warp | rd = w(reduce(add, rs1, rs2))
    | Sum over the members, 32 bits.
wf.redux.min rd, rs1, rs2 | op=0x0b f3=2 f7=9 | warp | rd = w(reduce(min_s, w(rs1), rs2))
    | Least over the members, signed 32 bits.
wf.redux.max rd, rs1, rs2 | op=0x0b f3=2 f7=10 | warp | rd = w(reduce(max_s, w(rs1), rs2))
    | Greatest over the members, signed 32 bits.
wf.redux.minu rd, rs1, rs2 | op=0x0b f3=2 f7=11 | warp | rd = w(reduce(min_u, uw(rs1), rs2))
    | Least over the members, unsigned 32 bits.
wf.redux.maxu rd, rs1, rs2 | op=0x0b f3=2 f7=12 | warp | rd = w(reduce(max_u, uw(rs1), rs2))
    | Greatest over the members, unsigned 32 bits.
wf.redux.and rd, rs1, rs2 | op=0x0b f3=2 f7=13 | warp | rd = w(reduce(and_, rs1, rs2))
    | And over the members, 32 bits.
wf.redux.or rd, rs1, rs2 | op=0x0b f3=2 f7=14 | warp | rd = w(reduce(or_, rs1, rs2))
    | Or over the members, 32 bits.
wf.redux.xor rd, rs1, rs2 | op=0x0b f3=2 f7=15 | warp | rd = w(reduce(xor, rs1, rs2))
    | Exclusive or over the members, 32 bits.
""")

_SHUFFLES = table("Xwarp", """
wf.shfl.idx rd, rs1, rs2, rs3 | op=0x2b f3=0 f2=0 | warp | rd = shuffle_idx(rs1, rs2, rs3)
    | Value of lane rs2 of the segment; rs3 = member mask, width << 32.
wf.shfl.up rd, rs1, rs2, rs3 | op=0x2b f3=0 f2=1 | warp | rd = shuffle_up(rs1, rs2, rs3)
    | Value of the lane rs2 below in the segment, or the lane's own.
wf.shfl.down rd, rs1, rs2, rs3 | op=0x2b f3=0 f2=2 | warp | rd = shuffle_down(rs1, rs2, rs3)
    | Value of the lane rs2 above in the segment, or the lane's own.
wf.shfl.bfly rd, rs1, rs2, rs3 | op=0x2b f3=0 f2=3 | warp | rd = shuffle_bfly(rs1, rs2, rs3)
    | Value of the lane whose number differs by exclusive or with rs2.
""")

_BITS = table("Xwarp", """
wf.brev.w rd, rs1 | op=0x0b f3=3 f7=0 rs2=0 | alu | rd = w(brev(rs1) >> 32)
    | Reverses the bits of 32.
wf.brev.d rd, rs1 | op=0x0b f3=3 f7=1 rs2=0 | alu | rd = brev(rs1) | Reverses the bits of 64.
wf.prmt rd, rs1, rs2, rs3 | op=0x2b f3=1 f2=0 | alu | rd = w(permute(rs1, rs2, rs3))
    | Four bytes of the pair rs2:rs1, chosen by the nibbles of rs3; a nibble's bit 3 spreads the
      byte's sign.
wf.shf.l rd, rs1, rs2, rs3 | op=0x2b f3=1 f2=1 | alu
    | rd = w((uw(rs2) << 32 \\| uw(rs1)) << (rs3 & 31) >> 32)
    | High 32 bits of rs2:rs1 shifted left by rs3 & 31.
wf.shf.r rd, rs1, rs2, rs3 | op=0x2b f3=1 f2=2 | alu
    | rd = w((uw(rs2) << 32 \\| uw(rs1)) >> (rs3 & 31))
    | Low 32 bits of rs2:rs1 shifted right by rs3 & 31.
wf.dp4a.s rd, rs1, rs2, rs3 | op=0x2b f3=2 f2=0 | mul
    | rd = w(rs3 + sum(sext(rs1 >> i, 8) * sext(rs2 >> i, 8) for i in (0, 8, 16, 24)))
    | Adds the four products of signed bytes to rs3.
wf.dp4a.u rd, rs1, rs2, rs3 | op=0x2b f3=2 f2=1 | mul
    | rd = w(rs3 + sum((rs1 >> i & 255) * (rs2 >> i & 255) for i in (0, 8, 16, 24)))
    | Adds the four products of unsigned bytes to rs3.
""")

_APPROXIMATE = table("Xwarp", """
wf.ex2 fd, fs1 | op=0x5b f3=0 f7=0 rs2=0 | sfu | fd = approximate(np.exp2, fs1)
    | Two to the power, binary32.
wf.lg2 fd, fs1 | op=0x5b f3=0 f7=1 rs2=0 | sfu | fd = approximate(np.log2, fs1)
    | Logarithm to base 2, binary32.
wf.sin fd, fs1 | op=0x5b f3=0 f7=2 rs2=0 | sfu | fd = approximate(np.sin, fs1)
    | Sine, binary32.
wf.cos fd, fs1 | op=0x5b f3=0 f7=3 rs2=0 | sfu | fd = approximate(np.cos, fs1)
    | Cosine, binary32.
wf.rcp fd, fs1 | op=0x5b f3=0 f7=4 rs2=0 | sfu | fd = approximate(np.reciprocal, fs1)
    | Reciprocal, binary32.
wf.rsqrt fd, fs1 | op=0x5b f3=0 f7=5 rs2=0 | sfu | fd = approximate(rsqrt, fs1)
    | Reciprocal square root, binary32.
wf.sqrt fd, fs1 | op=0x5b f3=0 f7=6 rs2=0 | sfu | fd = approximate(np.sqrt, fs1)
    | Square root, binary32.
wf.tanh fd, fs1 | op=0x5b f3=0 f7=7 rs2=0 | sfu | fd = approximate(np.tanh, fs1)
    | Hyperbolic tangent, binary32.
""")

_ATOMICS = table("Xwarp", """
wf.amoadd.s fd, fs2, (rs1) | op=0x5b f3=1 f7=0 | atomic | fd = float_atomic(rs1, S, fs2)
    | Adds binary32 to memory; the old value comes back.
wf.amoadd.d fd, fs2, (rs1) | op=0x5b f3=1 f7=1 | atomic | fd = float_atomic(rs1, D, fs2)
    | Adds binary64 to memory; the old value comes back.
wf.amoadd.h fd, fs2, (rs1) | op=0x5b f3=1 f7=2 | atomic | fd = float_atomic(rs1, H, fs2)
    | Adds binary16 to memory; the old value comes back.
wf.amoadd.bf16 fd, fs2, (rs1) | op=0x5b f3=1 f7=3 | atomic | fd = float_atomic(rs1, B, fs2)
    | Adds bfloat16 to memory; the old value comes back.
wf.amoinc.w rd, rs2, (rs1) | op=0x5b f3=2 f7=0 | atomic | rd = atomic(rs1, 4, wrap_inc, rs2)
    | Counts memory up to rs2, then on from 0; the old 32 bits come back.
wf.amodec.w rd, rs2, (rs1) | op=0x5b f3=2 f7=1 | atomic | rd = atomic(rs1, 4, wrap_dec, rs2)
    | Counts memory down to 0, then on from rs2; the old 32 bits come back.
wf.amoadd.h2 rd, rs2, (rs1) | op=0x5b f3=2 f7=2 | atomic | rd = atomic(rs1, 4, add_h2, rs2)
    | Adds a pair of binary16 to memory; the old pair comes back.
wf.amoadd.bf2 rd, rs2, (rs1) | op=0x5b f3=2 f7=3 | atomic | rd = atomic(rs1, 4, add_bf2, rs2)
    | Adds a pair of bfloat16 to memory; the old pair comes back.
""")

_TILES = table("Xwarp", """
wf.mma.f32.f16 fd8, fs1x8, fs2x8 | op=0x7b f3=0 f7=0 | matrix | fd = mma(S, H, fd, fs1, fs2)
    | C += A B on 16x16x16 tiles: f32 += f16 * f16.
wf.mma.f32.bf16 fd8, fs1x8, fs2x8 | op=0x7b f3=0 f7=1 | matrix | fd = mma(S, B, fd, fs1, fs2)
    | C += A B on 16x16x16 tiles: f32 += bf16 * bf16.
wf.mma.f16.f16 fd8, fs1x8, fs2x8 | op=0x7b f3=0 f7=2 | matrix | fd = mma(H, H, fd, fs1, fs2)
    | C += A B on 16x16x16 tiles: f16 += f16 * f16.
wf.mma.s32.s8 fd8, fs1x8, fs2x8 | op=0x7b f3=0 f7=3 | matrix | fd = mma(i32, i8, fd, fs1, fs2)
    | C += A B on 16x16x16 tiles: s32 += s8 * s8.
wf.mma.s32.u8 fd8, fs1x8, fs2x8 | op=0x7b f3=0 f7=4 | matrix | fd = mma(i32, u8, fd, fs1, fs2)
    | C += A B on 16x16x16 tiles: s32 += u8 * u8.
wf.mma.f32.tf32 fd8, fs1x4, fs2x4 | op=0x7b f3=0 f7=5 | matrix | fd = mma(S, T, fd, fs1, fs2)
    | C += A B on 16x8x16 tiles (A 16x8, B 8x16): f32 += tf32 * tf32.
""")

_TILE_ACCESSES = table("Xwarp", """
wf.tld.h fw8, (rs1), rs2 | op=0x7b f3=1 f7=0 | lsu
    | fd = H.box(load_tile(rs1, rs2, 2))
    | Loads a 16x16 tile of 16 bits; its rows are rs2 bytes apart.
wf.tld.w fw8, (rs1), rs2 | op=0x7b f3=1 f7=1 | lsu
    | fd = S.box(load_tile(rs1, rs2, 4))
    | Loads a 16x16 tile of 32 bits; its rows are rs2 bytes apart.
wf.tld.b fw8, (rs1), rs2 | op=0x7b f3=1 f7=2 | lsu
    | fd = S.box(uw(sext(load_tile(rs1, rs2, 1), 8)))
    | Loads a 16x16 tile of bytes, sign-extended to 32 bits; its rows are rs2 bytes apart.
wf.tld.bu fw8, (rs1), rs2 | op=0x7b f3=1 f7=3 | lsu
    | fd = S.box(load_tile(rs1, rs2, 1))
    | Loads a 16x16 tile of bytes, zero-extended to 32 bits; its rows are rs2 bytes apart.
wf.tld.w8 fw4, (rs1), rs2 | op=0x7b f3=1 f7=4 | lsu
    | fd = S.box(load_tile(rs1, rs2, 4, 8, 4))
    | Loads a 16x8 tile of 32 bits; its rows are rs2 bytes apart.
wf.tld.w16 fw4, (rs1), rs2 | op=0x7b f3=1 f7=5 | lsu
    | fd = S.box(load_tile(rs1, rs2, 4, 16, 4))
    | Loads an 8x16 tile of 32 bits; its rows are rs2 bytes apart.
wf.tldt.h fw8, (rs1), rs2 | op=0x7b f3=2 f7=0 | lsu
    | fd = H.box(load_turned(rs1, rs2, 2))
    | Loads a 16x16 tile of 16 bits; its columns are rs2 bytes apart.
wf.tldt.w fw8, (rs1), rs2 | op=0x7b f3=2 f7=1 | lsu
    | fd = S.box(load_turned(rs1, rs2, 4))
    | Loads a 16x16 tile of 32 bits; its columns are rs2 bytes apart.
wf.tldt.b fw8, (rs1), rs2 | op=0x7b f3=2 f7=2 | lsu
    | fd = S.box(uw(sext(load_turned(rs1, rs2, 1), 8)))
    | Loads a 16x16 tile of bytes, sign-extended to 32 bits; its columns are rs2 bytes apart.
wf.tldt.bu fw8, (rs1), rs2 | op=0x7b f3=2 f7=3 | lsu
    | fd = S.box(load_turned(rs1, rs2, 1))
    | Loads a 16x16 tile of bytes, zero-extended to 32 bits; its columns are rs2 bytes apart.
wf.tst.h fs2x8, (rs1), rs3 | op=0x7b f3=3 f2=0 rd=0 | lsu | store_tile(rs1, rs3, 2, fs2)
    | Stores a 16x16 tile of 16 bits; its rows are rs3 bytes apart.
wf.tst.w fs2x8, (rs1), rs3 | op=0x7b f3=3 f2=1 rd=0 | lsu | store_tile(rs1, rs3, 4, fs2)
    | Stores a 16x16 tile of 32 bits; its rows are rs3 bytes apart.
wf.tstt.h fs2x8, (rs1), rs3 | op=0x7b f3=4 f2=0 rd=0 | lsu | store_turned(rs1, rs3, 2, fs2)
    | Stores a 16x16 tile of 16 bits; its columns are rs3 bytes apart.
wf.tstt.w fs2x8, (rs1), rs3 | op=0x7b f3=4 f2=1 rd=0 | lsu | store_turned(rs1, rs3, 4, fs2)
    | Stores a 16x16 tile of 32 bits; its columns are rs3 bytes apart.
""")

ROWS = (
    _SPECIAL + _BARRIERS + _VOTES + _SHUFFLES + _BITS + _APPROXIMATE + _ATOMICS + _TILES
    + _TILE_ACCESSES
)  # fmt: skip
