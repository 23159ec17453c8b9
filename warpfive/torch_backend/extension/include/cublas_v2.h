/* Handle types that PyTorch's headers name; cuBLAS itself is not here. */
#pragma once
typedef struct cublasContext *cublasHandle_t;
typedef enum { CUBLAS_STATUS_SUCCESS = 0 } cublasStatus_t;
