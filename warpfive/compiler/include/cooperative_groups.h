/* Cooperative groups: blocks, grids, tiles, coalesced lanes; their barriers, shuffles and votes. */
#pragma once
#include "cuda_runtime.h"

#if defined(__cplusplus) && defined(__CUDA__)
#define _CG_ABI_VERSION 1

namespace cooperative_groups {

namespace details {

/* Moves a value of any size between lanes, eight bytes at a time. */
template <class T, class F>
__wf_d T move_lanes(const T &value, F move) {
  union {
    T value;
    long words[(sizeof(T) + 7) / 8];
    char none;
  } from{}, to{};
  __builtin_memcpy(&from.words, &value, sizeof(T));
  for (unsigned long i = 0; i < (sizeof(T) + 7) / 8; i++) to.words[i] = move(from.words[i]);
  return to.value;
}

__wf_d unsigned int lane() { return __wf_laneid(); }
__wf_d unsigned int thread_rank_in_block() {
  return threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
}
__wf_d unsigned int block_threads() { return blockDim.x * blockDim.y * blockDim.z; }

/* The n-th lane of a mask, counted from 0; 0 when there is none. */
__wf_d unsigned int nth_lane(unsigned int mask, unsigned int n) {
  const unsigned int lane = __fns(mask, 0, (int)n + 1);
  return lane < 32 ? lane : 0;
}

enum group_kind : unsigned char { kind_coalesced, kind_tile, kind_block, kind_grid };

}  // namespace details

struct __wf_barrier_token {};

/* ---- The group that stands for any other ---- */

class thread_group {
 public:
  __device__ __forceinline__ unsigned long long size() const { return size_; }
  __device__ __forceinline__ unsigned long long num_threads() const { return size_; }
  __device__ __forceinline__ unsigned long long thread_rank() const { return rank_; }
  __device__ __forceinline__ bool is_valid() const { return true; }
  __device__ __forceinline__ void sync() const {
    if (kind_ == details::kind_block) __syncthreads();
    else if (kind_ == details::kind_grid) __wf_grid_sync();
    else __syncwarp(mask_);
  }
  __device__ __forceinline__ details::group_kind __kind() const { return kind_; }
  __device__ __forceinline__ unsigned int __mask() const { return mask_; }

 protected:
  __device__ __forceinline__ thread_group(details::group_kind kind, unsigned int mask,
                                          unsigned long long size, unsigned long long rank)
      : size_(size), rank_(rank), mask_(mask), kind_(kind) {}
  unsigned long long size_, rank_;
  unsigned int mask_;
  details::group_kind kind_;
};

/* ---- Blocks ---- */

class thread_block : public thread_group {
  __device__ __forceinline__ thread_block()
      : thread_group(details::kind_block, 0xffffffffu, details::block_threads(),
                     details::thread_rank_in_block()) {}
  friend __device__ thread_block this_thread_block();

 public:
  using arrival_token = __wf_barrier_token;
  static constexpr unsigned int _group_id = 0;
  static __device__ __forceinline__ void sync() { __syncthreads(); }
  static __device__ __forceinline__ arrival_token barrier_arrive() { return {}; }
  static __device__ __forceinline__ void barrier_wait(arrival_token &&) { __syncthreads(); }
  static __device__ __forceinline__ void barrier_wait() { __syncthreads(); }
  static __device__ __forceinline__ unsigned int thread_rank() {
    return details::thread_rank_in_block();
  }
  static __device__ __forceinline__ unsigned int size() { return details::block_threads(); }
  static __device__ __forceinline__ unsigned int num_threads() { return details::block_threads(); }
  static __device__ __forceinline__ dim3 group_index() { return blockIdx; }
  static __device__ __forceinline__ dim3 thread_index() { return threadIdx; }
  static __device__ __forceinline__ dim3 group_dim() { return blockDim; }
  static __device__ __forceinline__ dim3 dim_threads() { return blockDim; }
};
__device__ __forceinline__ thread_block this_thread_block() { return thread_block(); }

/* ---- Grids ---- */

class grid_group : public thread_group {
  __device__ __forceinline__ grid_group()
      : thread_group(details::kind_grid, 0xffffffffu, size(), thread_rank()) {}
  friend __device__ grid_group this_grid();

