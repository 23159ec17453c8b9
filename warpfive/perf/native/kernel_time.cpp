// The timing model. docs/timing.md explains every formula and names its sources.
#include "kernel_time.h"

#include <math.h>

#define SECTOR 32.0
#define LANES 32.0
#define BANK_BYTES 128.0     // that one pass over the banks moves
#define L2_SHARE 0.7         // of the L2's peak that streaming from it reaches
#define ILP 1.5              // instructions of one warp that overlap
#define ATOMICS_IN_FLIGHT 4.0
#define SHARPNESS 4.0        // of the joined terms; infinite would be their maximum
#define REGISTER_UNIT 256.0  // registers are given to a warp in portions of this
#define REGISTERS_UNKNOWN 64.0
#define REGISTERS_MOST 255.0 // of a thread; compilers keep the rest in memory
#define USUAL_CORES 128.0
#define L1_LEAST 0.1         // of the L1 that shared memory cannot take

static double at_least(double value, double least) { return value > least ? value : least; }
static double at_most(double value, double most) { return value < most ? value : most; }
static double share(double value) { return at_most(at_least(value, 0), 1); }
static double ratio(double a, double b) { return b > 0 ? a / b : 0; }

static double sum(const double *values) {
  double total = 0;
  for (int i = 0; i < WF_REUSE_BUCKETS; i++) total += values[i];
  return total;
}

/// Accesses whose data a cache of so many sectors still holds. Within a bucket distances are
/// taken to be even.
static double hits(const double *reuse, double sectors) {
  double total = reuse[0] * share(sectors);
  for (int i = 1; i < WF_REUSE_BUCKETS; i++) {
    double low = ldexp(1, i - 1);
    total += reuse[i] * share((sectors - low) / low);
  }
  return total;
}

/// Instructions that take an issue slot. Uniform constants are operands, not loads.
static double issued(const struct WfCounts *c) {
  return c->alu + c->int_mul + c->fp32 + c->fp64 + c->fp16 + c->sfu + c->convert +
         c->global_load + c->global_store + c->shared_load + c->shared_store + c->local +
         c->constant_turns + c->atomic + c->branch + c->warp + c->barrier + c->tensor + c->other;
}

static double warps_of(const struct WfCounts *c) { return ceil(c->threads / LANES); }

/// Blocks that fit on a core, and which limit they meet first.
static void occupy(const struct WfCounts *c, const struct WfFigures *f, struct WfTime *t) {
  double warps = warps_of(c), registers = c->registers > 0 ? c->registers : REGISTERS_UNKNOWN;
  registers = at_most(registers, REGISTERS_MOST);
  double each = ceil(registers * LANES / REGISTER_UNIT) * REGISTER_UNIT * warps;
  double by_grid = ceil(c->blocks / f->cores);
  double limits[] = {
      floor(f->threads / (warps * LANES)),
      floor(f->registers / each),
      floor(f->scratch_bytes / at_least(c->shared_bytes + f->block_scratch_bytes, 1)),
      f->blocks,
      by_grid,
  };
  int least = 0;
  for (int i = 1; i < 5; i++)
    if (limits[i] < limits[least]) least = i;
  t->limit = least;
  t->resident_blocks = at_least(limits[least], 1);
  t->occupancy = at_most(t->resident_blocks * warps * LANES / f->threads, 1);
  t->waves = ceil(c->blocks / (f->cores * t->resident_blocks));
  t->tail = ratio(by_grid * f->cores, c->blocks);
  limits[4] = limits[3];
  for (int i = 0; i < 4; i++) limits[4] = at_most(limits[4], limits[i]);
  t->fill = share(c->blocks / (f->cores * at_least(limits[4], 1)));
}

/// Sectors that go to memory although the cache saw them before.
static double missed_again(const struct WfCounts *c, const struct WfFigures *f,
                           const struct WfTime *t, double l2) {
  // Other groups' sectors come between two accesses of one group: as many as run at once on a
  // chip of usual size. Taking this chip's would let more cores seem slower.
  double abreast = at_most(t->resident_blocks * USUAL_CORES, c->blocks);
  double groups = at_least(abreast / at_least(c->l2_blocks, 1), 1);
  double near = sum(c->reuse_l2_loads) + sum(c->reuse_l2_stores) -
                hits(c->reuse_l2_loads, l2 / groups) - hits(c->reuse_l2_stores, l2 / groups);
  // Sectors that several groups share are read once, and again where they did not stay.
  double loaded = at_least(c->cold_loads - c->footprint_loaded, 0);
  double stored = at_least(c->cold_stores - c->footprint_stored, 0);
  double whole = at_least(c->footprint_loaded, c->footprint_stored);
  return near + (loaded + stored) * (1 - share(ratio(l2, whole)));
}

/// What the caches let through.
static void filter(const struct WfCounts *c, const struct WfFigures *f, struct WfTime *t) {
  double free = at_least(f->l1_bytes - t->resident_blocks * c->shared_bytes,
                         L1_LEAST * f->l1_bytes);
  double held = at_most(hits(c->reuse_l1, free / SECTOR / t->resident_blocks), c->load_sectors);
  double past = c->load_sectors - held;  // stores are written through
  t->l2_sectors = past + c->store_sectors + c->atomic_sectors;
  double l2 = f->l2_bytes / SECTOR;
  double warm = c->repeats * share(2 * (1 - ratio(c->period, l2)));
  if (!(l2 > 0)) warm = 0;
  double missed = c->footprint_loaded * (1 - warm) +
                  at_most(missed_again(c, f, t, l2), t->l2_sectors);
  double written_back = c->footprint_stored * (1 - warm);
  t->dram_bytes = (missed + written_back) * SECTOR;
  t->l1_hit = ratio(held, c->load_sectors);
  t->l2_hit = t->l2_sectors > 0 ? share(1 - missed / t->l2_sectors) : 0;
}

