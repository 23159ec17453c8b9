#include "allocator.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "driver.h"

namespace wf::torch_backend {
namespace {

constexpr size_t kGrain = 512, kSmall = 1 << 20, kSmallSegment = 2 << 20;
constexpr size_t kLargeSegment = 20 << 20, kHuge = 10 << 20, kSegmentGrain = 2 << 20;

size_t round_up(size_t bytes, size_t grain) { return (bytes + grain - 1) / grain * grain; }

/// A stretch of a segment; neighbours of one segment are linked.
struct Block {
  char *address;
  size_t bytes;
  size_t wanted = 0;
  void *stream;
  int64_t pool;
  bool small, used = false;
  size_t segment_bytes = 0;  // of the segment's first block
  Block *before = nullptr, *after = nullptr;
  std::vector<void *> other_streams;
};

struct BySize {
  bool operator()(const Block *a, const Block *b) const {
    return std::tie(a->pool, a->small, a->stream, a->bytes, a->address) <
           std::tie(b->pool, b->small, b->stream, b->bytes, b->address);
  }
};

/// A figure with its peak and its running totals, for small blocks and for large ones.
struct Figure {
  std::array<int64_t, 2> now{}, peak{}, up{}, down{};
  void add(bool small, int64_t amount) {
    now[small] += amount;
    peak[small] = std::max(peak[small], now[small]);
    total_peak = std::max(total_peak, now[0] + now[1]);
    (amount > 0 ? up : down)[small] += amount > 0 ? amount : -amount;
  }
  void reset_peak() { peak = now, total_peak = now[0] + now[1]; }
  void reset_totals() { up = {}, down = {}; }
  void write(std::ostream &out, const char *name) const {
    const char *pools[] = {"large_pool", "small_pool"};
    for (int small = 0; small < 2; ++small) {
      line(out, name, pools[small], now[small], peak[small], up[small], down[small]);
    }
    line(out, name, "all", now[0] + now[1], total_peak, up[0] + up[1], down[0] + down[1]);
  }

 private:
  static void line(std::ostream &out, const char *name, const char *pool, int64_t now,
                   int64_t peak, int64_t up, int64_t down) {
    out << name << '.' << pool << ".current " << now << '\n'
        << name << '.' << pool << ".peak " << peak << '\n'
        << name << '.' << pool << ".allocated " << up << '\n'
        << name << '.' << pool << ".freed " << down << '\n';
  }
  int64_t total_peak = 0;
};

void release(void *pointer);

class Caching final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void *pointer = bytes ? take(bytes) : nullptr;
    return {pointer, pointer, &release, c10::Device(c10::kCUDA, 0)};
  }

  c10::DeleterFnPtr raw_deleter() const override { return &release; }

  void copy_data(void *to, const void *from, size_t bytes) const override {
    check(driver.cudaMemcpyAsync(to, from, bytes, kOnDevice, current_stream()));
  }

  void *take(size_t bytes) {
    std::lock_guard lock(mutex_);
    const size_t size = round_up(bytes, kGrain);
    Block wanted{.address = nullptr, .bytes = size, .stream = current_stream(), .pool = pool_,
                 .small = size <= kSmall, .other_streams = {}};
    auto found = free_.lower_bound(&wanted);
    Block *block = nullptr;
    if (found != free_.end() && (*found)->pool == wanted.pool &&
        (*found)->small == wanted.small && (*found)->stream == wanted.stream) {
      block = *found;
      free_.erase(found);
    } else {
      block = segment(wanted);
    }
    split(block, size);
    block->used = true;
    block->wanted = bytes;
    live_[block->address] = block;
    count(block, 1);
    return block->address;
  }

  void give(void *pointer) {
    std::lock_guard lock(mutex_);
    auto found = live_.find(static_cast<char *>(pointer));
    if (found == live_.end()) return;
    Block *block = found->second;
    live_.erase(found);
    count(block, -1);
    for (void *stream : block->other_streams) driver.cudaStreamSynchronize(stream);
    block->other_streams.clear();
    block->used = false;
    join(block, block->before);
    join(block, block->after);
    free_.insert(block);
  }