 public:
  using arrival_token = __wf_barrier_token;
  static __device__ __forceinline__ bool is_valid() { return true; }
  static __device__ __forceinline__ void sync() { __wf_grid_sync(); }
  static __device__ __forceinline__ arrival_token barrier_arrive() { return {}; }
  static __device__ __forceinline__ void barrier_wait(arrival_token &&) { __wf_grid_sync(); }
  static __device__ __forceinline__ unsigned long long num_blocks() {
    return (unsigned long long)gridDim.x * gridDim.y * gridDim.z;
  }
  static __device__ __forceinline__ unsigned long long block_rank() {
    return ((unsigned long long)blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  }
  static __device__ __forceinline__ unsigned long long num_threads() {
    return num_blocks() * details::block_threads();
  }
  static __device__ __forceinline__ unsigned long long size() { return num_threads(); }
  static __device__ __forceinline__ unsigned long long thread_rank() {
    return block_rank() * details::block_threads() + details::thread_rank_in_block();
  }
  static __device__ __forceinline__ dim3 group_dim() { return gridDim; }
  static __device__ __forceinline__ dim3 dim_blocks() { return gridDim; }
  static __device__ __forceinline__ dim3 block_index() { return blockIdx; }
  static __device__ __forceinline__ dim3 thread_index() { return threadIdx; }
  static __device__ __forceinline__ dim3 dim_threads() { return blockDim; }
};
__device__ __forceinline__ grid_group this_grid() { return grid_group(); }

/* ---- Groups inside a warp: they know their lanes ---- */

namespace details {

/* Collectives in terms of ranks in the group. `Dense`: the lanes are consecutive from the first. */
template <bool Dense>
struct lanes_of {
  static __device__ __forceinline__ unsigned int lane(unsigned int mask, unsigned int rank) {
    return Dense ? (unsigned int)__ffs((int)mask) - 1 + rank : nth_lane(mask, rank);
  }
  /* Bits of the warp's mask moved together into bits of ranks. */
  static __device__ __forceinline__ unsigned int ranks(unsigned int mask, unsigned int bits) {
    if (Dense) return bits >> (__ffs((int)mask) - 1);
    unsigned int packed = 0, rank = 0;
    for (unsigned int left = mask; left; left &= left - 1, rank++)
      packed |= (unsigned int)((bits & left & (0u - left)) != 0) << rank;
    return packed;
  }
};

}  // namespace details

class coalesced_group : public thread_group {
 public:
  __device__ __forceinline__ explicit coalesced_group(unsigned int mask)
      : thread_group(details::kind_coalesced, mask, (unsigned long long)__popc(mask),
                     (unsigned long long)__popc(mask & __wf_lanemask_lt())) {}

  __device__ __forceinline__ unsigned int size() const { return (unsigned int)size_; }
  __device__ __forceinline__ unsigned int num_threads() const { return (unsigned int)size_; }
  __device__ __forceinline__ unsigned int thread_rank() const { return (unsigned int)rank_; }
  __device__ __forceinline__ unsigned int meta_group_size() const { return meta_size_; }
  __device__ __forceinline__ unsigned int meta_group_rank() const { return meta_rank_; }
  __device__ __forceinline__ void sync() const { __syncwarp(mask_); }

  template <class T>
  __device__ __forceinline__ T shfl(T value, int rank) const {
    return from(value, lane_of((unsigned int)rank));
  }
  template <class T>
  __device__ __forceinline__ T shfl_up(T value, unsigned int delta) const {
    return from(value, rank_ < delta ? details::lane()
                                     : lane_of((unsigned int)rank_ - delta));
  }
  template <class T>
  __device__ __forceinline__ T shfl_down(T value, unsigned int delta) const {
    return from(value, rank_ + delta >= size_ ? details::lane()
                                              : lane_of((unsigned int)rank_ + delta));
  }
  template <class T>
  __device__ __forceinline__ T shfl_xor(T value, unsigned int lanes) const {
    const unsigned int rank = (unsigned int)rank_ ^ lanes;
    return from(value, rank >= size_ ? details::lane() : lane_of(rank));
  }
  __device__ __forceinline__ int any(int predicate) const { return __any_sync(mask_, predicate); }
  __device__ __forceinline__ int all(int predicate) const { return __all_sync(mask_, predicate); }
  __device__ __forceinline__ unsigned int ballot(int predicate) const {
    return details::lanes_of<false>::ranks(mask_, __ballot_sync(mask_, predicate));
  }
  template <class T>
  __device__ __forceinline__ unsigned int match_any(T value) const {
    return details::lanes_of<false>::ranks(mask_, __match_any_sync(mask_, value));
  }
  template <class T>
  __device__ __forceinline__ unsigned int match_all(T value, int &predicate) const {
    return details::lanes_of<false>::ranks(mask_, __match_all_sync(mask_, value, &predicate));
  }
  __device__ __forceinline__ void __set_meta(unsigned int rank, unsigned int size) {
    meta_rank_ = rank;
    meta_size_ = size;
  }

