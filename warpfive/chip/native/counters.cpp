// From counters of basic blocks and captured accesses to what perf's Counters hold.

#include "warpfive/chip/native/counters.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

namespace wf {

double KernelCounters::warp_instructions() const {
  return std::accumulate(warp, warp + WF_UNITS, 0.0);
}

double KernelCounters::lane_instructions() const {
  return std::accumulate(lane, lane + WF_UNITS, 0.0);
}

void SpaceTally::add(const SpaceTally &other) {
  requests += other.requests;
  lanes += other.lanes;
  bytes += other.bytes;
  touched += other.touched;
  ideal += other.ideal;
  addresses += other.addresses;
  passes += other.passes;
}

void SiteTally::add(const SiteTally &other) {
  captured += other.captured;
  wide += other.wide;
  for (int i = 0; i < spaces; i++) space[i].add(other.space[i]);
}

/// A sample by lines may hold too many or too few entries; those it should not have had, or
/// lacks, are taken to be of the shortest distance (Waldspurger et al., "Efficient MRC
/// construction with SHARDS", FAST 2015, section 3.2).
void ReuseTally::add(const ReuseTally &stream, double weight) {
  for (int kind = 0; kind < 2; kind++) {
    double sum = stream.cold[kind];
    for (double one : stream.distances[kind]) sum += one;
    sum *= weight;
    double shortest = stream.distances[kind][0] * weight + stream.seen[kind] - sum;
    double scale = 1;
    if (shortest < 0) {
      scale = stream.seen[kind] / (sum - stream.distances[kind][0] * weight);
      shortest = 0;
    }
    distances[kind][0] += shortest;
    for (int i = 1; i < reuse_buckets; i++)
      distances[kind][i] += stream.distances[kind][i] * weight * scale;
    cold[kind] += stream.cold[kind] * weight * scale;
    seen[kind] += stream.seen[kind];
  }
}

// -------------------------------------------------------------------------------- raw counts

int32_t RawCounts::line_number(const std::string &file, uint32_t line) {
  for (size_t i = 0; i < lines.size(); i++)
    if (lines[i].second == line && lines[i].first == file) return static_cast<int32_t>(i);
  lines.emplace_back(file, line);
  return static_cast<int32_t>(lines.size() - 1);
}

void RawCounts::add(const RawCounts &other) {
  for (const auto &[pc, theirs] : other.instructions) {
    auto [found, fresh] = instructions.try_emplace(pc, theirs);
    PcCounts &ours = found->second;
    if (fresh) {
      if (theirs.line >= 0) {
        const auto &[file, line] = other.lines[static_cast<size_t>(theirs.line)];
        ours.line = line_number(file, line);
      }
      continue;
    }
    ours.times += theirs.times;
    ours.lanes += theirs.lanes;
    ours.parted += theirs.parted;
    ours.tally.add(theirs.tally);
  }
  blocks += other.blocks;
  l1.add(other.l1, 1);
  l2.add(other.l2, 1);
  group_blocks = std::max(group_blocks, other.group_blocks);
  for (int i = 0; i < 3; i++) footprint[i] += other.footprint[i];
  for (int i = 0; i < 2; i++) hottest[i] += other.hottest[i];
  footprints += other.footprints;
  path_sum += other.path_sum;
  path_max = std::max(path_max, other.path_max);
  barrier_wait += other.barrier_wait;
  registers = std::max(registers, other.registers);
}

void RawCounts::add(const WfCode *code, const uint64_t *counters, const SiteTally *sites) {
  registers = std::max(registers, code->registers);
  for (uint32_t b = 0; b < code->basic_blocks; b++) {
    const uint64_t *counts = counters + 3 * b;
    uint32_t size = code->block_instructions[b];
    if (!counts[0] || !size) continue;
    bool full = code->block_flags[b] & WF_BLOCK_FULL;
    for (uint32_t i = 0; i < size; i++) {
      const WfOp &op = code->ops[code->block_ops[b] + i];
      auto [found, fresh] = instructions.try_emplace(op.pc);
      PcCounts &here = found->second;
      if (fresh) {
        here.op = op;
        if (op.site >= 0) {
          here.site = code->sites[op.site];
          here.site_pc = here.site.pc;
          here.leads = here.site.pc == op.pc;
        }
        if (op.line >= 0) {
          const WfLine &place = code->lines[op.line];
          here.line = line_number(code->files + place.file, place.line);
        }
      }
      here.times += counts[0];
      here.lanes += full ? WF_LANES * counts[0] : counts[1];
      if (op.flags & WF_OP_CONDITIONAL) here.parted += counts[2];
    }
  }
  for (uint32_t i = 0; sites && i < code->site_count; i++) {
    if (!sites[i].captured) continue;
    auto found = instructions.find(code->sites[i].pc);
    if (found != instructions.end()) found->second.tally.add(sites[i]);
  }
}

// ------------------------------------------------------------------------------------ scaling

namespace {

/// Distributes one instruction's counts over units and memories.
class Scaler {
 public:
  Scaler(const RawCounts &raw, double factor, KernelCounters *to)
      : raw_(raw), factor_(factor), to_(*to) {}

