/* Written by `python -m warpfive.isa.generate` from the instruction table; edit that instead.

   One device function an instruction of Xwarp, the chip's own extension. Integers are passed and
   returned as 64-bit registers hold them: a 32-bit result is sign-extended, a mask of lanes is
   zero-extended, and of a mask operand the low 32 bits count. docs/isa.md describes every
   instruction. */
#pragma once

#define __WF_INTRINSIC static inline __attribute__((device, always_inline, unused))

/* wf.sr tid.x: thread's coordinate in its block, x. */
__WF_INTRINSIC unsigned int __wf_tid_x() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 0" : "=r"(rd));
  return (unsigned int)rd;
}

/* wf.sr tid.y: thread's coordinate in its block, y. */
__WF_INTRINSIC unsigned int __wf_tid_y() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 1" : "=r"(rd));
  return (unsigned int)rd;
}

/* wf.sr tid.z: thread's coordinate in its block, z. */
__WF_INTRINSIC unsigned int __wf_tid_z() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 2" : "=r"(rd));
  return (unsigned int)rd;
}

/* wf.sr ntid.x: threads of a block along x. */
__WF_INTRINSIC unsigned int __wf_ntid_x() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 3" : "=r"(rd));
  return (unsigned int)rd;
}

/* wf.sr ntid.y: threads of a block along y. */
__WF_INTRINSIC unsigned int __wf_ntid_y() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 4" : "=r"(rd));
  return (unsigned int)rd;
}

/* wf.sr ntid.z: threads of a block along z. */
__WF_INTRINSIC unsigned int __wf_ntid_z() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 5" : "=r"(rd));
  return (unsigned int)rd;
}

/* wf.sr ctaid.x: block's coordinate in the grid, x. */
__WF_INTRINSIC unsigned int __wf_ctaid_x() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 6" : "=r"(rd));
  return (unsigned int)rd;
}

/* wf.sr ctaid.y: block's coordinate in the grid, y. */
__WF_INTRINSIC unsigned int __wf_ctaid_y() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 7" : "=r"(rd));
  return (unsigned int)rd;
}

/* wf.sr ctaid.z: block's coordinate in the grid, z. */
__WF_INTRINSIC unsigned int __wf_ctaid_z() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 8" : "=r"(rd));
  return (unsigned int)rd;
}

/* wf.sr nctaid.x: blocks of the grid along x. */
__WF_INTRINSIC unsigned int __wf_nctaid_x() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 9" : "=r"(rd));
  return (unsigned int)rd;
}

/* wf.sr nctaid.y: blocks of the grid along y. */
__WF_INTRINSIC unsigned int __wf_nctaid_y() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 10" : "=r"(rd));
  return (unsigned int)rd;
}

/* wf.sr nctaid.z: blocks of the grid along z. */
__WF_INTRINSIC unsigned int __wf_nctaid_z() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 11" : "=r"(rd));
  return (unsigned int)rd;
}

/* wf.sr laneid: lane in the warp, 0 to 31. */
__WF_INTRINSIC unsigned int __wf_laneid() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 12" : "=r"(rd));
  return (unsigned int)rd;
}

/* wf.sr warpid: warp in the block. */
__WF_INTRINSIC unsigned int __wf_warpid() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 13" : "=r"(rd));
  return (unsigned int)rd;
}

/* wf.sr smid: core that runs the block. */
__WF_INTRINSIC unsigned int __wf_smid() {
  long rd;
  asm volatile(".insn i 0x0b, 0, %0, x0, 14" : "=r"(rd));
  return (unsigned int)rd;
}

/* wf.sr nsmid: cores of the chip. */
__WF_INTRINSIC unsigned int __wf_nsmid() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 15" : "=r"(rd));
  return (unsigned int)rd;
}

/* wf.sr dynshared: address of the dynamic shared memory. */
__WF_INTRINSIC unsigned long __wf_dynshared() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 16" : "=r"(rd));
  return (unsigned long)rd;
}

/* wf.sr lanemask.eq: mask of the lane itself. */
__WF_INTRINSIC unsigned int __wf_lanemask_eq() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 17" : "=r"(rd));
  return (unsigned int)rd;
}

/* wf.sr lanemask.lt: mask of the lanes below. */
__WF_INTRINSIC unsigned int __wf_lanemask_lt() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 18" : "=r"(rd));
  return (unsigned int)rd;
}

/* wf.sr lanemask.le: mask of the lane and those below. */
__WF_INTRINSIC unsigned int __wf_lanemask_le() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 19" : "=r"(rd));
  return (unsigned int)rd;
}

/* wf.sr lanemask.gt: mask of the lanes above. */
__WF_INTRINSIC unsigned int __wf_lanemask_gt() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 20" : "=r"(rd));
  return (unsigned int)rd;
}

/* wf.sr lanemask.ge: mask of the lane and those above. */
__WF_INTRINSIC unsigned int __wf_lanemask_ge() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 21" : "=r"(rd));
  return (unsigned int)rd;
}

/* wf.sr activemask: mask of the lanes that execute together. */
__WF_INTRINSIC unsigned int __wf_activemask() {
  long rd;
  asm volatile(".insn i 0x0b, 0, %0, x0, 22" : "=r"(rd));
  return (unsigned int)rd;
}

/* wf.sr clock64: chip clock, cycles. */
__WF_INTRINSIC unsigned long __wf_clock64() {
  long rd;
  asm volatile(".insn i 0x0b, 0, %0, x0, 23" : "=r"(rd));
  return (unsigned long)rd;
}

/* wf.sr globaltimer: chip time, nanoseconds. */
__WF_INTRINSIC unsigned long __wf_globaltimer() {
  long rd;
  asm volatile(".insn i 0x0b, 0, %0, x0, 24" : "=r"(rd));
  return (unsigned long)rd;
}

/* wf.sr dynshared.bytes: bytes of dynamic shared memory. */
__WF_INTRINSIC unsigned int __wf_dynshared_bytes() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 25" : "=r"(rd));
  return (unsigned int)rd;
}

/* wf.sr gridid: number of the launch. */
__WF_INTRINSIC unsigned long __wf_gridid() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 26" : "=r"(rd));
  return (unsigned long)rd;
}

/* wf.sr nwarpid: warps of a block. */
__WF_INTRINSIC unsigned int __wf_nwarpid() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 27" : "=r"(rd));
  return (unsigned int)rd;
}

/* wf.sr runtime.area: address of the runtime's area (printf buffer, heap). */
__WF_INTRINSIC unsigned long __wf_runtime_area() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 28" : "=r"(rd));
  return (unsigned long)rd;
}

/* wf.sr sharedbase: address of the block's shared memory, as tp at entry. */
__WF_INTRINSIC unsigned long __wf_sharedbase() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 29" : "=r"(rd));
  return (unsigned long)rd;
}

/* wf.sr sharedsize: bytes of shared memory, static and dynamic. */
__WF_INTRINSIC unsigned int __wf_sharedsize() {
  long rd;
  asm(".insn i 0x0b, 0, %0, x0, 30" : "=r"(rd));
  return (unsigned int)rd;
}

