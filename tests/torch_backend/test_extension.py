"""torch.utils.cpp_extension: ordinary sources build with our compiler and run on the chip."""

import shutil
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")

from warpfive import cache  # noqa: E402
from warpfive.compiler import fingerprint  # noqa: E402
from warpfive.cuda import launches  # noqa: E402
from warpfive.errors import InputError  # noqa: E402
from warpfive.torch_backend.extension import toolkit  # noqa: E402

DECLARATION = """
#include <ATen/cuda/CUDAContext.h>
torch::Tensor axpy(torch::Tensor x, torch::Tensor y, double a);
"""
SOURCE = """
#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>

template <typename scalar_t>
__global__ void axpy_kernel(
    const torch::PackedTensorAccessor32<scalar_t, 2, torch::RestrictPtrTraits> x,
    torch::PackedTensorAccessor32<scalar_t, 2, torch::RestrictPtrTraits> y, scalar_t a) {
  const int row = blockIdx.y, column = blockIdx.x * blockDim.x + threadIdx.x;
  if (column < x.size(1)) y[row][column] = a * x[row][column] + y[row][column];
}

torch::Tensor axpy(torch::Tensor x, torch::Tensor y, double a) {
  TORCH_CHECK(x.is_cuda() && y.is_cuda(), "on the chip, please");
  const at::cuda::CUDAGuard guard(x.device());
  auto out = y.clone();
  const dim3 blocks((x.size(1) + 127) / 128, x.size(0));
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "axpy", ([&] {
    axpy_kernel<scalar_t><<<blocks, 128, 0, at::cuda::getCurrentCUDAStream()>>>(
        x.packed_accessor32<scalar_t, 2, torch::RestrictPtrTraits>(),
        out.packed_accessor32<scalar_t, 2, torch::RestrictPtrTraits>(), scalar_t(a));
  }));
  C10_CUDA_KERNEL_LAUNCH_CHECK();
  return out;
}
"""


def test_an_inline_extension_runs_on_the_chip():
    from torch.utils.cpp_extension import load_inline

    # kept for as long as what builds it stays the same
    folder = cache.root() / "torch" / "test" / cache.digest(fingerprint(), SOURCE)[:12]
    folder.mkdir(parents=True, exist_ok=True)
    with cache.locked(folder / "one-at-a-time"):
        # torch's own lock outlives a build that was killed, and is then waited for without end
        (folder / "lock").unlink(missing_ok=True)
        module = load_inline(
            "warpfive_axpy", cpp_sources=DECLARATION, cuda_sources=SOURCE, functions=["axpy"],
            build_directory=str(folder),
        )  # fmt: skip
    for dtype in (torch.float32, torch.float64):
        x, y = torch.randn(5, 300, dtype=dtype), torch.randn(5, 300, dtype=dtype)
        got = module.axpy(x.cuda(), y.cuda(), 2.5)
        torch.testing.assert_close(got.cpu(), 2.5 * x + y)
    with pytest.raises(RuntimeError, match="on the chip, please"):
        module.axpy(x, y, 1.0)


SETUP = """
from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

setup(
    name="clipped", version="1", py_modules=[], cmdclass={"build_ext": BuildExtension},
    ext_modules=[CUDAExtension("clipped", ["clipped.cpp", "clipped_kernel.cu"])],
)
"""
CLIPPED = """
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty_like.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

void launch_clip(const float *x, float *out, int64_t count, float limit, cudaStream_t stream);

at::Tensor clip(const at::Tensor &x, double limit) {
  TORCH_CHECK(x.is_cuda() && x.is_contiguous(), "contiguous, on the chip");
  at::Tensor out = at::empty_like(x);
  launch_clip(x.data_ptr<float>(), out.data_ptr<float>(), x.numel(), limit,
              c10::cuda::getCurrentCUDAStream());
  return out;
}

TORCH_LIBRARY(warpfive_clipped, library) {
  library.def("clip(Tensor x, float limit) -> Tensor", clip);
}
"""
CLIPPED_KERNEL = """
#include <cstdint>
#include <cuda_runtime.h>

__global__ void clip_kernel(const float *x, float *out, int64_t count, float limit) {
  int64_t at = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (at < count) out[at] = fminf(fmaxf(x[at], -limit), limit);
}

void launch_clip(const float *x, float *out, int64_t count, float limit, cudaStream_t stream) {
  clip_kernel<<<(unsigned)((count + 127) / 128), 128, 0, stream>>>(x, out, count, limit);
}
"""


@pytest.fixture
def extension_folder():
    """The sources, with what was built from them for as long as what builds it stays the same."""
    texts = {"setup.py": SETUP, "clipped.cpp": CLIPPED, "clipped_kernel.cu": CLIPPED_KERNEL}
    key = cache.digest(fingerprint(), torch.__version__, *texts.values())[:12]
    folder = cache.root() / "torch" / "test" / f"setup-{key}"
    folder.mkdir(parents=True, exist_ok=True)
    with cache.locked(folder / "one-at-a-time"):
        for name, text in texts.items():
            if not (folder / name).exists():
                (folder / name).write_text(text, encoding="utf-8")
        yield folder


@pytest.mark.skipif(not any(map(shutil.which, toolkit.COMPILERS)), reason="no host C++ compiler")
def test_an_ordinary_setup_builds_an_extension_for_the_chip(extension_folder):
    words = [sys.executable, "-m", "warpfive", "run", "setup.py", "-q", "build_ext", "--inplace"]
    done = subprocess.run(words, cwd=extension_folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = extension_folder.glob("clipped*.so")
    torch.ops.load_library(str(built))
    x = torch.randn(1000)
    before = launches()
    got = torch.ops.warpfive_clipped.clip(x.cuda(), 0.5)
    torch.testing.assert_close(got.cpu(), x.clamp(-0.5, 0.5))
    assert launches() == before + 1


def test_a_cuda_extension_is_linked_with_our_libraries():
    from torch.utils.cpp_extension import CUDA_HOME, CUDAExtension

    assert str(toolkit.home()) == CUDA_HOME
    extension = CUDAExtension("things", ["things.cpp", "things.cu"])
    assert str(toolkit.home() / "lib64") in extension.library_dirs
    assert str(toolkit.home() / "include") in extension.include_dirs
    for name in toolkit.LINKED_NAMES:
        assert (toolkit.home() / "lib64" / name).exists()


def test_without_a_host_compiler_it_says_so(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(InputError) as caught:
        toolkit.host_compiler()
    assert str(caught.value) == (
        "a CUDA extension of PyTorch needs a C++ compiler, and there is no no-such-compiler; "
        "install one (the package g++ on Debian and Ubuntu) or set CXX"
    )