  void take(const PcCounts &one, LineCounters *line);

 private:
  const PcCounts *leader(const PcCounts &one) const;
  void take_access(const PcCounts &one, LineCounters *line);
  void take_unit(const PcCounts &one, const PcCounts &site);
  void take_space(const PcCounts &one, Space space, double scale, LineCounters *line);
  void count(uint32_t unit, double times, double lanes);

  const RawCounts &raw_;
  double factor_;
  KernelCounters &to_;
};

void Scaler::count(uint32_t unit, double times, double lanes) {
  to_.warp[unit] += times * factor_;
  to_.lane[unit] += lanes * factor_;
}

const PcCounts *Scaler::leader(const PcCounts &one) const {
  if (one.leads) return &one;
  auto found = raw_.instructions.find(one.site_pc);
  return found == raw_.instructions.end() ? nullptr : &found->second;
}

void add_traffic(Traffic *to, const SpaceTally &from, double scale) {
  to->requests += static_cast<double>(from.requests) * scale;
  to->lanes += static_cast<double>(from.lanes) * scale;
  to->bytes += static_cast<double>(from.bytes) * scale;
  to->sectors += static_cast<double>(from.touched) * scale;
  to->ideal_sectors += static_cast<double>(from.ideal) * scale;
}

void add_shared(SharedTraffic *to, const SpaceTally &from, double scale) {
  to->requests += static_cast<double>(from.requests) * scale;
  to->lanes += static_cast<double>(from.lanes) * scale;
  to->bytes += static_cast<double>(from.bytes) * scale;
  to->wavefronts += static_cast<double>(from.touched) * scale;
  to->ideal_wavefronts += static_cast<double>(from.ideal) * scale;
}

void add_atomics(Atomics *to, const SpaceTally &from, double scale) {
  to->requests += static_cast<double>(from.requests) * scale;
  to->lanes += static_cast<double>(from.lanes) * scale;
  to->addresses += static_cast<double>(from.addresses) * scale;
  to->passes += static_cast<double>(from.passes) * scale;
  to->sectors += static_cast<double>(from.touched) * scale;
}

void Scaler::take_space(const PcCounts &one, Space space, double scale, LineCounters *line) {
  const SpaceTally &from = one.tally.space[space];
  if (!from.requests) return;
  int kind = one.site.kind;
  if (space == space_constant) {
    to_.constant_requests += static_cast<double>(from.requests) * scale;
    to_.constant_addresses += static_cast<double>(from.touched) * scale;
    return;
  }
  if (kind == WF_ATOMIC) {
    add_atomics(space == space_shared ? &to_.shared_atomic : &to_.global_atomic, from, scale);
  } else if (space == space_shared) {
    add_shared(kind == WF_STORE ? &to_.shared_store : &to_.shared_load, from, scale);
  } else {
    Traffic *to = space == space_local ? (kind == WF_STORE ? &to_.local_store : &to_.local_load)
                                       : (kind == WF_STORE ? &to_.global_store : &to_.global_load);
    add_traffic(to, from, scale);
  }
  if (!line) return;
  double requests = static_cast<double>(from.requests) * scale;
  double touched = static_cast<double>(from.touched) * scale;
  double ideal = static_cast<double>(from.ideal) * scale;
  if (space == space_global) {
    line->requests += requests;
    line->sectors += touched;
    line->ideal_sectors += ideal;
  } else if (space == space_shared && kind != WF_ATOMIC) {
    line->shared_requests += requests;
    line->wavefronts += touched;
    line->ideal_wavefronts += ideal;
  } else if (space == space_local) {
    line->spills += requests;
  }
  if (kind == WF_ATOMIC) {
    line->atomic_lanes += static_cast<double>(from.lanes) * scale;
    line->atomic_addresses += static_cast<double>(from.addresses) * scale;
  }
}

void Scaler::take_access(const PcCounts &one, LineCounters *line) {
  if (!one.tally.captured) return;
  double scale = static_cast<double>(one.times) / static_cast<double>(one.tally.captured) * factor_;
  for (int space = 0; space < spaces; space++)
    take_space(one, static_cast<Space>(space), scale, line);
}

uint32_t unit_of(int kind, int space) {
  if (kind == WF_ATOMIC) return WF_UNIT_ATOMIC;
  bool store = kind == WF_STORE;
  switch (space) {
    case space_shared: return store ? WF_UNIT_SHARED_STORE : WF_UNIT_SHARED_LOAD;
    case space_local: return WF_UNIT_LOCAL;
    case space_constant: return store ? WF_UNIT_GLOBAL_STORE : WF_UNIT_CONSTANT;
    default: return store ? WF_UNIT_GLOBAL_STORE : WF_UNIT_GLOBAL_LOAD;
  }
}

/// The instruction's times, shared out over the memories its site went to.
void Scaler::take_unit(const PcCounts &one, const PcCounts &site) {
  double times = static_cast<double>(one.times), lanes = static_cast<double>(one.lanes);
  if (one.op.flags & WF_OP_FOLDED && site.tally.captured) {
    double wide = static_cast<double>(site.tally.wide) / static_cast<double>(site.tally.captured);
    count(WF_UNIT_FOLDED, times * wide, lanes * wide);
    times *= 1 - wide;
    lanes *= 1 - wide;
  }
  double all = 0;
  for (const SpaceTally &space : site.tally.space) all += static_cast<double>(space.requests);
  if (!all) return count(one.op.unit, times, lanes);
  for (int space = 0; space < spaces; space++) {
    double share = static_cast<double>(site.tally.space[space].requests) / all;
    if (share == 0) continue;
    uint32_t unit = unit_of(site.site.kind, space);
    count(unit, times * share, lanes * share);
    if (!(one.op.flags & WF_OP_OPENS)) continue;
    if (unit == WF_UNIT_GLOBAL_LOAD) to_.global_load_groups += times * share * factor_;
    if (unit == WF_UNIT_SHARED_LOAD) to_.shared_load_groups += times * share * factor_;
  }
}

void Scaler::take(const PcCounts &one, LineCounters *line) {
  double times = static_cast<double>(one.times) * factor_;
  double lanes = static_cast<double>(one.lanes) * factor_;
  const PcCounts *site = one.op.site >= 0 ? leader(one) : nullptr;
  if (site) take_unit(one, *site);
  else count(one.op.unit, static_cast<double>(one.times), static_cast<double>(one.lanes));
  if (one.leads) take_access(one, line);
  if (one.op.flops) to_.flops[one.op.flop_type] += lanes * one.op.flops;
  if (one.op.tensor_ops) to_.tensor_ops[one.op.tensor_type] += times * one.op.tensor_ops;
  bool branch = one.op.flags & WF_OP_CONDITIONAL;
  if (branch) {
    to_.branches += times;
    to_.divergent_branches += static_cast<double>(one.parted) * factor_;
  }
  if (!line) return;
  line->warp_instructions += times;
  line->lane_instructions += lanes;
  if (one.op.unit == WF_UNIT_SPILL) line->spills += times;
  if (branch) {
    line->branches += times;
    line->divergent_branches += static_cast<double>(one.parted) * factor_;
  }
}

/// Distances whose sum is that of the sectors counted by the accesses.
void scale_reuse(const ReuseTally &from, int blocks, const double sectors[2], Reuse *to) {
  to->blocks = blocks;
  for (int kind = 0; kind < 2; kind++) {
    if (!(from.seen[kind] > 0)) continue;
    double scale = sectors[kind] / from.seen[kind];
    auto &distances = kind ? to->stores : to->loads;
    for (int i = 0; i < reuse_buckets; i++) distances[i] = from.distances[kind][i] * scale;
    (kind ? to->cold_stores : to->cold_loads) = from.cold[kind] * scale;
  }
}

}  // namespace

KernelCounters RawCounts::scaled(double wanted, double launches, bool with_lines) const {
  KernelCounters to;
  if (!blocks) return to;
  double factor = wanted / static_cast<double>(blocks);
  if (with_lines) {
    to.lines.resize(lines.size());
    for (size_t i = 0; i < lines.size(); i++) {
      to.lines[i].file = lines[i].first;
      to.lines[i].line = lines[i].second;
    }
  }
  Scaler scaler(*this, factor, &to);
  for (const auto &[pc, one] : instructions)
    scaler.take(one, with_lines && one.line >= 0 ? &to.lines[static_cast<size_t>(one.line)]
                                                  : nullptr);
  double sectors[2] = {to.global_load.sectors, to.global_store.sectors};
  scale_reuse(l1, 1, sectors, &to.l1);
  scale_reuse(l2, group_blocks, sectors, &to.l2);
  double mean = footprints ? 1.0 / static_cast<double>(footprints) : 0;
  to.footprint_sectors = footprint[0] * mean;
  to.footprint_loaded = footprint[1] * mean;
  to.footprint_stored = footprint[2] * mean;
  to.global_atomic.hottest = hottest[0] * mean * to.global_atomic.lanes;
  to.shared_atomic.hottest = hottest[1] * mean * to.shared_atomic.lanes;
  to.barrier_wait = barrier_wait * factor;
  to.path_mean = path_sum / static_cast<double>(blocks);
  to.path_max = path_max;
  to.registers = registers;
  return to;
}

// --------------------------------------------------------------------------------------- JSON

namespace {

constexpr const char *unit_names[] = {
    "alu", "int_mul", "fp32", "fp64", "fp16", "sfu", "convert", "global_load", "global_store",
    "shared_load", "shared_store", "local", "constant", "spill", "folded", "atomic", "branch",
    "warp", "barrier", "tensor", "other",
};
static_assert(std::size(unit_names) == WF_UNITS);
constexpr const char *flop_names[] = {"fp64", "fp32", "fp16"};
constexpr const char *tensor_names[] = {"fp16", "bf16", "tf32", "int8"};

std::string number(double value) {
  char text[40];
  bool whole = value == std::floor(value) && std::abs(value) < 1e15;
  snprintf(text, sizeof text, whole ? "%.0f" : "%.12g", value);
  return text;
}

class Object {
 public:
  Object &add(const char *name, double value) { return raw(name, number(value)); }
  Object &raw(const char *name, const std::string &value) {
    text_ += (text_.empty() ? "\"" : ", \"") + std::string(name) + "\": " + value;
    return *this;
  }
  std::string members() const { return text_; }
  std::string done() const { return "{" + text_ + "}"; }