  bool owns(const void *pointer) {
    std::lock_guard lock(mutex_);
    auto after = segments_.upper_bound(static_cast<char *>(const_cast<void *>(pointer)));
    if (after == segments_.begin()) return false;
    auto segment = std::prev(after);
    return pointer < segment->first + segment->second->segment_bytes;
  }

  void used_by(const void *pointer, void *stream) {
    std::lock_guard lock(mutex_);
    auto after = live_.upper_bound(static_cast<char *>(const_cast<void *>(pointer)));
    if (after == live_.begin()) return;
    Block *block = std::prev(after)->second;
    auto &others = block->other_streams;
    if (stream != block->stream && std::find(others.begin(), others.end(), stream) == others.end())
      others.push_back(stream);
  }

  void trim() {
    std::lock_guard lock(mutex_);
    trim_locked();
  }

  void fraction(double share) {
    size_t free = 0, total = 0;
    check(driver.cudaMemGetInfo(&free, &total));
    std::lock_guard lock(mutex_);
    limit_ = static_cast<size_t>(share * static_cast<double>(total));
  }

  void pool(int64_t id) {
    std::lock_guard lock(mutex_);
    pool_ = id;
  }

  void release_pool(int64_t id) {
    std::lock_guard lock(mutex_);
    std::vector<Block *> moved;
    for (auto it = free_.begin(); it != free_.end();) {
      if ((*it)->pool == id) {
        moved.push_back(*it);
        it = free_.erase(it);
      } else {
        ++it;
      }
    }
    for (auto &[address, block] : segments_) {
      for (Block *each = block; each; each = each->after) {
        if (each->pool == id) each->pool = 0;
      }
    }
    for (Block *block : moved) free_.insert(block);
  }

  std::string stats() {
    std::lock_guard lock(mutex_);
    std::ostringstream out;
    allocated_.write(out, "allocated_bytes");
    requested_.write(out, "requested_bytes");
    allocated_.write(out, "active_bytes");
    reserved_.write(out, "reserved_bytes");
    inactive_.write(out, "inactive_split_bytes");
    blocks_.write(out, "allocation");
    blocks_.write(out, "active");
    segment_count_.write(out, "segment");
    inactive_count_.write(out, "inactive_split");
    out << "num_alloc_retries " << retries_ << "\nnum_ooms " << refused_ << "\nmax_split_size -1\n"
        << "num_sync_all_streams 0\nnum_device_alloc " << device_allocations_
        << "\nnum_device_free " << device_frees_ << '\n';
    return out.str();
  }

  std::string snapshot() {
    std::lock_guard lock(mutex_);
    std::ostringstream out;
    out << '[';
    bool first = true;
    for (auto &[address, block] : segments_) {
      out << (first ? "" : ",");
      first = false;
      write_segment(out, block);
    }
    out << ']';
    return out.str();
  }

  void reset_peaks() {
    std::lock_guard lock(mutex_);
    for (Figure *figure : figures()) figure->reset_peak();
  }

  void reset_totals() {
    std::lock_guard lock(mutex_);
    for (Figure *figure : figures()) figure->reset_totals();
    retries_ = refused_ = 0;
  }

 private:
  std::array<Figure *, 7> figures() {
    return {&allocated_, &requested_, &reserved_, &inactive_,
            &blocks_,    &segment_count_, &inactive_count_};
  }

  void count(const Block *block, int sign) {
    allocated_.add(block->small, sign * static_cast<int64_t>(block->bytes));
    requested_.add(block->small, sign * static_cast<int64_t>(block->wanted));
    blocks_.add(block->small, sign);
    if (block->before || block->after) {
      inactive_.add(block->small, -sign * static_cast<int64_t>(block->bytes));
    }
  }

