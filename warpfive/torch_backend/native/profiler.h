#pragma once

namespace wf::torch_backend {

/// Gives torch's profilers the chip's clock. Once a process.
void install_profiler();

}  // namespace wf::torch_backend
