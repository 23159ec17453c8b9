// What is counted of a launch: `warpfive/perf/counters.py` defines every quantity.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "warpfive/chip/native/abi.h"

namespace wf {

constexpr int reuse_buckets = 40;

struct Traffic {
  double requests = 0, lanes = 0, bytes = 0, sectors = 0, ideal_sectors = 0;
};

struct SharedTraffic {
  double requests = 0, lanes = 0, bytes = 0, wavefronts = 0, ideal_wavefronts = 0;
};

struct Atomics {
  double requests = 0, lanes = 0, addresses = 0, passes = 0, sectors = 0, hottest = 0;
};

struct Reuse {
  int blocks = 1;
  std::array<double, reuse_buckets> loads{}, stores{};
  double cold_loads = 0, cold_stores = 0;
};

struct LineCounters {
  std::string file;
  uint32_t line = 0;
  double warp_instructions = 0, lane_instructions = 0, requests = 0, sectors = 0,
         ideal_sectors = 0, shared_requests = 0, wavefronts = 0, ideal_wavefronts = 0,
         branches = 0, divergent_branches = 0, atomic_lanes = 0, atomic_addresses = 0, spills = 0;
};

/// Counts of one launch, or of all launches of a record.
struct KernelCounters {
  double warp[WF_UNITS] = {}, lane[WF_UNITS] = {}, flops[3] = {}, tensor_ops[4] = {};
  double branches = 0, divergent_branches = 0;
  Traffic global_load, global_store, local_load, local_store;
  SharedTraffic shared_load, shared_store;
  Atomics global_atomic, shared_atomic;
  double constant_requests = 0, constant_addresses = 0;
  Reuse l1, l2;
  double footprint_sectors = 0, footprint_loaded = 0, footprint_stored = 0;  // of one launch
  double barrier_wait = 0, path_mean = 0, path_max = 0;
  double global_load_groups = 0, shared_load_groups = 0;
  uint32_t registers = 0;  // of a thread; 0: unknown
  std::vector<LineCounters> lines;  // of a record only

  double warp_instructions() const;
  double lane_instructions() const;
};

enum Space { space_global, space_shared, space_local, space_constant, spaces };

/// Accesses of one instruction to one memory, as captured.
struct SpaceTally {
  uint64_t requests = 0, lanes = 0, bytes = 0;
  uint64_t touched = 0;    // sectors, wavefronts, or addresses of constants
  uint64_t ideal = 0;
  uint64_t addresses = 0, passes = 0;  // of atomics
  void add(const SpaceTally &other);
};

struct SiteTally {
  uint64_t captured = 0;  // times the access was reported
  uint64_t wide = 0;      // times all its parts made one request
  SpaceTally space[spaces];
  void add(const SiteTally &other);
};

/// What one instruction of a kernel did.
struct PcCounts {
  WfOp op{};
  WfSite site{};  // of an access
  bool leads = false;  // it reports the site's addresses
  uint64_t site_pc = 0;
  int32_t line = -1;  // in RawCounts::lines
  uint64_t times = 0, lanes = 0, parted = 0;
  SiteTally tally;
};

/// Reuse distances of sampled sectors, and how many accesses the samples stand for.
struct ReuseTally {
  std::array<double, reuse_buckets> distances[2]{};  // of loads, of stores
  double cold[2] = {}, seen[2] = {};
  /// Adds one stream's: sampled entries count `weight` each, and all together `seen`.
  void add(const ReuseTally &stream, double weight);
};

/// Everything counted of some blocks of a kernel, not scaled.
struct RawCounts {
  std::map<uint64_t, PcCounts> instructions;  // by offset in the image
  std::vector<std::pair<std::string, uint32_t>> lines;
  uint64_t blocks = 0;        // counted
  ReuseTally l1, l2;
  int group_blocks = 1;       // of the streams of l2
  double footprint[3] = {};   // of a launch, summed over `footprints` launches
  uint64_t footprints = 0;
  double path_sum = 0, path_max = 0, barrier_wait = 0;
  double hottest[2] = {};     // share of the atomics' lanes, summed over `footprints` launches
  uint32_t registers = 0;

  void add(const RawCounts &other);
  /// Adds a worker's counters of one object of code.
  void add(const WfCode *code, const uint64_t *counters, const SiteTally *sites);
  int32_t line_number(const std::string &file, uint32_t line);
  /// The counts of `blocks` blocks (of `launches` launches), those counted being a sample.
  KernelCounters scaled(double blocks, double launches, bool with_lines) const;
};

/// The record's counts as JSON members, with the keys of perf's Counters.
std::string json_members(const KernelCounters &counters);

}  // namespace wf
