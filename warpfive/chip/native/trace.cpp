// Reuse distances and footprints from sampled accesses.

#include "warpfive/chip/native/trace.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "warpfive/chip/native/device.h"

namespace wf {
namespace {

constexpr uint64_t sector_bytes = 32;

/// Sums over a prefix of positions, each of which counts or does not.
class Marks {
 public:
  void begin(size_t size) { tree_.assign(size + 1, 0); }
  void add(size_t at, int amount) {
    for (size_t i = at + 1; i < tree_.size(); i += i & (0 - i)) tree_[i] += amount;
  }
  int before(size_t at) const {
    int sum = 0;
    for (size_t i = at; i; i &= i - 1) sum += tree_[i];
    return sum;
  }

 private:
  std::vector<int> tree_;
};

/// What is known of each sector: an open hash table that keeps its room.
template <typename Value>
class Sectors {
 public:
  /// Forgets all; room for so many at the least.
  void begin(size_t most) {
    size_t room = std::bit_ceil(most + most / 2 + 2);
    if (slots_.size() < room) slots_.resize(room);
    mask_ = room - 1;
    std::fill_n(slots_.begin(), room, Slot{});
  }
  /// The sector's value; `fresh` where it had none.
  Value &at(uint64_t sector, bool *fresh) {
    size_t place = Trace::hash(sector) & mask_;
    while (slots_[place].used && slots_[place].sector != sector) place = (place + 1) & mask_;
    *fresh = !slots_[place].used;
    slots_[place].used = true;
    slots_[place].sector = sector;
    return slots_[place].value;
  }

 private:
  struct Slot {
    uint64_t sector = 0;
    Value value{};
    bool used = false;
  };
  std::vector<Slot> slots_;
  size_t mask_ = 0;
};

struct Ordered {
  Access access;
  uint32_t block;
};

/// An access's position in its stream, and how many sectors the windows had missed before it.
struct Last {
  size_t at = 0;
  double missed = 0;
};

/// Room for looking at a stream, kept by each thread.
struct Room {
  std::vector<Ordered> gathered, sorted;
  std::vector<uint32_t> starts;
  Marks marks;
  Sectors<Last> last;
};

bool earlier(const Ordered &a, const Ordered &b) {
  if (a.access.time != b.access.time) return a.access.time < b.access.time;
  if (a.block != b.block) return a.block < b.block;
  return a.access.warp < b.access.warp;
}

/// By time, keeping the order otherwise: times are small numbers, so that counting sorts them.
void sort_by_time(Room *room) {
  uint32_t latest = 0;
  for (const Ordered &one : room->gathered) latest = std::max(latest, one.access.time);
  size_t count = room->gathered.size();
  if (latest > 4 * count + 1024) {
    room->sorted = room->gathered;
    std::stable_sort(room->sorted.begin(), room->sorted.end(), earlier);
    return;
  }
  room->starts.assign(latest + 2, 0);
  for (const Ordered &one : room->gathered) room->starts[one.access.time + 1]++;
  for (size_t i = 1; i < room->starts.size(); i++) room->starts[i] += room->starts[i - 1];
  room->sorted.resize(count);
  for (const Ordered &one : room->gathered) room->sorted[room->starts[one.access.time]++] = one;
  if (!std::is_sorted(room->sorted.begin(), room->sorted.end(), earlier))
    std::stable_sort(room->sorted.begin(), room->sorted.end(), earlier);
}

const std::vector<Ordered> &abreast(const std::vector<const Trace *> &blocks, unsigned shift,
                                    Room *room) {
  uint64_t mask = (uint64_t{1} << shift) - 1;
  room->gathered.clear();
  for (uint32_t i = 0; i < blocks.size(); i++)
    for (const Access &one : blocks[i]->accesses)
      if (!(Trace::hash(one.sector >> 2) & mask)) room->gathered.push_back({one, i});
  if (std::is_sorted(room->gathered.begin(), room->gathered.end(), earlier))
    return room->gathered;
  sort_by_time(room);
  return room->sorted;
}

int bucket_of(double distance) {
  auto whole = static_cast<uint64_t>(distance + 0.5);
  return std::min(static_cast<int>(std::bit_width(whole)), reuse_buckets - 1);
}

/// The number of distinct things that `draws` draws find where each draw takes `each` of `pool`.
double found_of(double pool, double each, double draws) {
  return pool * (1 - std::pow(1 - std::min(1.0, each / pool), draws));
}

/// What `all` groups touch, when `groups` of them touched `each` on average and `distinct` in
/// all: groups draw from a pool as large as that says.
double extrapolated(double distinct, double each, double groups, double all) {
  if (all <= groups || distinct <= 0) return distinct;
  double alone = each * groups;
  if (groups < 2 || distinct >= alone * 0.98) return distinct * all / groups;
  double low = distinct, high = distinct * 1e6;
  for (int i = 0; i < 100; i++) {
    double pool = std::sqrt(low * high);
    (found_of(pool, each, groups) < distinct ? low : high) = pool;
  }
  return std::max(distinct, found_of(low, each, all));
}

/// Sectors of one allocation that a launch's counted groups touched.
struct Touched {
  uint64_t base = 0, end = 0;   // of the allocation
  uint64_t low = UINT64_MAX, high = 0;
  double distinct[3] = {}, summed[3] = {};  // touched at all, loaded, stored
};

struct Seen {
  uint32_t group = UINT32_MAX;  // the last that touched it
  uint8_t ever = 0, here = 0;   // bits: loaded, stored; here: by that group
};

class Footprint {
 public:
  void begin(size_t most) { sectors_.begin(most); }
  void take(const Access &one, uint32_t group);
  /// `reach`: share of the grid between the outermost groups.
  void add_to(RawCounts *to, double weight, double groups, double all, double reach) const;

