// What device code calls by name: the heap, printf and assert.
// Everything here stays in the image only when something refers to it.
#include "cuda_runtime.h"
#include "wf_area.h"

namespace {

using u64 = unsigned long;

__device__ WfArea *area() { return (WfArea *)__wf_runtime_area(); }

// Room for a record of `count` words, or null when the ring is full.
__device__ WfRecord *reserve(unsigned kind, int count) {
  WfArea *const a = area();
  if (!a || !a->ring_bytes) return nullptr;
  const u64 bytes = sizeof(WfRecord) + 8 * (u64)count;
  const u64 start = __atomic_fetch_add(&a->ring_head, bytes, __ATOMIC_RELAXED);
  WfRecord *const record = (WfRecord *)(a->ring_base + start);
  if (start + bytes > a->ring_bytes) {
    if (start + sizeof(WfRecord) <= a->ring_bytes) record->bytes = 0;
    __atomic_fetch_add(&a->ring_lost, 1, __ATOMIC_RELAXED);
    return nullptr;
  }
  record->bytes = (unsigned)bytes;
  record->kind = kind;
  return record;
}

__device__ u64 pair(unsigned low, unsigned high) { return (u64)high << 32 | low; }

constexpr u64 kHeader = 16;           // bytes in front of a block: its class
constexpr u64 kOffset = (1ul << 40) - 1;  // of a free list's head: offset / 16 + 1
constexpr u64 kTag = 1ul << 40;

__device__ int size_class(u64 bytes) { return 64 - __builtin_clzl(bytes - 1); }

__device__ u64 *next_of(WfArea *a, u64 link) {
  return (u64 *)(a->heap_base + (link - 1) * 16 + 8);
}

// Takes a freed block of the class; 0 when there is none.
__device__ u64 pop(WfArea *a, int cls) {
  u64 head = __atomic_load_n(&a->heap_free[cls], __ATOMIC_ACQUIRE);
  while (head & kOffset) {
    const u64 next = __atomic_load_n(next_of(a, head & kOffset), __ATOMIC_RELAXED);
    const u64 wanted = ((head & ~kOffset) + kTag) | next;
    if (__atomic_compare_exchange_n(&a->heap_free[cls], &head, wanted, false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_ACQUIRE))
      return a->heap_base + ((head & kOffset) - 1) * 16;
  }
  return 0;
}

__device__ void push(WfArea *a, int cls, u64 block) {
  const u64 link = (block - a->heap_base) / 16 + 1;
  u64 head = __atomic_load_n(&a->heap_free[cls], __ATOMIC_RELAXED);
  do {
    __atomic_store_n(next_of(a, link), head & kOffset, __ATOMIC_RELAXED);
  } while (!__atomic_compare_exchange_n(&a->heap_free[cls], &head,
                                        ((head & ~kOffset) + kTag) | link, false,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

// A new block from the untouched part; 0 when it is used up.
__device__ u64 grow(WfArea *a, u64 bytes) {
  u64 top = __atomic_load_n(&a->heap_top, __ATOMIC_RELAXED);
  do {
    if (top + bytes > a->heap_bytes) return 0;
  } while (!__atomic_compare_exchange_n(&a->heap_top, &top, top + bytes, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED));
  return a->heap_base + top;
}

}  // namespace

extern "C" {

__device__ int __wf_printf(const char *format, const unsigned long *words, int count) {
  WfRecord *const record = reserve(WF_RECORD_PRINTF, count + 1);
  if (!record) return -1;
  record->words[0] = (u64)format;
  for (int i = 0; i < count; i++) record->words[i + 1] = words[i];
  return count;
}

__device__ void __assert_fail(const char *expression, const char *file, unsigned int line,
                              const char *function) {
  if (WfRecord *const record = reserve(WF_RECORD_ASSERT, 7)) {
    record->words[0] = (u64)expression;
    record->words[1] = (u64)file;
    record->words[2] = (u64)function;
    record->words[3] = line;
    record->words[4] = pair(blockIdx.x, blockIdx.y);
    record->words[5] = pair(blockIdx.z, threadIdx.x);
    record->words[6] = pair(threadIdx.y, threadIdx.z);
  }
  __wf_trap(1);
  __builtin_unreachable();
}

__device__ void __wf_abort() {
  __wf_trap(2);
  __builtin_unreachable();
}
__device__ void __cxa_pure_virtual() { __wf_abort(); }
__device__ void __cxa_deleted_virtual() { __wf_abort(); }

__device__ void *malloc(size_t size) {
  WfArea *const a = area();
  if (!a || !size || size > a->heap_bytes) return nullptr;
  const int cls = size_class(size + kHeader);
  u64 block = pop(a, cls);
  if (!block) block = grow(a, 1ul << cls);
  if (!block) return nullptr;
  *(u64 *)block = (u64)cls;
  return (void *)(block + kHeader);
}

__device__ void free(void *p) {
  if (!p) return;
  const u64 block = (u64)p - kHeader;
  push(area(), (int)*(u64 *)block, block);
}

}  // extern "C"

__device__ void *operator new(size_t size) { return malloc(size); }
__device__ void *operator new[](size_t size) { return malloc(size); }
__device__ void operator delete(void *p) noexcept { free(p); }
__device__ void operator delete[](void *p) noexcept { free(p); }
__device__ void operator delete(void *p, size_t) noexcept { free(p); }
__device__ void operator delete[](void *p, size_t) noexcept { free(p); }
