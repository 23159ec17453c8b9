// The driver API: an image from a file, its kernel and variable.
#include <cuda.h>

#include "check.h"

#define CU(call)                                                   \
  do {                                                             \
    CUresult got_ = (call);                                        \
    if (got_ != CUDA_SUCCESS) {                                    \
      failures++;                                                  \
      printf("%s:%d: %s gave %d\n", __FILE__, __LINE__, #call, got_); \
    }                                                              \
  } while (0)

int main(int argc, char **argv) {
  CUdevice device;
  CUcontext context;
  CUmodule module;
  CUfunction function;
  CUdeviceptr data, variable;
  size_t bytes = 0;
  int sms = 0, values[32] = {}, factor = 3, n = 32;
  CU(cuInit(0));
  CU(cuDeviceGet(&device, 0));
  CU(cuDeviceGetAttribute(&sms, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, device));
  CHECK(sms == 64);
  CU(cuCtxCreate(&context, 0, device));
  CU(cuModuleLoad(&module, argv[1]));
  CU(cuModuleGetFunction(&function, module, "scale"));
  CHECK(cuModuleGetFunction(&function, module, "nowhere") == CUDA_ERROR_NOT_FOUND);
  CU(cuModuleGetFunction(&function, module, "scale"));
  CU(cuModuleGetGlobal(&variable, &bytes, module, "factor"));
  CHECK(bytes == 4);
  CU(cuMemcpyHtoD(variable, &factor, 4));
  CU(cuMemAlloc(&data, sizeof values));
  CU(cuMemsetD32(data, 5, 32));
  void *args[] = {&data, &n};
  CU(cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, 0, args, nullptr));
  CU(cuCtxSynchronize());
  CU(cuMemcpyDtoH(values, data, sizeof values));
  CHECK(values[0] == 15 && values[31] == 15);
  struct {
    CUdeviceptr data;
    int n;
  } packed = {data, 16};
  size_t size = sizeof packed;
  void *extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, &packed, CU_LAUNCH_PARAM_BUFFER_SIZE, &size,
                   CU_LAUNCH_PARAM_END};
  CU(cuLaunchKernel(function, 1, 1, 1, 32, 1, 1, 0, 0, nullptr, extra));
  CU(cuMemcpyDtoH(values, data, sizeof values));
  CHECK(values[15] == 45 && values[16] == 15);
  CHECK(cuLaunchKernel(function, 1, 1, 1, 2000, 1, 1, 0, 0, args, nullptr) ==
        CUDA_ERROR_INVALID_VALUE);
  CU(cuMemFree(data));
  CU(cuModuleUnload(module));
  CU(cuCtxDestroy(context));
  return verdict();
}
