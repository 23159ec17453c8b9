"""The driver from command line to files; programs are linked to a stand-in for the chip."""

import subprocess
from pathlib import Path

import pytest

from warpfive.compiler import DeviceOptions, embed, host, hostlink, toolchain
from warpfive.compiler.device import clang_arguments
from warpfive.compiler.driver import main
from warpfive.compiler.options import parse
from warpfive.isa import read_image

KERNEL = "__global__ void k(int* p) { *p = 1; }\n"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, text: str) -> str:
    Path(name).write_text(text)
    return name


def refused(capfd, words: str) -> str:
    assert main(words.split()) == 1
    return capfd.readouterr().err


def test_an_object_holds_the_image(here):
    write("a.cu", KERNEL + "int main() { k<<<1, 32>>>(nullptr); }")
    assert main(["-c", "a.cu"]) == 0
    image = read_image(embed.contents((here / "a.o").read_bytes()))
    assert list(image.kernels) == ["_Z1kPi"]


def test_the_second_compilation_is_taken_from_the_cache_until_a_header_changes(here):
    write("a.cu", '#include "a.h"\n__global__ void k(int* p) { *p = N; }')
    write("a.h", "#define N 1\n")
    assert main(["-c", "a.cu", "-o", "1.o"]) == main(["-c", "a.cu", "-o", "2.o"]) == 0
    assert (here / "1.o").read_bytes() == (here / "2.o").read_bytes()
    write("a.h", "#define N 22\n")
    assert main(["-c", "a.cu", "-o", "3.o"]) == 0
    assert (here / "1.o").read_bytes() != (here / "3.o").read_bytes()


def test_what_is_compiled_does_not_depend_on_where_the_compiler_is_installed(here):
    source = write("a.cu", KERNEL)
    lines = host.arguments(source, "cuda", parse([source])) + clang_arguments(
        source, DeviceOptions()
    )
    places = [str(toolchain.zig().parent.parent), str(toolchain.INCLUDE.parent)]
    assert not [word for word in lines for place in places if place in word]
    assert toolchain.contents(toolchain.include()) == toolchain.contents(toolchain.INCLUDE)


def test_make_rules_name_the_programs_own_headers(here):
    write("a.cu", '#include <stdio.h>\n#include "a.h"\n' + KERNEL)
    write("a.h", "#pragma once\n")
    assert main(["-c", "a.cu", "-o", "out.o", "-MMD", "-MP", "-MF", "a.d"]) == 0
    assert (here / "a.d").read_text() == "out.o: a.cu \\\n  a.h\n\na.h:\n"


def test_relocatable_code_is_linked_across_objects_and_libraries(here):
    write("a.cu", "__device__ int f(int);\n__global__ void k(int* p) { *p = f(*p); }\n")
    write("b.cu", "__device__ int base = 3;\n__device__ int f(int n) { return n + base; }\n")
    assert main(["-dc", "a.cu", "b.cu"]) == 0
    assert main(["-lib", "b.o", "-o", "libb.a"]) == 0
    for inputs in ("a.o b.o", "a.o libb.a"):
        assert main(f"-dlink {inputs} -o linked.o".split()) == 0
        image = read_image(embed.contents((here / "linked.o").read_bytes()))
        assert list(image.kernels) == ["_Z1kPi"]
        assert "base" in image.variables
        assert len(image.units) == 2


def test_a_missing_device_function_is_named(here, capfd):
    write("a.cu", "__device__ int f(int);\n__global__ void k(int* p) { *p = f(*p); }\n")
    said = refused(capfd, "-c a.cu")
    assert said in [
        f"warpfive cc: undefined in device code: {name}; define it with __device__, "
        "or build with -rdc=true and link the file that does\n"
        for name in ("f(int)", "_Z1fi")
    ]


def test_diagnostics_are_those_of_the_source_once(here, capfd):
    write("a.cu", "__global__ void k(int* p) { *p = nothing; }\n")
    assert refused(capfd, "-c a.cu") == (
        "a.cu:1:34: error: use of undeclared identifier 'nothing'\n"
        "    1 | __global__ void k(int* p) { *p = nothing; }\n"
        "      |                                  ^~~~~~~\n"
        "1 error generated.\n"
    )


def test_inline_ptx_is_named_with_its_line(here, capfd):
    source = """
__global__ void k(unsigned* p) {
  asm("tex.1d.v4.u32.s32 %0, [%1, %2];" : "=r"(*p) : "l"(p), "r"(0)); }
"""
    write("a.cu", source)
    assert refused(capfd, "-c a.cu").startswith(
        "warpfive cc: a.cu:3: inline PTX is not supported: tex.1d.v4.u32.s32 %0, [%1, %2]\n"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "no input files; name a .cu, .cpp, .c or .o file"),
        ("-c none.cu", "none.cu: no such file"),
        ("-c a.cu b.cu -o x.o", "-o x.o: 2 sources give 2 files; leave -o out or compile them "
         "one by one"),
        ("-dlink plain.o", "-dlink: none of the inputs holds relocatable device code; compile "
         "them with -dc"),
        ("a.ptx", "a.ptx: PTX is not translated; compile its CUDA C++ source instead"),
    ],
)  # fmt: skip
def test_refusals(here, capfd, words, message):
    write("a.cu", KERNEL)
    write("b.cu", KERNEL)
    write("plain.o", "")
    assert refused(capfd, words) == f"warpfive cc: {message}\n"


