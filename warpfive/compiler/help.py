"""What ``warpfive cc --version`` and ``--help`` print."""

from warpfive import __version__

RELEASE = "12.6"
"""The CUDA release whose language and macros are offered."""

VERSION = f"""\
nvcc: warpfive {__version__}, a CUDA C++ compiler for RISC-V chips (not NVIDIA's)
Cuda compilation tools, release {RELEASE}, V{RELEASE}.85
Build warpfive_{__version__}"""

HELP = """\
usage: warpfive cc [options] file...        (also installed as nvcc)

Compiles .cu, .cpp and .c files; device code becomes RISC-V kernel images inside host objects.

what to make
  (nothing)            a program, linked to the chip's library
  -c  -dc  -dlink      objects; -dc with relocatable device code, -dlink links that
  -lib  -shared        a static library, a shared library
  -E  -M  -MM  -MD  -MMD  -MF FILE  -MT NAME  -MP
  -ptx  -cubin  -fatbin    a kernel image: RISC-V ELF, whichever of the three is asked for
  -o FILE  -odir FOLDER  -run

language
  -x cu|c++|c  -std=c++17 (c++11 to c++23)  -I  -isystem  -include  -D  -U
  -arch=sm_NN  -gencode ...   set __CUDA_ARCH__ (800 without them)
  -rdc=true|false  --default-stream legacy|per-thread
  --extended-lambda  --expt-relaxed-constexpr     always on

code
  -O0..-O3 (host; device code is always optimised, except with -G)  -g  -G  -lineinfo (always on)
  -use_fast_math  -fmad=true|false
  -ftz  -prec-div  -prec-sqrt  -maxrregcount  -Xptxas ...   accepted, nothing to tune

other tools
  -Xcompiler OPTIONS  -Xlinker OPTIONS  -L FOLDER  -l NAME (-lcudart and -lcuda are the chip's)
  -W..., -f..., -m..., -pthread go to the host compiler; -fopenmp runs on all cores
  with the extra warpfive[openmp], on one thread without it
  -v  --dryrun  -w  --version  --help"""
