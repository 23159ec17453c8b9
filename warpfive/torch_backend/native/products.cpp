// Matrix products: from torch's call to the kernel library's without Python on the way. What the library
// does not serve (integers, complex numbers, results that lie in no direction side by side) goes to
// `warpfive::product`, which is Python's.
#include "products.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/native/Resize.h>
#include <ATen/ops/addmm_meta_dispatch.h>
#include <ATen/ops/baddbmm_meta_dispatch.h>
#include <ATen/ops/bmm_meta_dispatch.h>
#include <ATen/ops/mm_meta_dispatch.h>
#include <torch/library.h>
#include <warpfive_kernels.h>

#include <array>

#include "driver.h"

namespace wf::torch_backend {
namespace {

constexpr int64_t kMostMatrices = 65535;

void (*find)(Products *) = nullptr;

/// The kernel library; Python builds and loads it at the first product.
const Products &library() {
  static const Products found = [] {
    Products products;
    find(&products);
    TORCH_CHECK(products.gemm,
                "the kernel library could not be built or loaded; the reason stands above");
    return products;
  }();
  return found;
}

int type_of(at::ScalarType type) {
  switch (type) {
    case at::kFloat: return WFK_F32;
    case at::kDouble: return WFK_F64;
    case at::kHalf: return WFK_F16;
    case at::kBFloat16: return WFK_BF16;
    default: return -1;
  }
}

wfk_matrix matrix(const at::Tensor &x) {
  const auto strides = x.strides();
  const size_t rows = strides.size() - 2;
  return {x.data_ptr(), static_cast<wfk_dtype>(type_of(x.scalar_type())), strides[rows],
          strides[rows + 1], rows ? strides[0] : 0};
}

/// Whether kernels can write such a result: side by side in one direction.
bool lies_well(const at::Tensor &x) {
  const auto strides = x.strides();
  return strides[strides.size() - 1] == 1 || strides[strides.size() - 2] == 1;
}

/// Operands of the same type that the library knows, and something to do.
bool served(const at::Tensor &a, const at::Tensor &b, const at::Tensor &out) {
  const auto type = out.scalar_type();
  return type_of(type) >= 0 && a.scalar_type() == type && b.scalar_type() == type &&
         a.is_cuda() && b.is_cuda() && !a.is_conj() && !b.is_conj() && !a.is_neg() && !b.is_neg() &&
         out.numel() > 0 && a.size(-1) > 0 && lies_well(out) &&
         (out.dim() == 2 || out.size(0) <= kMostMatrices);
}

struct Epilogue {
  const at::Tensor *c = nullptr, *bias = nullptr, *residual = nullptr;
  double alpha = 1, beta = 0;
  int activation = WFK_NONE;
};

void gemm(const at::Tensor &a, const at::Tensor &b, const at::Tensor &out, const Epilogue &more) {
  const int64_t rows = out.dim() - 2;
  wfk_gemm_args args{};
  args.m = out.size(rows), args.n = out.size(rows + 1), args.k = a.size(-1);
  args.batch = rows ? out.size(0) : 1;
  args.a = matrix(a), args.b = matrix(b), args.d = matrix(out);
  if (more.c) args.c = matrix(*more.c);
  if (more.residual) args.residual = matrix(*more.residual);
  if (more.bias) args.bias = more.bias->data_ptr();
  args.alpha = more.alpha, args.beta = more.beta;
  args.activation = static_cast<wfk_activation>(more.activation);
  const Products &kernels = library();
  const int status = reinterpret_cast<int (*)(const wfk_gemm_args *, void *)>(kernels.gemm)(
      &args, current_stream());
  TORCH_CHECK(status == WFK_OK, reinterpret_cast<const char *(*)()>(kernels.error)());
}

/// out = beta c + alpha a b by way of Python, for batches of matrices.
void in_general(const at::Tensor &a, const at::Tensor &b, const at::Tensor &out,
                const std::optional<at::Tensor> &c, const at::Scalar &alpha, const at::Scalar &beta) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("warpfive::product", "")
                             .typed<void(const at::Tensor &, const at::Tensor &, const at::Tensor &,
                                         const std::optional<at::Tensor> &, const at::Scalar &,
                                         const at::Scalar &)>();
  const bool single = out.dim() == 2;
  const auto batch = [&](const at::Tensor &x) { return single ? x.unsqueeze(0) : x; };
  op.call(batch(a), batch(b), batch(out), c, alpha, beta);
}

/// What `beta c` adds, as the kernels take it: a bias, a matrix, or nothing. False: they do not.
bool addend(const at::Tensor &c, const at::Tensor &out, double beta, Epilogue &more) {
  if (beta == 0) return true;
  if (c.scalar_type() != out.scalar_type() || !c.is_cuda() || c.is_conj() || c.is_neg()) return false;
  if (beta == 1 && c.dim() == 1 && c.size(0) == out.size(-1) && c.stride(0) == 1) {
    more.bias = &c;
    return true;
  }
  if (c.sizes() != out.sizes() || c.strides() != out.strides()) return false;
  more.c = &c, more.beta = beta;
  return true;
}

/// Sizes of a b; empty where they do not go together or types differ: then torch's own check speaks.
at::DimVector sizes_of(const at::Tensor &a, const at::Tensor &b, int64_t dim) {
  if (a.dim() != dim || b.dim() != dim || a.size(-1) != b.size(-2)) return {};
  if (dim == 3 && a.size(0) != b.size(0)) return {};
  if (a.scalar_type() != b.scalar_type() || type_of(a.scalar_type()) < 0) return {};
  if (dim == 2) return {a.size(0), b.size(1)};
  return {a.size(0), a.size(1), b.size(2)};
}

bool ready(const at::Tensor &a, const at::Tensor &b, const at::Tensor &out, int64_t dim) {
  const auto sizes = sizes_of(a, b, dim);
  return !sizes.empty() && out.sizes() == at::IntArrayRef(sizes) && served(a, b, out);
}

template <int64_t Dim>
at::Tensor &product_out(const at::Tensor &a, const at::Tensor &b, at::Tensor &out) {
  if (!ready(a, b, out, Dim)) {
    if constexpr (Dim == 2) at::meta::mm_out(out, a, b);
    else at::meta::bmm_out(out, a, b);
    if (!served(a, b, out)) {
      in_general(a, b, out, std::nullopt, 1, 0);
      return out;
    }
  }
  gemm(a, b, out, {});
  return out;
}

template <int64_t Dim>
at::Tensor product(const at::Tensor &a, const at::Tensor &b) {
  const auto sizes = sizes_of(a, b, Dim);
  at::Tensor out = sizes.empty() ? at::empty({0}, a.options()) : at::empty(sizes, a.options());
  return product_out<Dim>(a, b, out);
}

template <int64_t Dim>
at::Tensor &sum_out(const at::Tensor &c, const at::Tensor &a, const at::Tensor &b,
                    const at::Scalar &beta, const at::Scalar &alpha, at::Tensor &out) {
  if (!ready(a, b, out, Dim)) {
    if constexpr (Dim == 2) at::meta::addmm_out(out, c, a, b, beta, alpha);
    else at::meta::baddbmm_out(out, c, a, b, beta, alpha);
  }
  Epilogue more;
  if (served(a, b, out) && !alpha.isComplex() && !beta.isComplex() &&
      addend(c, out, beta.toDouble(), more)) {
    more.alpha = alpha.toDouble();
    gemm(a, b, out, more);
  } else {
    in_general(a, b, out, c, alpha, beta);
  }
  return out;
}

template <int64_t Dim>
at::Tensor sum(const at::Tensor &c, const at::Tensor &a, const at::Tensor &b, const at::Scalar &beta,
               const at::Scalar &alpha) {
  const auto sizes = sizes_of(a, b, Dim);
  at::Tensor out = sizes.empty() ? at::empty({0}, a.options()) : at::empty(sizes, a.options());
  return sum_out<Dim>(c, a, b, beta, alpha, out);
}

/// One product, its bias in the kernel; (rows, features) from any leading dimensions.
at::Tensor linear(const at::Tensor &input, const at::Tensor &weight,
                  const std::optional<at::Tensor> &bias) {
  const int64_t features = input.size(-1);
  const at::Tensor rows = input.dim() == 2 ? input : input.reshape({-1, features});
  const at::Tensor turned = weight.dim() == 2 ? weight.t() : weight.unsqueeze(1);
  at::Tensor out = bias && bias->defined() ? sum<2>(*bias, rows, turned, 1, 1)
                                           : product<2>(rows, turned);
  if (weight.dim() == 1) return out.reshape(input.sizes().slice(0, input.dim() - 1));
  if (input.dim() == 2) return out;
  at::DimVector sizes(input.sizes());
  sizes.back() = weight.size(0);
  return out.view(sizes);
}

int activation_of(c10::string_view name) {
  static constexpr std::array<const char *, 7> names{"none", "relu",    "gelu", "gelu_tanh",
                                                     "silu", "sigmoid", "tanh"};
  for (size_t i = 0; i < names.size(); ++i)
    if (name == names[i]) return static_cast<int>(i);
  TORCH_CHECK(false, "there is no activation ", name);
}

/// activation(a b + bias) + residual; a is (m, k), b (k, n), bias (n), residual (m, n).
at::Tensor matmul(const at::Tensor &a, const at::Tensor &b, const std::optional<at::Tensor> &bias,
                  const std::optional<at::Tensor> &residual, c10::string_view activation) {
  at::Tensor out = at::empty({a.size(0), b.size(1)}, a.options());
  if (out.numel() == 0) return out;
  Epilogue more;
  at::Tensor straight;
  more.activation = activation_of(activation);
  if (bias && bias->defined()) more.bias = &*bias;
  if (residual && residual->defined()) {
    straight = residual->stride(1) == 1 ? *residual : residual->contiguous();
    more.residual = &straight;
  }
  gemm(a, b, out, more);
  return out;
}

at::Tensor matmul_shape(const at::Tensor &a, const at::Tensor &b, const std::optional<at::Tensor> &,
                        const std::optional<at::Tensor> &, c10::string_view) {
  return a.new_empty_symint({a.sym_size(0), b.sym_size(1)});
}

}  // namespace

void find_products(void (*function)(Products *)) { find = function; }

TORCH_LIBRARY_FRAGMENT(warpfive, library) {
  library.def(
      "matmul(Tensor a, Tensor b, Tensor? bias, Tensor? residual, str activation) -> Tensor");
  library.def(
      "product(Tensor a, Tensor b, Tensor(a!) out, Tensor? c, Scalar alpha, Scalar beta) -> ()");
}

TORCH_LIBRARY_IMPL(warpfive, CUDA, library) { library.impl("matmul", &matmul); }

TORCH_LIBRARY_IMPL(warpfive, Meta, library) { library.impl("matmul", &matmul_shape); }

TORCH_LIBRARY_IMPL(aten, CUDA, library) {
  library.impl("mm", &product<2>);
  library.impl("mm.out", &product_out<2>);
  library.impl("bmm", &product<3>);
  library.impl("bmm.out", &product_out<3>);
  library.impl("addmm", &sum<2>);
  library.impl("addmm.out", &sum_out<2>);
  library.impl("baddbmm", &sum<3>);
  library.impl("baddbmm.out", &sum_out<3>);
  library.impl("linear", &linear);
}

}  // namespace wf::torch_backend
