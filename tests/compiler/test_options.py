"""nvcc's command line: what is read, what is refused and how."""

import pytest

from warpfive.compiler.options import Source, parse
from warpfive.errors import InputError


def test_a_real_makefile_line_is_understood():
    line = (
        "-std=c++17 -O3 -use_fast_math -arch=sm_70 -gencode arch=compute_80,code=sm_80 -lineinfo "
        "-Xcompiler -Wall,-fopenmp -I../include -I inc -DN=3,4 -D DEBUG -maxrregcount=32 "
        "-Xptxas -v --expt-relaxed-constexpr --extended-lambda -ccbin g++ -t 0 -o main main.cu "
        "util.cpp old.o -L/opt/lib -lm -lcudart"
    )
    options = parse(line.split())
    assert options.inputs == [
        Source("main.cu", "cuda"), Source("util.cpp", "c++"), Source("old.o", None),
    ]  # fmt: skip
    libraries = ["-lomp", "-L/opt/lib", "-lm", "-lcudart"]
    assert [word for word in options.link_order if word.startswith("-")] == libraries
    assert [word for word in options.link_order if word not in libraries] == [
        "main.cu", "util.cpp", "old.o",
    ]  # fmt: skip
    assert options.preprocess == ["-I../include", "-Iinc", "-DN=3,4", "-DDEBUG"]
    assert (options.standard, options.level, options.output) == ("c++17", "3", "main")
    assert (options.arch, options.fast_math, options.openmp) == (800, True, True)
    assert options.host == ["-Wall"]


@pytest.mark.parametrize(
    ("words", "mode", "relocatable"),
    [
        ("-c", "compile", False), ("-dc", "compile", True), ("--device-c", "compile", True),
        ("-dlink", "dlink", False), ("-rdc=true -c", "compile", True), ("-lib", "lib", False),
        ("--relocatable-device-code true", "link", True), ("-E", "preprocess", False),
        ("-M", "depend", False), ("-cubin", "image", False), ("--ptx", "image", False),
    ],
)  # fmt: skip
def test_modes(words, mode, relocatable):
    options = parse([*words.split(), "a.cu"])
    assert (options.mode, options.relocatable) == (mode, relocatable)


def test_a_language_holds_for_the_files_after_it():
    options = parse(["a.cpp", "-x", "cu", "b.cpp", "c.txt"])
    assert [source.language for source in options.inputs] == ["c++", "cuda", "cuda"]


def test_quoted_host_options_are_split_and_linker_ones_sent_on():
    options = parse(["-Xcompiler", "-O2 -DX=1 -pthread", "-Xcompiler=-Wl,-rpath,/x", "a.cu"])
    assert options.host == ["-O2", "-pthread"]
    assert options.preprocess == ["-DX=1"]
    assert options.link == ["-rpath", "/x"]


def test_options_files_are_read(tmp_path):
    (tmp_path / "options").write_text("-O1 -DFROM_FILE")
    options = parse(["-optf", str(tmp_path / "options"), "a.cu"])
    assert (options.level, options.preprocess) == ("1", ["-DFROM_FILE"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "--frobnicate a.cu",
            "option --frobnicate is not known; `warpfive cc --help` lists the options, and "
            "-Xcompiler passes one on to the host compiler",
        ),
        ("-o", "-o: a value is missing; write it after the option"),
        (
            "-arch=fast a.cu",
            "-arch=fast: not an architecture; write sm_80, compute_80, native or all",
        ),
        ("-rdc=maybe a.cu", "-rdc=maybe: the value is true or false"),
        ("-m32 a.cu", "-m32: only 64-bit code is made; leave the option out or say -m64"),
        ("-x fortran a", "-x fortran: the language is not known; it is one of cu, c++, c"),
        (
            "program.f90",
            "program.f90: the ending .f90 is not known; say what it is with -x cu, -x c++ or -x c",
        ),
    ],
)
def test_refusals(words, message):
    with pytest.raises(InputError) as caught:
        parse(words.split())
    assert str(caught.value) == message