 private:
  Touched &owner(uint64_t address);
  Sectors<Seen> sectors_;
  std::vector<Touched> owners_;
};

Touched &Footprint::owner(uint64_t address) {
  for (Touched &one : owners_)
    if (address >= one.base && address < one.end) return one;
  Touched fresh;
  auto found = memory::find(address);
  fresh.base = found ? found->base : address / sector_bytes * sector_bytes;
  fresh.end = fresh.base + (found ? found->bytes : sector_bytes);
  owners_.push_back(fresh);
  return owners_.back();
}

void Footprint::take(const Access &one, uint32_t group) {
  uint8_t bits = one.kind == WF_LOAD ? 1 : one.kind == WF_STORE ? 2 : 3;
  bool new_here;
  Seen &seen = sectors_.at(one.sector, &new_here);
  if (seen.group != group) {
    seen.group = group;
    seen.here = 0;
  }
  uint8_t fresh = static_cast<uint8_t>(bits & ~seen.here), first = static_cast<uint8_t>(bits & ~seen.ever);
  if (!fresh) return;
  Touched &where = owner(one.sector * sector_bytes);
  where.low = std::min(where.low, one.sector);
  where.high = std::max(where.high, one.sector + 1);
  where.summed[0] += !seen.here;
  where.distinct[0] += !seen.ever;
  for (int i = 0; i < 2; i++) {
    where.summed[i + 1] += fresh >> i & 1;
    where.distinct[i + 1] += first >> i & 1;
  }
  seen.here |= bits;
  seen.ever |= bits;
}

void Footprint::add_to(RawCounts *to, double weight, double groups, double all,
                       double reach) const {
  for (const Touched &one : owners_) {
    // No more than what lies between the outermost, groups elsewhere reaching a little further.
    double span = static_cast<double>(one.high - one.low) * (all > groups ? (1 + 2 / groups) / reach : 1);
    double whole = std::ceil(static_cast<double>(one.end - one.base) / sector_bytes);
    double most = std::min(std::max(span, one.distinct[0]), whole);
    for (int i = 0; i < 3; i++) {
      double found = extrapolated(one.distinct[i] * weight, one.summed[i] * weight / groups,
                                  groups, all);
      to->footprint[i] += std::min(found, std::max(most, one.distinct[i]));
    }
  }
}

}  // namespace

void HotAddresses::add(uint64_t address, uint64_t count, uint64_t surplus) {
  int least = 0;
  for (int i = 0; i < used_; i++) {
    if (address_[i] == address) {
      count_[i] += count;
      surplus_[i] += surplus;
      return;
    }
    if (count_[i] < count_[least]) least = i;
  }
  if (used_ < room) {
    least = used_++;
    count_[least] = 0;
  }
  address_[least] = address;
  surplus_[least] = count_[least] + surplus;
  count_[least] += count;
}

void HotAddresses::add(const HotAddresses &other) {
  for (int i = 0; i < other.used_; i++)
    add(other.address_[i], other.count_[i], other.surplus_[i]);
  total += other.total;
}

uint64_t HotAddresses::most() const {
  uint64_t most = 0;
  for (int i = 0; i < used_; i++) most = std::max(most, count_[i] - surplus_[i]);
  return most;
}

void Trace::begin(uint64_t index, uint32_t warps, size_t most_accesses) {
  block = index;
  sample_mask = 0;
  std::fill(std::begin(seen), std::end(seen), 0);
  accesses.clear();
  progress.assign(warps, 0);
  path = barrier_wait = 0;
  most_ = most_accesses;
}

void Trace::thin_to(unsigned shift) {
  sample_mask = (uint64_t{1} << shift) - 1;
  std::erase_if(accesses, [this](const Access &one) { return hash(one.sector >> 2) & sample_mask; });
}

void Trace::thin() {
  while (accesses.size() >= most_ && shift() < 40) thin_to(shift() + 1);
}

ReuseTally reuse_of(std::vector<const Trace *> blocks, double *weight) {
  ReuseTally tally;
  unsigned shift = 0;
  for (const Trace *one : blocks) {
    shift = std::max(shift, one->shift());
    for (int kind = 0; kind < 2; kind++) tally.seen[kind] += static_cast<double>(one->seen[kind]);
  }
  *weight = static_cast<double>(uint64_t{1} << shift);
  bool windowed = blocks.front()->windowed;
  uint64_t phase = blocks.front()->phase;
  static thread_local Room room;
  const std::vector<Ordered> &all = abreast(blocks, shift, &room);
  Marks &marks = room.marks;
  marks.begin(all.size());
  room.last.begin(all.size());
  double cold = 0, missed = 0;  // distinct sectors between the windows, as far as can be said
  uint64_t captured = 1, before = 0;
  for (size_t i = 0; i < all.size(); i++) {
    const Access &one = all[i].access;
    uint64_t periods = (one.time + phase) / Windows::period - (before + phase) / Windows::period;
    if (windowed && periods) {
      double skipped = static_cast<double>(periods) * (Windows::period - Windows::length);
      missed += cold / static_cast<double>(captured) * skipped;
      captured += Windows::length;
    } else {
      captured += one.time - before;
    }
    before = one.time;
    bool fresh;
    Last &last = room.last.at(one.sector, &fresh);
    if (fresh) {
      cold++;
      if (one.kind != WF_ATOMIC) tally.cold[one.kind]++;
    } else {
      double distance =
          (marks.before(i) - marks.before(last.at + 1) + missed - last.missed) * *weight;
      if (one.kind != WF_ATOMIC) tally.distances[one.kind][bucket_of(distance)]++;
      marks.add(last.at, -1);
    }
    last = {i, missed};
    marks.add(i, 1);
  }
  return tally;
}

void settle_block(const Trace &trace, RawCounts *to) {
  double weight;
  to->l1.add(reuse_of({&trace}, &weight), weight);
  to->path_sum += static_cast<double>(trace.path);
  to->path_max = std::max(to->path_max, static_cast<double>(trace.path));
  to->barrier_wait += static_cast<double>(trace.barrier_wait);
  to->blocks++;
}

void settle_traces(std::vector<Trace> *traces, const Sampling &sampling, RawCounts *to) {
  if (traces->empty()) return;
  std::sort(traces->begin(), traces->end(),
            [](const Trace &a, const Trace &b) { return a.block < b.block; });
  unsigned shift = 0;
  double weight;
  size_t accesses = 0;
  for (const Trace &one : *traces) {
    shift = std::max(shift, one.shift());
    accesses += one.accesses.size();
  }
  Footprint footprint;
  footprint.begin(accesses);
  uint64_t mask = (uint64_t{1} << shift) - 1;
  uint32_t groups = 0;
  size_t largest = 1;
  for (size_t from = 0, end; from < traces->size(); from = end) {
    std::vector<const Trace *> group;
    uint64_t number = (*traces)[from].block / sampling.group;
    for (end = from; end < traces->size() && (*traces)[end].block / sampling.group == number; end++)
      group.push_back(&(*traces)[end]);
    largest = std::max(largest, group.size());
    for (const Trace *one : group)
      for (const Access &access : one->accesses)
        if (!(Trace::hash(access.sector >> 2) & mask)) footprint.take(access, groups);
    groups++;
    to->l2.add(reuse_of(std::move(group), &weight), weight);
  }
  to->group_blocks = std::max(to->group_blocks, static_cast<int>(largest));
  bool whole = traces->size() == sampling.blocks;
  double all = std::ceil(static_cast<double>(sampling.blocks) / static_cast<double>(sampling.group));
  // Where counting became too dear only the grid's beginning was counted.
  double blocks = static_cast<double>(traces->back().block - traces->front().block + sampling.group);
  double reach = std::min(blocks / static_cast<double>(sampling.blocks), 1.0);
  footprint.add_to(to, static_cast<double>(uint64_t{1} << shift), groups, whole ? groups : all,
                   reach);
  to->footprints++;
}

}  // namespace wf