/* wf.bar.sync rs1, rs2: Waits at barrier rs1 until rs2 threads have come; rs2 = 0 means the whole block. */
__WF_INTRINSIC void __wf_bar_sync(long rs1, long rs2) {
  asm volatile(".insn r 0x0b, 1, 0, x0, %0, %1" :  : "r"(rs1), "r"(rs2) : "memory");
}

/* wf.bar.red.popc rd, rs1: Waits for the block; how many threads came with rs1 not zero. */
__WF_INTRINSIC long __wf_bar_red_popc(long rs1) {
  long  rd;
  asm volatile(".insn r 0x0b, 1, 2, %0, %1, x0" : "=r"(rd) : "r"(rs1) : "memory");
  return rd;
}

/* wf.bar.red.and rd, rs1: Waits for the block; one where every thread came with rs1 not zero. */
__WF_INTRINSIC long __wf_bar_red_and(long rs1) {
  long  rd;
  asm volatile(".insn r 0x0b, 1, 3, %0, %1, x0" : "=r"(rd) : "r"(rs1) : "memory");
  return rd;
}

/* wf.bar.red.or rd, rs1: Waits for the block; one where any thread came with rs1 not zero. */
__WF_INTRINSIC long __wf_bar_red_or(long rs1) {
  long  rd;
  asm volatile(".insn r 0x0b, 1, 4, %0, %1, x0" : "=r"(rd) : "r"(rs1) : "memory");
  return rd;
}

/* wf.warp.sync rs1: Waits for the live lanes of mask rs1. */
__WF_INTRINSIC void __wf_warp_sync(long rs1) {
  asm volatile(".insn r 0x0b, 1, 5, x0, %0, x0" :  : "r"(rs1) : "memory");
}

/* wf.grid.sync : Waits for every thread of the grid. */
__WF_INTRINSIC void __wf_grid_sync() {
  asm volatile(".insn r 0x0b, 1, 6, x0, x0, x0" :  :  : "memory");
}

/* wf.nanosleep rs1: Lets others run for about rs1 nanoseconds. */
__WF_INTRINSIC void __wf_nanosleep(long rs1) {
  asm volatile(".insn r 0x0b, 1, 7, x0, %0, x0" :  : "r"(rs1) : "memory");
}

/* wf.exit : Ends the lane. */
__WF_INTRINSIC void __wf_exit() {
  asm volatile(".insn r 0x0b, 1, 8, x0, x0, x0" :  :  : "memory");
}

/* wf.trap rs1: Stops the launch: 1 a failed assertion, 2 a trap. */
__WF_INTRINSIC void __wf_trap(long rs1) {
  asm volatile(".insn r 0x0b, 1, 9, x0, %0, x0" :  : "r"(rs1) : "memory");
}

/* wf.bar.arrive rs1, rs2: Counts as come to barrier rs1 of rs2 threads, and goes on. */
__WF_INTRINSIC void __wf_bar_arrive(long rs1, long rs2) {
  asm volatile(".insn r 0x0b, 1, 10, x0, %0, %1" :  : "r"(rs1), "r"(rs2) : "memory");
}

/* wf.vote.ballot rd, rs1, rs2: Mask of the members whose rs1 is not zero. */
__WF_INTRINSIC long __wf_vote_ballot(long rs1, long rs2) {
  long  rd;
  asm volatile(".insn r 0x0b, 2, 0, %0, %1, %2" : "=r"(rd) : "r"(rs1), "r"(rs2));
  return rd;
}

/* wf.vote.any rd, rs1, rs2: One where any member's rs1 is not zero. */
__WF_INTRINSIC long __wf_vote_any(long rs1, long rs2) {
  long  rd;
  asm volatile(".insn r 0x0b, 2, 1, %0, %1, %2" : "=r"(rd) : "r"(rs1), "r"(rs2));
  return rd;
}

/* wf.vote.all rd, rs1, rs2: One where every member's rs1 is not zero. */
__WF_INTRINSIC long __wf_vote_all(long rs1, long rs2) {
  long  rd;
  asm volatile(".insn r 0x0b, 2, 2, %0, %1, %2" : "=r"(rd) : "r"(rs1), "r"(rs2));
  return rd;
}

/* wf.vote.uni rd, rs1, rs2: One where the members' rs1 are all zero or all not zero. */
__WF_INTRINSIC long __wf_vote_uni(long rs1, long rs2) {
  long  rd;
  asm volatile(".insn r 0x0b, 2, 3, %0, %1, %2" : "=r"(rd) : "r"(rs1), "r"(rs2));
  return rd;
}

/* wf.match.any rd, rs1, rs2: Mask of the members whose 64-bit rs1 equals the lane's own. */
__WF_INTRINSIC long __wf_match_any(long rs1, long rs2) {
  long  rd;
  asm volatile(".insn r 0x0b, 2, 4, %0, %1, %2" : "=r"(rd) : "r"(rs1), "r"(rs2));
  return rd;
}

/* wf.match.all rd, rs1, rs2: Mask of the members where all 64-bit rs1 are equal, else 0. */
__WF_INTRINSIC long __wf_match_all(long rs1, long rs2) {
  long  rd;
  asm volatile(".insn r 0x0b, 2, 5, %0, %1, %2" : "=r"(rd) : "r"(rs1), "r"(rs2));
  return rd;
}

/* wf.redux.add rd, rs1, rs2: Sum over the members, 32 bits. */
__WF_INTRINSIC long __wf_redux_add(long rs1, long rs2) {
  long  rd;
  asm volatile(".insn r 0x0b, 2, 8, %0, %1, %2" : "=r"(rd) : "r"(rs1), "r"(rs2));
  return rd;
}

/* wf.redux.min rd, rs1, rs2: Least over the members, signed 32 bits. */
__WF_INTRINSIC long __wf_redux_min(long rs1, long rs2) {
  long  rd;
  asm volatile(".insn r 0x0b, 2, 9, %0, %1, %2" : "=r"(rd) : "r"(rs1), "r"(rs2));
  return rd;
}

/* wf.redux.max rd, rs1, rs2: Greatest over the members, signed 32 bits. */
__WF_INTRINSIC long __wf_redux_max(long rs1, long rs2) {
  long  rd;
  asm volatile(".insn r 0x0b, 2, 10, %0, %1, %2" : "=r"(rd) : "r"(rs1), "r"(rs2));
  return rd;
}

/* wf.redux.minu rd, rs1, rs2: Least over the members, unsigned 32 bits. */
__WF_INTRINSIC long __wf_redux_minu(long rs1, long rs2) {
  long  rd;
  asm volatile(".insn r 0x0b, 2, 11, %0, %1, %2" : "=r"(rd) : "r"(rs1), "r"(rs2));
  return rd;
}

/* wf.redux.maxu rd, rs1, rs2: Greatest over the members, unsigned 32 bits. */
__WF_INTRINSIC long __wf_redux_maxu(long rs1, long rs2) {
  long  rd;
  asm volatile(".insn r 0x0b, 2, 12, %0, %1, %2" : "=r"(rd) : "r"(rs1), "r"(rs2));
  return rd;
}

