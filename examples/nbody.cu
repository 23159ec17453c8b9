// Gravity among n bodies: every body pulls every other, positions pass through shared memory.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

constexpr int kBlock = 256;
constexpr float kSoft = 1e-3f;

__device__ float3 pull(float3 acceleration, float4 me, float4 other) {
  float dx = other.x - me.x, dy = other.y - me.y, dz = other.z - me.z;
  float inverse = rsqrtf(dx * dx + dy * dy + dz * dz + kSoft);
  float strength = other.w * inverse * inverse * inverse;
  return make_float3(acceleration.x + dx * strength, acceleration.y + dy * strength,
                     acceleration.z + dz * strength);
}

__global__ void step(const float4 *from, float4 *to, float4 *velocity, int n, float dt) {
  __shared__ float4 tile[kBlock];
  int i = blockIdx.x * kBlock + threadIdx.x;
  float4 me = from[i];
  float3 acceleration = make_float3(0, 0, 0);
  for (int base = 0; base < n; base += kBlock) {
    tile[threadIdx.x] = from[base + threadIdx.x];
    __syncthreads();
    for (int j = 0; j < kBlock; j++) acceleration = pull(acceleration, me, tile[j]);
    __syncthreads();
  }
  float4 v = velocity[i];
  v.x += acceleration.x * dt, v.y += acceleration.y * dt, v.z += acceleration.z * dt;
  velocity[i] = v;
  to[i] = make_float4(me.x + v.x * dt, me.y + v.y * dt, me.z + v.z * dt, me.w);
}

int main(int argc, char **argv) {
  const int n = argc > 1 ? atoi(argv[1]) / kBlock * kBlock : 4096, steps = 10;
  std::vector<float4> body(n), speed(n, make_float4(0, 0, 0, 0));
  srand(1);
  auto random = [] { return rand() / float(RAND_MAX) - 0.5f; };
  for (float4 &b : body) b = make_float4(random(), random(), random(), 1.0f / n);

  float4 *from, *to, *velocity;
  cudaMalloc(&from, n * sizeof(float4));
  cudaMalloc(&to, n * sizeof(float4));
  cudaMalloc(&velocity, n * sizeof(float4));
  cudaMemcpy(from, body.data(), n * sizeof(float4), cudaMemcpyHostToDevice);
  cudaMemcpy(velocity, speed.data(), n * sizeof(float4), cudaMemcpyHostToDevice);
  for (int s = 0; s < steps; s++) {
    step<<<n / kBlock, kBlock>>>(from, to, velocity, n, 0.01f);
    std::swap(from, to);
  }
  cudaMemcpy(speed.data(), velocity, n * sizeof(float4), cudaMemcpyDeviceToHost);
  cudaError_t code = cudaGetLastError();

  // Every pull has its counterpart: the momentum of the whole stays zero.
  double x = 0, y = 0, z = 0, energy = 0;
  for (float4 v : speed) {
    x += v.x, y += v.y, z += v.z;
    energy += 0.5 * (double(v.x) * v.x + double(v.y) * v.y + double(v.z) * v.z) / n;
  }
  double momentum = sqrt(x * x + y * y + z * z) / n;
  printf("%d bodies, %d steps: kinetic energy %.6f, momentum %.1e\n", n, steps, energy, momentum);
  bool fine = code == cudaSuccess && momentum < 1e-5 && energy > 1e-4;
  printf(fine ? "PASS\n" : "FAIL: %s\n", cudaGetErrorString(code));
  return !fine;
}
