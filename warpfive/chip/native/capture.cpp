// What an access does, from the addresses of its lanes. `warpfive/chip/counting.py` says the same
// slowly, and a test holds the two together.

#include <algorithm>
#include <bit>

#include "warpfive/chip/native/job.h"

namespace wf {
namespace {

constexpr uint64_t sector_bytes = 32, bank_bytes = 4, banks = 32, args_bytes = 32 << 10;

/// The active lanes' addresses, lowest lane first.
struct Lanes {
  uint64_t address[WF_LANES];
  uint8_t number[WF_LANES];
  uint32_t count = 0;

  void add(uint64_t at, uint32_t lane) {
    address[count] = at;
    number[count++] = static_cast<uint8_t>(lane);
  }
};

/// Distinct values; `values` is sorted if it was not.
uint32_t distinct(uint64_t *values, uint32_t count) {
  if (!std::is_sorted(values, values + count)) std::sort(values, values + count);
  return static_cast<uint32_t>(std::unique(values, values + count) - values);
}

class Capture {
 public:
  Capture(WfCtx *ctx, const WfSite &site, Block *block)
      : site_(site), trace_(*block->trace), tally_(block->sites[&site - block->site_table]),
        ctx_(*ctx), block_(*block), time_(ctx->progress - site.rest) {}

  void take(Lanes *lanes);
  bool take_one(uint64_t address, uint32_t mask);
  void take_tile(uint64_t base, uint64_t stride, uint32_t mask);

 private:
  Space space_of(uint64_t address) const;
  void take_space(Space space, const Lanes &lanes);
  void request(Space space, const Lanes &lanes, uint32_t size, uint32_t offset);
  void global(SpaceTally *to, const Lanes &lanes, uint32_t size);
  void shared(SpaceTally *to, const Lanes &lanes, uint32_t size);
  void local(SpaceTally *to, const Lanes &lanes, uint32_t size);
  void atomic(SpaceTally *to, Space space, const Lanes &lanes);
  bool wide(const Lanes &lanes) const;