/* wf.redux.and rd, rs1, rs2: And over the members, 32 bits. */
__WF_INTRINSIC long __wf_redux_and(long rs1, long rs2) {
  long  rd;
  asm volatile(".insn r 0x0b, 2, 13, %0, %1, %2" : "=r"(rd) : "r"(rs1), "r"(rs2));
  return rd;
}

/* wf.redux.or rd, rs1, rs2: Or over the members, 32 bits. */
__WF_INTRINSIC long __wf_redux_or(long rs1, long rs2) {
  long  rd;
  asm volatile(".insn r 0x0b, 2, 14, %0, %1, %2" : "=r"(rd) : "r"(rs1), "r"(rs2));
  return rd;
}

/* wf.redux.xor rd, rs1, rs2: Exclusive or over the members, 32 bits. */
__WF_INTRINSIC long __wf_redux_xor(long rs1, long rs2) {
  long  rd;
  asm volatile(".insn r 0x0b, 2, 15, %0, %1, %2" : "=r"(rd) : "r"(rs1), "r"(rs2));
  return rd;
}

/* wf.shfl.idx rd, rs1, rs2, rs3: Value of lane rs2 of the segment; rs3 = member mask, width << 32. */
__WF_INTRINSIC long __wf_shfl_idx(long rs1, long rs2, long rs3) {
  long  rd;
  asm volatile(".insn r4 0x2b, 0, 0, %0, %1, %2, %3" : "=r"(rd) : "r"(rs1), "r"(rs2), "r"(rs3));
  return rd;
}

/* wf.shfl.up rd, rs1, rs2, rs3: Value of the lane rs2 below in the segment, or the lane's own. */
__WF_INTRINSIC long __wf_shfl_up(long rs1, long rs2, long rs3) {
  long  rd;
  asm volatile(".insn r4 0x2b, 0, 1, %0, %1, %2, %3" : "=r"(rd) : "r"(rs1), "r"(rs2), "r"(rs3));
  return rd;
}

/* wf.shfl.down rd, rs1, rs2, rs3: Value of the lane rs2 above in the segment, or the lane's own. */
__WF_INTRINSIC long __wf_shfl_down(long rs1, long rs2, long rs3) {
  long  rd;
  asm volatile(".insn r4 0x2b, 0, 2, %0, %1, %2, %3" : "=r"(rd) : "r"(rs1), "r"(rs2), "r"(rs3));
  return rd;
}

/* wf.shfl.bfly rd, rs1, rs2, rs3: Value of the lane whose number differs by exclusive or with rs2. */
__WF_INTRINSIC long __wf_shfl_bfly(long rs1, long rs2, long rs3) {
  long  rd;
  asm volatile(".insn r4 0x2b, 0, 3, %0, %1, %2, %3" : "=r"(rd) : "r"(rs1), "r"(rs2), "r"(rs3));
  return rd;
}

/* wf.brev.w rd, rs1: Reverses the bits of 32. */
__WF_INTRINSIC long __wf_brev_w(long rs1) {
  long  rd;
  asm(".insn r 0x0b, 3, 0, %0, %1, x0" : "=r"(rd) : "r"(rs1));
  return rd;
}

/* wf.brev.d rd, rs1: Reverses the bits of 64. */
__WF_INTRINSIC long __wf_brev_d(long rs1) {
  long  rd;
  asm(".insn r 0x0b, 3, 1, %0, %1, x0" : "=r"(rd) : "r"(rs1));
  return rd;
}

/* wf.prmt rd, rs1, rs2, rs3: Four bytes of the pair rs2:rs1, chosen by the nibbles of rs3; a nibble's bit 3 spreads the byte's sign. */
__WF_INTRINSIC long __wf_prmt(long rs1, long rs2, long rs3) {
  long  rd;
  asm(".insn r4 0x2b, 1, 0, %0, %1, %2, %3" : "=r"(rd) : "r"(rs1), "r"(rs2), "r"(rs3));
  return rd;
}

/* wf.shf.l rd, rs1, rs2, rs3: High 32 bits of rs2:rs1 shifted left by rs3 & 31. */
__WF_INTRINSIC long __wf_shf_l(long rs1, long rs2, long rs3) {
  long  rd;
  asm(".insn r4 0x2b, 1, 1, %0, %1, %2, %3" : "=r"(rd) : "r"(rs1), "r"(rs2), "r"(rs3));
  return rd;
}

/* wf.shf.r rd, rs1, rs2, rs3: Low 32 bits of rs2:rs1 shifted right by rs3 & 31. */
__WF_INTRINSIC long __wf_shf_r(long rs1, long rs2, long rs3) {
  long  rd;
  asm(".insn r4 0x2b, 1, 2, %0, %1, %2, %3" : "=r"(rd) : "r"(rs1), "r"(rs2), "r"(rs3));
  return rd;
}

/* wf.dp4a.s rd, rs1, rs2, rs3: Adds the four products of signed bytes to rs3. */
__WF_INTRINSIC long __wf_dp4a_s(long rs1, long rs2, long rs3) {
  long  rd;
  asm(".insn r4 0x2b, 2, 0, %0, %1, %2, %3" : "=r"(rd) : "r"(rs1), "r"(rs2), "r"(rs3));
  return rd;
}

/* wf.dp4a.u rd, rs1, rs2, rs3: Adds the four products of unsigned bytes to rs3. */
__WF_INTRINSIC long __wf_dp4a_u(long rs1, long rs2, long rs3) {
  long  rd;
  asm(".insn r4 0x2b, 2, 1, %0, %1, %2, %3" : "=r"(rd) : "r"(rs1), "r"(rs2), "r"(rs3));
  return rd;
}

/* wf.ex2 fd, fs1: Two to the power, binary32. */
__WF_INTRINSIC float __wf_ex2(float rs1) {
  float  rd;
  asm(".insn r 0x5b, 0, 0, %0, %1, x0" : "=f"(rd) : "f"(rs1));
  return rd;
}

/* wf.lg2 fd, fs1: Logarithm to base 2, binary32. */
__WF_INTRINSIC float __wf_lg2(float rs1) {
  float  rd;
  asm(".insn r 0x5b, 0, 1, %0, %1, x0" : "=f"(rd) : "f"(rs1));
  return rd;
}

/* wf.sin fd, fs1: Sine, binary32. */
__WF_INTRINSIC float __wf_sin(float rs1) {
  float  rd;
  asm(".insn r 0x5b, 0, 2, %0, %1, x0" : "=f"(rd) : "f"(rs1));
  return rd;
}

/* wf.cos fd, fs1: Cosine, binary32. */
__WF_INTRINSIC float __wf_cos(float rs1) {
  float  rd;
  asm(".insn r 0x5b, 0, 3, %0, %1, x0" : "=f"(rd) : "f"(rs1));
  return rd;
}

/* wf.rcp fd, fs1: Reciprocal, binary32. */
__WF_INTRINSIC float __wf_rcp(float rs1) {
  float  rd;
  asm(".insn r 0x5b, 0, 4, %0, %1, x0" : "=f"(rd) : "f"(rs1));
  return rd;
}

