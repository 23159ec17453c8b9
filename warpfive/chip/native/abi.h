/* What translated code and the chip agree on.

   `warpfive/translator/abi.py` mirrors the offsets; a test compares the two. Plain C, so that
   any host compiler can check it. */
#pragma once
#include <stdint.h>

#define WF_ABI_VERSION 2u
#define WF_LANES 32

struct WfCtx;
struct WfWarp;

/* Why translated code returned. */
enum WfStatus {
  WF_EXIT = 0,    /* every lane of the warp has exited */
  WF_BARRIER = 1, /* every live lane waits at a barrier (WfWarp::parked) */
  WF_YIELD = 2,   /* the budget of backward branches is spent; call again after the others */
  WF_TRAP = 3,    /* WfCtx::trap_* says what happened; the launch is over */
  WF_STOP = 4     /* WfCtx::stop was seen; the launch is over */
};

/* WfCtx::trap_code */
enum WfTrap {
  WF_TRAP_NONE = 0,
  WF_TRAP_ASSERT = 1,       /* cudaErrorAssert */
  WF_TRAP_TRAP = 2,         /* __trap: cudaErrorLaunchFailure */
  WF_TRAP_ILLEGAL_INSTR = 3,/* cudaErrorIllegalInstruction */
  WF_TRAP_MISALIGNED = 4,   /* cudaErrorMisalignedAddress; trap_addr holds it */
  WF_TRAP_STACK = 5,        /* stack overflow: cudaErrorHardwareStackError */
  WF_TRAP_BAD_PC = 6,       /* a jump outside the kernel image: cudaErrorInvalidPc */
  WF_TRAP_BAD_ADDRESS = 7   /* set by the fault handler: cudaErrorIllegalAddress */
};

#define WF_BARRIER_GRID 0xffffffffu
/* In WfWarp::barrier_threads: bar.arrive. The lane parks as for bar.sync; the scheduler counts it
   and releases it at once. */
#define WF_BARRIER_ARRIVE 0x80000000u

/* One per resident block. The first part is what special registers read. */
typedef struct WfCtx {
  uint64_t module_base;      /*   0 device address the image is loaded at */
  uint64_t args;             /*   8 device address of the argument block */
  uint64_t shared;           /*  16 tp: the block's shared memory, static part first */
  uint64_t dyn_shared;       /*  24 device address of dynamic shared memory */
  uint64_t stack;            /*  32 stack of thread t of the block: [stack + t*stack_bytes, + stack_bytes) */
  uint64_t stack_bytes;      /*  40 per thread, a multiple of 16 */
  uint64_t runtime_area;     /*  48 special register 28: printf buffer and heap (runtime/native) */
  uint32_t grid[3];          /*  56 */
  uint32_t block[3];         /*  68 */
  uint32_t ctaid[3];         /*  80 of the block being run; translated WfBlocksFn writes it */
  uint32_t dyn_shared_bytes; /*  92 */
  uint64_t block_index;      /*  96 linear index of the block being run, x fastest */
  uint32_t warp_index;       /* 104 warp being run */
  uint32_t smid;             /* 108 */
  uint32_t nsm;              /* 112 */
  volatile int32_t stop;     /* 116 non-zero: return WF_STOP at the next backward branch */
  uint64_t grid_id;          /* 120 */
  uint64_t (*clock64)(struct WfCtx *);          /* 128 chip clock, cycles */
  uint64_t (*globaltimer)(struct WfCtx *);      /* 136 chip time, nanoseconds */
  int32_t (*poll)(struct WfCtx *);              /* 144 budget spent: 0 go on with a fresh one,
                                                      1 yield, 2 stop */
  uint64_t *counters;        /* 152 counting variants: [3*b] times basic block b ran, [3*b+1] lanes
                                     over those times, [3*b+2] times its branch parted lanes */
  uint32_t trap_code;        /* 160 enum WfTrap */
  uint32_t trap_lanes;       /* 164 mask of lanes that trapped (precise variants: exact) */
  uint64_t trap_pc;          /* 168 offset of the instruction in the image */
  uint64_t trap_addr;        /* 176 */
  uint64_t access_pc;        /* 184 precise variants: the memory access being made ... */
  uint64_t access_addr[32];  /* 192 ... its address in each lane ... */
  uint32_t access_mask;      /* 448 ... and the lanes that make it */
  uint32_t budget;           /* 452 backward branches a WfBlocksFn or WfWarpFn call may take before poll */
  uint32_t static_shared_bytes; /* 456 */
  uint32_t image_bytes;      /* 460 */
  void *scheduler;           /* 464 the chip's own */
  /* Counting variants: */
  uint64_t progress;         /* 472 instructions that the warp has executed, or waited for at
                                     barriers; read at entry, written before callbacks and returns */
  uint64_t capture_from;     /* 480 accesses are reported once progress has come so far */
  void (*access)(struct WfCtx *, uint32_t site, uint32_t mask); /* 488 of access_addr's lanes */
  void (*access_one)(struct WfCtx *, uint32_t site, uint32_t mask, uint64_t address);
                             /* 496 all lanes access one address */
  void (*warp_end)(struct WfCtx *); /* 504 a warp of `blocks` code has exited */
} WfCtx;                     /* 512 bytes */

