// The matrix product's door: what is allowed, which way round it is done, and by which kernel.
#include <utility>
#include "gemm.cuh"

namespace wfk {

static bool is_eighth(wfk_dtype type) { return type == WFK_F8E4M3 || type == WFK_F8E5M2; }
static bool is_nibble(wfk_dtype type) { return type == WFK_I4 || type == WFK_U4; }

static bool types_go_together(wfk_dtype a, wfk_dtype b) {
  if (a == WFK_F64) return b == a;
  if (is_real(a)) return a == b || is_eighth(b) || is_nibble(b) || b == WFK_I8 || b == WFK_U8;
  return (is_eighth(a) && is_eighth(b)) || (a == WFK_I8 && b == a);
}

static wfk_status check_types(const wfk_gemm_args &g) {
  wfk_dtype a = g.a.type, b = g.b.type, d = g.d.type;
  if (!types_go_together(a, b))
    return fail(WFK_UNSUPPORTED, "gemm: no kernel for %s x %s; a float goes with its own type or "
                "with float8, int8 or int4 weights, float8 with float8, int8 with int8", name_of(a),
                name_of(b));
  bool good = a == WFK_F64 ? d == a : is_real(d) || (d == WFK_I32 && a == WFK_I8 && !g.b_scale);
  if (!good)
    return fail(WFK_UNSUPPORTED, "gemm: %s x %s does not make %s; it makes %s", name_of(a),
                name_of(b), name_of(d), a == WFK_F64 ? "float64"
                : a == WFK_I8 ? "int32, float32, float16 or bfloat16"
                              : "float32, float16 or bfloat16");
  for (const wfk_matrix *one : {&g.c, &g.residual})
    if (one->data && one->type != d)
      return fail(WFK_UNSUPPORTED, "gemm: C and the residual have D's type, %s, not %s",
                  name_of(d), name_of(one->type));
  if ((d == WFK_F64 || d == WFK_I32) && g.activation)
    return fail(WFK_UNSUPPORTED, "gemm: no activation with %s; apply it afterwards", name_of(d));
  return WFK_OK;
}

static wfk_status check_scales(const wfk_gemm_args &g) {
  if (g.b_zero && !g.b_scale) return fail(WFK_INVALID, "gemm: zero points come with scales");
  if (g.group < 0) return fail(WFK_INVALID, "gemm: group is %ld; 0 or more", (long)g.group);
  if (!g.b_scale) return WFK_OK;
  if (!is_real(g.b_scale_type) || is_real(g.b.type) || g.a.type == WFK_I8)
    return fail(WFK_INVALID, "gemm: b_scale serves float8, int8 and int4 weights under a float A, in "
                "float32, float16 or bfloat16; not %s scales for %s x %s", name_of(g.b_scale_type),
                name_of(g.a.type), name_of(g.b.type));
  return WFK_OK;
}

static wfk_status check(const wfk_gemm_args &g) {
  if (g.m < 0 || g.n < 0 || g.k < 0 || g.batch < 0)
    return fail(WFK_INVALID, "gemm: a size is negative: m %ld, n %ld, k %ld, batch %ld", (long)g.m,
                (long)g.n, (long)g.k, (long)g.batch);
  if (g.batch > 65535)
    return fail(WFK_UNSUPPORTED, "gemm: %ld matrices in a batch; at most 65535 go at once",
                (long)g.batch);
  if (wfk_status bad = check_types(g)) return bad;
  if (wfk_status bad = check_scales(g)) return bad;
  if (g.groups && (!g.offsets || g.batch != 1))
    return fail(WFK_INVALID, "gemm: a grouped product needs offsets and batch 1");
  return WFK_OK;
}

/// D^T = B^T A^T.
static wfk_gemm_args turned(wfk_gemm_args g) {
  std::swap(g.m, g.n);
  std::swap(g.a, g.b);
  for (wfk_matrix *one : {&g.a, &g.b, &g.c, &g.d, &g.residual}) std::swap(one->rs, one->cs);
  g.bias_of_rows = !g.bias_of_rows;
  return g;
}

static bool can_turn(const wfk_gemm_args &g) {
  return g.a.type == g.b.type && !g.a_scale && !g.groups;
}

/// What kernels rely on beyond types: D and its companions by rows, mixed types with A by rows.
static wfk_status check_layout(const wfk_gemm_args &g) {
  for (const wfk_matrix *one : {&g.d, &g.c, &g.residual})
    if (one->data && one->cs != 1 && g.n > 1)
      return fail(WFK_UNSUPPORTED, "gemm: D, C and the residual must lie side by side in one "
                  "direction, the same for all; one has rs %ld, cs %ld", (long)one->rs,
                  (long)one->cs);
  if (!is_real(g.b.type) && g.b.type != WFK_F64 && g.a.cs != 1 && g.k > 1)
    return fail(WFK_UNSUPPORTED, "gemm: A must lie by rows (cs 1) for %s B, not rs %ld, cs %ld",
                name_of(g.b.type), (long)g.a.rs, (long)g.a.cs);
  if (is_nibble(g.b.type) && ((g.b.rs != 1 && g.k > 1) || g.b.cs % 2 || g.b.bs % 2))
    return fail(WFK_UNSUPPORTED, "gemm: %s B must lie with k side by side (rs 1, even cs and bs), "
                "not rs %ld, cs %ld", name_of(g.b.type), (long)g.b.rs, (long)g.b.cs);
  return WFK_OK;
}

}  // namespace wfk

extern "C" wfk_status wfk_gemm(const wfk_gemm_args *args, wfk_stream stream) {
  using namespace wfk;
  wfk_gemm_args g = *args;
  if (wfk_status bad = check(g)) return bad;
  if (!g.m || !g.n || !g.batch) return fine();
  bool by_columns = g.d.cs != 1 && (g.d.rs == 1 || g.m == 1);
  if (can_turn(g) && (by_columns || (g.n == 1 && g.m > 1 && g.d.rs == 1))) g = turned(g);
  if (wfk_status bad = check_layout(g)) return bad;
  if (g.k <= 1) g.a.cs = g.b.rs = 1;
  if (takes_tiles(g)) return by_tiles(g, (cudaStream_t)stream);
  if (takes_few_rows(g)) return few_rows(g, (cudaStream_t)stream);
  if (takes_wide(g)) return wide(g, (cudaStream_t)stream);
  return g.a.type == g.b.type && (is_real(g.a.type) || g.a.type == WFK_F64)
             ? same_types(g, (cudaStream_t)stream)
             : mixed_types(g, (cudaStream_t)stream);
}
