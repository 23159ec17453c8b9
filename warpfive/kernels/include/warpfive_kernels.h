/* The library kernels of warpfive: a plain C interface.

   All pointers are device pointers unless a comment says otherwise; all work is put on `stream`
   and nothing is waited for. Sizes and strides count elements. Tensors are row-major unless they
   have strides of their own. A call checks its arguments at once; a status other than
   WFK_OK means that nothing was launched, and wfk_error() says why in one sentence. */
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct CUstream_st *wfk_stream; /* a cudaStream_t */

typedef enum {
  WFK_OK = 0,
  WFK_INVALID = 1,     /* an argument breaks a rule */
  WFK_UNSUPPORTED = 2, /* a combination that no kernel serves */
  WFK_CUDA = 3         /* the launch failed; the text holds CUDA's reason */
} wfk_status;

/* Why this thread's last call failed; "" after one that did not. Valid until the next call. */
const char *wfk_error(void);

typedef enum {
  WFK_F32 = 0,
  WFK_F64 = 1,
  WFK_F16 = 2,
  WFK_BF16 = 3,
  WFK_F8E4M3 = 4, /* "fn": no infinities, NaN is 0x7f */
  WFK_F8E5M2 = 5,
  WFK_I8 = 6,
  WFK_U8 = 7,
  WFK_I4 = 8, /* two a byte along the contiguous dimension, low half first; -8 to 7 */
  WFK_U4 = 9, /* the same, 0 to 15 */
  WFK_I16 = 10,
  WFK_I32 = 11,
  WFK_I64 = 12,
  WFK_BOOL = 13
} wfk_dtype;

typedef enum {
  WFK_NONE = 0,
  WFK_RELU = 1,
  WFK_GELU = 2,      /* with erf */
  WFK_GELU_TANH = 3, /* the approximation with tanh */
  WFK_SILU = 4,
  WFK_SIGMOID = 5,
  WFK_TANH = 6
} wfk_activation;

/* ---- gemm.cu: matrix products --------------------------------------------------------------- */

/* A matrix of elements x[row * rs + column * cs + batch * bs]. */
typedef struct {
  const void *data;
  wfk_dtype type;
  int64_t rs, cs, bs;
} wfk_matrix;

/* D = act(alpha A B + beta C + bias) + residual, for each of `batch` matrices.

   A is m x k, B is k x n; C, D and the residual are m x n, lie side by side in one direction (cs 1, or
   rs 1 for all), and have one type, which the bias has too. Types of A, B and D:
     float64 x float64                                        -> float64
     float32, float16, bfloat16 x the same                    -> float32, float16, bfloat16
     float32, float16, bfloat16 x float8, int8, uint8, (u)int4 -> the same; B's are weights, worth
                                                                 (code - zero) * scale
     float8 x float8                                          -> the same
     int8 x int8, summed in int32                             -> int32, or the same
   Sums are float32 unless said otherwise. A lies by rows (cs 1) where B is quantised; int4 lies with
   k side by side (rs 1). Activations are not for float64 and int32. */
typedef struct {
  int64_t m, n, k, batch;
  wfk_matrix a, b, d;
  wfk_matrix c;        /* data NULL: none; may be d */
  wfk_matrix residual; /* data NULL: none */
  double alpha, beta;
  const void *bias; /* of D's type; NULL: none */
  int bias_of_rows; /* 0: bias[n], 1: bias[m] */
  wfk_activation activation;
  /* Scales of a quantised B: scale[column * groups + k / group]; group 0: one a column. */
  const void *b_scale; /* NULL: none */
  const void *b_zero;  /* NULL: zero point 0; same type and places as the scales */
  wfk_dtype b_scale_type;
  int64_t group;
  const float *a_scale; /* one for each row of A, applied to D; NULL: none */
  /* Grouped product (mixture of experts): rows offsets[g] to offsets[g + 1] of A use B's matrix g.
     `groups` > 0 asks for it; offsets are device int32, groups + 1 of them, offsets[groups] = m. */
  const int32_t *offsets;
  int64_t groups;
} wfk_gemm_args;

wfk_status wfk_gemm(const wfk_gemm_args *args, wfk_stream stream);

#ifdef __cplusplus
}
#endif