  const WfSite &site_;
  Trace &trace_;
  SiteTally &tally_;
  const WfCtx &ctx_;
  Block &block_;
  uint64_t time_;
};

Space Capture::space_of(uint64_t address) const {
  if (address - ctx_.shared < block_.shared_bytes()) return space_shared;
  if (address - ctx_.stack < ctx_.stack_bytes * block_.job->threads) return space_local;
  if (address - ctx_.args < args_bytes) return space_constant;
  if (address - ctx_.module_base < ctx_.image_bytes)
    for (const Variable &one : block_.job->kernel.image->variables)
      if (one.kind == VariableKind::constant && address - one.address < one.bytes)
        return space_constant;
  return space_global;
}

void Capture::take(Lanes *lanes) {
  tally_.captured++;
  for (uint32_t i = 0; i < lanes->count; i++)
    lanes->address[i] += static_cast<uint64_t>(int64_t{site_.offset});
  Space first = space_of(lanes->address[0]);
  Lanes rest[spaces];
  bool same = true;
  for (uint32_t i = 1; i < lanes->count && same; i++)
    same = space_of(lanes->address[i]) == first;
  if (site_.parts > 1 && wide(*lanes)) tally_.wide++;
  if (same) return take_space(first, *lanes);
  for (uint32_t i = 0; i < lanes->count; i++)
    rest[space_of(lanes->address[i])].add(lanes->address[i], lanes->number[i]);
  for (int space = 0; space < spaces; space++)
    if (rest[space].count) take_space(static_cast<Space>(space), rest[space]);
}

/// The usual case of one address for all lanes; false where it is not the usual one.
bool Capture::take_one(uint64_t address, uint32_t mask) {
  address += static_cast<uint64_t>(int64_t{site_.offset});
  Space space = space_of(address);
  uint32_t size = site_.size;
  if (site_.kind == WF_ATOMIC || space == space_local) return false;
  if (site_.parts > 1 && address & (uint64_t{size} * site_.parts - 1)) return false;
  if (site_.parts > 1) tally_.wide++;
  size *= site_.parts;
  uint32_t turns = 1;
  if (space == space_shared && size > 4) {
    uint32_t together = size == 8 ? WF_LANES / 2 : WF_LANES / 4, group = (1u << together) - 1;
    turns = 0;
    for (uint32_t first = 0; first < WF_LANES; first += together)
      turns += (mask >> first & group) != 0;
  }
  tally_.captured++;
  SpaceTally *to = &tally_.space[space];
  auto lanes = static_cast<uint64_t>(std::popcount(mask));
  to->requests++;
  to->lanes += lanes;
  to->bytes += lanes * size;
  to->touched += turns;
  to->ideal += turns;
  if (space == space_global)
    trace_.add(address / sector_bytes, time_, ctx_.warp_index, site_.kind);
  return true;
}

/// Whether every lane's parts together are aligned, so that they can be one access.
bool Capture::wide(const Lanes &lanes) const {
  uint64_t low = uint64_t{site_.size} * site_.parts - 1;
  return std::none_of(lanes.address, lanes.address + lanes.count,
                      [low](uint64_t one) { return one & low; });
}

void Capture::take_space(Space space, const Lanes &lanes) {
  if (site_.parts == 1) return request(space, lanes, site_.size, 0);
  if (wide(lanes)) return request(space, lanes, uint32_t{site_.size} * site_.parts, 0);
  for (uint32_t part = 0; part < site_.parts; part++)
    request(space, lanes, site_.size, part * site_.size);
}

void Capture::request(Space space, const Lanes &given, uint32_t size, uint32_t offset) {
  SpaceTally *to = &tally_.space[space];
  Lanes lanes = given;
  for (uint32_t i = 0; i < lanes.count; i++) lanes.address[i] += offset;
  to->requests++;
  to->lanes += lanes.count;
  to->bytes += uint64_t{lanes.count} * size;
  if (site_.kind == WF_ATOMIC) atomic(to, space, lanes);
  if (space == space_constant) {
    to->touched += distinct(lanes.address, lanes.count);
    to->ideal++;
  } else if (space == space_shared) {
    shared(to, lanes, size);
  } else if (space == space_local) {
    local(to, lanes, size);
  } else {
    global(to, lanes, size);
  }
}

void Capture::global(SpaceTally *to, const Lanes &lanes, uint32_t size) {
  uint64_t sectors[WF_LANES];
  for (uint32_t i = 0; i < lanes.count; i++) sectors[i] = lanes.address[i] / sector_bytes;
  uint32_t count = distinct(sectors, lanes.count);
  to->touched += count;
  to->ideal += std::min<uint64_t>(count, (uint64_t{lanes.count} * size + sector_bytes - 1) / sector_bytes);
  for (uint32_t i = 0; i < count; i++) trace_.add(sectors[i], time_, ctx_.warp_index, site_.kind);
}

/// The most distinct words that any bank has to give.
uint32_t passes(uint64_t *words, uint32_t count) {
  count = distinct(words, count);
  uint32_t most = 0;
  uint8_t wanted[banks] = {};
  for (uint32_t i = 0; i < count; i++)
    most = std::max<uint32_t>(most, ++wanted[words[i] % banks]);
  return most;
}

void Capture::shared(SpaceTally *to, const Lanes &lanes, uint32_t size) {
  uint32_t together = size <= 4 ? WF_LANES : size == 8 ? WF_LANES / 2 : WF_LANES / 4;
  for (uint32_t i = 0, end; i < lanes.count; i = end) {
    for (end = i; end < lanes.count && lanes.number[end] / together == lanes.number[i] / together;)
      end++;
    uint64_t words[WF_LANES * 4];
    uint32_t count = 0;
    for (uint32_t lane = i; lane < end; lane++)
      for (uint32_t at = 0; at < size; at += bank_bytes)
        words[count++] = (lanes.address[lane] + at) / bank_bytes;
    to->touched += passes(words, count);
    to->ideal++;
  }
}

/// As if each thread's words lay beside those of its warp's other threads.
void Capture::local(SpaceTally *to, const Lanes &lanes, uint32_t size) {
  uint64_t sectors[WF_LANES * 4];
  uint32_t count = 0;
  for (uint32_t i = 0; i < lanes.count; i++) {
    uint64_t offset = lanes.address[i] - ctx_.stack, thread = offset / ctx_.stack_bytes;
    for (uint32_t at = 0; at < std::max<uint32_t>(size, bank_bytes); at += bank_bytes) {
      uint64_t word = (offset % ctx_.stack_bytes + at) / bank_bytes;
      sectors[count++] = (thread / WF_LANES << 40) + word * 4 + thread % WF_LANES / 8;
    }
  }
  count = distinct(sectors, count);
  to->touched += count;
  to->ideal += std::min<uint64_t>(count, (uint64_t{lanes.count} * size + sector_bytes - 1) / sector_bytes);
}

/// A tile is one request of all its elements.
void Capture::take_tile(uint64_t base, uint64_t stride, uint32_t mask) {
  constexpr uint32_t most = 8 * WF_LANES;
  uint64_t sectors[most], words[most];
  uint32_t count = 0;
  for (uint32_t place = 0; place < site_.registers * uint32_t{WF_LANES}; place++) {
    if (!(mask >> place % WF_LANES & 1)) continue;
    uint64_t line = place / site_.columns, along = place % site_.columns;
    if (site_.turned) std::swap(line, along);
    uint64_t at = base + line * stride + along * site_.size;
    sectors[count] = at / sector_bytes;
    words[count++] = at / bank_bytes;
  }
  uint64_t bytes = uint64_t{count} * site_.size;
  Space space = space_of(base);
  SpaceTally *to = &tally_.space[space];
  tally_.captured++;
  to->requests++;
  to->lanes += static_cast<uint64_t>(std::popcount(mask));
  to->bytes += bytes;
  if (space == space_shared) {
    uint64_t least = (bytes + banks * bank_bytes - 1) / (banks * bank_bytes);
    to->touched += std::max<uint64_t>(least, passes(words, count));
    to->ideal += least;
    return;
  }
  count = distinct(sectors, count);
  to->touched += count;
  to->ideal += std::min<uint64_t>(count, (bytes + sector_bytes - 1) / sector_bytes);
  if (space == space_global)
    for (uint32_t i = 0; i < count; i++)
      trace_.add(sectors[i], time_, ctx_.warp_index, site_.kind);
}

void Capture::atomic(SpaceTally *to, Space space, const Lanes &lanes) {
  uint64_t sorted[WF_LANES];
  std::copy_n(lanes.address, lanes.count, sorted);
  if (!std::is_sorted(sorted, sorted + lanes.count)) std::sort(sorted, sorted + lanes.count);
  uint64_t most = 0;
  HotAddresses &hot = block_.hot[space == space_shared];
  for (uint32_t i = 0, end; i < lanes.count; i = end) {
    for (end = i; end < lanes.count && sorted[end] == sorted[i];) end++;
    to->addresses++;
    most = std::max<uint64_t>(most, end - i);
    hot.add(space == space_shared ? sorted[i] - ctx_.shared : sorted[i], end - i);
  }
  to->passes += most;
}

/// Whether the access is wanted; else when the next one will be.
bool wanted(WfCtx *ctx, const Block &block, uint32_t site, uint32_t mask) {
  const Trace &trace = *block.trace;
  if (trace.windowed && !Windows::open(ctx->progress, trace.phase)) {
    ctx->capture_from = Windows::next(ctx->progress, trace.phase);
    if (!block.site_table[site].once) return false;
  } else {
    ctx->capture_from = 0;  // the warp before may have left it at a later window
  }
  ctx->capture_from = 0;  // an earlier warp of this context may have left a later time
  return mask != 0;
}

}  // namespace

void capture_access(WfCtx *ctx, uint32_t site, uint32_t mask) {
  auto *block = static_cast<Block *>(ctx->scheduler);
  if (!wanted(ctx, *block, site, mask)) return;
  const WfSite &where = block->site_table[site];
  if (where.columns)
    return Capture(ctx, where, block).take_tile(ctx->access_addr[0], ctx->access_addr[1], mask);
  Lanes lanes;
  for (; mask; mask &= mask - 1) {
    auto lane = static_cast<uint32_t>(std::countr_zero(mask));
    lanes.add(ctx->access_addr[lane], lane);
  }
  Capture(ctx, where, block).take(&lanes);
}

void capture_one(WfCtx *ctx, uint32_t site, uint32_t mask, uint64_t address) {
  auto *block = static_cast<Block *>(ctx->scheduler);
  if (!wanted(ctx, *block, site, mask)) return;
  Capture capture(ctx, block->site_table[site], block);
  if (capture.take_one(address, mask)) return;
  Lanes lanes;
  for (; mask; mask &= mask - 1)
    lanes.add(address, static_cast<uint32_t>(std::countr_zero(mask)));
  capture.take(&lanes);
}

void capture_warp_end(WfCtx *ctx) {
  auto *block = static_cast<Block *>(ctx->scheduler);
  block->trace->path = std::max(block->trace->path, ctx->progress);
}

}  // namespace wf
