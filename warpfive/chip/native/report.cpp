// What was run: records by kernel and shape, written as JSON lines when the process exits.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "warpfive/chip/native/internal.h"

namespace wf {
namespace {

struct Record {
  LaunchRecord seen;
  RawCounts counts;
  uint64_t blocks = 0;  // of one launch
  std::shared_ptr<const KernelCounters> one;  // of one launch, by what was counted so far

  double touched_at = 0;  // Records::touched when its latest launch began
  double periods = 0;     // sectors touched from one launch to the next, summed
  std::string kin;  // image, name and block: shapes that may lend each other their counts

  /// By these counts, the record's own or another grid's.
  LaunchRecord finished(const RawCounts &by) const {
    LaunchRecord record = seen;
    double all = static_cast<double>(blocks) * static_cast<double>(seen.launches);
    record.counters = by.scaled(all, static_cast<double>(seen.launches), true);
    record.sampled_blocks = counts.blocks;
    record.registers = by.registers;
    record.exact = counts.blocks == blocks * seen.launches;
    if (seen.launches > 1) record.period_sectors = periods / static_cast<double>(seen.launches - 1);
    return record;
  }
};

struct Records {
  std::mutex mutex;
  std::vector<Record> all;
  double touched = 0;  // sectors of all launches so far
  std::unordered_map<std::string, size_t> index;  // by image, name and shape
  std::unordered_map<std::string, size_t> lenders;  // by kin: a record that was counted

  const RawCounts &counts(const Record &record) const {
    auto lender = lenders.find(record.kin);
    bool borrows = !record.counts.blocks && lender != lenders.end();
    return borrows ? all[lender->second].counts : record.counts;
  }
};

Records &records() {
  static Records *one = new Records;
  return *one;
}

std::string kin(const Launch &launch) {
  std::string text(reinterpret_cast<const char *>(launch.block), sizeof launch.block);
  return text + launch.kernel->image->id + launch.kernel->name;
}

std::string key(const Launch &launch) {
  std::string text(reinterpret_cast<const char *>(launch.grid), sizeof launch.grid);
  return text + std::to_string(launch.dynamic_shared_bytes) + kin(launch);
}

std::string escaped(const std::string &text) {
  std::string result;
  for (char one : text) {
    if (one == '"' || one == '\\') result += '\\';
    result += one;
  }
  return result;
}

std::string json_line(const LaunchRecord &one) {
  char numbers[512];
  snprintf(numbers, sizeof numbers,
           "\"grid\": [%u, %u, %u], \"block\": [%u, %u, %u], \"launches\": %llu, "
           "\"host_s\": %.9f, \"exact\": %s, \"sampled_blocks\": %llu, "
           "\"dynamic_shared_bytes\": %llu, \"static_shared_bytes\": %llu, \"registers\": %u, "
           "\"stack_bytes\": %llu, \"args_bytes\": %llu, \"period_sectors\": %.6g, ",
           one.grid[0], one.grid[1], one.grid[2], one.block[0], one.block[1], one.block[2],
           static_cast<unsigned long long>(one.launches), one.host_s,
           one.exact ? "true" : "false", static_cast<unsigned long long>(one.sampled_blocks),
           static_cast<unsigned long long>(one.dynamic_shared_bytes),
           static_cast<unsigned long long>(one.static_shared_bytes), one.registers,
           static_cast<unsigned long long>(one.stack_bytes),
           static_cast<unsigned long long>(one.args_bytes), one.period_sectors);
  std::string names = "{\"kernel\": \"" + escaped(one.kernel) + "\", \"image\": \"" + one.image;
  return names + "\", " + numbers + json_members(one.counters) + "}\n";
}

void write_report() {
  std::string text = report_text();
  int file = open(settings().report.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  // Appended in one write: several processes of a program may share the file.
  if (file < 0 || write(file, text.data(), text.size()) < 0)
    fprintf(stderr, "warpfive: the report %s cannot be written: %s\n", settings().report.c_str(),
            strerror(errno));
  if (file >= 0) close(file);
}

LaunchRecord described(const Launch &launch) {
  LaunchRecord record;
  record.kernel = demangle(launch.kernel->name);
  record.image = launch.kernel->image->id;
  std::copy_n(launch.grid, 3, record.grid);
  std::copy_n(launch.block, 3, record.block);
  record.dynamic_shared_bytes = launch.dynamic_shared_bytes;
  record.static_shared_bytes = launch.kernel->static_shared_bytes;
  record.stack_bytes = launch.kernel->stack_bytes;
  record.args_bytes = launch.kernel->args_bytes;
  return record;
}

}  // namespace

std::string report_text() {
  std::string text;
  for (const LaunchRecord &one : launch_records()) text += json_line(one);
  return text;
}

std::shared_ptr<const KernelCounters> record_launch(const Launch &launch, double host_s,
                                                    const RawCounts &counts) {
  static const bool at_exit = [] { return settings().report.empty() || !atexit(write_report); }();
  (void)at_exit;
  std::lock_guard lock(records().mutex);
  auto [found, fresh] = records().index.try_emplace(key(launch), records().all.size());
  if (fresh) {
    records().all.emplace_back();
    records().all.back().seen = described(launch);
    records().all.back().kin = kin(launch);
    records().all.back().blocks = uint64_t{launch.grid[0]} * launch.grid[1] * launch.grid[2];
  }
  Record &record = records().all[found->second];
  record.seen.launches++;
  record.seen.host_s += host_s;
  if (counts.blocks) {
    record.counts.add(counts);
    records().lenders.try_emplace(record.kin, found->second);
  }
  const RawCounts &by = records().counts(record);
  if (by.blocks && (counts.blocks || !record.one))
    record.one = std::make_shared<KernelCounters>(
        by.scaled(static_cast<double>(record.blocks), 1, false));
  if (record.seen.launches > 1) record.periods += records().touched - record.touched_at;
  record.touched_at = records().touched;
  if (record.one) records().touched += record.one->footprint_sectors;
  return record.one;
}

bool counted_before(const Launch &launch) {
  std::lock_guard lock(records().mutex);
  auto found = records().index.find(key(launch));
  return found != records().index.end() && records().all[found->second].counts.blocks;
}

std::vector<LaunchRecord> launch_records() {
  std::lock_guard lock(records().mutex);
  std::vector<LaunchRecord> all;
  for (const Record &one : records().all) all.push_back(one.finished(records().counts(one)));
  return all;
}

void clear_records() {
  std::lock_guard lock(records().mutex);
  records().all.clear();
  records().index.clear();
  records().lenders.clear();
}

}  // namespace wf
