// The driver API's declarations, exported from the library.
#pragma once
#pragma GCC visibility push(default)
#include "../../compiler/include/wf_driver.h"
#pragma GCC visibility pop
