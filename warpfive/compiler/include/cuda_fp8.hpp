/* A name that programs include. */
#pragma once
#include "cuda_fp8.h"