/* wf.rsqrt fd, fs1: Reciprocal square root, binary32. */
__WF_INTRINSIC float __wf_rsqrt(float rs1) {
  float  rd;
  asm(".insn r 0x5b, 0, 5, %0, %1, x0" : "=f"(rd) : "f"(rs1));
  return rd;
}

/* wf.sqrt fd, fs1: Square root, binary32. */
__WF_INTRINSIC float __wf_sqrt(float rs1) {
  float  rd;
  asm(".insn r 0x5b, 0, 6, %0, %1, x0" : "=f"(rd) : "f"(rs1));
  return rd;
}

/* wf.tanh fd, fs1: Hyperbolic tangent, binary32. */
__WF_INTRINSIC float __wf_tanh(float rs1) {
  float  rd;
  asm(".insn r 0x5b, 0, 7, %0, %1, x0" : "=f"(rd) : "f"(rs1));
  return rd;
}

/* wf.amoadd.s fd, fs2, (rs1): Adds binary32 to memory; the old value comes back. */
__WF_INTRINSIC float __wf_amoadd_s(void *rs1, float rs2) {
  float  rd;
  asm volatile(".insn r 0x5b, 1, 0, %0, %1, %2" : "=f"(rd) : "r"(rs1), "f"(rs2) : "memory");
  return rd;
}

/* wf.amoadd.d fd, fs2, (rs1): Adds binary64 to memory; the old value comes back. */
__WF_INTRINSIC double __wf_amoadd_d(void *rs1, double rs2) {
  double  rd;
  asm volatile(".insn r 0x5b, 1, 1, %0, %1, %2" : "=f"(rd) : "r"(rs1), "f"(rs2) : "memory");
  return rd;
}

/* wf.amoadd.h fd, fs2, (rs1): Adds binary16 to memory; the old value comes back. */
__WF_INTRINSIC _Float16 __wf_amoadd_h(void *rs1, _Float16 rs2) {
  _Float16  rd;
  asm volatile(".insn r 0x5b, 1, 2, %0, %1, %2" : "=f"(rd) : "r"(rs1), "f"(rs2) : "memory");
  return rd;
}

/* wf.amoadd.bf16 fd, fs2, (rs1): Adds bfloat16 to memory; the old value comes back. */
__WF_INTRINSIC __bf16 __wf_amoadd_bf16(void *rs1, __bf16 rs2) {
  _Float16 rd;
  asm volatile(".insn r 0x5b, 1, 3, %0, %1, %2" : "=f"(rd) : "r"(rs1), "f"(__builtin_bit_cast(_Float16, rs2)) : "memory");
  return __builtin_bit_cast(__bf16, rd);
}

/* wf.amoinc.w rd, rs2, (rs1): Counts memory up to rs2, then on from 0; the old 32 bits come back. */
__WF_INTRINSIC long __wf_amoinc_w(void *rs1, long rs2) {
  long  rd;
  asm volatile(".insn r 0x5b, 2, 0, %0, %1, %2" : "=r"(rd) : "r"(rs1), "r"(rs2) : "memory");
  return rd;
}

/* wf.amodec.w rd, rs2, (rs1): Counts memory down to 0, then on from rs2; the old 32 bits come back. */
__WF_INTRINSIC long __wf_amodec_w(void *rs1, long rs2) {
  long  rd;
  asm volatile(".insn r 0x5b, 2, 1, %0, %1, %2" : "=r"(rd) : "r"(rs1), "r"(rs2) : "memory");
  return rd;
}

/* wf.amoadd.h2 rd, rs2, (rs1): Adds a pair of binary16 to memory; the old pair comes back. */
__WF_INTRINSIC long __wf_amoadd_h2(void *rs1, long rs2) {
  long  rd;
  asm volatile(".insn r 0x5b, 2, 2, %0, %1, %2" : "=r"(rd) : "r"(rs1), "r"(rs2) : "memory");
  return rd;
}

/* wf.amoadd.bf2 rd, rs2, (rs1): Adds a pair of bfloat16 to memory; the old pair comes back. */
__WF_INTRINSIC long __wf_amoadd_bf2(void *rs1, long rs2) {
  long  rd;
  asm volatile(".insn r 0x5b, 2, 3, %0, %1, %2" : "=r"(rd) : "r"(rs1), "r"(rs2) : "memory");
  return rd;
}

/* wf.mma.f32.f16: C += A B on 16x16x16 tiles: f32 += f16 * f16. */
__WF_INTRINSIC void __wf_mma_f32_f16(float (&c)[8], const _Float16 (&a)[8],
    const _Float16 (&b)[8]) {
  register float c0 asm("ft0") = c[0];
  register float c1 asm("ft1") = c[1];
  register float c2 asm("ft2") = c[2];
  register float c3 asm("ft3") = c[3];
  register float c4 asm("ft4") = c[4];
  register float c5 asm("ft5") = c[5];
  register float c6 asm("ft6") = c[6];
  register float c7 asm("ft7") = c[7];
  register _Float16 a0 asm("fa0") = a[0];
  register _Float16 a1 asm("fa1") = a[1];
  register _Float16 a2 asm("fa2") = a[2];
  register _Float16 a3 asm("fa3") = a[3];
  register _Float16 a4 asm("fa4") = a[4];
  register _Float16 a5 asm("fa5") = a[5];
  register _Float16 a6 asm("fa6") = a[6];
  register _Float16 a7 asm("fa7") = a[7];
  register _Float16 b0 asm("fs2") = b[0];
  register _Float16 b1 asm("fs3") = b[1];
  register _Float16 b2 asm("fs4") = b[2];
  register _Float16 b3 asm("fs5") = b[3];
  register _Float16 b4 asm("fs6") = b[4];
  register _Float16 b5 asm("fs7") = b[5];
  register _Float16 b6 asm("fs8") = b[6];
  register _Float16 b7 asm("fs9") = b[7];
  asm volatile(".insn r 0x7b, 0, 0, ft0, fa0, fs2"
               : "+f"(c0), "+f"(c1), "+f"(c2), "+f"(c3), "+f"(c4), "+f"(c5), "+f"(c6), "+f"(c7)
               : "f"(a0), "f"(a1), "f"(a2), "f"(a3), "f"(a4), "f"(a5), "f"(a6), "f"(a7),
                 "f"(b0), "f"(b1), "f"(b2), "f"(b3), "f"(b4), "f"(b5), "f"(b6), "f"(b7));
  c[0] = c0;
  c[1] = c1;
  c[2] = c2;
  c[3] = c3;
  c[4] = c4;
  c[5] = c5;
  c[6] = c6;
  c[7] = c7;
}