  /// A new segment of device memory, as one free block that is not in free_.
  Block *segment(const Block &wanted) {
    const size_t size = wanted.bytes;
    const size_t bytes = wanted.small ? kSmallSegment
                         : size < kHuge ? kLargeSegment
                                        : round_up(size, kSegmentGrain);
    void *address = nullptr;
    int code = over(bytes) ? kNoMemory : driver.cudaMalloc(&address, bytes);
    if (code == kNoMemory) {
      driver.cudaGetLastError();
      ++retries_;
      trim_locked();
      code = over(bytes) ? kNoMemory : driver.cudaMalloc(&address, bytes);
    }
    if (code == kNoMemory) refuse(size);
    check(code);
    auto *block = new Block(wanted);
    block->address = static_cast<char *>(address);
    block->bytes = block->segment_bytes = bytes;
    segments_[block->address] = block;
    reserved_.add(block->small, static_cast<int64_t>(bytes));
    segment_count_.add(block->small, 1);
    ++device_allocations_;
    return block;
  }

  bool over(size_t bytes) const {
    return limit_ && static_cast<size_t>(reserved_.now[0] + reserved_.now[1]) + bytes > limit_;
  }

  [[noreturn]] void refuse(size_t bytes) {
    driver.cudaGetLastError();
    ++refused_;
    size_t free = 0, total = 0;
    driver.cudaMemGetInfo(&free, &total);
    const auto mib = [](double count) { return std::to_string(count / (1 << 20)) + " MiB"; };
    TORCH_CHECK_WITH(OutOfMemoryError, false, "CUDA out of memory. Tried to allocate ",
                     mib(static_cast<double>(bytes)), ". The chip has ",
                     mib(static_cast<double>(total)), " of which ",
                     mib(static_cast<double>(free)), " is free; tensors hold ",
                     mib(static_cast<double>(allocated_.now[0] + allocated_.now[1])), ".");
    abort();
  }

  /// Cuts what is more than `size` off the block, if the rest is worth keeping.
  void split(Block *block, size_t size) {
    const size_t rest = block->bytes - size;
    if (block->small ? rest < kGrain : rest <= kSmall) return;
    auto *tail = new Block(*block);
    const bool whole = !block->before && !block->after;
    tail->address += size;
    tail->bytes = rest;
    tail->segment_bytes = 0;
    tail->before = block;
    if (tail->after) tail->after->before = tail;
    block->after = tail;
    block->bytes = size;
    free_.insert(tail);
    // The block itself leaves the figure when it is counted as used.
    if (whole) inactive_.add(block->small, static_cast<int64_t>(size + rest));
    inactive_count_.add(block->small, 1);
  }

  /// Takes the free neighbour into the block, which is not in free_.
  void join(Block *block, Block *other) {
    if (!other || other->used) return;
    free_.erase(other);
    inactive_count_.add(block->small, -1);
    const bool is_before = other == block->before;
    if (is_before) {
      block->address = other->address;
      block->before = other->before;
      if (block->before) block->before->after = block;
      if (other->segment_bytes) {
        block->segment_bytes = other->segment_bytes;
        segments_[block->address] = block;
      }
    } else {
      block->after = other->after;
      if (block->after) block->after->before = block;
    }
    block->bytes += other->bytes;
    delete other;
    if (!block->before && !block->after) {
      inactive_.add(block->small, -static_cast<int64_t>(block->bytes));
    }
  }

  void trim_locked() {
    for (auto it = free_.begin(); it != free_.end();) {
      Block *block = *it;
      if (block->before || block->after || block->pool) {
        ++it;
        continue;
      }
      it = free_.erase(it);
      driver.cudaFree(block->address);
      ++device_frees_;
      segments_.erase(block->address);
      reserved_.add(block->small, -static_cast<int64_t>(block->bytes));
      segment_count_.add(block->small, -1);
      delete block;
    }
  }

