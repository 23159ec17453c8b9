// Names of cuda_fp16.h, cuda_bf16.h and cuda_fp8.h as programs use them; that it compiles is the test.
#include <cuda_fp16.h>
#include <cuda_bf16.h>
#include <cuda_fp8.h>
__global__ void k(__half *h, __half2 *h2, __nv_bfloat16 *b, __nv_bfloat162 *b2, float *f, __nv_fp8_e4m3 *e, int *i) {
  h[0] = __hadd_sat(h[1], h[2]); h[1] = __hfma_relu(h[0], h[1], h[2]); h2[0] = __hfma2_sat(h2[1], h2[2], h2[3]);
  h2[0]++; ++h2[0]; --h2[1];
  h[2] = __ushort_as_half(3); h[3] = __shfl_down_sync(~0u, h[3], 1); h2[1] = __shfl_xor_sync(~0u, h2[2], 1);
  h[4] = __ldg(h); h2[2] = __ldcg(h2); __stcg(h, h[1]); b[0] = __ldg(b + 1); b2[0] = __ldcs(b2);
  h[5] = hexp(h[1]) + hlog2(h[2]) + hsin(h[3]) + hrcp(h[2]) + hsqrt(h[1]); h2[3] = h2exp2(h2[1]) * h2rsqrt(h2[2]);
  i[0] = __half2int_rn(h[0]) + __half2uint_rz(h[1]) + (int)__half2ll_rd(h[2]); h[6] = __int2half_rn(i[1]); h[7] = __ull2half_ru(7ull);
  f[0] = __half2float(h[0]) + __low2float(h2[0]); h2[4] = __floats2half2_rn(f[0], f[1]); h2[5] = __float2half2_rn(f[2]); h2[6] = __half2half2(h[0]);
  float2 q = __half22float2(h2[1]); f[3] = q.x; h[0] = __hmax(h[1], h[2]); h[1] = __hmin_nan(h[1], h[2]); h2[0] = __hmax2(h2[1], h2[2]);
  i[1] = __heq(h[0], h[1]) + __hgtu(h[0], h[1]) + __hbeq2(h2[0], h2[1]) + __hisnan(h[1]) + __hisinf(h[2]); i[2] = __heq2_mask(h2[0], h2[1]);
  b[1] = __float2bfloat16(f[0]); b[2] = __float2bfloat16_rz(f[1]); b2[1] = __floats2bfloat162_rn(f[0], f[1]); f[5] = __bfloat162float(b[3]);
  b2[2] = __halves2bfloat162(b[0], b[1]); b2[3] = __bfloat162bfloat162(b[2]); b2[4] = __float22bfloat162_rn(make_float2(1, 2)); q = __bfloat1622float2(b2[4]);
  b[3] = __hmul(b[0], b[1]) + hexp(b[2]); b2[5] = __hfma2(b2[0], b2[1], b2[2]); b2[6] = __hmul2_rn(b2[0], b2[1]); b[4] = __low2bfloat16(b2[0]); b[5] = __high2bfloat16(b2[1]);
  b[6] = __ushort_as_bfloat16(0x3f80); i[3] = __bfloat16_as_ushort(b[6]); b[7] = __int2bfloat16_rn(5); i[4] = __bfloat162int_rz(b[7]);
  e[0] = __nv_fp8_e4m3(f[0]); f[6] = (float)e[1]; __nv_fp8x4_e4m3 e4(make_float4(1, 2, 3, 4)); float4 q4 = (float4)e4; f[7] = q4.x;
  __nv_fp8x2_e5m2 e2(make_float2(1, 2)); h2[7] = (__half2)e2; e[1].__x = __nv_cvt_float_to_fp8(f[0], __NV_SATFINITE, __NV_E4M3);
  atomicAdd(h, h[1]); atomicAdd(h2, h2[1]); atomicAdd(b, b[1]); atomicAdd(b2, b2[1]);
  h[8] = __hcmadd(h2[0], h2[1], h2[2]).x; h[9] = htrunc(h[1]); h2[8] = __lows2half2(h2[0], h2[1]); h2[9] = __lowhigh2highlow(h2[1]); h[10] = h[1] > h[2] ? h[1] : -h[2];
   h[12] = h[1] * __half(3); f[8] = float(h[1]) * 2; h[13] += h[1]; bool t = h[1] == h[2]; i[5] = t; h[14] = __habs(h[1]); h[15] = __hdiv(h[1], h[2]); h2[10] = __h2div(h2[1], h2[2]); h[16] = __double2half(2.0); h[17] = h[1] - __float2half(1.0f);
  h[18] = htanh(h[1]); h2[11] = h2tanh(h2[1]); h[19] = __hadd_rn(h[1], h[2]); h2[12] = make_half2(h[1], h[2]); h[20] = __low2half(h2[0]); h[21] = __high2half(h2[0]); h2[13] = __high2half2(h2[1]); h2[14] = __halves2half2(h[1], h[2]); h[22] = h2[1].x; unsigned u = __half_as_ushort(h[1]); i[6] = u; h[23] = __short2half_rn(3); h[24] = hceil(h[1]); h[25] = hrint(h[2]); h[26] = hfloor(h[2]); h[27] = hcos(h[1]); h[28] = hlog(h[1]); h[29] = hlog10(h[1]); h[30] = hexp2(h[1]); h[31] = hexp10(h[1]); h[32] = hrsqrt(h[1]);
  h2[15] = __hcmadd(h2[1], h2[2], h2[3]); h2[16] = __hneg2(h2[1]); h2[17] = __habs2(h2[1]); h2[18] = h2rint(h2[1]); h2[19] = __hlt2(h2[1], h2[2]); h2[20] = __hisnan2(h2[1]); h[33] = __hfma_sat(h[1], h[2], h[3]); i[7] = __hequ(h[1], h[2]) + __hneu(h[1], h[2]) + __hbltu2(h2[1], h2[2]); h[34] = __ldca(h); h[35] = __ldcv(h); __stwt(h, h[1]); h[36] = __ll2half_rz(5ll); i[8] = __half2short_rz(h[1]); i[9] = __half2ushort_ru(h[1]); i[10] = __half_as_short(h[1]); f[9] = __high2float(h2[1]);
}
