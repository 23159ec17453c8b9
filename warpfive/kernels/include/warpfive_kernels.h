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

/* ---- rows.cu: what is done to each row ------------------------------------------------------ */

/* Unless said otherwise `type` is float32, float16 or bfloat16, one for all tensors; sums are float32.
   Rows are `stride` elements apart; their elements lie side by side. */

/* y = x / sqrt(mean(x^2) + eps) * (weight + weight_plus), weight NULL: 1. With `residual` not NULL x is
   replaced by x + residual first, and the residual (rows `cols` apart) receives it.
   weight_plus is 0, or 1 for models that store weight - 1. */
wfk_status wfk_rms_norm(void *y, const void *x, const void *weight, void *residual, wfk_dtype type,
                        int64_t rows, int64_t cols, int64_t y_stride, int64_t x_stride, double eps,
                        double weight_plus, wfk_stream stream);
/* y = (x - mean) / sqrt(variance + eps) * weight + bias; NULL weight, bias: none. `mean` and `rstd`,
   float32, receive each row's; NULL: not wanted. */
wfk_status wfk_layer_norm(void *y, const void *x, const void *weight, const void *bias, float *mean,
                          float *rstd, wfk_dtype type, int64_t rows, int64_t cols,
                          int64_t y_stride, int64_t x_stride, double eps, wfk_stream stream);
/* x is [images, channels, spatial]; a group of channels / groups of them is normalised together. */
wfk_status wfk_group_norm(void *y, const void *x, const void *weight, const void *bias, float *mean,
                          float *rstd, wfk_dtype type, int64_t images, int64_t channels,
                          int64_t spatial, int64_t groups, double eps, wfk_stream stream);
/* y = (x - mean[c]) / sqrt(variance[c] + eps) * weight[c] + bias[c]; x is [images, channels, spatial];
   the four are of x's type, or float32 with float_parameters. */
wfk_status wfk_batch_norm(void *y, const void *x, const void *mean, const void *variance,
                          const void *weight, const void *bias, int float_parameters,
                          wfk_dtype type, int64_t images, int64_t channels, int64_t spatial,
                          double eps, wfk_stream stream);
/* Mean and (biased) variance of each channel, float32. */
wfk_status wfk_batch_statistics(float *mean, float *variance, const void *x, wfk_dtype type,
                                int64_t images, int64_t channels, int64_t spatial,
                                wfk_stream stream);
/* Softmax, or its logarithm, along the middle dimension of [outer, dim, inner]. */
wfk_status wfk_softmax(void *y, const void *x, wfk_dtype type, int64_t outer, int64_t dim,
                       int64_t inner, int log, wfk_stream stream);
/* y = act(gate) * up, rows `stride` apart. */
wfk_status wfk_act_and_mul(void *y, const void *gate, const void *up, wfk_activation activation,
                           wfk_dtype type, int64_t rows, int64_t cols, int64_t y_stride,
                           int64_t in_stride, wfk_stream stream);
/* Rotary positions, in place, for x[token, head, head_size] with strides of tokens and heads. Angles:
   cos and sin are [positions, rotary / 2], float32; token t uses row positions[t] (int64; NULL: t).
   `interleaved`: pairs are (0, 1), (2, 3), ...; else (0, rotary / 2), (1, rotary / 2 + 1), ... */
wfk_status wfk_rope(void *x, const float *cos, const float *sin, const int64_t *positions,
                    wfk_dtype type, int64_t tokens, int64_t heads, int64_t head_size,
                    int64_t rotary, int64_t token_stride, int64_t head_stride, int interleaved,
                    wfk_stream stream);
/* y[i] = table[ids[i]]; ids int64, 0 <= id < vocabulary (an id outside faults as in PyTorch). */
wfk_status wfk_embedding(void *y, const void *table, const int64_t *ids, wfk_dtype type,
                         int64_t count, int64_t dim, int64_t vocabulary, wfk_stream stream);
typedef enum { WFK_BAG_SUM = 0, WFK_BAG_MEAN = 1, WFK_BAG_MAX = 2 } wfk_bag;
/* Bag b reduces the rows of ids[offsets[b]] to ids[offsets[b + 1] - 1] (the last bag: to the end), each
   times its weight (NULL: 1; for sums only). An empty bag is 0. Ids equal to `padding` (-1: none)
   do not count. */
wfk_status wfk_embedding_bag(void *y, const void *table, const int64_t *ids, const int64_t *offsets,
                             const void *weights, wfk_bag mode, wfk_dtype type, int64_t bags,
                             int64_t count, int64_t dim, int64_t vocabulary, int64_t padding,
                             wfk_stream stream);
/* Place of each row's largest element, the first of equals; a NaN counts as largest. */
wfk_status wfk_argmax(int64_t *place, const void *x, wfk_dtype type, int64_t rows, int64_t cols,
                      int64_t stride, wfk_stream stream);