/* wf.mma.f32.bf16: C += A B on 16x16x16 tiles: f32 += bf16 * bf16. */
__WF_INTRINSIC void __wf_mma_f32_bf16(float (&c)[8], const __bf16 (&a)[8],
    const __bf16 (&b)[8]) {
  register float c0 asm("ft0") = c[0];
  register float c1 asm("ft1") = c[1];
  register float c2 asm("ft2") = c[2];
  register float c3 asm("ft3") = c[3];
  register float c4 asm("ft4") = c[4];
  register float c5 asm("ft5") = c[5];
  register float c6 asm("ft6") = c[6];
  register float c7 asm("ft7") = c[7];
  register _Float16 a0 asm("fa0") = __builtin_bit_cast(_Float16, a[0]);
  register _Float16 a1 asm("fa1") = __builtin_bit_cast(_Float16, a[1]);
  register _Float16 a2 asm("fa2") = __builtin_bit_cast(_Float16, a[2]);
  register _Float16 a3 asm("fa3") = __builtin_bit_cast(_Float16, a[3]);
  register _Float16 a4 asm("fa4") = __builtin_bit_cast(_Float16, a[4]);
  register _Float16 a5 asm("fa5") = __builtin_bit_cast(_Float16, a[5]);
  register _Float16 a6 asm("fa6") = __builtin_bit_cast(_Float16, a[6]);
  register _Float16 a7 asm("fa7") = __builtin_bit_cast(_Float16, a[7]);
  register _Float16 b0 asm("fs2") = __builtin_bit_cast(_Float16, b[0]);
  register _Float16 b1 asm("fs3") = __builtin_bit_cast(_Float16, b[1]);
  register _Float16 b2 asm("fs4") = __builtin_bit_cast(_Float16, b[2]);
  register _Float16 b3 asm("fs5") = __builtin_bit_cast(_Float16, b[3]);
  register _Float16 b4 asm("fs6") = __builtin_bit_cast(_Float16, b[4]);
  register _Float16 b5 asm("fs7") = __builtin_bit_cast(_Float16, b[5]);
  register _Float16 b6 asm("fs8") = __builtin_bit_cast(_Float16, b[6]);
  register _Float16 b7 asm("fs9") = __builtin_bit_cast(_Float16, b[7]);
  asm volatile(".insn r 0x7b, 0, 1, ft0, fa0, fs2"
               : "+f"(c0), "+f"(c1), "+f"(c2), "+f"(c3), "+f"(c4), "+f"(c5), "+f"(c6), "+f"(c7)
               : "f"(a0), "f"(a1), "f"(a2), "f"(a3), "f"(a4), "f"(a5), "f"(a6), "f"(a7),
                 "f"(b0), "f"(b1), "f"(b2), "f"(b3), "f"(b4), "f"(b5), "f"(b6), "f"(b7));
  c[0] = c0;
  c[1] = c1;
  c[2] = c2;
  c[3] = c3;
  c[4] = c4;
  c[5] = c5;
  c[6] = c6;
  c[7] = c7;
}

/* wf.mma.f16.f16: C += A B on 16x16x16 tiles: f16 += f16 * f16. */
__WF_INTRINSIC void __wf_mma_f16_f16(_Float16 (&c)[8], const _Float16 (&a)[8],
    const _Float16 (&b)[8]) {
  register _Float16 c0 asm("ft0") = c[0];
  register _Float16 c1 asm("ft1") = c[1];
  register _Float16 c2 asm("ft2") = c[2];
  register _Float16 c3 asm("ft3") = c[3];
  register _Float16 c4 asm("ft4") = c[4];
  register _Float16 c5 asm("ft5") = c[5];
  register _Float16 c6 asm("ft6") = c[6];
  register _Float16 c7 asm("ft7") = c[7];
  register _Float16 a0 asm("fa0") = a[0];
  register _Float16 a1 asm("fa1") = a[1];
  register _Float16 a2 asm("fa2") = a[2];
  register _Float16 a3 asm("fa3") = a[3];
  register _Float16 a4 asm("fa4") = a[4];
  register _Float16 a5 asm("fa5") = a[5];
  register _Float16 a6 asm("fa6") = a[6];
  register _Float16 a7 asm("fa7") = a[7];
  register _Float16 b0 asm("fs2") = b[0];
  register _Float16 b1 asm("fs3") = b[1];
  register _Float16 b2 asm("fs4") = b[2];
  register _Float16 b3 asm("fs5") = b[3];
  register _Float16 b4 asm("fs6") = b[4];
  register _Float16 b5 asm("fs7") = b[5];
  register _Float16 b6 asm("fs8") = b[6];
  register _Float16 b7 asm("fs9") = b[7];
  asm volatile(".insn r 0x7b, 0, 2, ft0, fa0, fs2"
               : "+f"(c0), "+f"(c1), "+f"(c2), "+f"(c3), "+f"(c4), "+f"(c5), "+f"(c6), "+f"(c7)
               : "f"(a0), "f"(a1), "f"(a2), "f"(a3), "f"(a4), "f"(a5), "f"(a6), "f"(a7),
                 "f"(b0), "f"(b1), "f"(b2), "f"(b3), "f"(b4), "f"(b5), "f"(b6), "f"(b7));
  c[0] = c0;
  c[1] = c1;
  c[2] = c2;
  c[3] = c3;
  c[4] = c4;
  c[5] = c5;
  c[6] = c6;
  c[7] = c7;
}

/* wf.mma.s32.s8: C += A B on 16x16x16 tiles: s32 += s8 * s8. */
__WF_INTRINSIC void __wf_mma_s32_s8(int (&c)[8], const int (&a)[8],
    const int (&b)[8]) {
  register float c0 asm("ft0") = __builtin_bit_cast(float, c[0]);
  register float c1 asm("ft1") = __builtin_bit_cast(float, c[1]);
  register float c2 asm("ft2") = __builtin_bit_cast(float, c[2]);
  register float c3 asm("ft3") = __builtin_bit_cast(float, c[3]);
  register float c4 asm("ft4") = __builtin_bit_cast(float, c[4]);
  register float c5 asm("ft5") = __builtin_bit_cast(float, c[5]);
  register float c6 asm("ft6") = __builtin_bit_cast(float, c[6]);
  register float c7 asm("ft7") = __builtin_bit_cast(float, c[7]);
  register float a0 asm("fa0") = __builtin_bit_cast(float, a[0]);
  register float a1 asm("fa1") = __builtin_bit_cast(float, a[1]);
  register float a2 asm("fa2") = __builtin_bit_cast(float, a[2]);
  register float a3 asm("fa3") = __builtin_bit_cast(float, a[3]);
  register float a4 asm("fa4") = __builtin_bit_cast(float, a[4]);
  register float a5 asm("fa5") = __builtin_bit_cast(float, a[5]);
  register float a6 asm("fa6") = __builtin_bit_cast(float, a[6]);
  register float a7 asm("fa7") = __builtin_bit_cast(float, a[7]);
  register float b0 asm("fs2") = __builtin_bit_cast(float, b[0]);
  register float b1 asm("fs3") = __builtin_bit_cast(float, b[1]);
  register float b2 asm("fs4") = __builtin_bit_cast(float, b[2]);
  register float b3 asm("fs5") = __builtin_bit_cast(float, b[3]);
  register float b4 asm("fs6") = __builtin_bit_cast(float, b[4]);
  register float b5 asm("fs7") = __builtin_bit_cast(float, b[5]);
  register float b6 asm("fs8") = __builtin_bit_cast(float, b[6]);
  register float b7 asm("fs9") = __builtin_bit_cast(float, b[7]);
  asm volatile(".insn r 0x7b, 0, 3, ft0, fa0, fs2"
               : "+f"(c0), "+f"(c1), "+f"(c2), "+f"(c3), "+f"(c4), "+f"(c5), "+f"(c6), "+f"(c7)
               : "f"(a0), "f"(a1), "f"(a2), "f"(a3), "f"(a4), "f"(a5), "f"(a6), "f"(a7),
                 "f"(b0), "f"(b1), "f"(b2), "f"(b3), "f"(b4), "f"(b5), "f"(b6), "f"(b7));
  c[0] = __builtin_bit_cast(int, c0);
  c[1] = __builtin_bit_cast(int, c1);
  c[2] = __builtin_bit_cast(int, c2);
  c[3] = __builtin_bit_cast(int, c3);
  c[4] = __builtin_bit_cast(int, c4);
  c[5] = __builtin_bit_cast(int, c5);
  c[6] = __builtin_bit_cast(int, c6);
  c[7] = __builtin_bit_cast(int, c7);
}

