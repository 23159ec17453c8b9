// Operators without a kernel: an error that names them, or the host's kernel where that is allowed.
#pragma once
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/util/Exception.h>

#include <string>

namespace wf::torch_backend {

/// Raised inside an operator that reached a stub of torch which has no kernel on the chip.
struct MissingKernel final : c10::NotImplementedError {
  explicit MissingKernel(const std::string &stub);
};

using Report = void (*)(const char *operator_name);

/// Lets the host compute what has no kernel; `report` hears of each such call.
void allow_fallback(Report report);
bool fallback_allowed();

/// Registers torch's CPU kernel of this operator for the device: the function is the same for
/// both in torch's own tables and reaches the chip through stubs. False if there is none.
bool share(const char *name, const char *overload, const char *from, const char *to);

/// What every operator without a kernel runs into.
void install_fallback();

}  // namespace wf::torch_backend
