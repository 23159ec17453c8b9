/* The driver API; most programs that include this use the runtime API only. */
#pragma once
#include "cuda_runtime_api.h"
#include "wf_driver.h"