 private:
  std::string text_;
};

template <size_t N>
std::string named(const char *const (&names)[N], const double *values) {
  Object object;
  for (size_t i = 0; i < N; i++)
    if (values[i] != 0) object.add(names[i], values[i]);
  return object.done();
}

std::string json(const Traffic &one) {
  return Object().add("requests", one.requests).add("lanes", one.lanes).add("bytes", one.bytes)
      .add("sectors", one.sectors).add("ideal_sectors", one.ideal_sectors).done();
}

std::string json(const SharedTraffic &one) {
  return Object().add("requests", one.requests).add("lanes", one.lanes).add("bytes", one.bytes)
      .add("wavefronts", one.wavefronts).add("ideal_wavefronts", one.ideal_wavefronts).done();
}

std::string json(const Atomics &one) {
  return Object().add("requests", one.requests).add("lanes", one.lanes)
      .add("addresses", one.addresses).add("passes", one.passes).add("sectors", one.sectors)
      .add("hottest", one.hottest).done();
}

std::string json(const std::array<double, reuse_buckets> &values) {
  std::string text;
  for (double one : values) text += (text.empty() ? "" : ", ") + number(one);
  return "[" + text + "]";
}

std::string json(const Reuse &one) {
  return Object().add("blocks", one.blocks).raw("loads", json(one.loads))
      .raw("stores", json(one.stores)).add("cold_loads", one.cold_loads)
      .add("cold_stores", one.cold_stores).done();
}

std::string quoted_text(const std::string &text) {
  std::string result = "\"";
  for (char one : text) {
    if (one == '"' || one == '\\') result += '\\';
    result += one;
  }
  return result + "\"";
}

std::string json(const LineCounters &one) {
  return Object().raw("file", quoted_text(one.file)).add("line", one.line)
      .add("warp_instructions", one.warp_instructions)
      .add("lane_instructions", one.lane_instructions).add("requests", one.requests)
      .add("sectors", one.sectors).add("ideal_sectors", one.ideal_sectors)
      .add("shared_requests", one.shared_requests).add("wavefronts", one.wavefronts)
      .add("ideal_wavefronts", one.ideal_wavefronts).add("branches", one.branches)
      .add("divergent_branches", one.divergent_branches).add("atomic_lanes", one.atomic_lanes)
      .add("atomic_addresses", one.atomic_addresses).add("spills", one.spills).done();
}

}  // namespace

std::string json_members(const KernelCounters &one) {
  std::string lines;
  for (const LineCounters &line : one.lines)
    if (line.warp_instructions > 0) lines += (lines.empty() ? "" : ", ") + json(line);
  return Object()
      .raw("warp", named(unit_names, one.warp)).raw("lane", named(unit_names, one.lane))
      .raw("flops", named(flop_names, one.flops))
      .raw("tensor_ops", named(tensor_names, one.tensor_ops))
      .add("branches", one.branches).add("divergent_branches", one.divergent_branches)
      .raw("global_load", json(one.global_load)).raw("global_store", json(one.global_store))
      .raw("local_load", json(one.local_load)).raw("local_store", json(one.local_store))
      .raw("shared_load", json(one.shared_load)).raw("shared_store", json(one.shared_store))
      .raw("global_atomic", json(one.global_atomic)).raw("shared_atomic", json(one.shared_atomic))
      .add("constant_requests", one.constant_requests)
      .add("constant_addresses", one.constant_addresses)
      .raw("l1", json(one.l1)).raw("l2", json(one.l2))
      .add("footprint_sectors", one.footprint_sectors)
      .add("footprint_loaded", one.footprint_loaded)
      .add("footprint_stored", one.footprint_stored).add("barrier_wait", one.barrier_wait)
      .add("path_mean", one.path_mean).add("path_max", one.path_max)
      .add("global_load_groups", one.global_load_groups)
      .add("shared_load_groups", one.shared_load_groups).raw("lines", "[" + lines + "]")
      .members();
}

}  // namespace wf
