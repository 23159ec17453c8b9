// torch's dispatch stubs: its operators share their host logic between devices and call through these.
#pragma once
#include <cstdint>

namespace wf::torch_backend {

/// Makes `stub`, the address of one of torch's DispatchStub objects, launch kernel `name` on the
/// device. `signature` is one of those in stubs.cpp; raises c10::Error for another.
void fill_stub(void *stub, const char *signature, const char *name);

/// Fill the stubs whose functions are written in this library.
void fill_combination_stub();
void fill_copy_stub();
void fill_attention_stub();
void fill_extreme_stubs();
void fill_gather_stubs();
void fill_index_stubs();
void fill_least_squares_stub();
void fill_norm_stubs();
void fill_random_stubs();

/// A stub that nobody filled: the operator says so instead of crashing.
void mark_missing(void *stub, const char *name);

}  // namespace wf::torch_backend
