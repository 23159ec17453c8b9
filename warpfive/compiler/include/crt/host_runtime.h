/* A name that programs include. */
#pragma once
#include "../cuda_runtime.h"
