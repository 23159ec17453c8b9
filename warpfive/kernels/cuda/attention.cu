// Attention's door, and the writing of its caches.
#include "attention.cuh"

namespace wfk {

static wfk_status check(const wfk_attention_args &g) {
  if (!is_real(g.type))
    return fail(WFK_UNSUPPORTED, "attention: no kernel for %s; float32, float16 and bfloat16 have "
                "one", name_of(g.type));
  if (g.head_size < 8 || g.head_size > most_head || g.head_size % 8)
    return fail(WFK_UNSUPPORTED, "attention: heads of %ld; of a multiple of 8 up to %d, pad to one",
                (long)g.head_size, most_head);
  if (g.kv_heads < 1 || g.heads % g.kv_heads || g.kv_heads > 65535 || g.batch > 65535)
    return fail(WFK_INVALID, "attention: %ld heads are no multiple of %ld key heads", (long)g.heads,
                (long)g.kv_heads);
  if (g.table && (g.page < 1 || g.key_starts))
    return fail(WFK_INVALID, "attention: pages of %ld; of 1 or more, and without key_starts",
                (long)g.page);
  if (g.causal < 0 || g.causal > 2)
    return fail(WFK_INVALID, "attention: causal is %d; 0, 1 or 2", g.causal);
  return WFK_OK;
}

template <class T, class C>
__global__ void kv_write_kernel(C *k_cache, C *v_cache, const T *k, const T *v,
                                const int64_t *slots, long head_size, long k_stride, long v_stride,
                                long page, long page_stride, long row_stride, long head_stride,
                                float k_scale, float v_scale) {
  long token = blockIdx.x, head = blockIdx.y, slot = slots[token];
  if (slot < 0) return;
  long at = slot / page * page_stride + slot % page * row_stride + head * head_stride;
  const T *keys = k + token * k_stride + head * head_size;
  const T *values = v + token * v_stride + head * head_size;
  along(head_size, threadIdx.x, [&](long d, bool in) {
    if (!in) return;
    k_cache[at + d] = stored<C>(value(keys[d]), k_scale);
    v_cache[at + d] = stored<C>(value(values[d]), v_scale);
  });
}

}  // namespace wfk

using namespace wfk;

extern "C" wfk_status wfk_attention(const wfk_attention_args *args, wfk_stream given) {
  const wfk_attention_args &g = *args;
  cudaStream_t stream = (cudaStream_t)given;
  if (wfk_status bad = check(g)) return bad;
  if (!g.batch || !g.heads || !g.queries) return fine();
  // Without keys every row is 0: the kernel for many rows then has nothing to read.
  bool few = g.queries * (g.heads / g.kv_heads) <= 8 && g.keys > 0;
  if (!few && takes_tiles(g)) return attention_by_tiles(g, stream);
  return with_type(g.type, "attention", [&](auto *t) {
    using T = std::remove_pointer_t<decltype(t)>;
    if (few) attention_few<T>(g, stream);
    else attention_many<T>(g, stream);
  });
}

extern "C" wfk_status wfk_kv_write(void *k_cache, void *v_cache, const void *k, const void *v,
                                   const int64_t *slots, wfk_dtype type, wfk_dtype cache_type,
                                   int64_t tokens, int64_t kv_heads, int64_t head_size,
                                   int64_t k_stride, int64_t v_stride, int64_t page,
                                   int64_t page_stride, int64_t row_stride, int64_t head_stride,
                                   double k_scale, double v_scale, wfk_stream stream) {
  if (cache_type != type && cache_type != WFK_F8E4M3 && cache_type != WFK_F8E5M2)
    return fail(WFK_UNSUPPORTED, "kv_write: a cache of %s for %s; of the same type or float8",
                name_of(cache_type), name_of(type));
  if (page < 1) return fail(WFK_INVALID, "kv_write: pages of %ld; of 1 or more", (long)page);
  if (!tokens || !kv_heads) return fine();
  return with_type(type, "kv_write", [&](auto *t) {
    using T = std::remove_pointer_t<decltype(t)>;
    auto launch = [&](auto *cached) {
      using C = std::remove_pointer_t<decltype(cached)>;
      kv_write_kernel<T, C><<<dim3((unsigned)tokens, (unsigned)kv_heads), warp, 0,
                              (cudaStream_t)stream>>>(
          (C *)k_cache, (C *)v_cache, (const T *)k, (const T *)v, slots, head_size, k_stride,
          v_stride, page, page_stride, row_stride, head_stride, (float)k_scale, (float)v_scale);
    };
    if (cache_type == WFK_F8E4M3) launch((F8E4M3 *)nullptr);
    else if (cache_type == WFK_F8E5M2) launch((F8E5M2 *)nullptr);
    else launch(t);
  });
}
