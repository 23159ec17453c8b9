// What a kernel did, what a chip can do, and how long the one takes on the other.
//
// The chip's library links it for the clock that programs read, and Python calls it
// through ctypes for reports. The three structures hold doubles only; `warpfive/perf/timing.py`
// reads their members' names from this file.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

// Reuse distances: bucket 0 holds a distance of 0 other sectors, bucket i distances from 2^(i-1)
// to 2^i - 1. First accesses of a sector are in none of them.
#define WF_REUSE_BUCKETS 40

/// Counts of one launch, of all its blocks: `warpfive/perf/counters.py` defines each.
/// A sector is 32 bytes; a request is one warp's access.
struct WfCounts {
  double blocks;              // of the grid
  double threads;             // of a block
  double registers;           // 32-bit registers of a thread; 0 where unknown
  double shared_bytes;        // shared memory of a block, static and dynamic
  double alu;                 // warp instructions by unit
  double int_mul;
  double fp32;
  double fp64;
  double fp16;
  double sfu;
  double convert;
  double global_load;
  double global_store;
  double shared_load;
  double shared_store;
  double local;
  double atomic;
  double branch;
  double warp;
  double barrier;
  double tensor;
  double other;
  double tensor_fp16;         // operations of the matrix unit by type
  double tensor_bf16;
  double tensor_tf32;
  double tensor_int8;
  double load_requests;       // of global memory
  double load_sectors;
  double store_requests;
  double store_sectors;
  double local_requests;
  double local_sectors;
  double shared_wavefronts;   // passes over the banks, of loads and stores
  double shared_passes;       // turns of shared-memory atomics
  double constant_turns;      // constant requests' second and later addresses
  double atomic_requests;     // on global memory
  double atomic_sectors;
  double atomic_passes;       // turns, request by request
  double atomic_hottest;      // on the most used address
  double load_groups;         // times a warp waits for global loads
  double shared_groups;
  double path;                // instructions on a block's critical path over a warp's mean
  double longest;             // the longest block's path over the mean path
  double footprint_loaded;    // distinct sectors of one launch
  double footprint_stored;
  double period;              // distinct sectors touched from one such launch to the next
  double repeats;             // share of the launches that follow another
  double cold_loads;          // first accesses within a group of neighbouring blocks
  double cold_stores;
  double l2_blocks;           // blocks of such a group
  double reuse_l1[WF_REUSE_BUCKETS];         // loads, by distance within a block
  double reuse_l2_loads[WF_REUSE_BUCKETS];   // by distance within a group
  double reuse_l2_stores[WF_REUSE_BUCKETS];
};

/// Figures of a chip in SI units; rates of a core are per clock.
struct WfFigures {
  double cores;
  double clock_hz;
  double schedulers;          // warp instructions a core starts each clock
  double fp32_lanes;
  double int_lanes;
  double fp64_lanes;
  double half_lanes;
  double sfu_lanes;
  double lsu_bytes;           // L1 or shared memory
  double l2_port_bytes;       // that a core gets from the L2
  double registers;
  double threads;
  double blocks;
  double scratch_bytes;
  double block_scratch_bytes; // shared memory that the chip itself takes of every block
  double l1_bytes;
  double alu_cycles;          // until a dependent instruction can start
  double shared_cycles;
  double l1_cycles;
  double barrier_cycles;
  double l2_s;                // latency of a hit
  double dram_s;
  double l2_bytes;
  double l2_bandwidth;
  double l2_slices;
  double dram_bandwidth;      // that streaming reaches
  double dram_peak;
  double tensor_fp16;         // operations per second of the chip
  double tensor_bf16;
  double tensor_tf32;
  double tensor_int8;
  double start_s;             // of an empty kernel
  double launch_s;            // host time of one launch
  double host_bandwidth;      // of a copy to or from the host
  double host_s;              // latency of such a copy
};

/// Seconds by term, and what led to them.
struct WfTime {
  double issue;
  double fp32;
  double integer;
  double fp64;
  double half;
  double sfu;
  double tensor;
  double l1;                  // L1 and shared memory, one path
  double l2;
  double dram;
  double atomics;
  double latency;             // waves of resident blocks, each as long as a warp's own chain
  double body;                // the terms joined
  double total;               // start + body
  double resident_blocks;     // on a core, when the grid fills it
  double limit;               // what bounds them: 0 threads, 1 registers, 2 shared, 3 blocks, 4 grid
  double occupancy;           // resident warps of what a core can hold
  double waves;
  double tail;                // blocks of the busiest core over the mean
  double fill;                // share of the chip that it keeps busy
  double l1_hit;              // share of sector accesses
  double l2_hit;              // share of what reaches the L2
  double l2_sectors;
  double dram_bytes;
};

void wf_kernel_time(const struct WfCounts *counts, const struct WfFigures *chip,
                    struct WfTime *time);

/// Seconds of a copy: 0 within the device, 1 to or from the host.
double wf_copy_time(const struct WfFigures *chip, double bytes, int over_host_link);

/// Seconds to fill so many bytes of device memory.
double wf_fill_time(const struct WfFigures *chip, double bytes);

#ifdef __cplusplus
}
#endif
