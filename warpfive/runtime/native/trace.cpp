// Spans of the chip's timeline, written when the process exits.
#include "trace.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace wf::rt {
namespace {

constexpr size_t kMost = 1 << 20;

struct Span {
  const char *kind;
  const std::string *kernel;
  uint32_t grid[3], block[3];
  unsigned long long stream;
  uint64_t start_ns, end_ns, bytes;
};

struct Spans {
  std::mutex mutex;
  std::vector<Span> all;
  std::unordered_map<std::string, std::string> names;  // mangled -> demangled
  uint64_t left_out = 0;
};

Spans &spans() {
  static Spans *one = new Spans;
  return *one;
}

std::string quoted(const std::string &text) {
  std::string result = "\"";
  for (char one : text) {
    if (one == '"' || one == '\\') result += '\\';
    result += one;
  }
  return result + '"';
}

std::string json_line(const Span &one) {
  char text[320];
  std::string line = std::string("{\"kind\": \"") + one.kind + "\"";
  if (one.kernel) {
    snprintf(text, sizeof text, ", \"grid\": [%u, %u, %u], \"block\": [%u, %u, %u]", one.grid[0],
             one.grid[1], one.grid[2], one.block[0], one.block[1], one.block[2]);
    line += ", \"kernel\": " + quoted(*one.kernel) + text;
  }
  snprintf(text, sizeof text,
           ", \"stream\": %llu, \"start_ns\": %llu, \"end_ns\": %llu, \"bytes\": %llu}\n",
           one.stream, static_cast<unsigned long long>(one.start_ns),
           static_cast<unsigned long long>(one.end_ns), static_cast<unsigned long long>(one.bytes));
  return line + text;
}

void write_trace() {
  std::string text;
  std::lock_guard lock(spans().mutex);
  for (const Span &one : spans().all) text += json_line(one);
  if (spans().left_out)
    fprintf(stderr, "warpfive: the trace has the first %zu spans; %llu more were left out\n", kMost,
            static_cast<unsigned long long>(spans().left_out));
  int file = open(settings().trace.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0 || write(file, text.data(), text.size()) < 0)
    fprintf(stderr, "warpfive: the trace %s cannot be written: %s\n", settings().trace.c_str(),
            strerror(errno));
  if (file >= 0) close(file);
}

/// The kernel's name for people; one string a kernel.
const std::string *name_of(Spans *all, const Kernel &kernel) {
  auto [found, fresh] = all->names.try_emplace(kernel.name);
  if (fresh) found->second = demangle(kernel.name);
  return &found->second;
}

}  // namespace

void trace(const Charge &what, unsigned long long stream, uint64_t start_ns, uint64_t end_ns) {
  static const bool at_exit = [] { return atexit(write_trace) == 0; }();
  (void)at_exit;
  Spans &all = spans();
  std::lock_guard lock(all.mutex);
  if (all.all.size() >= kMost) {
    all.left_out++;
    return;
  }
  Span span{what.kind, nullptr, {}, {}, stream, start_ns, end_ns, what.bytes};
  if (what.launch) {
    span.kernel = name_of(&all, *what.launch->kernel);
    for (int i = 0; i < 3; i++)
      span.grid[i] = what.launch->grid[i], span.block[i] = what.launch->block[i];
  }
  all.all.push_back(span);
}

}  // namespace wf::rt
