"""Device compilation: CUDA source to a kernel image."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

from warpfive.compiler import assembly, codegen, precompiled, toolchain
from warpfive.compiler.builtins import objects
from warpfive.compiler.ir import Unit, internal, lower
from warpfive.compiler.join import join
from warpfive.compiler.link import link
from warpfive.compiler.object import read_object
from warpfive.compiler.thunks import UnknownSize
from warpfive.errors import CompileError


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceOptions:
    """How device code is compiled; ``flags`` go to clang as they are (-I, -D, -std= ...)."""

    flags: tuple[str, ...] = ()
    level: int = 3
    arch: int = 800  # __CUDA_ARCH__
    fast_math: bool = False
    fmad: bool = True
    relocatable: bool = False
    prelude: bool = True  # include cuda_runtime.h first, as for any .cu file
    language: str = "cuda"


def clang_arguments(source: str, options: DeviceOptions) -> list[str]:
    """The ``-cc1`` command line, less its output, for the device side of ``source``."""
    headers = toolchain.system_headers()
    words = ["-x", "cuda", "-fcuda-is-device", *codegen.target_arguments()]
    words += ["-aux-triple", toolchain.host_triple(), "-ffake-address-space-map"]
    words += ["-disable-llvm-passes", f"-O{options.level}", "-target-sdk-version=12.6"]
    words += ["-std=gnu++17", "-fdeprecated-macro", "-fgnuc-version=4.2.1", "-fcxx-exceptions"]
    words += ["-fexceptions", "-relaxed-aliasing", "-fcuda-allow-variadic-functions"]
    words += ["-fno-threadsafe-statics", "-fskip-odr-check-in-gmf", "-fno-spell-checking"]
    words += ["-dwarf-version=4", "-nostdsysteminc", "-nobuiltininc"]
    words += ["-ffp-contract=fast" if options.fmad else "-ffp-contract=off"]
    words += [
        "-U__CUDA_ARCH__",
        f"-D__CUDA_ARCH__={options.arch}",
        "-U__CUDACC__",
        "-D__CUDACC__=1",
    ]
    words += [f"-D{name}" for name in NVCC_MACROS]
    words += [f"-D{name}" for name in headers.macros]
    if options.fast_math:
        words += ["-D__WF_FAST_MATH__=1", "-D__USE_FAST_MATH__=1", "-freciprocal-math"]
    if options.relocatable:
        words += ["-fgpu-rdc", "-D__CUDACC_RDC__=1"]
    words += list(options.flags)
    words += ["-internal-isystem", str(toolchain.include())]
    for folder in headers.cxx:
        words += ["-internal-isystem", folder]
    for folder in toolchain.machine_headers():
        words += ["-internal-externc-isystem", folder]
    if options.prelude:
        words += ["-include", "cuda_runtime.h"]
    return [*words, source]


NVCC_MACROS = (
    "__NVCC__=1",
    "__CUDACC_VER_MAJOR__=12",
    "__CUDACC_VER_MINOR__=6",
    "__CUDACC_VER_BUILD__=85",
    "__WARPFIVE__=1",
    "_GNU_SOURCE=1",
)


def device_ir(
    source: str, options: DeviceOptions, *, debug: str = "limited", depend: Path | None = None
) -> tuple[str, str]:
    """IR text of the device side, and clang's warnings; ``depend`` receives the files read."""
    action = ["-emit-llvm", f"-debug-info-kind={debug}", "-o", "-"]
    words = clang_arguments(source, options)
    listed = ["-dependency-file", str(depend), "-sys-header-deps", "-MT", "x"] if depend else []
    done = precompiled.run(words, source, [*action, *listed])
    if assembly.in_doubt(done.stdout, done.stderr):
        done = _without_ptx(words, action) or done
    said = done.stderr.decode(errors="replace")
    if done.returncode:
        raise CompileError(toolchain.plain(said).rstrip())
    return done.stdout.decode(), said


def _without_ptx(words: list[str], action: list[str]) -> CompletedProcess[bytes] | None:
    """Compiles the source with its PTX replaced by C++; None where there is none to replace."""
    *options, source = words
    done = toolchain.run_clang(["-E", *options, "-include", "wf_ptx.h", "-o", "-", source])
    if done.returncode:
        return None
    text = done.stdout.decode(errors="replace")
    changed, refused = assembly.rewrite(text)
    if changed == text:
        if refused:
            raise refused[0]
        return None
    options[options.index("cuda")] = "cuda-cpp-output"
    kept = precompiled.for_text(options)
    with tempfile.TemporaryDirectory(prefix="wf-") as folder:
        path = Path(folder) / "source.cui"
        path.write_text(changed)
        name = ["-main-file-name", Path(source).name]
        done = toolchain.run_clang([*action, *name, *kept, str(path)])
    if refused and assembly.in_doubt(done.stdout, done.stderr):
        raise refused[0]
    return done


def compile_unit(
    source: str, options: DeviceOptions, depend: Path | None = None
) -> tuple[Unit, str]:
    """The lowered device code of one source, and clang's warnings."""
    text, said = device_ir(source, options, depend=depend)
    try:
        return lower(text), said
    except UnknownSize:
        return lower(device_ir(source, options, debug="standalone")[0]), said


def build_image(units: list[Unit], level: int = 3, ids: tuple[str, ...] = ()) -> bytes:
    """Links units and the device library into an image; ``ids`` are lines of relocatable units."""
    # The library is compiled by this module: it is found only once there is code to link it to.
    from warpfive.compiler.library import libraries

    text = units[0].text if len(units) == 1 else join([unit.text for unit in units])
    kernels = {kernel.name: kernel for unit in units for kernel in unit.kernels}
    variables = {item.name: item for unit in units for item in unit.variables}
    code = read_object(codegen.emit(internal(text), level, libraries()))
    return link([code, *objects()], list(kernels.values()), list(variables.values()), ids)


def compile_device(source: str | Path, options: DeviceOptions | None = None) -> bytes:
    """The kernel image of one CUDA source file.

    >>> image = compile_device("saxpy.cu")          # doctest: +SKIP
    >>> [kernel.name for kernel in read(image).kernels]   # doctest: +SKIP
    ['_Z5saxpyifPKfPf']
    """
    options = options or DeviceOptions()
    unit, _ = compile_unit(str(source), options)
    return build_image([unit], options.level)
