// A check that names its line; main returns how many failed.
#pragma once
#include <cstdio>
#include <cstring>

static int failures = 0;

#define CHECK(what)                                            \
  do {                                                         \
    if (!(what)) {                                             \
      failures++;                                              \
      printf("%s:%d: %s\n", __FILE__, __LINE__, #what);        \
    }                                                          \
  } while (0)

#define CODE(call, expected)                                                       \
  do {                                                                             \
    cudaError_t got_ = (call);                                                     \
    if (got_ != (expected)) {                                                      \
      failures++;                                                                  \
      printf("%s:%d: %s gave %s\n", __FILE__, __LINE__, #call, cudaGetErrorName(got_)); \
    }                                                                              \
  } while (0)

#define OK(call) CODE(call, cudaSuccess)

static int verdict() {
  if (!failures) printf("ok\n");
  return failures != 0;
}
