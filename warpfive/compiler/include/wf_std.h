/* The parts of the C++ library that device code uses.

   clang makes constexpr functions callable from both sides. Functions of <utility> and <cmath> that
   are constexpr only in a later language version (std::swap, isfinite) get the same treatment
   here; they come first, for any other header would declare them its own way. */
#pragma once

#if __has_include(<__config>)
#include <__config>
#pragma push_macro("_LIBCPP_CONSTEXPR_SINCE_CXX20")
#pragma push_macro("_LIBCPP_CONSTEXPR_SINCE_CXX23")
#if __cplusplus < 202002L
#undef _LIBCPP_CONSTEXPR_SINCE_CXX20
#define _LIBCPP_CONSTEXPR_SINCE_CXX20 __attribute__((host, device))
#endif
#if __cplusplus < 202302L
#undef _LIBCPP_CONSTEXPR_SINCE_CXX23
#define _LIBCPP_CONSTEXPR_SINCE_CXX23 __attribute__((host, device))
#endif
#include <utility>
#include <math.h>
#include <cmath>
/* std::min and std::max come with <cmath> where programs for nvcc are usually built. */
#include <__algorithm/max.h>
#include <__algorithm/min.h>
#pragma pop_macro("_LIBCPP_CONSTEXPR_SINCE_CXX20")
#pragma pop_macro("_LIBCPP_CONSTEXPR_SINCE_CXX23")
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
#include <new>
#include <type_traits>
#include <utility>

#if __cplusplus < 202601L
/* Placement in device code. */
__attribute__((device)) inline void *operator new(size_t, void *p) noexcept { return p; }
__attribute__((device)) inline void *operator new[](size_t, void *p) noexcept { return p; }
__attribute__((device)) inline void operator delete(void *, void *) noexcept {}
__attribute__((device)) inline void operator delete[](void *, void *) noexcept {}
#endif
