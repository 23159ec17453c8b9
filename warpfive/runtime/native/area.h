/* What device code and the runtime share; the compiler's headers define it. */
#pragma once
#include "../../compiler/include/wf_area.h"
