"""Runs translated code without the chip: one process, one thread, plain Python scheduling."""

from __future__ import annotations

import ctypes
import itertools
from pathlib import Path

import numpy as np

from warpfive.translator import abi, translate
from warpfive.translator.program import Program

LANES = 32
CODE = [("abi_version", ctypes.c_uint32), ("flags", ctypes.c_uint32), ("blocks", ctypes.c_void_p),
        ("fast", ctypes.c_void_p), ("general", ctypes.c_void_p),
        ("fast_state_bytes", ctypes.c_uint64), ("basic_blocks", ctypes.c_uint32)]  # fmt: skip


class WfCode(ctypes.Structure):
    _fields_ = CODE


STEP = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p)
BLOCKS = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64,
                          ctypes.c_uint64)
CLOCK = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p)
POLL = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)
_serial = itertools.count()


def aligned(count: int, offset: int = 0) -> np.ndarray:
    """Zeroed bytes whose address is `offset` modulo 64."""
    raw = np.zeros(count + 128, np.uint8)
    skip = (offset - raw.ctypes.data) % 64
    return raw[skip : skip + count]


class Rig:
    """One kernel of an image, ready to launch on NumPy arrays."""

    def __init__(self, image: bytes, kernel: str, block, folder: Path, variant: str = "general",
                 level: str = "", yields: bool = True) -> None:
        self.block = tuple(block)
        self.program = Program(image)
        entry = self.program.image.kernels[kernel]
        self.static_shared, self.params = entry.shared_bytes, entry.params
        self.arg_bytes = entry.args_bytes
        self.codes = {}
        self.image, self.kernel, self.folder, self.level = image, kernel, folder, level
        self.code = self.load(variant)
        self._load_image()
        self.poll = POLL(lambda ctx: int(yields))
        self.clock = CLOCK(lambda ctx: 7)
        self.yields = 0

    def load(self, variant: str) -> WfCode:
        if variant not in self.codes:
            path = self.folder / f"{self.kernel}-{next(_serial)}.so"
            translate(self.image, self.kernel, self.block, variant, path, self.level)
            library = ctypes.CDLL(str(path))
            self.codes[variant] = WfCode.in_dll(library, "wf_code")
        return self.codes[variant]

    def _load_image(self) -> None:
        image = self.program.image
        self.memory = aligned(max(len(image.memory), 64))
        self.memory[: len(image.memory)] = np.frombuffer(image.memory, np.uint8)
        for place, value in image.relative:
            self.memory[place : place + 8].view(np.int64)[0] = value + self.memory.ctypes.data

    def arguments(self, values) -> np.ndarray:
        block = aligned(max(self.arg_bytes, 64))
        for (offset, size), value in zip(self.params, values, strict=True):
            if isinstance(value, np.ndarray):
                value = np.uint64(value.ctypes.data)
            data = np.frombuffer(np.asarray(value).tobytes(), np.uint8)
            assert len(data) == size, (self.kernel, offset, size, value)
            block[offset : offset + size] = data
        return block

    def context(self, grid, args: np.ndarray, dynamic: int, budget: int) -> np.ndarray:
        threads = int(np.prod(self.block))
        self.shared = aligned(self.static_shared + dynamic + 64)
        self.stack_bytes = 1024
        self.stack = aligned((threads + 31) // 32 * 32 * self.stack_bytes)
        ctx = aligned(512)
        self.keep = (args, ctx)

        def put(name, dtype, *values):
            at = abi.CTX[name]
            data = np.array(values, dtype).view(np.uint8)
            ctx[at : at + len(data)] = data

        put("module_base", np.uint64, self.memory.ctypes.data)
        put("args", np.uint64, args.ctypes.data)
        put("shared", np.uint64, self.shared.ctypes.data)
        put("dyn_shared", np.uint64, self.shared.ctypes.data + self.static_shared)
        put("stack", np.uint64, self.stack.ctypes.data)
        put("stack_bytes", np.uint64, self.stack_bytes)
        put("grid", np.uint32, *grid)
        put("block", np.uint32, *self.block)
        put("dyn_shared_bytes", np.uint32, dynamic)
        put("static_shared_bytes", np.uint32, self.static_shared)
        put("nsm", np.uint32, 64)
        put("budget", np.uint32, budget)
        put("poll", np.uint64, ctypes.cast(self.poll, ctypes.c_void_p).value)
        put("clock64", np.uint64, ctypes.cast(self.clock, ctypes.c_void_p).value)
        put("globaltimer", np.uint64, ctypes.cast(self.clock, ctypes.c_void_p).value)
        self.counters = np.zeros(3 * self.code.basic_blocks, np.uint64)
        put("counters", np.uint64, self.counters.ctypes.data)
        return ctx

    def launch(self, grid, *values, dynamic: int = 0, budget: int = 1 << 16) -> None:
        grid = tuple(grid) + (1,) * (3 - len(tuple(grid)))
        args = self.arguments(values)
        ctx = self.context(grid, args, dynamic, budget)
        total = int(np.prod(grid))
        if self.code.blocks:
            self._launch_blocks(ctx, grid, total)
            return
        for index in range(total):
            self._step_block(ctx, grid, index, self._fresh_warps())

    def _launch_blocks(self, ctx, grid, total) -> None:
        function = BLOCKS(self.code.blocks)
        if self.code.fast:
            self._launch_rounds(function, ctx, grid, total)
            return
        scratch = self._warp(0)
        done = 0
        while done < total:
            done += function(ctx.ctypes.data, scratch.ctypes.data, done, total - done)
            if done == total:
                return
            status = self.field(scratch, "status")
            assert status == abi.YIELD, (status, self.trap(ctx))
            self.yields += 1
            stopped = int(ctx[104:108].view(np.uint32)[0])
            warps = self._fresh_warps()
            warps[stopped] = scratch
            self._step_block(ctx, grid, done, warps[stopped:], force_general=True)
            scratch = self._warp(0)
            done += 1

    def _launch_rounds(self, function, ctx, grid, total) -> None:
        """Code with barriers is given room for all of the block's warps."""
        stride = -(-(abi.WARP["fast_state"] + self.code.fast_state_bytes) // 64) * 64
        count = (int(np.prod(self.block)) + LANES - 1) // LANES
        room = aligned(stride * count + 64, 16)
        done = 0
        while done < total:
            done += function(ctx.ctypes.data, room.ctypes.data, done, total - done)
            if done == total:
                return
            assert self.field(room, "status") == abi.YIELD, self.trap(ctx)
            self.yields += 1
            warps = [room[stride * w : stride * (w + 1)] for w in range(count)]
            stopped = int(ctx[104:108].view(np.uint32)[0])
            for warp in warps[stopped + 1 :]:  # have not had their turn: their barrier has opened
                self.set_field(warp, "released", self.field(warp, "parked"))
            alive = [warp for warp in warps if self.field(warp, "live")]
            self._step_block(ctx, grid, done, alive)
            done += 1

    def trap(self, ctx) -> tuple[int, int, int, int]:
        """(code, lanes, pc, address)"""
        return (int(ctx[160:164].view(np.uint32)[0]), int(ctx[164:168].view(np.uint32)[0]),
                int(ctx[168:176].view(np.uint64)[0]), int(ctx[176:184].view(np.uint64)[0]))

    def field(self, warp: np.ndarray, name: str) -> int:
        at = abi.WARP[name]
        return int(warp[at : at + 4].view(np.uint32)[0])

    def set_field(self, warp: np.ndarray, name: str, value: int) -> None:
        at = abi.WARP[name]
        warp[at : at + 4].view(np.uint32)[0] = value & 0xFFFFFFFF

    def _warp(self, index: int) -> np.ndarray:
        extra = max(code.fast_state_bytes for code in self.codes.values())
        return aligned(abi.WARP["fast_state"] + 64 + extra, 16)

    def _fresh_warps(self) -> list[np.ndarray]:
        threads = int(np.prod(self.block))
        warps = []
        for index in range((threads + LANES - 1) // LANES):
            warp = self._warp(index)
            lanes = min(LANES, threads - LANES * index)
            self.set_field(warp, "index", index)
            self.set_field(warp, "live", (1 << lanes) - 1)
            self.set_field(warp, "mode", 1 if self.code.fast else 0)
            self._canonical(warp, index)
            warps.append(warp)
        return warps

    def _canonical(self, warp: np.ndarray, index: int) -> None:
        at = abi.WARP["pc"]
        warp[at : at + 256].view(np.uint64)[:] = self.program.entry(self.kernel)
        x = warp[abi.WARP["x"] : abi.WARP["x"] + 8192].view(np.uint64).reshape(32, 32)
        lanes = np.arange(LANES, dtype=np.uint64) + np.uint64(LANES * index + 1)
        x[2] = self.stack.ctypes.data + lanes * np.uint64(self.stack_bytes)
        x[4] = self.shared.ctypes.data
        x[10] = self.keep[0].ctypes.data

    def _step_block(self, ctx, grid, index, warps, force_general: bool = False) -> None:
        ctx[80:92].view(np.uint32)[:] = (index % grid[0], index // grid[0] % grid[1],
                                         index // grid[0] // grid[1])
        ctx[96:104].view(np.uint64)[0] = index
        running = list(warps)
        for warp in running:
            if force_general:
                self.set_field(warp, "mode", 0)
        for _ in range(100_000):
            if not running:
                return
            for warp in list(running):
                self._step_warp(ctx, warp, running)
            self._open_barriers(running)
        raise AssertionError(f"{self.kernel}: block {index} does not end")

    def _step_warp(self, ctx, warp, running) -> None:
        parked = self.field(warp, "parked") & ~self.field(warp, "released")
        if parked and parked == self.field(warp, "live"):
            return
        fast = self.field(warp, "mode") == 1
        function = STEP(self.code.fast if fast else
                        self.code.general or self.load("general").general)
        ctx[104:108].view(np.uint32)[0] = self.field(warp, "index")
        status = function(ctx.ctypes.data, warp.ctypes.data)
        assert status in (abi.EXIT, abi.BARRIER, abi.YIELD), (status, self.trap(ctx))
        if status == abi.EXIT:
            running[:] = [other for other in running if other is not warp]
        if status == abi.YIELD:
            self.yields += 1
            self.set_field(warp, "rotate", self.field(warp, "rotate") + 1)

    def _open_barriers(self, running) -> None:
        if not running or any(self.field(w, "parked") & ~self.field(w, "released")
                              != self.field(w, "live") for w in running):
            return
        preds = [bin(self.field(w, "pred")).count("1") for w in running]
        lives = [bin(self.field(w, "live")).count("1") for w in running]
        op = self.field(running[0], "barrier_op")
        result = {0: 0, 1: sum(preds), 2: int(sum(preds) == sum(lives)), 3: int(sum(preds) > 0)}
        for warp in running:
            self.set_field(warp, "released", self.field(warp, "parked"))
            self.set_field(warp, "barrier_result", result[op])