/* ---- attention.cu --------------------------------------------------------------------------- */

typedef struct {
  const void *q, *k, *v;
  void *out;
  wfk_dtype type; /* float32, float16 or bfloat16, of all four */
  int64_t batch, heads, kv_heads, queries, keys, head_size; /* head_size at most 256 */
  /* Strides of batches, heads and positions; a head's elements lie side by side. */
  int64_t q_b, q_h, q_s, k_b, k_h, k_s, v_b, v_h, v_s, o_b, o_h, o_s;
  double scale;
  /* 0: every query sees every key. 1: query i sees keys up to i. 2: the last query sees the last
     key: query i sees keys up to i + keys - queries. */
  int causal;
  int64_t window; /* > 0: of those, only the last `window` */
  /* Added to the scaled scores: bias[b * bias_b + h * bias_h + i * bias_q + j]; of `type`, or bytes
     that are 0 where a key is not to be seen. NULL: none. */
  const void *bias;
  int bias_is_mask;
  int64_t bias_b, bias_h, bias_q;
  /* int32, device; NULL: none. Lengths of each batch's keys, at most `keys`. */
  const int32_t *key_lengths;
  /* Sequences end to end (batch + 1 starts each, int32, device; NULL: none): batch b's queries are rows
     query_starts[b] to query_starts[b + 1] of q and out, q_b and o_b do not count; `queries` is the
     most of any. */
  const int32_t *query_starts, *key_starts;
  /* Paged keys and values: position j of batch b is row j % page of page table[b * table_stride + j /
     page]; k_b and v_b are then the strides of pages, k_s and v_s of rows. NULL: not paged. */
  const int32_t *table;
  int64_t page, table_stride;
  float *lse; /* receives log sum exp of the scores, [batch, heads, queries]; NULL: not wanted */
} wfk_attention_args;

/* softmax(scale q k^T + bias) v, a query that sees no key gives 0. heads is a multiple of kv_heads; head h
   uses keys of head h / (heads / kv_heads). */
wfk_status wfk_attention(const wfk_attention_args *args, wfk_stream stream);

/* Writes new keys and values to a paged cache: token t to row slots[t] % page of page slots[t] / page
   (int64; a negative slot: nowhere). Sources: rows `stride` apart, kv_heads * head_size elements. Cache:
   strides of pages, rows and heads. `cache_type` may be float8 where `type` is not: x / scale. */
wfk_status wfk_kv_write(void *k_cache, void *v_cache, const void *k, const void *v,
                        const int64_t *slots, wfk_dtype type, wfk_dtype cache_type, int64_t tokens,
                        int64_t kv_heads, int64_t head_size, int64_t k_stride, int64_t v_stride,
                        int64_t page, int64_t page_stride, int64_t row_stride, int64_t head_stride,
                        double k_scale, double v_scale, wfk_stream stream);

/* ---- conv.cu, pool.cu ----------------------------------------------------------------------- */

/* Geometry of a window that moves over depth, height and width; a missing dimension has size 1, kernel 1,
   stride 1, padding 0, dilation 1. channels_last: x and y are [images, d, h, w, channels] and weights
   [out_channels, kd, kh, kw, in_channels / groups]; else channels come before d, h, w. Contiguous. */
typedef struct {
  int64_t images, in_channels, out_channels, groups;
  int64_t in[3], out[3], kernel[3], stride[3], padding[3], dilation[3];
  int channels_last;
} wfk_window;

/* y = act(convolution(x, weight) + bias); bias NULL: none. float32, float16, bfloat16. */
wfk_status wfk_conv(void *y, const void *x, const void *weight, const void *bias, wfk_dtype type,
                    wfk_activation activation, const wfk_window *window, wfk_stream stream);
/* Largest element under each window; `places` (int64; NULL: not wanted) receives where it lies in its
   channel's d * h * w elements. Padding does not count. in_channels are pooled one by one. */
wfk_status wfk_max_pool(void *y, int64_t *places, const void *x, wfk_dtype type,
                        const wfk_window *window, wfk_stream stream);
/* Mean of each window: of all its places inside the padded image if count_padding, else of those in the
   image; a divisor > 0 replaces their number. */
wfk_status wfk_avg_pool(void *y, const void *x, wfk_dtype type, int count_padding, int64_t divisor,
                        const wfk_window *window, wfk_stream stream);

/* ---- sort.cu, scan.cu ----------------------------------------------------------------------- */

/* Sorts each row of [rows, cols], stably; `places` (int64; NULL: not wanted) receives where each element
   was. NaN is larger than all. Any type but float64's kin of two a byte: f32, f64, f16, bf16, i8, u8, i16,
   i32, i64, bool. y may not be x. */
