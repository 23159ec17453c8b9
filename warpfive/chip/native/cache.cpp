// Names in the cache of translated objects: by the image, the kernel, the block's shape, the host's
// features, and the contents of the translator's sources.

#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "warpfive/chip/native/internal.h"

namespace wf {
namespace {

namespace fs = std::filesystem;

/// FNV-1a, 64 bits, as 16 hex digits.
std::string hashed(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (unsigned char byte : text) hash = (hash ^ byte) * 0x100000001b3;
  char digits[17];
  snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash));
  return digits;
}

bool source_file(const fs::path &path) {
  std::string end = path.extension().string();
  return end == ".py" || end == ".c" || end == ".h" || end == ".txt" || end == ".toml";
}

/// One entry a source file: its path in the package and its contents.
void read_sources(const fs::path &package, const char *room, std::vector<std::string> *found) {
  std::error_code error;
  for (fs::recursive_directory_iterator step(package / room, error), end; !error && step != end;
       step.increment(error)) {
    if (!source_file(step->path())) continue;
    std::ifstream file(step->path(), std::ios::binary);
    found->push_back(step->path().lexically_relative(package).string() + "\n");
    found->back().append(std::istreambuf_iterator<char>(file), {});
  }
}

std::string folder(const Image &image) { return settings().cache + "/translated/" + image.id; }

}  // namespace

#if defined(__x86_64__)
/// The best vector level that both the processor and the system offer.
static const char *best_level() {
  unsigned a, b, c, d, low, high;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return "sse4";
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  bool fma = c & bit_FMA, f16c = c & bit_F16C;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return "sse4";
  const unsigned wide = bit_AVX512F | bit_AVX512DQ | bit_AVX512BW | bit_AVX512VL | bit_AVX512CD;
  // XCR0: 6 is the state of AVX, e6 that of AVX-512.
  if ((low & 0xe6) == 0xe6 && (b & wide) == wide && fma && f16c) return "avx512";
  return (low & 6) == 6 && (b & bit_AVX2) && fma && f16c ? "avx2" : "sse4";
}
#else
static const char *best_level() { return "neon"; }
#endif

std::string host_level() {
  return settings().host.empty() ? best_level() : settings().host;
}

/// The same for the same translator, wherever it is installed.
static std::string translator_hash() {
  static const std::string hash = [] {
    std::vector<std::string> files;
    fs::path package = fs::path(server_place().package) / "warpfive";
    for (const char *room : {"translator", "isa"}) read_sources(package, room, &files);
    std::sort(files.begin(), files.end());
    std::string all;
    for (const std::string &file : files) all += file;
    return hashed(all);
  }();
  return hash;
}

std::string translated_path(const Image &image, const std::string &kernel,
                            const uint32_t block[3], const char *variant) {
  char shape[64];
  snprintf(shape, sizeof shape, "-%ux%ux%u-", block[0], block[1], block[2]);
  return folder(image) + "/" + hashed(kernel) + shape + variant + "-" + host_level() + "-" +
         std::to_string(WF_ABI_VERSION) + "-" + translator_hash() + ".so";
}

std::string image_path(const Image &image) {
  std::string path = folder(image) + "/image.elf";
  if (access(path.c_str(), R_OK) == 0) return path;
  std::error_code error;
  fs::create_directories(folder(image), error);
  std::string temporary = path + "." + std::to_string(getpid());
  FILE *file = fopen(temporary.c_str(), "we");
  if (!file) return "";
  const std::vector<char> &elf = image.loaded->elf;
  bool written = fwrite(elf.data(), 1, elf.size(), file) == elf.size();
  written = fclose(file) == 0 && written;
  if (!written || rename(temporary.c_str(), path.c_str())) {
    unlink(temporary.c_str());
    return "";
  }
  return path;
}

}  // namespace wf
