/* A name that programs include. */
#pragma once
#include "cuda_fp16.h"
