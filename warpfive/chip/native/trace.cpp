// Reuse distances and footprints from sampled accesses.

#include "warpfive/chip/native/trace.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <unordered_map>

#include "warpfive/chip/native/device.h"

namespace wf {
namespace {

constexpr uint64_t sector_bytes = 32;

/// Sums over a prefix of positions, each of which counts or does not.
class Marks {
 public:
  explicit Marks(size_t size) : tree_(size + 1) {}
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

struct Ordered {
  Access access;
  uint32_t block;
};

std::vector<Ordered> abreast(const std::vector<const Trace *> &blocks, unsigned shift) {
  std::vector<Ordered> all;
  uint64_t mask = (uint64_t{1} << shift) - 1;
  for (uint32_t i = 0; i < blocks.size(); i++)
    for (const Access &one : blocks[i]->accesses)
      if (!(Trace::hash(one.sector >> 2) & mask)) all.push_back({one, i});
  std::stable_sort(all.begin(), all.end(), [](const Ordered &a, const Ordered &b) {
    if (a.access.time != b.access.time) return a.access.time < b.access.time;
    if (a.block != b.block) return a.block < b.block;
    return a.access.warp < b.access.warp;
  });
  return all;
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
  void take(const Access &one, uint32_t group);
  /// `reach`: share of the grid between the outermost groups.
  void add_to(RawCounts *to, double weight, double groups, double all, double reach) const;

 private:
  Touched &owner(uint64_t address);
  std::unordered_map<uint64_t, Seen> sectors_;
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
  Seen &seen = sectors_[one.sector];
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
  for (HotAddresses &one : hot) one.clear();
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
  std::vector<Ordered> all = abreast(blocks, shift);
  Marks marks(all.size());
  std::unordered_map<uint64_t, std::pair<size_t, double>> last;  // position, and `missed` then
  last.reserve(all.size());
  double cold = 0, missed = 0;  // distinct sectors between the windows, as far as can be said
  uint64_t captured = 1, before = 0;
  for (size_t i = 0; i < all.size(); i++) {
    const Access &one = all[i].access;
    if (windowed && one.time / Windows::period != before / Windows::period) {
      double skipped = static_cast<double>(one.time / Windows::period - before / Windows::period) *
                       (Windows::period - Windows::length);
      missed += cold / static_cast<double>(captured) * skipped;
      captured += Windows::length;
    } else {
      captured += one.time - before;
    }
    before = one.time;
    auto [found, fresh] = last.try_emplace(one.sector, i, missed);
    if (fresh) {
      cold++;
      if (one.kind != WF_ATOMIC) tally.cold[one.kind]++;
    } else {
      auto [at, missed_then] = found->second;
      double distance = (marks.before(i) - marks.before(at + 1) + missed - missed_then) * *weight;
      if (one.kind != WF_ATOMIC) tally.distances[one.kind][bucket_of(distance)]++;
      marks.add(at, -1);
      found->second = {i, missed};
    }
    marks.add(i, 1);
  }
  return tally;
}

void settle_traces(std::vector<Trace> *traces, const Sampling &sampling, RawCounts *to) {
  if (traces->empty()) return;
  std::sort(traces->begin(), traces->end(),
            [](const Trace &a, const Trace &b) { return a.block < b.block; });
  unsigned shift = 0;
  double weight;
  for (const Trace &one : *traces) {
    shift = std::max(shift, one.shift());
    to->l1.add(reuse_of({&one}, &weight), weight);
    to->path_sum += static_cast<double>(one.path);
    to->path_max = std::max(to->path_max, static_cast<double>(one.path));
    to->barrier_wait += static_cast<double>(one.barrier_wait);
  }
  for (int i = 0; i < 2; i++) {
    HotAddresses all;
    for (const Trace &one : *traces) all.add(one.hot[i]);
    if (all.total)
      to->hottest[i] += static_cast<double>(all.most()) / static_cast<double>(all.total);
  }
  Footprint footprint;
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