/* wf.mma.s32.u8: C += A B on 16x16x16 tiles: s32 += u8 * u8. */
__WF_INTRINSIC void __wf_mma_s32_u8(int (&c)[8], const int (&a)[8],
    const int (&b)[8]) {
  register float c0 asm("ft0") = __builtin_bit_cast(float, c[0]);
  register float c1 asm("ft1") = __builtin_bit_cast(float, c[1]);
  register float c2 asm("ft2") = __builtin_bit_cast(float, c[2]);
  register float c3 asm("ft3") = __builtin_bit_cast(float, c[3]);
  register float c4 asm("ft4") = __builtin_bit_cast(float, c[4]);
  register float c5 asm("ft5") = __builtin_bit_cast(float, c[5]);
  register float c6 asm("ft6") = __builtin_bit_cast(float, c[6]);
  register float c7 asm("ft7") = __builtin_bit_cast(float, c[7]);
  register float a0 asm("fa0") = __builtin_bit_cast(float, a[0]);
  register float a1 asm("fa1") = __builtin_bit_cast(float, a[1]);
  register float a2 asm("fa2") = __builtin_bit_cast(float, a[2]);
  register float a3 asm("fa3") = __builtin_bit_cast(float, a[3]);
  register float a4 asm("fa4") = __builtin_bit_cast(float, a[4]);
  register float a5 asm("fa5") = __builtin_bit_cast(float, a[5]);
  register float a6 asm("fa6") = __builtin_bit_cast(float, a[6]);
  register float a7 asm("fa7") = __builtin_bit_cast(float, a[7]);
  register float b0 asm("fs2") = __builtin_bit_cast(float, b[0]);
  register float b1 asm("fs3") = __builtin_bit_cast(float, b[1]);
  register float b2 asm("fs4") = __builtin_bit_cast(float, b[2]);
  register float b3 asm("fs5") = __builtin_bit_cast(float, b[3]);
  register float b4 asm("fs6") = __builtin_bit_cast(float, b[4]);
  register float b5 asm("fs7") = __builtin_bit_cast(float, b[5]);
  register float b6 asm("fs8") = __builtin_bit_cast(float, b[6]);
  register float b7 asm("fs9") = __builtin_bit_cast(float, b[7]);
  asm volatile(".insn r 0x7b, 0, 4, ft0, fa0, fs2"
               : "+f"(c0), "+f"(c1), "+f"(c2), "+f"(c3), "+f"(c4), "+f"(c5), "+f"(c6), "+f"(c7)
               : "f"(a0), "f"(a1), "f"(a2), "f"(a3), "f"(a4), "f"(a5), "f"(a6), "f"(a7),
                 "f"(b0), "f"(b1), "f"(b2), "f"(b3), "f"(b4), "f"(b5), "f"(b6), "f"(b7));
  c[0] = __builtin_bit_cast(int, c0);
  c[1] = __builtin_bit_cast(int, c1);
  c[2] = __builtin_bit_cast(int, c2);
  c[3] = __builtin_bit_cast(int, c3);
  c[4] = __builtin_bit_cast(int, c4);
  c[5] = __builtin_bit_cast(int, c5);
  c[6] = __builtin_bit_cast(int, c6);
  c[7] = __builtin_bit_cast(int, c7);
}

/* wf.mma.f32.tf32: C += A B on 16x8x16 tiles (A 16x8, B 8x16): f32 += tf32 * tf32. */
__WF_INTRINSIC void __wf_mma_f32_tf32(float (&c)[8], const float (&a)[4],
    const float (&b)[4]) {
  register float c0 asm("ft0") = c[0];
  register float c1 asm("ft1") = c[1];
  register float c2 asm("ft2") = c[2];
  register float c3 asm("ft3") = c[3];
  register float c4 asm("ft4") = c[4];
  register float c5 asm("ft5") = c[5];
  register float c6 asm("ft6") = c[6];
  register float c7 asm("ft7") = c[7];
  register float a0 asm("fa0") = a[0];
  register float a1 asm("fa1") = a[1];
  register float a2 asm("fa2") = a[2];
  register float a3 asm("fa3") = a[3];
  register float b0 asm("fs2") = b[0];
  register float b1 asm("fs3") = b[1];
  register float b2 asm("fs4") = b[2];
  register float b3 asm("fs5") = b[3];
  asm volatile(".insn r 0x7b, 0, 5, ft0, fa0, fs2"
               : "+f"(c0), "+f"(c1), "+f"(c2), "+f"(c3), "+f"(c4), "+f"(c5), "+f"(c6), "+f"(c7)
               : "f"(a0), "f"(a1), "f"(a2), "f"(a3),
                 "f"(b0), "f"(b1), "f"(b2), "f"(b3));
  c[0] = c0;
  c[1] = c1;
  c[2] = c2;
  c[3] = c3;
  c[4] = c4;
  c[5] = c5;
  c[6] = c6;
  c[7] = c7;
}

/* wf.tld.h: Loads a 16x16 tile of 16 bits; its rows are rs2 bytes apart. */
__WF_INTRINSIC void __wf_tld_h(_Float16 (&tile)[8],
    const void *base, long rs2) {
  register _Float16 t0 asm("fa0");
  register _Float16 t1 asm("fa1");
  register _Float16 t2 asm("fa2");
  register _Float16 t3 asm("fa3");
  register _Float16 t4 asm("fa4");
  register _Float16 t5 asm("fa5");
  register _Float16 t6 asm("fa6");
  register _Float16 t7 asm("fa7");
  asm volatile(".insn r 0x7b, 1, 0, fa0, %8, %9"
               : "=f"(t0), "=f"(t1), "=f"(t2), "=f"(t3), "=f"(t4), "=f"(t5), "=f"(t6), "=f"(t7)
               : "r"(base), "r"(rs2)
               : "memory");
  tile[0] = t0;
  tile[1] = t1;
  tile[2] = t2;
  tile[3] = t3;
  tile[4] = t4;
  tile[5] = t5;
  tile[6] = t6;
  tile[7] = t7;
}

