/* Types that PyTorch's headers name; cuSOLVER itself is not here. */
#pragma once
typedef enum { CUSOLVER_STATUS_SUCCESS = 0 } cusolverStatus_t;