 private:
  __device__ __forceinline__ unsigned int lane_of(unsigned int rank) const {
    return mask_ == 0xffffffffu ? rank & 31 : details::nth_lane(mask_, rank);
  }
  template <class T>
  __device__ __forceinline__ T from(const T &value, unsigned int lane) const {
    const unsigned int mask = mask_;
    return details::move_lanes(value, [=](long word) {
      return __wf_shfl_idx(word, lane, (long)__wf_shape(mask, 32));
    });
  }
  unsigned int meta_rank_ = 0, meta_size_ = 1;
};
__device__ __forceinline__ coalesced_group coalesced_threads() {
  return coalesced_group(__activemask());
}

/* Tiles of a size known at compile time: a power of two. Those above a warp synchronise the block,
   which CUDA allows only where every tile of the block does the same. */
template <unsigned int Size, class Parent = void>
class thread_block_tile;

namespace details {

template <unsigned int Size>
class warp_tile : public thread_group {
  static constexpr int width = (int)Size;

 protected:
  __device__ __forceinline__ warp_tile()
      : thread_group(kind_tile, mask_of(), Size, details::lane() & (Size - 1)) {}
  static __device__ __forceinline__ unsigned int mask_of() {
    if (Size == 32) return 0xffffffffu;
    return ((1u << (Size & 31)) - 1) << (details::lane() & ~(Size - 1));
  }

 public:
  static __device__ __forceinline__ unsigned int thread_rank() {
    return details::lane() & (Size - 1);
  }
  static constexpr __device__ __forceinline__ unsigned int size() { return Size; }
  static constexpr __device__ __forceinline__ unsigned int num_threads() { return Size; }
  __device__ __forceinline__ void sync() const { __syncwarp(mask_); }

  template <class T>
  __device__ __forceinline__ T shfl(T value, int rank) const {
    const unsigned int mask = mask_;
    return move_lanes(value, [=](long word) {
      return __wf_shfl_idx(word, rank, (long)__wf_shape(mask, width));
    });
  }
  template <class T>
  __device__ __forceinline__ T shfl_up(T value, unsigned int delta) const {
    const unsigned int mask = mask_;
    return move_lanes(value, [=](long word) {
      return __wf_shfl_up(word, delta, (long)__wf_shape(mask, width));
    });
  }
  template <class T>
  __device__ __forceinline__ T shfl_down(T value, unsigned int delta) const {
    const unsigned int mask = mask_;
    return move_lanes(value, [=](long word) {
      return __wf_shfl_down(word, delta, (long)__wf_shape(mask, width));
    });
  }
  template <class T>
  __device__ __forceinline__ T shfl_xor(T value, unsigned int lanes) const {
    const unsigned int mask = mask_;
    return move_lanes(value, [=](long word) {
      return __wf_shfl_bfly(word, lanes, (long)__wf_shape(mask, width));
    });
  }
  __device__ __forceinline__ int any(int predicate) const { return __any_sync(mask_, predicate); }
  __device__ __forceinline__ int all(int predicate) const { return __all_sync(mask_, predicate); }
  __device__ __forceinline__ unsigned int ballot(int predicate) const {
    return lanes_of<true>::ranks(mask_, __ballot_sync(mask_, predicate));
  }
  template <class T>
  __device__ __forceinline__ unsigned int match_any(T value) const {
    return lanes_of<true>::ranks(mask_, __match_any_sync(mask_, value));
  }
  template <class T>
  __device__ __forceinline__ unsigned int match_all(T value, int &predicate) const {
    return lanes_of<true>::ranks(mask_, __match_all_sync(mask_, value, &predicate));
  }
};

template <unsigned int Size>
class large_tile : public thread_group {
 protected:
  __device__ __forceinline__ large_tile()
      : thread_group(kind_block, 0xffffffffu, Size, thread_rank_in_block() & (Size - 1)) {}

 public:
  static __device__ __forceinline__ unsigned int thread_rank() {
    return thread_rank_in_block() & (Size - 1);
  }
  static constexpr __device__ __forceinline__ unsigned int size() { return Size; }
  static constexpr __device__ __forceinline__ unsigned int num_threads() { return Size; }
  /* Barriers 1 to 15 serve the tiles of a block, by rank. */
  __device__ __forceinline__ void sync() const {
    __barrier_sync_count(1 + thread_rank_in_block() / Size, Size);
  }
};

template <bool InWarp, unsigned int Size>
struct tile_base {
  using type = warp_tile<Size>;
};
template <unsigned int Size>
struct tile_base<false, Size> {
  using type = large_tile<Size>;
};

}  // namespace details

template <unsigned int Size>
class thread_block_tile<Size, void> : public details::tile_base<Size <= 32, Size>::type {
  static_assert(Size && !(Size & (Size - 1)) && Size <= 1024,
                "a tile's size must be a power of two up to 1024");

