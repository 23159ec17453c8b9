"""The host side: how a source is compiled for this machine's processor."""

import json
import os
import shlex
import subprocess
from pathlib import Path

from warpfive import cache
from warpfive.compiler import precompiled, toolchain
from warpfive.compiler.builtins import fingerprint
from warpfive.compiler.device import NVCC_MACROS
from warpfive.compiler.options import Options
from warpfive.errors import CompileError, InputError

QUIET = (
    "-Wno-unknown-pragmas", "-Wno-unknown-attributes", "-Wno-register", "-Wno-c++11-narrowing",
    "-Wno-unknown-warning-option", "-Wno-ignored-optimization-argument",
    "-Wno-unused-command-line-argument",
    "-Wno-unknown-cuda-version", "-Wno-deprecated-register", "-Wno-source-uses-openmp",
    "-Wno-ignored-attributes", "-Wno-nan-infinity-disabled", "-Wno-writable-strings",
    "-Wno-gcc-compat", "-Wno-deprecated-builtins", "-Wno-macro-redefined",
)  # fmt: skip
"""Warnings that programs written for nvcc with gcc would draw and that say nothing new."""

OPENMP = 202011
"""The version of OpenMP that clang implements, as ``_OPENMP`` has it."""
DROPPED = {"-o": 1, "-x": 1, "-main-file-name": 1, "-emit-obj": 0, "-resource-dir": 1}
"""What clang's driver says that is of one call or of where it lies, and the words after each."""

DEFAULT_STANDARD = "gnu++17"


def driver_words(options: Options, language: str) -> list[str]:
    """Options of clang's driver for one host source, without input and output."""
    headers = toolchain.system_headers()
    words = [f"--target={toolchain.host_triple()}", "-fPIE", *QUIET]
    if options.level:
        words.append(f"-O{options.level}")
    if options.debug:
        words.append("-g")
    if options.quiet:
        words.append("-w")
    standard = options.standard or (DEFAULT_STANDARD if language != "c" else None)
    if standard and (language != "c") == ("++" in standard):
        words.append(f"-std={standard}")
    words += options.host
    words += macros(options, language == "cuda")
    words += options.preprocess
    words.append("-nostdinc")
    library = toolchain.openmp() if options.openmp else None
    if library:
        words += ["-fopenmp", "-isystem", str(library / "include")]
    words += ["-isystem", str(toolchain.include())]
    for folder in headers.c if language == "c" else headers.cxx:
        words += ["-isystem", folder]
    for folder in toolchain.machine_headers():
        words += ["-idirafter", folder]
    return words


def macros(options: Options, cuda: bool) -> list[str]:
    """Macros that both sides of a program see."""
    words = [f"-D{name}" for name in toolchain.system_headers().macros]
    words += ["-D_GNU_SOURCE=1"]
    if cuda:
        words += [f"-D{name}" for name in NVCC_MACROS]
        if options.relocatable:
            words.append("-D__CUDACC_RDC__=1")
        if options.fast_math:
            words += ["-D__WF_FAST_MATH__=1", "-D__USE_FAST_MATH__=1"]
    if options.per_thread:
        words.append("-DCUDA_API_PER_THREAD_DEFAULT_STREAM=1")
    if options.openmp and not toolchain.openmp():
        words.append(f"-D_OPENMP={OPENMP}")
    return words


def cc1_words(words: list[str], language: str) -> list[str]:
    """What clang's driver would pass to the compiler proper; looked up in the cache first.

    The driver is asked for plain C or C++: told of CUDA it would look for the vendor's SDK.
    """
    plain = "c" if language == "c" else "c++"
    store = cache.Store("cc1")
    # only debug information names the working directory
    place = os.getcwd() if "-g" in words else ""
    key = cache.digest(json.dumps([words, plain, place, fingerprint()]))
    known = store.get(key)
    if known is not None:
        return list(json.loads(known))
    source = os.devnull
    command = [str(toolchain.zig()), "clang", *words, "-###", "-c", "-x", plain, source, "-o", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in done.stderr.splitlines() if '"-cc1"' in line]
    complaints = [line for line in done.stderr.splitlines() if "error:" in line]
    if done.returncode or not lines:
        said = "\n".join(complaints) or done.stderr
        raise InputError(said.replace("zig: error: ", "the host compiler: ").strip())
    found = shlex.split(lines[0])[2:]
    kept = _without(found, DROPPED)
    # folders of this call would keep others from sharing precompiled headers
    paths = () if "-g" in words else ("-fdebug-compilation-dir", "-fcoverage-compilation-dir")
    kept = [word for word in kept if word != source and not word.startswith(tuple(paths))]
    store.put(key, json.dumps(kept).encode())
    return kept


def _without(words: list[str], dropped: dict[str, int]) -> list[str]:
    kept, skip = [], 0
    for word in words:
        if skip:
            skip -= 1
        elif word in dropped:
            skip = dropped[word]
        else:
            kept.append(word)
    return kept


def arguments(source: str, language: str, options: Options) -> list[str]:
    """The ``-cc1`` line of one host source, less the action and the output."""
    words = driver_words(options, language)
    if language == "cuda":
        words += ["-include", "cuda_runtime.h", "-U__CUDACC__", "-D__CUDACC__=1"]
    words = cc1_words(words, language)
    words += ["-main-file-name", Path(source).name, "-x", language]
    if language == "cuda":
        words += ["-aux-triple", toolchain.DEVICE_TRIPLE, "-target-sdk-version=12.6"]
        words += ["-fcuda-allow-variadic-functions"]
    return [*words, source]


def compile_host(words: list[str], source: str, action: list[str]) -> tuple[bytes, str]:
    """Runs the compiler; its output, and its warnings."""
    done = precompiled.run(words, source, action)
    said = done.stderr.decode(errors="replace")
    if done.returncode:
        raise CompileError(toolchain.plain(said).rstrip())
    return done.stdout, toolchain.plain(said)
