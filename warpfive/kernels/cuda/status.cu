// The text of a thread's last failure, and names for such texts.
#include <cstdarg>
#include <cstdio>
#include "common.cuh"

namespace wfk {

static thread_local char text[512];

wfk_status fail(wfk_status status, const char *format, ...) {
  va_list rest;
  va_start(rest, format);
  vsnprintf(text, sizeof text, format, rest);
  va_end(rest);
  return status;
}

wfk_status fine() {
  text[0] = 0;
  return WFK_OK;
}

wfk_status launched(const char *what) {
  cudaError_t code = cudaGetLastError();
  if (code == cudaSuccess) return fine();
  return fail(WFK_CUDA, "%s: %s", what, cudaGetErrorString(code));
}

const char *name_of(wfk_dtype type) {
  static const char *const names[] = {"float32", "float64", "float16", "bfloat16", "float8_e4m3",
                                      "float8_e5m2", "int8", "uint8", "int4", "uint4", "int16",
                                      "int32", "int64", "bool"};
  return type >= 0 && type <= WFK_BOOL ? names[type] : "an unknown type";
}

int64_t bytes_of(wfk_dtype type, int64_t count) {
  switch (type) {
    case WFK_F64: case WFK_I64: return 8 * count;
    case WFK_F32: case WFK_I32: return 4 * count;
    case WFK_F16: case WFK_BF16: case WFK_I16: return 2 * count;
    case WFK_I4: case WFK_U4: return (count + 1) / 2;
    default: return count;
  }
}

}  // namespace wfk

extern "C" const char *wfk_error(void) { return wfk::text; }
