"""torch.utils.cpp_extension: ordinary sources build with our compiler and run on the chip."""

import pytest

torch = pytest.importorskip("torch")

from warpfive import cache  # noqa: E402
from warpfive.compiler import fingerprint  # noqa: E402
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
