// Registration of fat binaries, lazy loading, symbols.
#include "module.h"

#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <sstream>
#include <string_view>
#include <unordered_set>

#include "errors.h"

namespace wf::rt {
namespace {

/// What clang's host code hands over: nvcc's wrapper around the image.
struct FatBinary {
  int magic;
  int version;
  const void *data;
  void *file;
};

/// An image that the device linker made of relocatable units; loaded once for all of them.
struct Linked {
  const void *elf;
  wf::Image *image = nullptr;
};

/// A relocatable unit: its image, and the names that the compiler made unique among units.
struct Unit {
  Linked *whole = nullptr;
  std::unordered_map<std::string, std::string> names;
};

struct Registry {
  std::recursive_mutex mutex;
  std::unordered_set<CUmod_st *> modules;
  std::unordered_map<const void *, CUfunc_st *> stubs;
  std::unordered_map<const void *, CUmod_st *> symbols;
  std::unordered_map<std::string, Unit> units;  // by id
};

Registry &registry() {
  static auto *r = new Registry;
  return *r;
}

/// Length of an ELF file in memory, from its headers; 0 if it is not one.
size_t elf_bytes(const void *data) {
  Elf64_Ehdr header;
  if (!data || std::memcmp(data, ELFMAG, SELFMAG) != 0) return 0;
  std::memcpy(&header, data, sizeof header);
  size_t end = header.e_shoff + size_t{header.e_shentsize} * header.e_shnum;
  for (int i = 0; i < header.e_phnum; i++) {
    Elf64_Phdr part;
    std::memcpy(&part, static_cast<const char *>(data) + header.e_phoff + i * header.e_phentsize,
                sizeof part);
    end = std::max<size_t>(end, part.p_offset + part.p_filesz);
  }
  for (int i = 0; i < header.e_shnum; i++) {
    Elf64_Shdr part;
    std::memcpy(&part, static_cast<const char *>(data) + header.e_shoff + i * header.e_shentsize,
                sizeof part);
    if (part.sh_type != SHT_NOBITS) end = std::max<size_t>(end, part.sh_offset + part.sh_size);
  }
  return end;
}

/// Id of a relocatable unit (compiler/embed.py says how it lies in an object); empty for others.
std::string unit_of(const void *data) {
  const auto *bytes = static_cast<const char *>(data);
  return data && std::memcmp(bytes, "WFBC", 4) == 0 ? std::string(bytes + 8, 32) : std::string();
}

/// The contents of `.warpfive` in an ELF image.
std::string_view record_lines(const void *elf) {
  const auto *file = static_cast<const char *>(elf);
  Elf64_Ehdr header;
  std::memcpy(&header, file, sizeof header);
  auto section = [&](unsigned i) {
    Elf64_Shdr part;
    std::memcpy(&part, file + header.e_shoff + i * sizeof part, sizeof part);
    return part;
  };
  const Elf64_Shdr names = section(header.e_shstrndx);
  for (unsigned i = 1; i < header.e_shnum; i++) {
    const Elf64_Shdr part = section(i);
    if (std::strcmp(file + names.sh_offset + part.sh_name, ".warpfive") == 0)
      return {file + part.sh_offset, part.sh_size};
  }
  return {};
}

/// The image's name for what the module's host code calls `name`.
std::string name_in_image(const CUmod_st *module, const std::string &name) {
  const auto unit = registry().units.find(unit_of(module->elf));
  if (unit == registry().units.end()) return name;
  const auto found = unit->second.names.find(name);
  return found == unit->second.names.end() ? name : found->second;
}

/// Makes host and device pages of a managed variable the same memory.
bool share_pages(void *host, uint64_t device, size_t bytes) {
  size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  auto at = reinterpret_cast<uint64_t>(host);
  if (at % page || device % page) return false;
  size_t whole = (bytes + page - 1) / page * page;
  int fd = memfd_create("managed", MFD_CLOEXEC);
  if (fd < 0) return false;
  bool fine = ftruncate(fd, static_cast<off_t>(whole)) == 0 &&
              pwrite(fd, host, whole, 0) == static_cast<ssize_t>(whole);
  int flags = MAP_SHARED | MAP_FIXED;
  fine = fine && mmap(host, whole, PROT_READ | PROT_WRITE, flags, fd, 0) != MAP_FAILED &&
         mmap(reinterpret_cast<void *>(device), whole, PROT_READ | PROT_WRITE, flags, fd, 0) !=
             MAP_FAILED;
  ::close(fd);
  return fine;
}

void share_managed(CUmod_st *module) {
  for (auto &[host, name] : module->variables) {
    const Variable *variable = module->image->variable(name_in_image(module, name));
    if (!variable || variable->kind != VariableKind::managed) continue;
    std::memcpy(const_cast<void *>(host), reinterpret_cast<void *>(variable->address),
                variable->bytes);  // the initial value is only in the image
    if (!share_pages(const_cast<void *>(host), variable->address, variable->bytes))
      std::fprintf(stderr, "warpfive: managed variable %s cannot be shared with the host\n",
                   name.c_str());
  }
}

void unregister(CUmod_st *module) {
  Registry &r = registry();
  std::erase_if(r.stubs, [&](auto &entry) { return entry.second->module == module; });
  std::erase_if(r.symbols, [&](auto &entry) { return entry.second == module; });
  r.modules.erase(module);
}

}  // namespace

std::recursive_mutex &modules_mutex() { return registry().mutex; }

cudaError_t load(CUmod_st *module) {
  std::lock_guard lock(registry().mutex);
  if (module->image) return cudaSuccess;
  if (module->failed != cudaSuccess) return module->failed;
  std::string why = "it is not an ELF image";
  const std::string unit = unit_of(module->elf);
  if (!unit.empty()) {
    why = "relocatable device code was not linked; link the program with warpfive cc";
    auto found = registry().units.find(unit);
    if (found != registry().units.end()) {
      Linked &whole = *found->second.whole;
      if (!whole.image) whole.image = load_image(whole.elf, elf_bytes(whole.elf), &why);
      module->image = whole.image;
    }
  } else if (module->bytes) module->image = load_image(module->elf, module->bytes, &why);
  if (!module->image) {
    std::fprintf(stderr, "warpfive: a device image cannot be loaded: %s\n", why.c_str());
    return module->failed = cudaErrorInvalidKernelImage;
  }
  for (auto &[name, function] : module->functions)
    function->kernel = module->image->kernel(name_in_image(module, name));
  share_managed(module);
  return cudaSuccess;
}

CUfunc_st *function_of(CUmod_st *module, const std::string &name) {
  std::lock_guard lock(registry().mutex);
  auto &slot = module->functions[name];
  if (!slot) {
    slot = std::make_unique<CUfunc_st>();
    slot->module = module;
    slot->name = name;
  }
  if (module->image && !slot->kernel)
    slot->kernel = module->image->kernel(name_in_image(module, name));
  return slot.get();
}

cudaError_t find_function(const void *stub, CUfunc_st **out) {
  Registry &r = registry();
  std::lock_guard lock(r.mutex);
  auto found = r.stubs.find(stub);
  if (found == r.stubs.end()) return cudaErrorInvalidDeviceFunction;
  CUfunc_st *function = found->second;
  if (!function->kernel) {
    if (cudaError_t code = load(function->module)) return code;
    if (!function->kernel) return cudaErrorInvalidDeviceFunction;
  }
  *out = function;
  return cudaSuccess;
}

cudaError_t find_symbol(const void *host, SymbolRange *out) {
  Registry &r = registry();
  std::lock_guard lock(r.mutex);
  auto found = r.symbols.find(host);
  if (found == r.symbols.end()) return cudaErrorInvalidSymbol;
  CUmod_st *module = found->second;
  if (cudaError_t code = load(module)) return code;
  for (auto &[at, name] : module->variables) {
    if (at != host) continue;
    const Variable *variable = module->image->variable(name_in_image(module, name));
    if (!variable) return cudaErrorInvalidSymbol;
    *out = {variable->address, variable->bytes};
    return cudaSuccess;
  }
  return cudaErrorInvalidSymbol;
}

void reset_modules() {
  std::lock_guard lock(registry().mutex);
  for (CUmod_st *module : registry().modules)
    if (module->image) reset_image(module->image);
}

cudaError_t open_module(const void *data, CUmod_st **out) {
  const auto *wrapper = static_cast<const FatBinary *>(data);
  if (elf_bytes(data) == 0 && wrapper->magic == 0x466243b1) data = wrapper->data;
  size_t bytes = elf_bytes(data);
  if (!bytes) return cudaErrorInvalidKernelImage;
  auto *module = new CUmod_st;
  module->copy.assign(static_cast<const char *>(data), static_cast<const char *>(data) + bytes);
  module->elf = module->copy.data();
  module->bytes = bytes;
  if (cudaError_t code = load(module)) {
    delete module;
    return code;
  }
  std::lock_guard lock(registry().mutex);
  registry().modules.insert(module);
  *out = module;
  return cudaSuccess;
}

void close_module(CUmod_st *module) {
  std::lock_guard lock(registry().mutex);
  unregister(module);
  if (module->image) unload_image(module->image);
  delete module;
}

bool is_module(CUmod_st *module) {
  std::lock_guard lock(registry().mutex);
  return registry().modules.contains(module);
}

bool is_function(CUfunc_st *function) {
  std::lock_guard lock(registry().mutex);
  for (CUmod_st *module : registry().modules)
    for (auto &[name, mine] : module->functions)
      if (mine.get() == function) return true;
  return false;
}

}  // namespace wf::rt

