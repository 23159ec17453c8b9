/* Handle types that PyTorch's headers name; cuSOLVER itself is not here. */
#pragma once
#include <cusolver_common.h>
typedef struct cusolverDnContext *cusolverDnHandle_t;
