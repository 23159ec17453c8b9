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

struct Records {
  std::mutex mutex;
  std::vector<LaunchRecord> all;
  std::unordered_map<std::string, size_t> index;  // by name and shape
};

Records &records() {
  static Records *one = new Records;
  return *one;
}

std::string key(const Launch &launch) {
  std::string text(reinterpret_cast<const char *>(launch.grid), sizeof launch.grid);
  text.append(reinterpret_cast<const char *>(launch.block), sizeof launch.block);
  return text + launch.kernel->name;
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
           "\"warp_instructions\": %llu, \"lane_instructions\": %llu, \"divergence\": %.6f, "
           "\"host_s\": %.9f, \"exact\": %s}\n",
           one.grid[0], one.grid[1], one.grid[2], one.block[0], one.block[1], one.block[2],
           static_cast<unsigned long long>(one.launches),
           static_cast<unsigned long long>(one.warp_instructions),
           static_cast<unsigned long long>(one.lane_instructions), one.divergence(), one.host_s,
           one.exact ? "true" : "false");
  return "{\"kernel\": \"" + escaped(one.kernel) + "\", " + numbers;
}

void write_report() {
  std::string text;
  for (const LaunchRecord &one : launch_records()) text += json_line(one);
  int file = open(settings().report.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  // Appended in one write: several processes of a program may share the file.
  if (file < 0 || write(file, text.data(), text.size()) < 0)
    fprintf(stderr, "warpfive: the report %s cannot be written: %s\n", settings().report.c_str(),
            strerror(errno));
  if (file >= 0) close(file);
}

}  // namespace

double LaunchRecord::divergence() const {
  if (!warp_instructions) return 0;
  return 1 - static_cast<double>(lane_instructions) /
                 (WF_LANES * static_cast<double>(warp_instructions));
}

void record_launch(const Launch &launch, double host_s, uint64_t warp_instructions,
                   uint64_t lane_instructions, bool exact) {
  static const bool at_exit = [] { return atexit(write_report) == 0; }();
  (void)at_exit;
  std::lock_guard lock(records().mutex);
  auto [found, fresh] = records().index.try_emplace(key(launch), records().all.size());
  if (fresh) {
    LaunchRecord record;
    record.kernel = demangle(launch.kernel->name);
    std::copy_n(launch.grid, 3, record.grid);
    std::copy_n(launch.block, 3, record.block);
    records().all.push_back(record);
  }
  LaunchRecord &record = records().all[found->second];
  record.launches++;
  record.host_s += host_s;
  record.warp_instructions += warp_instructions;
  record.lane_instructions += lane_instructions;
  record.exact = record.exact && exact;
}

std::vector<LaunchRecord> launch_records() {
  std::lock_guard lock(records().mutex);
  return records().all;
}

void clear_records() {
  std::lock_guard lock(records().mutex);
  records().all.clear();
  records().index.clear();
}

}  // namespace wf
