/* The chip's own instructions as functions: special registers, barriers, warp collectives. */
#pragma once
#include "host_defines.h"

/* Special registers that stay the same for a thread's whole life. */
#define __WF_REGISTER(name, number)                                                 \
  __wf_d long __wf_##name() {                                                       \
    long r;                                                                         \
    __asm__(".insn i 0x0b, 0, %0, x0, " #number : "=r"(r));                         \
    return r;                                                                       \
  }
/* Those that may differ at every read. */
#define __WF_REGISTER_V(name, number)                                               \
  __wf_d long __wf_##name() {                                                       \
    long r;                                                                         \
    __asm__ volatile(".insn i 0x0b, 0, %0, x0, " #number : "=r"(r) : : "memory");   \
    return r;                                                                       \
  }
/* rd = op(rs1, rs2), funct3 and funct7 of custom-0; waits for other lanes. */
#define __WF_COLLECTIVE(name, funct3, funct7)                                       \
  __wf_d long __wf_##name(long a, unsigned long b) {                                \
    long r;                                                                         \
    __asm__ volatile(".insn r 0x0b, " #funct3 ", " #funct7 ", %0, %1, %2"           \
                     : "=r"(r) : "r"(a), "r"(b) : "memory");                        \
    return r;                                                                       \
  }
#define __WF_ACTION(name, funct7)                                                   \
  __wf_d void __wf_##name(long a, long b) {                                         \
    __asm__ volatile(".insn r 0x0b, 1, " #funct7 ", x0, %0, %1"                     \
                     : : "r"(a), "r"(b) : "memory");                                \
  }
#define __WF_SHUFFLE(name, funct2)                                                  \
  __wf_d long __wf_##name(long value, long lane, unsigned long mask_width) {        \
    long r;                                                                         \
    __asm__ volatile(".insn r4 0x2b, 0, " #funct2 ", %0, %1, %2, %3"                \
                     : "=r"(r) : "r"(value), "r"(lane), "r"(mask_width) : "memory");\
    return r;                                                                       \
  }
#define __WF_TERNARY(name, funct3, funct2)                                          \
  __wf_d long __wf_##name(long a, long b, long c) {                                 \
    long r;                                                                         \
    __asm__(".insn r4 0x2b, " #funct3 ", " #funct2 ", %0, %1, %2, %3"               \
            : "=r"(r) : "r"(a), "r"(b), "r"(c));                                    \
    return r;                                                                       \
  }
#define __WF_ATOMIC(name, type, constraint, funct3, funct7)                         \
  __wf_d type __wf_##name(void *address, type value) {                              \
    type r;                                                                         \
    __asm__ volatile(".insn r 0x5b, " #funct3 ", " #funct7 ", %0, %1, %2"           \
                     : "=" constraint(r) : "r"(address), constraint(value) : "memory"); \
    return r;                                                                       \
  }

__WF_REGISTER(tid_x, 0)
__WF_REGISTER(tid_y, 1)
__WF_REGISTER(tid_z, 2)
__WF_REGISTER(ntid_x, 3)
__WF_REGISTER(ntid_y, 4)
__WF_REGISTER(ntid_z, 5)
__WF_REGISTER(ctaid_x, 6)
__WF_REGISTER(ctaid_y, 7)
__WF_REGISTER(ctaid_z, 8)
__WF_REGISTER(nctaid_x, 9)
__WF_REGISTER(nctaid_y, 10)
__WF_REGISTER(nctaid_z, 11)
__WF_REGISTER(laneid, 12)
__WF_REGISTER(warpid, 13)
__WF_REGISTER_V(smid, 14)
__WF_REGISTER(nsmid, 15)
__WF_REGISTER(dynshared, 16)
__WF_REGISTER(lanemask_eq, 17)
__WF_REGISTER(lanemask_lt, 18)
__WF_REGISTER(lanemask_le, 19)
__WF_REGISTER(lanemask_gt, 20)
__WF_REGISTER(lanemask_ge, 21)
__WF_REGISTER_V(activemask, 22)
__WF_REGISTER_V(clock64, 23)
__WF_REGISTER_V(globaltimer, 24)
__WF_REGISTER(dynshared_bytes, 25)
__WF_REGISTER(gridid, 26)
__WF_REGISTER(nwarpid, 27)
__WF_REGISTER(runtime_area, 28)
__WF_REGISTER(sharedbase, 29)
__WF_REGISTER(sharedsize, 30)

__WF_ACTION(bar_sync, 0)
__WF_COLLECTIVE(bar_red_popc, 1, 2)
__WF_COLLECTIVE(bar_red_and, 1, 3)
__WF_COLLECTIVE(bar_red_or, 1, 4)
__WF_ACTION(warp_sync, 5)
__WF_ACTION(grid_sync, 6)
__WF_ACTION(nanosleep, 7)
__WF_ACTION(exit, 8)
__WF_ACTION(trap, 9)
__WF_ACTION(bar_arrive, 10)

__WF_COLLECTIVE(vote_ballot, 2, 0)
__WF_COLLECTIVE(vote_any, 2, 1)
__WF_COLLECTIVE(vote_all, 2, 2)
__WF_COLLECTIVE(vote_uni, 2, 3)
__WF_COLLECTIVE(match_any, 2, 4)
__WF_COLLECTIVE(match_all, 2, 5)
__WF_COLLECTIVE(redux_add, 2, 8)
__WF_COLLECTIVE(redux_min, 2, 9)
__WF_COLLECTIVE(redux_max, 2, 10)
__WF_COLLECTIVE(redux_minu, 2, 11)
__WF_COLLECTIVE(redux_maxu, 2, 12)
__WF_COLLECTIVE(redux_and, 2, 13)
__WF_COLLECTIVE(redux_or, 2, 14)
__WF_COLLECTIVE(redux_xor, 2, 15)

__WF_SHUFFLE(shfl_idx, 0)
__WF_SHUFFLE(shfl_up, 1)
__WF_SHUFFLE(shfl_down, 2)
__WF_SHUFFLE(shfl_bfly, 3)

__WF_TERNARY(prmt, 1, 0)
__WF_TERNARY(shf_l, 1, 1)
__WF_TERNARY(shf_r, 1, 2)
__WF_TERNARY(dp4a_s, 2, 0)
__WF_TERNARY(dp4a_u, 2, 1)

__WF_ATOMIC(atom_add_s, float, "f", 1, 0)
__WF_ATOMIC(atom_add_d, double, "f", 1, 1)
__WF_ATOMIC(atom_add_h, _Float16, "f", 1, 2)
__WF_ATOMIC(atom_add_bf16, __bf16, "f", 1, 3)
__WF_ATOMIC(atom_inc, long, "r", 2, 0)
__WF_ATOMIC(atom_dec, long, "r", 2, 1)
__WF_ATOMIC(atom_add_h2, long, "r", 2, 2)
__WF_ATOMIC(atom_add_bf2, long, "r", 2, 3)

__wf_d long __wf_brev_w(long a) {
  long r;
  __asm__(".insn r 0x0b, 3, 0, %0, %1, x0" : "=r"(r) : "r"(a));
  return r;
}
__wf_d long __wf_brev_d(long a) {
  long r;
  __asm__(".insn r 0x0b, 3, 1, %0, %1, x0" : "=r"(r) : "r"(a));
  return r;
}

#undef __WF_REGISTER
#undef __WF_REGISTER_V
#undef __WF_COLLECTIVE
#undef __WF_ACTION
#undef __WF_SHUFFLE
#undef __WF_TERNARY
#undef __WF_ATOMIC