  static void write_segment(std::ostream &out, const Block *first) {
    size_t allocated = 0;
    for (const Block *each = first; each; each = each->after) {
      allocated += each->used ? each->bytes : 0;
    }
    out << "{\"device\":0,\"address\":" << reinterpret_cast<uintptr_t>(first->address)
        << ",\"total_size\":" << first->segment_bytes << ",\"allocated_size\":" << allocated
        << ",\"active_size\":" << allocated << ",\"requested_size\":" << allocated
        << ",\"stream\":" << reinterpret_cast<uintptr_t>(first->stream) << ",\"segment_type\":\""
        << (first->small ? "small" : "large") << "\",\"segment_pool_id\":[0," << first->pool
        << "],\"is_expandable\":false,\"frames\":[],\"blocks\":[";
    for (const Block *each = first; each; each = each->after) {
      out << (each == first ? "" : ",") << "{\"address\":"
          << reinterpret_cast<uintptr_t>(each->address) << ",\"size\":" << each->bytes
          << ",\"requested_size\":" << each->wanted << ",\"state\":\""
          << (each->used ? "active_allocated" : "inactive") << "\",\"frames\":[]}";
    }
    out << "]}";
  }

  std::mutex mutex_;
  std::set<Block *, BySize> free_;
  std::map<char *, Block *> live_, segments_;
  Figure allocated_, requested_, reserved_, inactive_, blocks_, segment_count_, inactive_count_;
  int64_t retries_ = 0, refused_ = 0, device_allocations_ = 0, device_frees_ = 0, pool_ = 0;
  size_t limit_ = 0;
};

/// Never destroyed: tensors may be freed after main has returned.
Caching &caching() {
  static auto *allocator = new Caching;
  return *allocator;
}

void release(void *pointer) { caching().give(pointer); }

/// Host memory that copies need not stage.
class Pinned final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void *pointer = nullptr;
    if (bytes) {
      check(driver.cudaHostAlloc(&pointer, bytes, 0));
      std::lock_guard lock(mutex_);
      ranges_[static_cast<char *>(pointer)] = bytes;
    }
    return {pointer, pointer, raw_deleter(), c10::Device(c10::kCPU)};
  }

  c10::DeleterFnPtr raw_deleter() const override {
    return [](void *pointer) { static_cast<Pinned *>(pinned_allocator())->give(pointer); };
  }

  void copy_data(void *to, const void *from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }

  bool owns(const void *pointer) {
    std::lock_guard lock(mutex_);
    auto after = ranges_.upper_bound(static_cast<char *>(const_cast<void *>(pointer)));
    if (after == ranges_.begin()) return false;
    auto range = std::prev(after);
    return pointer < range->first + range->second;
  }

 private:
  void give(void *pointer) {
    if (!pointer) return;
    {
      std::lock_guard lock(mutex_);
      ranges_.erase(static_cast<char *>(pointer));
    }
    driver.cudaFreeHost(pointer);
  }

  std::mutex mutex_;
  std::map<char *, size_t> ranges_;
};

Pinned &pinned() {
  static auto *allocator = new Pinned;
  return *allocator;
}

}  // namespace

c10::Allocator *device_allocator() { return &caching(); }
c10::Allocator *pinned_allocator() { return &pinned(); }
bool is_pinned(const void *pointer) { return pinned().owns(pointer); }
bool is_device_memory(const void *pointer) { return caching().owns(pointer); }
std::string memory_stats() { return caching().stats(); }
std::string memory_snapshot() { return caching().snapshot(); }
void reset_peaks() { caching().reset_peaks(); }
void reset_accumulated() { caching().reset_totals(); }
void empty_cache() { caching().trim(); }
void set_memory_fraction(double fraction) { caching().fraction(fraction); }
void begin_pool(int64_t id) { caching().pool(id); }
void end_pool() { caching().pool(0); }
void release_pool(int64_t id) { caching().release_pool(id); }
void record_stream(const void *pointer, void *stream) { caching().used_by(pointer, stream); }

}  // namespace wf::torch_backend