using namespace wf::rt;

extern "C" {

void **__cudaRegisterFatBinary(void *wrapper) {
  auto *module = new CUmod_st;
  module->elf = static_cast<FatBinary *>(wrapper)->data;
  module->bytes = elf_bytes(module->elf);
  std::lock_guard lock(registry().mutex);
  registry().modules.insert(module);
  return reinterpret_cast<void **>(module);
}

/// Managed variables, which fill pages of their own, are shared before the program uses them.
void __cudaRegisterFatBinaryEnd(void **handle) {
  auto *module = reinterpret_cast<CUmod_st *>(handle);
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  for (auto &[host, name] : module->variables)
    if (reinterpret_cast<uintptr_t>(host) % page == 0) return void(load(module));
}

/// The device linker's image of relocatable units; called before any unit registers.
void __wf_register_linked(const void *elf) {
  std::lock_guard lock(registry().mutex);
  auto *whole = new Linked{elf};
  std::istringstream lines{std::string(record_lines(elf))};
  for (std::string row; std::getline(lines, row);) {
    std::istringstream line(row);
    std::string what, id;
    line >> what >> id;
    if (what != "unit") continue;
    Unit &unit = registry().units[id];
    unit.whole = whole;
    for (std::string pair; line >> pair;)
      unit.names[pair.substr(0, pair.find('='))] = pair.substr(pair.find('=') + 1);
  }
}

void __cudaUnregisterFatBinary(void **handle) {
  // Device memory goes with the process; a plugin that is unloaded leaves its image behind.
  std::lock_guard lock(registry().mutex);
  unregister(reinterpret_cast<CUmod_st *>(handle));
}

void __cudaRegisterFunction(void **handle, const char *stub, char *, const char *name, int,
                            uint3 *, uint3 *, dim3 *, dim3 *, int *) {
  auto *module = reinterpret_cast<CUmod_st *>(handle);
  std::lock_guard lock(registry().mutex);
  registry().stubs[stub] = function_of(module, name);
}

void __cudaRegisterVar(void **handle, char *host, char *, const char *name, int, size_t, int,
                       int) {
  auto *module = reinterpret_cast<CUmod_st *>(handle);
  std::lock_guard lock(registry().mutex);
  module->variables.emplace_back(host, name);
  registry().symbols[host] = module;
}

/// clang's managed variables are a host pointer beside the variable.
void __cudaRegisterManagedVar(void **handle, void **pointer, char *initial, const char *name,
                              size_t bytes, unsigned) {
  auto *module = reinterpret_cast<CUmod_st *>(handle);
  std::lock_guard lock(registry().mutex);
  module->variables.emplace_back(pointer, name);
  registry().symbols[pointer] = module;
  if (load(module) != cudaSuccess) return;
  const wf::Variable *variable = module->image->variable(name_in_image(module, name));
  if (!variable) return;
  *pointer = reinterpret_cast<void *>(variable->address);
  if (initial) std::memcpy(*pointer, initial, bytes);
}

}  // extern "C"