wfk_status wfk_sort(void *y, int64_t *places, const void *x, wfk_dtype type, int64_t rows,
                    int64_t cols, int descending, wfk_stream stream);
/* The k largest (or smallest) of each row in order, ties by place; the same types. */
wfk_status wfk_topk(void *y, int64_t *places, const void *x, wfk_dtype type, int64_t rows,
                    int64_t cols, int64_t k, int largest, wfk_stream stream);
typedef enum { WFK_SCAN_SUM = 0, WFK_SCAN_PROD = 1, WFK_SCAN_MAX = 2, WFK_SCAN_MIN = 3 } wfk_scan_op;
/* Running sum, product, maximum or minimum along the middle dimension of [outer, dim, inner]; f32, f64, f16,
   bf16, i32, i64. 16-bit types are added up in float32. Maxima and minima keep a NaN. */
wfk_status wfk_scan(void *y, const void *x, wfk_dtype type, wfk_scan_op op, int64_t outer,
                    int64_t dim, int64_t inner, wfk_stream stream);

/* ---- sample.cu ------------------------------------------------------------------------------ */

/* One token a row of logits [rows, vocabulary]: softmax(logits / temperature), cut to the top_k largest (0: all)
   and then to the fewest that hold top_p of what is left (1: all); elements equal to the last that is
   kept are kept too. temperature 0 takes the largest, the first of equals. The random number of row r is
   the first word of Philox 4x32-10 with key `seed` and counter (offset + r, 0), times 2^-32: kept elements
   are taken in order of their place until that part of their weight is passed. Parameters may differ by
   row: arrays on the device, NULL: the number. */
typedef struct {
  const void *logits;
  wfk_dtype type;
  int64_t rows, vocabulary, stride;
  double temperature, top_p;
  int64_t top_k;
  const float *temperatures, *top_ps;
  const int32_t *top_ks;
  uint64_t seed, offset;
  int64_t *tokens;
  float *logprobs; /* of the token, under softmax(logits / temperature) uncut; NULL: not wanted */
} wfk_sample_args;
wfk_status wfk_sample(const wfk_sample_args *args, wfk_stream stream);
/* Philox 4x32-10 words: out[4 i + j] is word j of counter (offset + i, subsequence), key `seed`. */
wfk_status wfk_philox(uint32_t *out, int64_t count, uint64_t seed, uint64_t offset,
                      uint64_t subsequence, wfk_stream stream);

/* ---- moe.cu: mixtures of experts ------------------------------------------------------------ */

/* Chooses top_k of `experts` (at most 1024) for each token from scores [tokens, experts]: the largest, in
   order, ties by place. weights (float32) are softmax over all experts, or, with softmax_after, over
   the chosen; `renormalise` makes them sum to 1. */
wfk_status wfk_moe_gate(float *weights, int32_t *chosen, const void *scores, wfk_dtype type,
                        int64_t tokens, int64_t experts, int64_t top_k, int softmax_after,
                        int renormalise, wfk_stream stream);
/* Sorts token copies by expert: offsets[e] to offsets[e + 1] are expert e's rows (experts + 1 of them, for
   wfk_gemm); source[row] is the copy's number, token * top_k + choice. */
wfk_status wfk_moe_sort(int32_t *offsets, int32_t *source, const int32_t *chosen, int64_t tokens,
                        int64_t top_k, int64_t experts, wfk_stream stream);
/* rows[i] = x[source[i] / top_k]. */
wfk_status wfk_moe_gather(void *rows, const void *x, const int32_t *source, wfk_dtype type,
                          int64_t tokens, int64_t top_k, int64_t dim, wfk_stream stream);
/* y[token] = sum over its copies of weights[copy] * the row that `source` says is the copy's. The workspace is
   tokens * top_k int32. */
wfk_status wfk_moe_combine(void *y, const void *rows, const int32_t *source, const float *weights,
                           int32_t *workspace, wfk_dtype type, int64_t tokens, int64_t top_k,
                           int64_t dim, wfk_stream stream);

/* ---- quant.cu ------------------------------------------------------------------------------- */

/* Quantises [rows, cols] to int8, float8 (of either kind) or int4 (cols even, packed as wfk_dtype says):
   one scale for each `group` elements of a row (0: one a row), largest size / largest code, written to
   scales[row * groups + group]; codes are rounded to nearest even. A group of zeroes has scale 1. */
wfk_status wfk_quantise(void *codes, wfk_dtype code_type, float *scales, const void *x,
                        wfk_dtype type, int64_t rows, int64_t cols, int64_t group,
                        wfk_stream stream);
/* x = code * scale, the same layout. */
wfk_status wfk_dequantise(void *x, wfk_dtype type, const void *codes, wfk_dtype code_type,
                          const float *scales, int64_t rows, int64_t cols, int64_t group,
                          wfk_stream stream);

#ifdef __cplusplus
}
#endif
