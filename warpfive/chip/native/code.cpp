// Translated code: found in this process, then in the cache, then asked of the translator.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "warpfive/chip/native/clock.h"
#include "warpfive/chip/native/internal.h"

namespace wf {

/// A loaded translation of one kernel. A list, newest first, that is only ever added to.
struct Code {
  uint32_t block[3];
  std::string variant;
  const WfCode *table = nullptr;
  std::string why;  // the translator's refusal, if table is null
  void *handle = nullptr;
  Code *next = nullptr;
};

struct Codes {
  std::atomic<Code *> first{nullptr};
  std::atomic<uint64_t> block_ps{0};
  std::atomic<uint64_t> patience_ns{100'000'000};
  CountingTime counting;
};

namespace {

std::mutex loading;  // one translation at a time; also guards additions to the lists

const Code *known(const Kernel &kernel, const uint32_t block[3], const char *variant) {
  for (Code *one = kernel.codes->first.load(std::memory_order_acquire); one; one = one->next)
    if (!memcmp(one->block, block, sizeof one->block) && one->variant == variant) return one;
  return nullptr;
}

bool load(Code *code, const std::string &path) {
  code->handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!code->handle) {
    code->why = dlerror();
    return false;
  }
  code->table = static_cast<const WfCode *>(dlsym(code->handle, "wf_code"));
  if (code->table && code->table->abi_version == WF_ABI_VERSION) {
    utimensat(AT_FDCWD, path.c_str(), nullptr, 0);  // the cache keeps what was used last
    return true;
  }
  code->table = nullptr;
  code->why = "the translated object is of another version: " + path;
  dlclose(code->handle);
  return false;
}

/// Asks the translator to make `path`; the reason when it does not.
std::string request(const Kernel &kernel, const Code &code, const std::string &path) {
  std::string image = image_path(*kernel.image);
  if (image.empty())
    return "the cache " + settings().cache + " cannot be written; set WARPFIVE_CACHE";
  std::string words = "translate " + escaped(image) + " " + escaped(kernel.name);
  for (uint32_t side : code.block) words += " " + std::to_string(side);
  std::string reply = ask_server(words + " " + code.variant + " " + escaped(path));
  if (reply.starts_with("ok")) return "";
  return reply.starts_with("error ") ? reply.substr(6) : reply;
}

Code *fetch(const Kernel &kernel, const uint32_t block[3], const char *variant) {
  Code *code = new Code;
  memcpy(code->block, block, sizeof code->block);
  code->variant = variant;
  std::string path = translated_path(*kernel.image, kernel.name, block, variant);
  if (access(path.c_str(), R_OK) == 0) {
    if (load(code, path)) return code;
    unlink(path.c_str());  // damaged: have it made again
  }
  code->why = request(kernel, *code, path);
  if (code->why.empty()) load(code, path);
  return code;
}

}  // namespace

uint64_t patience_ns(const Kernel &kernel) {
  return kernel.codes->patience_ns.load(std::memory_order_relaxed);
}

void set_patience_ns(const Kernel &kernel, uint64_t nanoseconds) {
  kernel.codes->patience_ns.store(nanoseconds, std::memory_order_relaxed);
}

uint64_t typical_block_ps(const Kernel &kernel) {
  return kernel.codes->block_ps.load(std::memory_order_relaxed);
}

void set_typical_block_ps(const Kernel &kernel, uint64_t picoseconds) {
  kernel.codes->block_ps.store(picoseconds, std::memory_order_relaxed);
}

CountingTime &counting_time(const Kernel &kernel) { return kernel.codes->counting; }

void own_codes(Kernel *kernel) { kernel->codes = new Codes; }

const WfCode *translated(const Kernel &kernel, const uint32_t block[3], const char *variant,
                         std::string *why) {
  const Code *code = known(kernel, block, variant);
  if (!code) {
    std::lock_guard lock(loading);
    code = known(kernel, block, variant);
    if (!code) {
      Code *fresh = fetch(kernel, block, variant);
      fresh->next = kernel.codes->first.load(std::memory_order_relaxed);
      kernel.codes->first.store(fresh, std::memory_order_release);
      code = fresh;
    }
  }
  if (!code->table && why) *why = code->why;
  return code->table;
}

void forget_codes(Image &image) {
  forget_times(image);
  for (Kernel &kernel : image.kernels) {
    for (Code *one = kernel.codes->first.load(); one;) {
      Code *next = one->next;
      if (one->handle) dlclose(one->handle);
      delete one;
      one = next;
    }
    delete kernel.codes;
    kernel.codes = nullptr;
  }
}

}  // namespace wf
