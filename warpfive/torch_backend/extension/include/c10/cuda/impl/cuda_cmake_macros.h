/* A CUDA build of PyTorch generates this header; CPU wheels leave it out. */
#pragma once
#define C10_CUDA_BUILD_SHARED_LIBS