/* The state of a warp that can stop and resume: canonical architectural registers. The general
   code of any kernel can resume any warp from it; fast code keeps its own compact state in
   `fast_state` between barriers and converts to canonical state when it yields. */
typedef struct WfWarp {
  uint32_t index;        /*   0 in the block */
  uint32_t mode;         /*   4 0 canonical (general code), 1 fast code owns the warp */
  uint32_t resume;       /*   8 fast code's resume point; 0 = start */
  uint32_t live;         /*  12 lanes that exist and have not exited */
  uint32_t parked;       /*  16 lanes that wait at a barrier */
  uint32_t released;     /*  20 set by the scheduler: lanes whose barrier has opened, a part of
                               `parked`. Code that resumes clears them from both */
  uint32_t pred;         /*  24 parked lanes' predicates (bar.red) */
  uint32_t barrier_result; /* 28 set by the scheduler for bar.red: 0/1, or the count */
  uint32_t barrier_op;   /*  32 0 sync, 1 popc, 2 and, 3 or */
  uint32_t status;       /*  36 last WfStatus */
  uint32_t blocked;      /*  40 general code: lanes waiting for others at a warp collective */
  uint32_t rotate;       /*  44 general code: raised by the scheduler after WF_YIELD; changes which
                               group of lanes runs first, so that spinning lanes let others on */
  uint32_t barrier_id[32];      /*  48 per parked lane; WF_BARRIER_GRID for grid.sync */
  uint32_t barrier_threads[32]; /* 176 per parked lane; 0 = the whole block */
  uint64_t pc[32];       /*  304 offsets in the image */
  uint64_t x[32][32];    /*  560 [register][lane] */
  uint64_t f[32][32];    /* 8752 [register][lane], NaN-boxed */
  uint64_t fast_state[1];/* 16944 WfCode::fast_state_bytes follow. Warps are allocated at 16 mod 64,
                               so that this, x and f begin at multiples of 64 */
} WfWarp;

/* Runs blocks [first, first+count) of the grid to the end, in order. Returns how many finished.
   Fewer than `count`: the next block (ctx->block_index) did not finish, and scratch->status says
   why: WF_TRAP, WF_STOP, or WF_YIELD: its warps before ctx->warp_index have exited, warp
   ctx->warp_index is in *scratch in canonical state (mode 0), the later ones have not started;
   the scheduler finishes that block by stepping its warps through general code. Where the code has
   `fast` too, scratch is an array of the block's warps (each WfCode::fast_state_bytes more than
   offsetof(WfWarp, fast_state), rounded up to 64), and all are in a state from which the scheduler
   can step on: warps that wait at the block's barrier are parked, later ones are at the start. */
typedef uint64_t (*WfBlocksFn)(WfCtx *, WfWarp *scratch, uint64_t first, uint64_t count);
/* Runs one warp on from its state. */
typedef int32_t (*WfWarpFn)(WfCtx *, WfWarp *);

enum WfCodeFlags {
  WF_CODE_COUNTS = 1,   /* a counting variant */
  WF_CODE_PRECISE = 2,  /* a precise variant: access_* is kept */
  WF_CODE_SPINS = 4     /* has a loop whose end depends on memory that it reads itself, so lanes,
                           warps or blocks may wait for one another in it. Without the flag poll
                           does not ask `blocks` and `fast` code to yield */
};

