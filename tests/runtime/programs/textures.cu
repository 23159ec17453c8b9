// Texture and surface objects: fetches beside the formulas of CUDA's documentation.
#include <cmath>
#include <vector>

#include "check.h"

constexpr int W = 12, H = 7;

__global__ void fetch(cudaTextureObject_t t, int *out) { out[threadIdx.x] = tex1Dfetch<int>(t, threadIdx.x); }
__global__ void plane(cudaTextureObject_t t, float *out, float x0, float y0, float step) {
  int x = threadIdx.x, y = threadIdx.y;
  out[y * blockDim.x + x] = tex2D<float>(t, x0 + x * step, y0 + y * step);
}
__global__ void colours(cudaTextureObject_t t, float4 *out) {
  out[threadIdx.x] = tex2D<float4>(t, threadIdx.x + 0.5f, 0.5f);
}
__global__ void volume(cudaTextureObject_t t, float *out) {
  out[threadIdx.x] = tex3D<float>(t, 1.25f, 1.5f, 0.5f + 0.25f * threadIdx.x);
}
__global__ void layers(cudaTextureObject_t t, float *out) {
  out[threadIdx.x] = tex2DLayered<float>(t, 2.5f, 1.5f, threadIdx.x);
}
__global__ void paint(cudaSurfaceObject_t s) {
  int x = threadIdx.x, y = threadIdx.y;
  float old;
  surf2Dread(&old, s, x * 4, y);
  surf2Dwrite(old + 100 * y + x, s, x * 4, y);
  surf2Dwrite(-1.0f, s, (x + W) * 4, y, cudaBoundaryModeZero);
}

static int fold(int i, int n, int mode) {
  if (mode == cudaAddressModeWrap) return (i % n + n) % n;
  if (mode == cudaAddressModeMirror) {
    int m = (i % (2 * n) + 2 * n) % (2 * n);
    return m < n ? m : 2 * n - 1 - m;
  }
  return i < 0 ? 0 : i >= n ? n - 1 : i;
}
static float texel(const std::vector<float> &v, int x, int y, int mode) {
  if (mode == cudaAddressModeBorder && (x < 0 || x >= W || y < 0 || y >= H)) return 9;
  return v[fold(y, H, mode) * W + fold(x, W, mode)];
}
static float expected(const std::vector<float> &v, float x, float y, int mode, bool linear, bool unit) {
  if (unit) x *= W, y *= H;
  if (!linear) return texel(v, (int)floorf(x), (int)floorf(y), mode);
  x -= 0.5f, y -= 0.5f;
  int i = (int)floorf(x), j = (int)floorf(y);
  float a = rintf((x - i) * 256) / 256, b = rintf((y - j) * 256) / 256;
  return (1 - a) * (1 - b) * texel(v, i, j, mode) + a * (1 - b) * texel(v, i + 1, j, mode) +
         (1 - a) * b * texel(v, i, j + 1, mode) + a * b * texel(v, i + 1, j + 1, mode);
}

static cudaResourceDesc of(cudaArray_t array) {
  cudaResourceDesc r = {};
  r.resType = cudaResourceTypeArray;
  r.res.array.array = array;
  return r;
}

