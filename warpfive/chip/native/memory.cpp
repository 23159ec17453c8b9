// The reserved range: what is allocated where, and which pages may be touched.
//
// Space is dealt out in units of 2 MB, always moving forward through the range before it comes
// round again, so that a freed address stays dead for long. Allocations under a megabyte are
// slots of one size class in a unit of their kind.

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <deque>
#include <map>
#include <shared_mutex>

#include "warpfive/chip/native/internal.h"

namespace wf::memory {
namespace {

constexpr uint64_t unit_bytes = 2 << 20;
constexpr uint64_t small_limit = 1 << 20;
constexpr uint64_t least_slot = 512;
constexpr int classes = 12;               // 512 bytes to 1 MB, powers of two
constexpr size_t quarantine_slots = 32;   // freed slots of a class before one is used again
constexpr uint64_t range_hint = 0x200000000000;  // same pointers in every run
constexpr uint64_t keep_limit = 64 << 10; // freed slots smaller than this keep their pages

/// A unit cut into slots of one class.
struct Slab {
  uint64_t base;
  int size_class;
  uint64_t used_bytes = 0;          // slots below were given out at least once
  std::vector<uint16_t> live;       // per page: allocated slots that touch it
};

/// The slots of one class and kind.
struct Bin {
  Slab *slab = nullptr;             // the one with slots never used
  std::deque<uint64_t> freed;       // oldest first
};

uint64_t slot_bytes(int size_class) { return least_slot << size_class; }

bool counts(MemoryKind kind) {
  return kind == MemoryKind::device || kind == MemoryKind::managed || kind == MemoryKind::image;
}

class Range {
 public:
  Range();

  uint64_t alloc(uint64_t bytes, MemoryKind kind, uint64_t align);
  bool free(uint64_t base);
  uint64_t take_units(uint64_t bytes, uint64_t align);
  void give_units(uint64_t base, uint64_t bytes);
  bool protect(uint64_t base, uint64_t bytes, bool open) const;
  void discard(uint64_t base, uint64_t bytes) const;

  std::shared_mutex mutex;
  std::map<uint64_t, Allocation> allocations;
  uint64_t base = 0, bytes = 0, capacity = 0, allocated = 0;
  int file = -1;

 private:
  uint64_t alloc_large(uint64_t bytes, MemoryKind kind, uint64_t align);
  uint64_t alloc_small(int size_class, MemoryKind kind);
  uint64_t fresh_slot(Bin &bin, int size_class, MemoryKind kind);
  void free_small(Slab &slab, uint64_t slot, MemoryKind kind);
  void touch_pages(Slab &slab, uint64_t slot, bool live);
  bool charge(uint64_t bytes, MemoryKind kind);

