"""LLVM for the host: optimise the text, emit an object, link it into a shared object."""

from __future__ import annotations

import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import llvmlite.binding as llvm

from warpfive.errors import TranslationError
from warpfive.translator.chains import in_chains
from warpfive.translator.pairs import PAIR_PRODUCTS, pair_products

LEVELS = {
    "avx512": "",
    "avx2": "-avx512f,-avx512bw,-avx512cd,-avx512dq,-avx512vl,-avx512vnni",
    "sse4": "-avx512f,-avx512bw,-avx512cd,-avx512dq,-avx512vl,-avx512vnni,-avx2,-avx,-fma,-f16c",
}
"""Host feature levels a test can force; a level only ever takes features away. Arm's is neon."""
PLAIN = {"avx512": 4, "avx2": 3, "sse4": 2}
"""x86-64's versions that have the levels, for translations made on another architecture."""
QUICK = ("-disable-post-ra", "-enable-misched=false", "-grow-region-complexity-budget=100")
"""Schedulers cost most of the time on long blocks of vector code, and such hosts reorder anyway;
so does placing each value's register over a graph of hundreds of masked blocks."""

LONG = 10_000
"""Lines of LLVM text past which code gets fewer passes: of many small blocks they take half the
time, and win little."""


@cache
def _initialise() -> None:
    for option in QUICK:
        llvm.set_option("warpfive", option)
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()


@cache
def machine(level: str) -> llvm.TargetMachine:
    """A target machine for this host, limited to a feature level ("" = all it has).

    The levels of another architecture are made for its plainest processor.
    """
    _initialise()
    triple, cpu = llvm.get_process_triple(), llvm.get_host_cpu_name()
    if _foreign(level):
        arm = level == "neon"
        triple = "aarch64-unknown-linux-gnu" if arm else "x86_64-unknown-linux-gnu"
        cpu = "generic" if arm else f"x86-64-v{PLAIN[level]}"
    return llvm.Target.from_triple(triple).create_target_machine(
        cpu=cpu, features=_features(level), opt=2, reloc="pic", codemodel="default")


def _foreign(level: str) -> bool:
    """Whether a level is of another architecture than this host's."""
    return bool(level) and (level == "neon") != llvm.get_process_triple().startswith("aarch64")


def _features(level: str) -> str:
    """What code may use, written +one,-other."""
    if _foreign(level):
        return {"neon": "+neon", "sse4": "+sse2", "avx2": "+avx2", "avx512": "+avx512bw"}[level]
    features = llvm.get_host_cpu_features().flatten()
    # The host's own conversions to bfloat16 take subnormal numbers for zero.
    extra = ",".join(filter(None, [LEVELS.get(level, ""), "-avx512bf16"]))
    if "avx512f" in features and "-avx512f" not in extra:
        # Whole registers: LLVM would otherwise keep to 256 bits on the older of these hosts.
        extra += ",-prefer-256-bit"
    return f"{features},{extra}"


def _many_registers(level: str) -> bool:
    """Whether the host has 32 vector registers; others have 16."""
    features = _features(level).split(",")
    return machine(level).triple.startswith("aarch64") or (
        "-avx512f" not in features and ("+avx512f" in features or "+avx512bw" in features)
    )


def optimise(module: llvm.ModuleRef, tm: llvm.TargetMachine, level: int = 2) -> None:
    """The pass pipeline: scalar optimisation; the code is vector code already."""
    options = llvm.create_pipeline_tuning_options(speed_level=level)
    options.loop_vectorization = False
    options.slp_vectorization = False
    options.loop_unrolling = False
    builder = llvm.create_pass_builder(tm, options)
    builder.getModulePassManager().run(module, builder)


def compile_object(text: str, level: str = "", opt: int = 2) -> bytes:
    """A host object file from LLVM text."""
    tm = machine(level)
    if f"@{PAIR_PRODUCTS}" in text:
        text += pair_products(_features(level))
    if not _many_registers(level):
        text = in_chains(text)
    try:
        module = llvm.parse_assembly(text)
        module.verify()
    except RuntimeError as error:
        raise TranslationError(f"internal: the translator wrote bad LLVM code: {error}") from error
    module.triple = tm.triple
    module.data_layout = str(tm.target_data)
    optimise(module, tm, 1 if text.count("\n") > LONG else opt)
    return tm.emit_object(module)


@cache
def _linker() -> str:
    """The program that the wheel's Python module would start, which takes thrice as long."""
    import ziglang

    return str(Path(ziglang.__file__).parent / "zig")


def link(objects: list[bytes], output: Path) -> None:
    """Make the shared object `output` at once or not at all."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".link-") as folder:
        inputs = []
        for number, data in enumerate(objects):
            path = Path(folder) / f"{number}.o"
            path.write_bytes(data)
            inputs.append(str(path))
        made = Path(folder) / "out.so"
        command = [_linker(), "ld.lld", "-shared", "-o", str(made),
                   "--build-id=none", *inputs]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise TranslationError(f"internal: the host linker failed: {done.stderr.strip()}")
        os.replace(made, output)