int main() {
  float *out;
  OK(cudaMallocManaged(&out, 1 << 16));

  int *numbers, *seen = (int *)out;
  OK(cudaMallocManaged(&numbers, 32 * 4));
  for (int i = 0; i < 32; i++) numbers[i] = i * i - 50;
  cudaResourceDesc linear = {};
  linear.resType = cudaResourceTypeLinear;
  linear.res.linear.devPtr = numbers;
  linear.res.linear.desc = cudaCreateChannelDesc<int>();
  linear.res.linear.sizeInBytes = 30 * 4;
  cudaTextureDesc how = {};
  cudaTextureObject_t texture;
  OK(cudaCreateTextureObject(&texture, &linear, &how, nullptr));
  fetch<<<1, 32>>>(texture, seen);
  OK(cudaDeviceSynchronize());
  for (int i = 0; i < 32; i++) CHECK(seen[i] == (i < 30 ? numbers[i] : 0));
  how.filterMode = cudaFilterModeLinear;
  CODE(cudaCreateTextureObject(&texture, &linear, &how, nullptr), cudaErrorInvalidFilterSetting);
  OK(cudaDestroyTextureObject(texture));
  CODE(cudaDestroyTextureObject(texture), cudaErrorInvalidValue);

  std::vector<float> values(W * H);
  for (int i = 0; i < W * H; i++) values[i] = (float)((i * 37) % 101) - 20;
  cudaArray_t array;
  cudaChannelFormatDesc floats = cudaCreateChannelDesc<float>();
  OK(cudaMallocArray(&array, &floats, W, H, cudaArraySurfaceLoadStore));
  OK(cudaMemcpy2DToArray(array, 0, 0, values.data(), W * 4, W * 4, H, cudaMemcpyHostToDevice));
  cudaResourceDesc resource = of(array);
  for (int mode = 0; mode < 4; mode++)
    for (int filtered = 0; filtered < 2; filtered++)
      for (int unit = mode % 3 == 2 || mode == 0; unit < 2; unit++) {
        how = {};
        how.addressMode[0] = how.addressMode[1] = (cudaTextureAddressMode)mode;
        how.filterMode = (cudaTextureFilterMode)filtered;
        how.normalizedCoords = unit;
        how.borderColor[0] = 9;
        OK(cudaCreateTextureObject(&texture, &resource, &how, nullptr));
        float x0 = unit ? -0.6137f : -3.3f, step = unit ? 0.11f : 0.87f;
        plane<<<1, dim3(20, 14)>>>(texture, out, x0, x0, step);
        OK(cudaDeviceSynchronize());
        for (int y = 0; y < 14; y++)
          for (int x = 0; x < 20; x++) {
            float u = x0 + x * step, v = x0 + y * step;
            float want = expected(values, u, v, mode, filtered, unit), got = out[y * 20 + x];
            if (fabsf(got - want) > 0.6f) {  // one step of a weight, where rounding goes either way
              printf("mode %d linear %d unit %d (%g, %g): %g, not %g\n", mode, filtered, unit, u, v, got, want);
              failures++;
            }
          }
        OK(cudaDestroyTextureObject(texture));
      }

  cudaSurfaceObject_t surface;
  OK(cudaCreateSurfaceObject(&surface, &resource));
  paint<<<1, dim3(W, H)>>>(surface);
  OK(cudaDeviceSynchronize());
  std::vector<float> back(W * H);
  OK(cudaMemcpy2DFromArray(back.data(), W * 4, array, 0, 0, W * 4, H, cudaMemcpyDeviceToHost));
  for (int i = 0; i < W * H; i++) CHECK(back[i] == values[i] + 100 * (i / W) + i % W);
  OK(cudaDestroySurfaceObject(surface));
  OK(cudaFreeArray(array));

  uchar4 *bytes;
  size_t pitch;
  OK(cudaMallocPitch(&bytes, &pitch, 8 * sizeof(uchar4), 2));
  uchar4 row[8];
  for (int i = 0; i < 8; i++) row[i] = make_uchar4(i, 255 - i, 128, 3 * i);
  OK(cudaMemcpy(bytes, row, sizeof row, cudaMemcpyHostToDevice));
  cudaResourceDesc pitched = {};
  pitched.resType = cudaResourceTypePitch2D;
  pitched.res.pitch2D = {bytes, cudaCreateChannelDesc<uchar4>(), 8, 2, pitch};
  how = {};
  how.readMode = cudaReadModeNormalizedFloat;
  OK(cudaCreateTextureObject(&texture, &pitched, &how, nullptr));
  colours<<<1, 8>>>(texture, (float4 *)out);
  OK(cudaDeviceSynchronize());
  for (int i = 0; i < 8; i++) {
    float4 got = ((float4 *)out)[i];
    CHECK(fabsf(got.x - i / 255.0f) < 1e-6f && fabsf(got.y - (255 - i) / 255.0f) < 1e-6f);
    CHECK(fabsf(got.z - 128 / 255.0f) < 1e-6f && fabsf(got.w - 3 * i / 255.0f) < 1e-6f);
  }
  OK(cudaDestroyTextureObject(texture));

  float cube[4 * 3 * 2];
  for (int i = 0; i < 24; i++) cube[i] = (float)(i * i);
  for (int layered = 0; layered < 2; layered++) {
    OK(cudaMalloc3DArray(&array, &floats, make_cudaExtent(4, 3, 2), layered ? cudaArrayLayered : 0));
    cudaMemcpy3DParms copy = {};
    copy.srcPtr = make_cudaPitchedPtr(cube, 16, 4, 3);
    copy.dstArray = array;
    copy.extent = make_cudaExtent(4, 3, 2);
    copy.kind = cudaMemcpyHostToDevice;
    OK(cudaMemcpy3D(&copy));
    how = {};
    how.filterMode = layered ? cudaFilterModePoint : cudaFilterModeLinear;
    how.addressMode[0] = how.addressMode[1] = how.addressMode[2] = cudaAddressModeClamp;
    resource = of(array);
    OK(cudaCreateTextureObject(&texture, &resource, &how, nullptr));
    if (layered) layers<<<1, 2>>>(texture, out);
    else volume<<<1, 5>>>(texture, out);
    OK(cudaDeviceSynchronize());
    for (int i = 0; i < (layered ? 2 : 5); i++) {
      float low = 0.25f * cube[4] + 0.75f * cube[5], high = 0.25f * cube[16] + 0.75f * cube[17];
      float want = layered ? cube[i * 12 + 6] : low + 0.25f * i * (high - low);
      CHECK(fabsf(out[i] - want) < 1e-3f);
    }
    OK(cudaDestroyTextureObject(texture));
    OK(cudaFreeArray(array));
  }
  return verdict();
}