def test_images_say_what_they_are(here, capfd):
    write("a.cu", KERNEL)
    assert main(["-ptx", "a.cu"]) == 0
    assert list(read_image((here / "a.ptx").read_bytes()).kernels) == ["_Z1kPi"]
    assert capfd.readouterr().err == (
        "warpfive cc: -ptx: a.ptx is a RISC-V ELF kernel image, the only device code there is "
        "here\n"
    )


def test_the_version_reads_like_nvccs(capfd):
    assert main(["--version"]) == 0
    assert "release 12.6, V12.6" in capfd.readouterr().out


def test_dryrun_prints_the_commands_and_makes_nothing(here, capfd):
    write("a.cu", KERNEL)
    assert main(["-c", "a.cu", "--dryrun"]) == 0
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 2 and all(line.startswith("#$ ") for line in lines)
    assert not (here / "a.o").exists()


def test_libraries_of_the_vendor_that_are_not_there_are_named(here, capfd, monkeypatch):
    parts = hostlink.Parts(("-m", "elf_x86_64"), "crt1.o", ())
    monkeypatch.setattr(hostlink, "prepare_host", lambda: parts)
    write("a.o", "")
    assert refused(capfd, "a.o -lcublas").startswith(
        "warpfive cc: -lcublas: cuBLAS is not part of warpfive yet; "
    )


TRAPS = r"""
#include <cuda.h>
#include <algorithm>
#include <cmath>
#include <cstdio>
#if __CUDACC__ != 1 || !defined __NVCC__ || __CUDACC_VER_MAJOR__ != 12 || !defined __CUDA__
#error macros
#endif
#ifdef __CUDA_ARCH__
static_assert(__CUDA_ARCH__ == 700, "-arch");
#endif
#pragma unknown thing
struct __attribute__((unknown_attribute)) S { int a; };
template <class T> __host__ __device__ T twice(T x) { return x + x; }
static int narrow(size_t n) { int a[] = {(int)n}; register int r = a[0]; return r; }
__global__ void k(double* p, S s) {
  p[0] = std::max(p[1], 2.0) + max(3, 4u) + min(1L, 2) + twice(s.a) + sqrt(p[2]);
}
int main() {
  size_t n = 7;
  int m = max(3, n) + min(2u, 5);
  auto f = [=] __device__(int x) { return x + m; };
  (void)f;
  printf("%d %d\n", m, narrow(n));
  k<<<1, 1>>>(nullptr, S{1});
}
"""


def test_traps_of_programs_written_for_nvcc(here, capfd):
    write("a.cu", TRAPS)
    assert main(["-c", "-std=c++17", "-arch=sm_70", "--extended-lambda", "a.cu"]) == 0
    assert capfd.readouterr().err == ""


def test_plain_c_and_cpp_sources_are_compiled_too(here):
    write("a.c", "int f(int n) { int* p = 0; return p ? *p : n; }")
    write("b.cpp", '#include <cuda_runtime.h>\n#include <vector>\nextern "C" int f(int);\n'
          "int g() { std::vector<int> v(3); return f((int)v.size()) + cudaSuccess; }")  # fmt: skip
    assert main(["-c", "-O2", "-std=c++17", "a.c", "b.cpp"]) == 0
    listing = subprocess.run(["nm", "b.o"], capture_output=True, text=True, check=False)
    assert listing.returncode != 0 or " T _Z1gv" in listing.stdout


OPENMP_PROGRAM = r"""
#include <cstdio>
#include <omp.h>
int main() {
  int most = 0;
#pragma omp parallel num_threads(3) reduction(max : most)
  most = omp_get_thread_num();
  std::printf("%d of %d\n", most, _OPENMP);
}
"""


def test_openmp_in_host_code_runs_in_parallel_or_says_why_not(here, capfd, monkeypatch):
    write("a.cpp", OPENMP_PROGRAM)
    if toolchain.openmp():
        assert main(["a.cpp", "-Xcompiler", "-fopenmp", "-o", "parallel"]) == 0
        assert capfd.readouterr().err == ""
        said = subprocess.run([here / "parallel"], capture_output=True, text=True, check=True)
        assert said.stdout == "2 of 202011\n"
    monkeypatch.setattr(toolchain, "openmp", lambda: None)
    assert main(["-c", "a.cpp", "-Xcompiler", "-fopenmp"]) == 0
    assert capfd.readouterr().err == (
        "warpfive cc: warning: -fopenmp: parallel regions run on one thread, as there is no OpenMP "
        "library; pip install 'warpfive[openmp]' brings one\n"
    )