/* Where an instruction executes: perf's UNITS, of which memory's are told apart as it runs. */
enum WfUnit {
  WF_UNIT_ALU, WF_UNIT_INT_MUL, WF_UNIT_FP32, WF_UNIT_FP64, WF_UNIT_FP16, WF_UNIT_SFU,
  WF_UNIT_CONVERT, WF_UNIT_GLOBAL_LOAD, WF_UNIT_GLOBAL_STORE, WF_UNIT_SHARED_LOAD,
  WF_UNIT_SHARED_STORE, WF_UNIT_LOCAL, WF_UNIT_CONSTANT, WF_UNIT_SPILL, WF_UNIT_FOLDED,
  WF_UNIT_ATOMIC, WF_UNIT_BRANCH, WF_UNIT_WARP, WF_UNIT_BARRIER, WF_UNIT_TENSOR, WF_UNIT_OTHER,
  WF_UNITS
};

enum WfOpFlags {
  WF_OP_CONDITIONAL = 1,    /* a conditional branch */
  WF_OP_OPENS = 2,          /* a load with no load before it that still waits to be used */
  WF_OP_FOLDED = 4          /* a later part of the wide access `site` */
};

/* Counting variants: an instruction. */
typedef struct WfOp {
  uint64_t pc;
  int32_t line;             /* in WfCode::lines; -1: not known */
  int32_t site;             /* in WfCode::sites; -1: no access of memory */
  uint8_t unit;             /* enum WfUnit; of an access, as if it were of global memory */
  uint8_t flop_type;        /* 0 binary64, 1 binary32, 2 binary16 and bfloat16 */
  uint8_t flops;            /* a lane */
  uint8_t tensor_type;      /* 0 binary16, 1 bfloat16, 2 tf32, 3 int8 */
  uint16_t tensor_ops;      /* a warp */
  uint8_t flags;            /* enum WfOpFlags */
  uint8_t pad;
} WfOp;

enum WfAccessKind { WF_LOAD = 0, WF_STORE = 1, WF_ATOMIC = 2 };

/* Counting variants: an instruction that accesses memory, or the first of several that together
   access 64 or 128 bits in a row. */
typedef struct WfSite {
  uint64_t pc;
  int32_t offset;           /* from the address it reports to the lowest of its parts */
  uint32_t rest;            /* instructions of its basic block from it on */
  uint16_t size;            /* bytes of a part */
  uint8_t parts;
  uint8_t kind;             /* enum WfAccessKind */
  uint8_t columns;          /* of a tile that is moved, else 0; then access_addr[0] and [1] are
                               the base and the bytes between rows (or columns, if turned) */
  uint8_t registers;        /* of a tile, a lane */
  uint8_t turned;
  uint8_t once;             /* in no loop: it is reported outside the windows, too */
} WfSite;

typedef struct WfLine {
  uint32_t file;            /* offset in WfCode::files */
  uint32_t line;
} WfLine;

enum WfBlockFlags {
  WF_BLOCK_FULL = 1,        /* always 32 lanes, which are not counted */
  WF_BLOCK_UNDO = 2         /* counted, but not executed: the rest of a block that was left */
};

/* The table `wf_code` that every translated object exports. A null entry is not in this object:
   ask the translator for variant "general" to get `general`. */
typedef struct WfCode {
  uint32_t abi_version;
  uint32_t flags;
  WfBlocksFn blocks;
  WfWarpFn fast;          /* resumable at barriers; may hand a warp over to general code by
                             returning WF_YIELD with mode 0 */
  WfWarpFn general;       /* any kernel, any state */
  uint64_t fast_state_bytes; /* room after WfWarp::fast_state */
  /* Counting variants, else empty: */
  uint32_t basic_blocks;  /* length of the tables by block */
  uint32_t op_count, site_count, line_count;
  uint32_t registers;     /* of a thread, 32-bit, an estimate; 0 unknown */
  uint32_t pad;
  const uint32_t *block_ops;          /* its first instruction, in ops */
  const uint32_t *block_instructions; /* how many it has */
  const uint8_t *block_flags;         /* enum WfBlockFlags */
  const WfOp *ops;
  const WfSite *sites;
  const WfLine *lines;
  const char *files;
} WfCode;
