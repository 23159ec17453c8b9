#include "stubs.h"

#include <ATen/native/DispatchStub.h>

#include <array>
#include <string>
#include <utility>

#include "iterate.h"
#include "missing.h"

namespace wf::torch_backend {
namespace {

using Iterator = at::TensorIteratorBase;
using Scalar = c10::Scalar;
using Real = std::optional<double>;

/// How a stub's function hands its arguments on.
struct Pointwise {
  static void run(int kernel, Iterator &it, Slots slots) { pointwise(kernel, it, slots); }
};
struct Reduction {
  static void run(int kernel, Iterator &it, Slots slots) { reduce(kernel, it, slots); }
};

/// Functions with these argument types after the iterator. A function knows its place, and so the
/// kernel of the stub that calls it.
template <typename Kind, size_t count, typename... Arguments>
struct Stub {
  static inline std::array<int, count> kernel{};
  static inline size_t used = 0;

  template <size_t place>
  static void function(Iterator &iterator, Arguments... arguments) {
    const std::array<Slot, sizeof...(Arguments)> slots{slot(arguments)...};
    Kind::run(kernel[place], iterator, {slots.data(), slots.size()});
  }

  template <size_t... places>
  static void *at(size_t place, std::index_sequence<places...>) {
    static constexpr void (*functions[])(Iterator &, Arguments...) = {&function<places>...};
    return reinterpret_cast<void *>(functions[place]);
  }

  /// A function that launches the kernel of this number.
  static void *take(int number) {
    TORCH_CHECK(used < count, "more than ", count, " stubs of one signature");
    kernel[used] = number;
    return at(used++, std::make_index_sequence<count>());
  }
};

struct Signature {
  const char *name;
  void *(*take)(int number);
};

const Signature signatures[] = {
    {"pointwise", &Stub<Pointwise, 200>::take},
    {"pointwise scalar", &Stub<Pointwise, 32, const Scalar &>::take},
    {"pointwise scalar scalar", &Stub<Pointwise, 12, const Scalar &, const Scalar &>::take},
    {"pointwise scalar scalar scalar",
     &Stub<Pointwise, 8, const Scalar &, const Scalar &, const Scalar &>::take},
    {"pointwise scalar scalar scalar bool",
     &Stub<Pointwise, 4, const Scalar &, const Scalar &, const Scalar &, bool>::take},
    {"pointwise scalar double", &Stub<Pointwise, 4, const Scalar &, double>::take},
    {"pointwise double", &Stub<Pointwise, 4, double>::take},
    {"pointwise int64", &Stub<Pointwise, 4, int64_t>::take},
    {"pointwise int64 double", &Stub<Pointwise, 4, int64_t, double>::take},
    {"pointwise int", &Stub<Pointwise, 4, int>::take},
    {"pointwise real real real", &Stub<Pointwise, 4, Real, Real, Real>::take},
    {"reduce", &Stub<Reduction, 24>::take},
    {"reduce scalar", &Stub<Reduction, 4, const Scalar &>::take},
    {"reduce double bool", &Stub<Reduction, 4, double, bool>::take},
};

void point(void *stub, void *function) {
  static_cast<at::native::DispatchStubImpl *>(stub)->cuda_dispatch_ptr = function;
}

/// Stubs without a kernel: the function is called with arguments it ignores, and raises.
constexpr size_t kMissing = 400;
std::array<std::string, kMissing> missing_name;
size_t missing = 0;

template <size_t place>
void raise_missing() {
  throw MissingKernel(missing_name[place]);
}

template <size_t... places>
void *missing_at(size_t place, std::index_sequence<places...>) {
  static constexpr void (*functions[])() = {&raise_missing<places>...};
  return reinterpret_cast<void *>(functions[place]);
}

}  // namespace

void fill_stub(void *stub, const char *signature, const char *name) {
  for (const Signature &each : signatures) {
    if (std::string(signature) != each.name) continue;
    point(stub, each.take(kernel_number(name)));
    return;
  }
  TORCH_CHECK(false, "no stub of torch has the signature '", signature, "'");
}

void mark_missing(void *stub, const char *name) {
  if (static_cast<at::native::DispatchStubImpl *>(stub)->cuda_dispatch_ptr) return;
  TORCH_CHECK(missing < kMissing, "more than ", kMissing, " stubs");
  missing_name[missing] = name;
  point(stub, missing_at(missing++, std::make_index_sequence<kMissing>()));
}

}  // namespace wf::torch_backend