/// Work over a core's rate, for the core that has most blocks.
static double core_time(const struct WfFigures *f, const struct WfTime *t, double work,
                        double rate) {
  return ratio(work * t->tail, f->cores * rate * f->clock_hz);
}

static void units(const struct WfCounts *c, const struct WfFigures *f, struct WfTime *t) {
  double integer = c->alu + c->int_mul + c->convert + c->warp;
  t->issue = core_time(f, t, issued(c), f->schedulers);
  t->fp32 = core_time(f, t, c->fp32 * LANES, f->fp32_lanes);
  t->half = core_time(f, t, c->fp16 * LANES, f->half_lanes);
  t->integer = core_time(f, t, integer * LANES, f->int_lanes);
  t->fp64 = core_time(f, t, c->fp64 * LANES, f->fp64_lanes);
  t->sfu = core_time(f, t, c->sfu * LANES, f->sfu_lanes);
  t->tensor = t->tail * (ratio(c->tensor_fp16, f->tensor_fp16) +
                         ratio(c->tensor_bf16, f->tensor_bf16) +
                         ratio(c->tensor_tf32, f->tensor_tf32) +
                         ratio(c->tensor_int8, f->tensor_int8));
}

static void memories(const struct WfCounts *c, const struct WfFigures *f, struct WfTime *t) {
  // A request passes the tags once a clock; its sectors and the banks' passes move data.
  double requests = c->load_requests + c->store_requests + c->atomic_requests + c->local_requests;
  double data = (c->load_sectors + c->store_sectors + c->local_sectors) * SECTOR / f->lsu_bytes;
  double banks = (c->shared_wavefronts + c->shared_passes) * BANK_BYTES / f->lsu_bytes;
  double moved = t->l2_sectors * SECTOR;
  t->l1 = core_time(f, t, at_least(requests, data) + banks, 1);
  t->l2 = at_least(ratio(moved, L2_SHARE * f->l2_bandwidth),
                   core_time(f, t, moved, f->l2_port_bytes));
  t->dram = ratio(t->dram_bytes, f->dram_bandwidth);
  // A slice takes one turn a clock; turns on one address wait for each other.
  double turns = at_least(c->atomic_sectors, c->atomic_passes);
  t->atomics = at_least(ratio(turns, f->l2_slices * f->clock_hz),
                        ratio(c->atomic_hottest, f->clock_hz));
}

/// Seconds a warp takes by itself: its instructions, loads and barriers one after another.
static double chain(const struct WfCounts *c, const struct WfFigures *f, const struct WfTime *t) {
  double waits = c->global_load + c->shared_load + c->barrier + c->atomic;
  double steps = issued(c) - at_most(waits, issued(c));
  double cycles = steps * f->alu_cycles / ILP + c->shared_groups * f->shared_cycles +
                  c->barrier * f->barrier_cycles;
  double beyond = f->l2_s + (1 - t->l2_hit) * at_least(f->dram_s - f->l2_s, 0);
  double load_s = f->l1_cycles / f->clock_hz + (1 - t->l1_hit) * beyond;
  double total = cycles / f->clock_hz + c->load_groups * load_s +
                 c->atomic_requests * f->l2_s / ATOMICS_IN_FLIGHT;
  return total / (c->blocks * warps_of(c));
}

/// One wave of resident blocks after another, each as long as a block's critical path.
static void waits(const struct WfCounts *c, const struct WfFigures *f, struct WfTime *t) {
  double last = at_least(c->longest, 1);
  t->latency = chain(c, f, t) * at_least(c->path, 1) * (t->waves - 1 + last);
}

/// What a kernel beside it finds taken: the cores' room for blocks, or the memories.
static double busy(const struct WfTime *t) {
  double memories = at_least(at_least(t->dram, t->l2), t->atomics);
  return share(at_least(t->fill, ratio(memories, t->body)));
}

static double joined(const struct WfTime *t) {
  const double terms[] = {t->issue, t->fp32, t->integer, t->fp64, t->half, t->sfu, t->tensor,
                          t->l1, t->l2, t->dram, t->atomics, t->latency};
  double largest = 0, total = 0;
  int count = sizeof terms / sizeof *terms;
  for (int i = 0; i < count; i++) largest = at_least(terms[i], largest);
  if (!(largest > 0)) return 0;
  for (int i = 0; i < count; i++) total += pow(terms[i] / largest, SHARPNESS);
  return largest * pow(total, 1 / SHARPNESS);
}

void wf_kernel_time(const struct WfCounts *counts, const struct WfFigures *chip,
                    struct WfTime *time) {
  occupy(counts, chip, time);
  filter(counts, chip, time);
  units(counts, chip, time);
  memories(counts, chip, time);
  waits(counts, chip, time);
  time->body = joined(time);
  time->total = chip->start_s + time->body;
  time->fill = busy(time);
}

double wf_copy_time(const struct WfFigures *chip, double bytes, int over_host_link) {
  if (over_host_link) return chip->host_s + bytes / chip->host_bandwidth;
  return chip->start_s + 2 * bytes / chip->dram_bandwidth;
}

double wf_fill_time(const struct WfFigures *chip, double bytes) {
  return chip->start_s + bytes / chip->dram_bandwidth;
}
