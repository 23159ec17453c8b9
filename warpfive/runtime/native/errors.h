// CUDA's error codes as names and texts, and the calling thread's last error.
#pragma once
#include "api.h"

namespace wf::rt {

struct ErrorText {
  int code;
  const char *name;
  const char *text;
};

/// The row of `code`, or null for a number that is no CUDA error.
const ErrorText *error_text(int code);

/// Remembers `code` as this thread's last error unless it is a success; returns it.
cudaError_t note(cudaError_t code);

/// Codes that leave the context unusable until the process ends (or cudaDeviceReset).
bool is_sticky(cudaError_t code);

/// Reports an error of work that ran on the device: at once sticky, or once to the next call
/// that synchronises.
void post_async(cudaError_t code);
/// The sticky error; else the posted one, which is then forgotten.
cudaError_t take_async();

/// The device's sticky error, or cudaSuccess.
cudaError_t sticky_error();
void set_sticky(cudaError_t code);
void clear_sticky();

}  // namespace wf::rt
