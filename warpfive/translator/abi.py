"""Byte offsets of `chip/native/abi.h`; a test compares the two."""

ABI_VERSION = 2

CTX = {
    "module_base": 0, "args": 8, "shared": 16, "dyn_shared": 24, "stack": 32, "stack_bytes": 40,
    "runtime_area": 48, "grid": 56, "block": 68, "ctaid": 80, "dyn_shared_bytes": 92,
    "block_index": 96, "warp_index": 104, "smid": 108, "nsm": 112, "stop": 116, "grid_id": 120,
    "clock64": 128, "globaltimer": 136, "poll": 144, "counters": 152, "trap_code": 160,
    "trap_lanes": 164, "trap_pc": 168, "trap_addr": 176, "access_pc": 184, "access_addr": 192,
    "access_mask": 448, "budget": 452, "static_shared_bytes": 456, "image_bytes": 460,
    "scheduler": 464, "progress": 472, "capture_from": 480, "access": 488, "access_one": 496,
    "warp_end": 504,
}  # fmt: skip

WARP = {
    "index": 0, "mode": 4, "resume": 8, "live": 12, "parked": 16, "released": 20, "pred": 24,
    "barrier_result": 28, "barrier_op": 32, "status": 36, "blocked": 40, "rotate": 44,
    "barrier_id": 48, "barrier_threads": 176, "pc": 304, "x": 560, "f": 8752,
    "fast_state": 16944,
}  # fmt: skip

EXIT, BARRIER, YIELD, TRAP, STOP = range(5)

TRAP_ASSERT = 1
TRAP_TRAP = 2
TRAP_ILLEGAL_INSTRUCTION = 3
TRAP_MISALIGNED = 4
TRAP_BAD_PC = 6

BARRIER_GRID = 0xFFFFFFFF
BARRIER_ARRIVE = -(1 << 31)

CODE_COUNTS = 1
CODE_PRECISE = 2
CODE_SPINS = 4

UNITS = (
    "alu", "int_mul", "fp32", "fp64", "fp16", "sfu", "convert", "global_load", "global_store",
    "shared_load", "shared_store", "local", "constant", "spill", "folded", "atomic", "branch",
    "warp", "barrier", "tensor", "other",
)  # fmt: skip
LOAD, STORE, ATOMIC = range(3)
OP_CONDITIONAL, OP_OPENS, OP_FOLDED = 1, 2, 4
BLOCK_FULL, BLOCK_UNDO = 1, 2