/* wf.tld.w: Loads a 16x16 tile of 32 bits; its rows are rs2 bytes apart. */
__WF_INTRINSIC void __wf_tld_w(float (&tile)[8],
    const void *base, long rs2) {
  register float t0 asm("fa0");
  register float t1 asm("fa1");
  register float t2 asm("fa2");
  register float t3 asm("fa3");
  register float t4 asm("fa4");
  register float t5 asm("fa5");
  register float t6 asm("fa6");
  register float t7 asm("fa7");
  asm volatile(".insn r 0x7b, 1, 1, fa0, %8, %9"
               : "=f"(t0), "=f"(t1), "=f"(t2), "=f"(t3), "=f"(t4), "=f"(t5), "=f"(t6), "=f"(t7)
               : "r"(base), "r"(rs2)
               : "memory");
  tile[0] = t0;
  tile[1] = t1;
  tile[2] = t2;
  tile[3] = t3;
  tile[4] = t4;
  tile[5] = t5;
  tile[6] = t6;
  tile[7] = t7;
}

/* wf.tld.b: Loads a 16x16 tile of bytes, sign-extended to 32 bits; its rows are rs2 bytes apart. */
__WF_INTRINSIC void __wf_tld_b(int (&tile)[8],
    const void *base, long rs2) {
  register float t0 asm("fa0");
  register float t1 asm("fa1");
  register float t2 asm("fa2");
  register float t3 asm("fa3");
  register float t4 asm("fa4");
  register float t5 asm("fa5");
  register float t6 asm("fa6");
  register float t7 asm("fa7");
  asm volatile(".insn r 0x7b, 1, 2, fa0, %8, %9"
               : "=f"(t0), "=f"(t1), "=f"(t2), "=f"(t3), "=f"(t4), "=f"(t5), "=f"(t6), "=f"(t7)
               : "r"(base), "r"(rs2)
               : "memory");
  tile[0] = __builtin_bit_cast(int, t0);
  tile[1] = __builtin_bit_cast(int, t1);
  tile[2] = __builtin_bit_cast(int, t2);
  tile[3] = __builtin_bit_cast(int, t3);
  tile[4] = __builtin_bit_cast(int, t4);
  tile[5] = __builtin_bit_cast(int, t5);
  tile[6] = __builtin_bit_cast(int, t6);
  tile[7] = __builtin_bit_cast(int, t7);
}

/* wf.tld.bu: Loads a 16x16 tile of bytes, zero-extended to 32 bits; its rows are rs2 bytes apart. */
__WF_INTRINSIC void __wf_tld_bu(int (&tile)[8],
    const void *base, long rs2) {
  register float t0 asm("fa0");
  register float t1 asm("fa1");
  register float t2 asm("fa2");
  register float t3 asm("fa3");
  register float t4 asm("fa4");
  register float t5 asm("fa5");
  register float t6 asm("fa6");
  register float t7 asm("fa7");
  asm volatile(".insn r 0x7b, 1, 3, fa0, %8, %9"
               : "=f"(t0), "=f"(t1), "=f"(t2), "=f"(t3), "=f"(t4), "=f"(t5), "=f"(t6), "=f"(t7)
               : "r"(base), "r"(rs2)
               : "memory");
  tile[0] = __builtin_bit_cast(int, t0);
  tile[1] = __builtin_bit_cast(int, t1);
  tile[2] = __builtin_bit_cast(int, t2);
  tile[3] = __builtin_bit_cast(int, t3);
  tile[4] = __builtin_bit_cast(int, t4);
  tile[5] = __builtin_bit_cast(int, t5);
  tile[6] = __builtin_bit_cast(int, t6);
  tile[7] = __builtin_bit_cast(int, t7);
}

/* wf.tld.w8: Loads a 16x8 tile of 32 bits; its rows are rs2 bytes apart. */
__WF_INTRINSIC void __wf_tld_w8(float (&tile)[4],
    const void *base, long rs2) {
  register float t0 asm("fa0");
  register float t1 asm("fa1");
  register float t2 asm("fa2");
  register float t3 asm("fa3");
  asm volatile(".insn r 0x7b, 1, 4, fa0, %4, %5"
               : "=f"(t0), "=f"(t1), "=f"(t2), "=f"(t3)
               : "r"(base), "r"(rs2)
               : "memory");
  tile[0] = t0;
  tile[1] = t1;
  tile[2] = t2;
  tile[3] = t3;
}

/* wf.tld.w16: Loads an 8x16 tile of 32 bits; its rows are rs2 bytes apart. */
__WF_INTRINSIC void __wf_tld_w16(float (&tile)[4],
    const void *base, long rs2) {
  register float t0 asm("fa0");
  register float t1 asm("fa1");
  register float t2 asm("fa2");
  register float t3 asm("fa3");
  asm volatile(".insn r 0x7b, 1, 5, fa0, %4, %5"
               : "=f"(t0), "=f"(t1), "=f"(t2), "=f"(t3)
               : "r"(base), "r"(rs2)
               : "memory");
  tile[0] = t0;
  tile[1] = t1;
  tile[2] = t2;
  tile[3] = t3;
}

/* wf.tldt.h: Loads a 16x16 tile of 16 bits; its columns are rs2 bytes apart. */
__WF_INTRINSIC void __wf_tldt_h(_Float16 (&tile)[8],
    const void *base, long rs2) {
  register _Float16 t0 asm("fa0");
  register _Float16 t1 asm("fa1");
  register _Float16 t2 asm("fa2");
  register _Float16 t3 asm("fa3");
  register _Float16 t4 asm("fa4");
  register _Float16 t5 asm("fa5");
  register _Float16 t6 asm("fa6");
  register _Float16 t7 asm("fa7");
  asm volatile(".insn r 0x7b, 2, 0, fa0, %8, %9"
               : "=f"(t0), "=f"(t1), "=f"(t2), "=f"(t3), "=f"(t4), "=f"(t5), "=f"(t6), "=f"(t7)
               : "r"(base), "r"(rs2)
               : "memory");
  tile[0] = t0;
  tile[1] = t1;
  tile[2] = t2;
  tile[3] = t3;
  tile[4] = t4;
  tile[5] = t5;
  tile[6] = t6;
  tile[7] = t7;
}

/* wf.tldt.w: Loads a 16x16 tile of 32 bits; its columns are rs2 bytes apart. */
__WF_INTRINSIC void __wf_tldt_w(float (&tile)[8],
    const void *base, long rs2) {
  register float t0 asm("fa0");
  register float t1 asm("fa1");
  register float t2 asm("fa2");
  register float t3 asm("fa3");
  register float t4 asm("fa4");
  register float t5 asm("fa5");
  register float t6 asm("fa6");
  register float t7 asm("fa7");
  asm volatile(".insn r 0x7b, 2, 1, fa0, %8, %9"
               : "=f"(t0), "=f"(t1), "=f"(t2), "=f"(t3), "=f"(t4), "=f"(t5), "=f"(t6), "=f"(t7)
               : "r"(base), "r"(rs2)
               : "memory");
  tile[0] = t0;
  tile[1] = t1;
  tile[2] = t2;
  tile[3] = t3;
  tile[4] = t4;
  tile[5] = t5;
  tile[6] = t6;
  tile[7] = t7;
}

