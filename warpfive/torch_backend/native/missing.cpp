#include "missing.h"

#include <ATen/native/CPUFallback.h>
#include <torch/library.h>

#include <vector>

#include "driver.h"

namespace wf::torch_backend {
namespace {

Report report = nullptr;

std::string advice(const std::string &what) {
  return what + " has no kernel on the chip. Nothing is computed on the host unless you allow it: "
                "'warpfive run --fallback' (or WARPFIVE_TORCH_FALLBACK=1) lets the host compute it "
                "and reports it.";
}

std::string full_name(const c10::OperatorHandle &op) {
  const auto &name = op.operator_name();
  return name.overload_name.empty() ? name.name : name.name + "." + name.overload_name;
}

void on_host(const c10::OperatorHandle &op, c10::Stack *stack) {
  report(full_name(op).c_str());
  check(driver.cudaDeviceSynchronize());
  at::native::cpu_fallback(op, stack);
}

void fallback(const c10::OperatorHandle &op, c10::Stack *stack) {
  TORCH_CHECK_NOT_IMPLEMENTED(report, advice(full_name(op)));
  on_host(op, stack);
}

/// The host's fallback moves dense tensors only.
void sparse_fallback(const c10::OperatorHandle &op, c10::Stack *) {
  TORCH_CHECK_NOT_IMPLEMENTED(false, full_name(op), " of sparse tensors has no kernel on the chip; "
                              "to_dense() gives a tensor that has");
}

/// The table entry behind a handle, which the class keeps to itself.
template <auto member>
struct Reach {
  friend const c10::impl::OperatorEntry &entry_of(const c10::OperatorHandle &handle) {
    return (handle.*member)->op;
  }
};
const c10::impl::OperatorEntry &entry_of(const c10::OperatorHandle &handle);
template struct Reach<&c10::OperatorHandle::operatorDef_>;

/// A shared operator that may find a stub without a kernel, where the host may help out.
void shared_or_host(const c10::KernelFunction &kernel, const c10::OperatorHandle &op,
                    c10::DispatchKeySet keys, c10::Stack *stack) {
  const auto count = op.schema().arguments().size();
  const c10::Stack arguments(stack->end() - static_cast<std::ptrdiff_t>(count), stack->end());
  try {
    kernel.callBoxed(op, keys, stack);
  } catch (const MissingKernel &) {
    stack->insert(stack->end(), arguments.begin(), arguments.end());
    on_host(op, stack);
  }
}

struct SharedOrHost final : c10::OperatorKernel {
  explicit SharedOrHost(c10::KernelFunction kernel) : kernel_(std::move(kernel)) {}
  void operator()(const c10::OperatorHandle &op, c10::DispatchKeySet keys, c10::Stack *stack) {
    shared_or_host(kernel_, op, keys, stack);
  }

 private:
  c10::KernelFunction kernel_;
};

}  // namespace

MissingKernel::MissingKernel(const std::string &stub)
    : c10::NotImplementedError({__func__, __FILE__, __LINE__}, advice(stub)) {}

void allow_fallback(Report function) { report = function; }
bool fallback_allowed() { return report != nullptr; }

bool share(const char *name, const char *overload, const char *from, const char *to) {
  const c10::DispatchKey host = c10::parseDispatchKey(from), chip = c10::parseDispatchKey(to);
  auto &dispatcher = c10::Dispatcher::singleton();
  const auto handle = dispatcher.findSchema({name, overload});
  if (!handle || !handle->hasKernelForDispatchKey(host)) return false;
  if (handle->hasKernelForDispatchKey(chip)) return true;
  c10::KernelFunction kernel = entry_of(*handle).kernelForDispatchKey(host);
  if (fallback_allowed()) {
    kernel = c10::KernelFunction::makeFromBoxedFunctor(
        std::make_unique<SharedOrHost>(std::move(kernel)));
  }
  static auto *registrations = new std::vector<c10::RegistrationHandleRAII>;
  registrations->push_back(dispatcher.registerImpl({name, overload}, chip,
                                                   std::move(kernel), std::nullopt, nullptr,
                                                   "warpfive: shared with the CPU"));
  return true;
}

void install_fallback() {
  for (const auto key : {c10::DispatchKey::CUDA, c10::DispatchKey::SparseCUDA,
                         c10::DispatchKey::SparseCsrCUDA}) {
    auto *library = new torch::Library(torch::Library::IMPL, "_", key, __FILE__, __LINE__);
    library->fallback(key == c10::DispatchKey::CUDA
                          ? torch::CppFunction::makeFromBoxedFunction<&fallback>()
                          : torch::CppFunction::makeFromBoxedFunction<&sparse_fallback>());
  }
}

}  // namespace wf::torch_backend