  std::map<uint64_t, uint64_t> holes_;  // base to bytes, never adjacent
  uint64_t cursor_ = 0;
  std::unordered_map<uint64_t, Slab> slabs_;  // by unit base
  Bin bins_[5][classes];
};

Range::Range() {
  const Settings &chosen = settings();
  capacity = chosen.memory_bytes ? std::min(chosen.memory_bytes, chip().memory_bytes)
                                 : chip().memory_bytes;
  if (chosen.engine == Engine::reference) file = memfd_create("warpfive", MFD_CLOEXEC);
  int share = file >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
  // Room for four memories, so that addresses come round late; less where address space is short.
  for (uint64_t room = 4 * chip().memory_bytes; room >= (1ull << 30); room /= 2) {
    if (file >= 0 && ftruncate(file, static_cast<off_t>(room))) continue;
    for (uint64_t hint : {range_hint, range_hint >> 1, range_hint >> 9, uint64_t{0}}) {
      int fixed = hint ? MAP_FIXED_NOREPLACE : 0;
      void *got = mmap(reinterpret_cast<void *>(hint), room, PROT_NONE,
                       share | MAP_NORESERVE | fixed, file, 0);
      if (got == MAP_FAILED) continue;
      base = reinterpret_cast<uint64_t>(got);
      bytes = room;
      break;
    }
    if (base) break;
  }
  if (!base) return;
  // The first and last units stay closed: guards, and no allocation begins where the range does.
  uint64_t first = round_up(base + unit_bytes, unit_bytes);
  uint64_t last = (base + bytes - unit_bytes) / unit_bytes * unit_bytes;
  holes_[first] = last - first;
  cursor_ = first;
  capacity = std::min(capacity, last - first);
}

bool Range::protect(uint64_t at, uint64_t length, bool open) const {
  int access = open ? PROT_READ | PROT_WRITE : PROT_NONE;
  return mprotect(reinterpret_cast<void *>(at), length, access) == 0;
}

/// Gives the host's pages back.
void Range::discard(uint64_t at, uint64_t length) const {
  madvise(reinterpret_cast<void *>(at), length, file >= 0 ? MADV_REMOVE : MADV_DONTNEED);
}

/// First fit from the cursor on, then from the start. 0: no hole is long enough.
uint64_t Range::take_units(uint64_t length, uint64_t align) {
  length = round_up(length, unit_bytes);
  align = std::max(align, unit_bytes);
  auto start = holes_.upper_bound(cursor_);
  if (start != holes_.begin()) --start;
  for (int pass = 0; pass < 2; pass++) {
    auto hole = pass ? holes_.begin() : start;
    for (; hole != holes_.end(); ++hole) {
      uint64_t low = pass ? hole->first : std::max(hole->first, cursor_);
      uint64_t end = hole->first + hole->second;
      uint64_t at = round_up(low, align);
      if (at + length > end || at + length < at) continue;
      uint64_t before = at - hole->first;
      holes_.erase(hole);
      if (before) holes_[at - before] = before;
      if (end > at + length) holes_[at + length] = end - at - length;
      cursor_ = at + length;
      return at;
    }
  }
  return 0;
}

void Range::give_units(uint64_t at, uint64_t length) {
  length = round_up(length, unit_bytes);
  auto after = holes_.lower_bound(at);
  if (after != holes_.end() && after->first == at + length) {
    length += after->second;
    after = holes_.erase(after);
  }
  if (after != holes_.begin()) {
    auto before = std::prev(after);
    if (before->first + before->second == at) {
      before->second += length;
      return;
    }
  }
  holes_[at] = length;
}

bool Range::charge(uint64_t length, MemoryKind kind) {
  if (!counts(kind)) return true;
  if (length > capacity - allocated) return false;
  allocated += length;
  return true;
}

uint64_t Range::alloc_large(uint64_t length, MemoryKind kind, uint64_t align) {
  uint64_t rounded = round_up(length, unit_bytes);
  if (rounded < length || !charge(rounded, kind)) return 0;
  uint64_t at = take_units(rounded, align);
  if (at && protect(at, rounded, true)) {
    madvise(reinterpret_cast<void *>(at), rounded, MADV_HUGEPAGE);
    return at;
  }
  if (at) give_units(at, rounded);
  if (counts(kind)) allocated -= rounded;
  return 0;
}

/// A slot never used before; 0 if that needs a unit the chip does not have.
uint64_t Range::fresh_slot(Bin &bin, int size_class, MemoryKind kind) {
  if (!bin.slab || bin.slab->used_bytes == unit_bytes) {
    if (!charge(unit_bytes, kind)) return 0;
    uint64_t at = take_units(unit_bytes, unit_bytes);
    if (!at || !protect(at, unit_bytes, true)) {
      if (counts(kind)) allocated -= unit_bytes;
      return 0;
    }
    Slab slab{at, size_class, 0, std::vector<uint16_t>(unit_bytes / page_bytes)};
    bin.slab = &(slabs_[at] = std::move(slab));
  }
  uint64_t slot = bin.slab->base + bin.slab->used_bytes;
  bin.slab->used_bytes += slot_bytes(size_class);
  return slot;
}

uint64_t Range::alloc_small(int size_class, MemoryKind kind) {
  Bin &bin = bins_[static_cast<int>(kind)][size_class];
  bool slab_full = !bin.slab || bin.slab->used_bytes == unit_bytes;
  uint64_t slot = 0;
  if (bin.freed.size() < quarantine_slots && (!slab_full || bin.freed.empty()))
    slot = fresh_slot(bin, size_class, kind);
  if (!slot) {
    if (bin.freed.empty()) return 0;
    slot = bin.freed.front();
    bin.freed.pop_front();
  }
  touch_pages(slabs_.at(slot / unit_bytes * unit_bytes), slot, true);
  return slot;
}

/// Opens the pages of a slot that comes to life; closes those that nothing lives in any more.
void Range::touch_pages(Slab &slab, uint64_t slot, bool live) {
  uint64_t size = slot_bytes(slab.size_class);
  uint64_t pages = std::max<uint64_t>(size / page_bytes, 1);
  uint64_t first = (slot - slab.base) / page_bytes;
  uint16_t &count = slab.live[first];  // slots of a page or more own all of their pages
  uint64_t at = slab.base + first * page_bytes;
  if (live) {
    // A page that was never closed is open already; opening it again does no harm.
    if (count++ == 0) protect(at, pages * page_bytes, true);
    return;
  }
  // The host refuses when it is out of mappings: then the page just stays open.
  if (--count == 0 && protect(at, pages * page_bytes, false) && size >= keep_limit)
    discard(at, pages * page_bytes);
}

void Range::free_small(Slab &slab, uint64_t slot, MemoryKind kind) {
  touch_pages(slab, slot, false);
  bins_[static_cast<int>(kind)][slab.size_class].freed.push_back(slot);
}

uint64_t Range::alloc(uint64_t length, MemoryKind kind, uint64_t align) {
  if (!base || !length || !std::has_single_bit(align)) return 0;
  uint64_t least = std::max({length, align, least_slot});
  std::unique_lock lock(mutex);
  uint64_t at = least < small_limit
                    ? alloc_small(std::bit_width((least - 1) / least_slot), kind)
                    : alloc_large(length, kind, align);
  if (at) allocations[at] = {at, length, kind, 0};
  return at;
}

bool Range::free(uint64_t at) {
  std::unique_lock lock(mutex);
  auto found = allocations.find(at);
  if (found == allocations.end()) return false;
  Allocation gone = found->second;
  allocations.erase(found);
  auto slab = slabs_.find(at / unit_bytes * unit_bytes);
  if (slab != slabs_.end()) {
    free_small(slab->second, at, gone.kind);
    return true;
  }
  uint64_t rounded = round_up(gone.bytes, unit_bytes);
  discard(at, rounded);
  protect(at, rounded, false);
  give_units(at, rounded);
  if (counts(gone.kind)) allocated -= rounded;
  return true;
}

Range &range() {
  static Range *one = new Range;  // never destroyed: kernels may run while the process exits
  return *one;
}

}  // namespace

uint64_t alloc(uint64_t bytes, MemoryKind kind, uint64_t align) {
  return range().alloc(bytes, kind, align);
}

bool free(uint64_t base) { return range().free(base); }

std::optional<Allocation> find(uint64_t address) {
  Range &all = range();
  std::shared_lock lock(all.mutex);
  auto after = all.allocations.upper_bound(address);
  if (after == all.allocations.begin()) return {};
  const Allocation &found = std::prev(after)->second;
  if (address - found.base >= found.bytes) return {};
  return found;
}

void set_tag(uint64_t base, uint32_t tag) {
  std::unique_lock lock(range().mutex);
  auto found = range().allocations.find(base);
  if (found != range().allocations.end()) found->second.tag = tag;
}

bool inside(uint64_t address) { return address - range().base < range().bytes; }

uint64_t capacity() { return range().capacity; }

uint64_t allocated() {
  std::shared_lock lock(range().mutex);
  return range().allocated;
}

void reset() {
  std::vector<uint64_t> bases;
  {
    std::shared_lock lock(range().mutex);
    for (const auto &[base, one] : range().allocations)
      if (one.kind != MemoryKind::image && one.kind != MemoryKind::system) bases.push_back(base);
  }
  for (uint64_t base : bases) free(base);
}

uint64_t reserve_area(uint64_t bytes) {
  std::unique_lock lock(range().mutex);
  return range().take_units(bytes, unit_bytes);
}

void release_area(uint64_t base, uint64_t bytes) {
  Range &all = range();
  std::unique_lock lock(all.mutex);
  all.discard(base, round_up(bytes, unit_bytes));
  all.protect(base, round_up(bytes, unit_bytes), false);
  all.give_units(base, bytes);
}

bool protect(uint64_t base, uint64_t bytes, bool open) {
  return range().protect(base, round_up(bytes, page_bytes), open);
}

int shared_file() { return range().file; }
std::vector<uint64_t> open_ranges() {
  std::vector<uint64_t> ranges;
  std::shared_lock lock(range().mutex);
  for (const auto &[base, one] : range().allocations) {
    ranges.push_back(base);
    ranges.push_back(round_up(base + one.bytes, least_slot));
  }
  return ranges;
}

uint64_t range_base() { return range().base; }
uint64_t range_bytes() { return range().bytes; }

}  // namespace wf::memory
