// Device printf and assert: taking records from the ring, formatting, writing.
#include "printf.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <mutex>

#include "../../chip/native/device.h"
#include "area.h"
#include "limits.h"

namespace wf::rt {
namespace {

struct Printing {
  std::mutex mutex;
  uint64_t area = 0;
  int running = 0;      // kernels
  std::string printed;  // not yet written
  std::string asserted;
};

Printing &printing() {
  static auto *p = new Printing;
  return *p;
}

/// A string in device memory, never read past its allocation.
std::string device_string(uint64_t address) {
  if (address == 0) return "(null)";
  auto found = memory::find(address);
  if (!found) return "(bad pointer)";
  const char *text = reinterpret_cast<const char *>(address);
  return std::string(text, strnlen(text, found->base + found->bytes - address));
}

/// One conversion of a format: flags, width and precision as text, then the length and letter.
struct Conversion {
  std::string spec;  // "%-8.3" with any * replaced
  int longs = 0;     // of l, j, z, t, q
  int shorts = 0;    // of h
  char letter = 0;
};

class Words {
 public:
  Words(const uint64_t *words, size_t count) : words_(words), left_(count) {}
  uint64_t next() {
    if (left_ == 0) return 0;
    left_--;
    return *words_++;
  }

 private:
  const uint64_t *words_;
  size_t left_;
};

/// Reads what follows a percent sign; `*at` moves past it. False if it is no conversion.
bool parse(const char **at, Words &words, Conversion *out) {
  const char *p = *at;
  out->spec = "%";
  while (*p && std::strchr("-+ #0", *p)) out->spec += *p++;
  for (int part = 0; part < 2; part++) {
    if (part == 1) {
      if (*p != '.') break;
      out->spec += *p++;
    }
    if (*p == '*') {
      p++;
      out->spec += std::to_string(static_cast<int32_t>(words.next()));
    }
    while (*p >= '0' && *p <= '9') out->spec += *p++;
  }
  for (; *p && std::strchr("hlLjztq", *p); p++) {
    if (*p == 'h') out->shorts++;
    else if (*p != 'L') out->longs++;
  }
  if (!*p || !std::strchr("diouxXcpsaAeEfFgG", *p)) return false;
  out->letter = *p++;
  *at = p;
  return true;
}

template <class T>
std::string print(const std::string &spec, T value) {
  char small[256];
  int length = std::snprintf(small, sizeof small, spec.c_str(), value);
  if (length < static_cast<int>(sizeof small)) return std::string(small, std::max(length, 0));
  std::string big(static_cast<size_t>(length) + 1, '\0');
  std::snprintf(big.data(), big.size(), spec.c_str(), value);
  big.pop_back();
  return big;
}

std::string print_signed(const Conversion &c, uint64_t word) {
  auto value = static_cast<int64_t>(word);
  if (c.longs == 0) value = static_cast<int32_t>(word);
  if (c.shorts == 1) value = static_cast<int16_t>(word);
  if (c.shorts > 1) value = static_cast<int8_t>(word);
  return print(c.spec + PRId64, value);
}

std::string print_unsigned(const Conversion &c, uint64_t word) {
  if (c.longs == 0) word = static_cast<uint32_t>(word);
  if (c.shorts == 1) word = static_cast<uint16_t>(word);
  if (c.shorts > 1) word = static_cast<uint8_t>(word);
  return print(c.spec + "l" + c.letter, static_cast<unsigned long>(word));
}

std::string convert(const Conversion &c, Words &words) {
  uint64_t word = words.next();
  switch (c.letter) {
    case 'd':
    case 'i': return print_signed(c, word);
    case 'o':
    case 'u':
    case 'x':
    case 'X': return print_unsigned(c, word);
    case 'c': return print(c.spec + "c", static_cast<int>(word));
    case 'p': return print(c.spec + "p", reinterpret_cast<void *>(word));
    case 's': return print(c.spec + "s", device_string(word).c_str());
    default: {
      double value;
      std::memcpy(&value, &word, sizeof value);
      return print(c.spec + c.letter, value);
    }
  }
}

std::string assertion(const uint64_t *words) {
  auto low = [&](int i) { return static_cast<uint32_t>(words[i]); };
  auto high = [&](int i) { return static_cast<uint32_t>(words[i] >> 32); };
  char where[128];
  std::snprintf(where, sizeof where, ": block: [%u,%u,%u], thread: [%u,%u,%u] ", low(4), high(4),
                low(5), high(5), low(6), high(6));
  return device_string(words[1]) + ":" + std::to_string(low(3)) + ": " + device_string(words[2]) +
         where + "Assertion `" + device_string(words[0]) + "` failed.\n";
}

void take(Printing &p, const WfRecord *record) {
  size_t count = (record->bytes - sizeof(WfRecord)) / 8;
  if (record->kind == WF_RECORD_PRINTF && count >= 1)
    p.printed +=
        format_printf(device_string(record->words[0]).c_str(), record->words + 1, count - 1);
  if (record->kind == WF_RECORD_ASSERT && count >= 7) p.asserted += assertion(record->words);
}

/// Empties the ring. The mutex is held and no kernel runs.
void collect(Printing &p) {
  auto *area = reinterpret_cast<WfArea *>(p.area);
  if (!area || area->ring_head == 0) return;
  uint64_t end = std::min(area->ring_head, area->ring_bytes);
  for (uint64_t at = 0; at + sizeof(WfRecord) <= end;) {
    auto *record = reinterpret_cast<WfRecord *>(area->ring_base + at);
    if (record->bytes < sizeof(WfRecord) || record->bytes > end - at) break;
    take(p, record);
    at += record->bytes;
  }
  // Room that no thread writes must read as the end of the ring next time.
  std::memset(reinterpret_cast<void *>(area->ring_base), 0, end);
  area->ring_head = area->ring_lost = 0;
}

uint64_t make_area() {
  uint64_t ring = std::max<size_t>(limit(cudaLimitPrintfFifoSize), 4096) / 16 * 16;
  uint64_t heap = std::max<size_t>(limit(cudaLimitMallocHeapSize), 4096) * 2 / 16 * 16;
  uint64_t head = (sizeof(WfArea) + 511) / 512 * 512;
  uint64_t base = memory::alloc(head + ring + heap, MemoryKind::system);
  if (!base) return 0;
  auto *area = reinterpret_cast<WfArea *>(base);
  std::memset(area, 0, sizeof *area);
  area->ring_base = base + head;
  area->ring_bytes = ring;
  area->heap_base = base + head + ring;
  area->heap_bytes = heap;
  return base;
}

}  // namespace

uint64_t runtime_area() {
  Printing &p = printing();
  std::lock_guard lock(p.mutex);
  if (!p.area) p.area = make_area();
  return p.area;
}

void reset_area() {
  drain_printf();
  Printing &p = printing();
  std::lock_guard lock(p.mutex);
  if (p.area) memory::free(p.area);
  p.area = 0;
}

void kernel_begins() {
  Printing &p = printing();
  std::lock_guard lock(p.mutex);
  p.running++;
}

void kernel_ends() {
  Printing &p = printing();
  std::lock_guard lock(p.mutex);
  if (--p.running == 0) collect(p);
}

void drain_printf() {
  Printing &p = printing();
  std::lock_guard lock(p.mutex);
  if (!p.printed.empty()) std::fwrite(p.printed.data(), 1, p.printed.size(), stdout);
  if (!p.asserted.empty()) {
    std::fflush(stdout);
    std::fwrite(p.asserted.data(), 1, p.asserted.size(), stderr);
  }
  p.printed.clear();
  p.asserted.clear();
}

std::string format_printf(const char *format, const uint64_t *arguments, size_t count) {
  std::string out;
  Words words(arguments, count);
  while (*format) {
    if (*format != '%') {
      out += *format++;
      continue;
    }
    const char *after = format + 1;
    Conversion conversion;
    if (*after == '%') {
      out += '%';
      format = after + 1;
    } else if (parse(&after, words, &conversion)) {
      out += convert(conversion, words);
      format = after;
    } else {
      out += *format++;  // CUDA prints what it does not understand
    }
  }
  return out;
}

}  // namespace wf::rt
