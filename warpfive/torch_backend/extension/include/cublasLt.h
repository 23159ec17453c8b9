/* Handle types that PyTorch's headers name; cuBLASLt itself is not here. */
#pragma once
typedef struct cublasLtContext *cublasLtHandle_t;
