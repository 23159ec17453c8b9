/* The parts of the C++ library that device code uses.

   clang makes constexpr functions callable from both sides. Functions that are constexpr only in
   a later language version get the same treatment here, so that std::swap and the algorithms
   work in kernels in every version. */
#pragma once

#if __has_include(<__config>)
#include <__config>
#if __cplusplus < 202002L
#undef _LIBCPP_CONSTEXPR_SINCE_CXX20
#define _LIBCPP_CONSTEXPR_SINCE_CXX20 __attribute__((host, device))
#endif
#if __cplusplus < 202302L
#undef _LIBCPP_CONSTEXPR_SINCE_CXX23
#define _LIBCPP_CONSTEXPR_SINCE_CXX23 __attribute__((host, device))
#endif
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