/* wf.tldt.b: Loads a 16x16 tile of bytes, sign-extended to 32 bits; its columns are rs2 bytes apart. */
__WF_INTRINSIC void __wf_tldt_b(int (&tile)[8],
    const void *base, long rs2) {
  register float t0 asm("fa0");
  register float t1 asm("fa1");
  register float t2 asm("fa2");
  register float t3 asm("fa3");
  register float t4 asm("fa4");
  register float t5 asm("fa5");
  register float t6 asm("fa6");
  register float t7 asm("fa7");
  asm volatile(".insn r 0x7b, 2, 2, fa0, %8, %9"
               : "=f"(t0), "=f"(t1), "=f"(t2), "=f"(t3), "=f"(t4), "=f"(t5), "=f"(t6), "=f"(t7)
               : "r"(base), "r"(rs2)
               : "memory");
  tile[0] = __builtin_bit_cast(int, t0);
  tile[1] = __builtin_bit_cast(int, t1);
  tile[2] = __builtin_bit_cast(int, t2);
  tile[3] = __builtin_bit_cast(int, t3);
  tile[4] = __builtin_bit_cast(int, t4);
  tile[5] = __builtin_bit_cast(int, t5);
  tile[6] = __builtin_bit_cast(int, t6);
  tile[7] = __builtin_bit_cast(int, t7);
}

/* wf.tldt.bu: Loads a 16x16 tile of bytes, zero-extended to 32 bits; its columns are rs2 bytes apart. */
__WF_INTRINSIC void __wf_tldt_bu(int (&tile)[8],
    const void *base, long rs2) {
  register float t0 asm("fa0");
  register float t1 asm("fa1");
  register float t2 asm("fa2");
  register float t3 asm("fa3");
  register float t4 asm("fa4");
  register float t5 asm("fa5");
  register float t6 asm("fa6");
  register float t7 asm("fa7");
  asm volatile(".insn r 0x7b, 2, 3, fa0, %8, %9"
               : "=f"(t0), "=f"(t1), "=f"(t2), "=f"(t3), "=f"(t4), "=f"(t5), "=f"(t6), "=f"(t7)
               : "r"(base), "r"(rs2)
               : "memory");
  tile[0] = __builtin_bit_cast(int, t0);
  tile[1] = __builtin_bit_cast(int, t1);
  tile[2] = __builtin_bit_cast(int, t2);
  tile[3] = __builtin_bit_cast(int, t3);
  tile[4] = __builtin_bit_cast(int, t4);
  tile[5] = __builtin_bit_cast(int, t5);
  tile[6] = __builtin_bit_cast(int, t6);
  tile[7] = __builtin_bit_cast(int, t7);
}

/* wf.tst.h: Stores a 16x16 tile of 16 bits; its rows are rs3 bytes apart. */
__WF_INTRINSIC void __wf_tst_h(const _Float16 (&tile)[8],
    void *base, long rs3) {
  register _Float16 t0 asm("fa0") = tile[0];
  register _Float16 t1 asm("fa1") = tile[1];
  register _Float16 t2 asm("fa2") = tile[2];
  register _Float16 t3 asm("fa3") = tile[3];
  register _Float16 t4 asm("fa4") = tile[4];
  register _Float16 t5 asm("fa5") = tile[5];
  register _Float16 t6 asm("fa6") = tile[6];
  register _Float16 t7 asm("fa7") = tile[7];
  asm volatile(".insn r4 0x7b, 3, 0, x0, %8, fa0, %9"
               :: "f"(t0), "f"(t1), "f"(t2), "f"(t3), "f"(t4), "f"(t5), "f"(t6), "f"(t7),
                 "r"(base), "r"(rs3)
               : "memory");
}

/* wf.tst.w: Stores a 16x16 tile of 32 bits; its rows are rs3 bytes apart. */
__WF_INTRINSIC void __wf_tst_w(const float (&tile)[8],
    void *base, long rs3) {
  register float t0 asm("fa0") = tile[0];
  register float t1 asm("fa1") = tile[1];
  register float t2 asm("fa2") = tile[2];
  register float t3 asm("fa3") = tile[3];
  register float t4 asm("fa4") = tile[4];
  register float t5 asm("fa5") = tile[5];
  register float t6 asm("fa6") = tile[6];
  register float t7 asm("fa7") = tile[7];
  asm volatile(".insn r4 0x7b, 3, 1, x0, %8, fa0, %9"
               :: "f"(t0), "f"(t1), "f"(t2), "f"(t3), "f"(t4), "f"(t5), "f"(t6), "f"(t7),
                 "r"(base), "r"(rs3)
               : "memory");
}

/* wf.tstt.h: Stores a 16x16 tile of 16 bits; its columns are rs3 bytes apart. */
__WF_INTRINSIC void __wf_tstt_h(const _Float16 (&tile)[8],
    void *base, long rs3) {
  register _Float16 t0 asm("fa0") = tile[0];
  register _Float16 t1 asm("fa1") = tile[1];
  register _Float16 t2 asm("fa2") = tile[2];
  register _Float16 t3 asm("fa3") = tile[3];
  register _Float16 t4 asm("fa4") = tile[4];
  register _Float16 t5 asm("fa5") = tile[5];
  register _Float16 t6 asm("fa6") = tile[6];
  register _Float16 t7 asm("fa7") = tile[7];
  asm volatile(".insn r4 0x7b, 4, 0, x0, %8, fa0, %9"
               :: "f"(t0), "f"(t1), "f"(t2), "f"(t3), "f"(t4), "f"(t5), "f"(t6), "f"(t7),
                 "r"(base), "r"(rs3)
               : "memory");
}

/* wf.tstt.w: Stores a 16x16 tile of 32 bits; its columns are rs3 bytes apart. */
__WF_INTRINSIC void __wf_tstt_w(const float (&tile)[8],
    void *base, long rs3) {
  register float t0 asm("fa0") = tile[0];
  register float t1 asm("fa1") = tile[1];
  register float t2 asm("fa2") = tile[2];
  register float t3 asm("fa3") = tile[3];
  register float t4 asm("fa4") = tile[4];
  register float t5 asm("fa5") = tile[5];
  register float t6 asm("fa6") = tile[6];
  register float t7 asm("fa7") = tile[7];
  asm volatile(".insn r4 0x7b, 4, 1, x0, %8, fa0, %9"
               :: "f"(t0), "f"(t1), "f"(t2), "f"(t3), "f"(t4), "f"(t5), "f"(t6), "f"(t7),
                 "r"(base), "r"(rs3)
               : "memory");
}

#undef __WF_INTRINSIC
