/* The parts of the C++ library that device code uses.

   clang makes constexpr functions callable from both sides. Those of <utility> that are constexpr
   only in a later language version (std::swap, std::exchange) get the same treatment here. */
#pragma once

/* First of all: any other header would declare swap its own way. */
#if __has_include(<__config>) && __cplusplus < 202002L
#include <__config>
#pragma push_macro("_LIBCPP_CONSTEXPR_SINCE_CXX20")
#undef _LIBCPP_CONSTEXPR_SINCE_CXX20
#define _LIBCPP_CONSTEXPR_SINCE_CXX20 __attribute__((host, device))
#include <utility>
#pragma pop_macro("_LIBCPP_CONSTEXPR_SINCE_CXX20")
#else
#include <utility>
#endif

#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmath>
#include <cstdlib>
#include <type_traits>

#include <new>
#if defined(__CUDA__) && __cplusplus < 202601L
/* Placement in device code. */
__attribute__((device)) inline void *operator new(size_t, void *p) noexcept { return p; }
__attribute__((device)) inline void *operator new[](size_t, void *p) noexcept { return p; }
__attribute__((device)) inline void operator delete(void *, void *) noexcept {}
__attribute__((device)) inline void operator delete[](void *, void *) noexcept {}
#endif
