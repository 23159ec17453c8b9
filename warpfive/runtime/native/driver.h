// The driver API's declarations, exported from the library.
#pragma once
#pragma GCC visibility push(default)
#include "../../compiler/include/cuda.h"
#pragma GCC visibility pop
