// The API's declarations, exported from the library.
#pragma once
#pragma GCC visibility push(default)
#include "../../compiler/include/cuda_runtime_api.h"

extern "C" {
void __wf_register_linked(const void *elf);
void __cudaRegisterManagedVar(void **handle, void **pointer, char *initial, const char *name,
                              size_t bytes, unsigned align);
void __wf_per_thread_default_stream(void);
}
#pragma GCC visibility pop
