// What Python calls, in C. A function that can fail returns 0 and leaves its reason in wf_error.
#include <c10/util/Exception.h>

#include <cstring>
#include <string>

#include "allocator.h"
#include "device.h"
#include "driver.h"
#include "kernels.h"
#include "missing.h"
#include "products.h"
#include "profiler.h"
#include "stubs.h"

namespace wf::torch_backend {
namespace {

thread_local std::string error, text;

template <typename F>
int guarded(F function) {
  try {
    function();
    return 1;
  } catch (const c10::Error &caught) {
    error = caught.what_without_backtrace();
  } catch (const std::exception &caught) {
    error = caught.what();
  }
  return 0;
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

const char *wf_error() { return error.c_str(); }

/// Takes the device. `report` is null where the host may not help out; `products` gives the kernel
/// library's entry points when they are first needed.
int wf_start(const char *library, Compile compile, Report report,
             void (*products)(Products *)) {
  return guarded([&] {
    load_driver(library);
    set_compiler(compile);
    find_products(products);
    if (report) allow_fallback(report);
    install_device();
    install_fallback();
    install_profiler();
    fill_combination_stub();
    fill_copy_stub();
    fill_attention_stub();
    fill_extreme_stubs();
    fill_gather_stubs();
    fill_index_stubs();
    fill_least_squares_stub();
    fill_norm_stubs();
    fill_random_stubs();
  });
}

int wf_share(const char *name, const char *overload, const char *from, const char *to) {
  int found = 0;
  guarded([&] { found = share(name, overload, from, to); });
  return found;
}

int wf_fill_stub(void *stub, const char *signature, const char *name) {
  return guarded([&] { fill_stub(stub, signature, name); });
}

int wf_mark_missing(void *stub, const char *name) {
  return guarded([&] { mark_missing(stub, name); });
}

const char *wf_memory_stats() { return (text = memory_stats()).c_str(); }
const char *wf_memory_snapshot() { return (text = memory_snapshot()).c_str(); }
void wf_reset_peaks() { reset_peaks(); }
void wf_reset_accumulated() { reset_accumulated(); }
void wf_empty_cache() { empty_cache(); }
int wf_memory_fraction(double fraction) {
  return guarded([&] { set_memory_fraction(fraction); });
}
void wf_begin_pool(int64_t id) { begin_pool(id); }
void wf_end_pool() { end_pool(); }
void wf_release_pool(int64_t id) { release_pool(id); }

int wf_device_synchronize() {
  return guarded([] { check(driver.cudaDeviceSynchronize()); });
}
void *wf_current_stream() { return current_stream(); }
void wf_set_stream(void *stream) { set_current_stream(stream); }

int wf_launch(void *kernel, const unsigned *blocks, const unsigned *threads, unsigned shared,
              const void *parameters) {
  return guarded([&] {
    launch(kernel, {blocks[0], blocks[1], blocks[2]}, {threads[0], threads[1], threads[2]},
           parameters, shared);
  });
}

/// Device memory from the same pools as tensors' (launchers' scratch).
void *wf_allocate(size_t bytes) {
  void *pointer = nullptr;
  guarded([&] { pointer = device_allocator()->raw_allocate(bytes); });
  return pointer;
}
void wf_free(void *pointer) { device_allocator()->raw_deallocate(pointer); }

}  // extern "C"
#pragma GCC visibility pop

}  // namespace wf::torch_backend