 public:
  using arrival_token = __wf_barrier_token;
  template <class Parent>
  __device__ __forceinline__ explicit thread_block_tile(const Parent &parent)
      : meta_rank_((unsigned int)parent.thread_rank() / Size),
        meta_size_(((unsigned int)parent.size() + Size - 1) / Size) {}
  template <class Parent>
  __device__ __forceinline__ thread_block_tile(const thread_block_tile<Size, Parent> &other)
      : meta_rank_(other.meta_group_rank()), meta_size_(other.meta_group_size()) {}
  __device__ __forceinline__ unsigned int meta_group_rank() const { return meta_rank_; }
  __device__ __forceinline__ unsigned int meta_group_size() const { return meta_size_; }

 protected:
  unsigned int meta_rank_, meta_size_;
};
template <unsigned int Size, class Parent>
class thread_block_tile : public thread_block_tile<Size, void> {
 public:
  using thread_block_tile<Size, void>::thread_block_tile;
};

template <unsigned int Size>
struct block_tile_memory {
  char unused[1];
};
template <unsigned int Size>
__wf_d thread_block this_thread_block(block_tile_memory<Size> &) {
  return this_thread_block();
}

template <unsigned int Size, class Parent>
__wf_d thread_block_tile<Size, Parent> tiled_partition(const Parent &parent) {
  return thread_block_tile<Size, Parent>(parent);
}
/* A tile of a size known only at run time: the lanes of the parent, cut every `size` ranks. */
__wf_d coalesced_group tiled_partition(const coalesced_group &parent, unsigned int size) {
  const unsigned int first = parent.thread_rank() / size * size;
  unsigned int mask = 0, rank = 0;
  for (unsigned int left = parent.__mask(); left; left &= left - 1, rank++)
    if (rank >= first && rank < first + size) mask |= left & (0u - left);
  coalesced_group tile(mask);
  tile.__set_meta(parent.thread_rank() / size, (parent.size() + size - 1) / size);
  return tile;
}
__wf_d coalesced_group __wf_tile_of(unsigned int rank, unsigned int total, unsigned int size) {
  const unsigned int first = details::lane() / size * size;
  const unsigned int all = size >= 32 ? 0xffffffffu : ((1u << size) - 1) << first;
  coalesced_group tile(all);
  tile.__set_meta(rank / size, (total + size - 1) / size);
  return tile;
}
__wf_d coalesced_group tiled_partition(const thread_block &parent, unsigned int size) {
  return __wf_tile_of(parent.thread_rank(), parent.size(), size);
}
template <unsigned int Size, class Parent>
__wf_d coalesced_group tiled_partition(const thread_block_tile<Size, Parent> &parent,
                                       unsigned int size) {
  return __wf_tile_of(parent.thread_rank(), Size, size);
}
__wf_d thread_group tiled_partition(const thread_group &parent, unsigned int size) {
  if (parent.__kind() != details::kind_coalesced)
    return __wf_tile_of((unsigned int)parent.thread_rank(), (unsigned int)parent.size(), size);
  return tiled_partition(coalesced_group(parent.__mask()), size);
}

/* The lanes of a group that hold the same label. */
template <class Group, class Label>
__wf_d coalesced_group labeled_partition(const Group &group, Label label) {
  return coalesced_group(__match_any_sync(group.__mask(), label));
}
template <class Group>
__wf_d coalesced_group binary_partition(const Group &group, bool predicate) {
  const unsigned int yes = __ballot_sync(group.__mask(), predicate);
  coalesced_group part(predicate ? yes : group.__mask() & ~yes);
  part.__set_meta(predicate ? 1 : 0, 2);
  return part;
}

/* ---- Functions of any group ---- */

template <class Group>
__wf_d void sync(const Group &group) {
  group.sync();
}
template <class Group>
__wf_d unsigned long long thread_rank(const Group &group) {
  return group.thread_rank();
}
template <class Group>
__wf_d unsigned long long group_size(const Group &group) {
  return group.size();
}
__wf_d dim3 group_dim(const thread_block &) { return blockDim; }

/* One chosen thread runs the function. */
template <class Group, class F, class... A>
__wf_d void invoke_one(const Group &group, F &&f, A &&...arguments) {
  if (group.thread_rank() == 0) f(static_cast<A &&>(arguments)...);
}
template <class Group, class F, class... A>
__wf_d auto invoke_one_broadcast(const Group &group, F &&f, A &&...arguments) {
  decltype(f(static_cast<A &&>(arguments)...)) result{};
  if (group.thread_rank() == 0) result = f(static_cast<A &&>(arguments)...);
  return group.shfl(result, 0);
}

}  // namespace cooperative_groups


#endif
