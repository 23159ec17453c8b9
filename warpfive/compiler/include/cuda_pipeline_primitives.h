/* A name that programs include. */
#pragma once
#include "cuda_pipeline.h"
