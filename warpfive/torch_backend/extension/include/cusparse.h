/* Handle types that PyTorch's headers name; cuSPARSE itself is not here. */
#pragma once
typedef struct cusparseContext *cusparseHandle_t;
typedef enum { CUSPARSE_STATUS_SUCCESS = 0 } cusparseStatus_t;
