/* A name that programs include. */
#pragma once
#include "cuda_bf16.h"
