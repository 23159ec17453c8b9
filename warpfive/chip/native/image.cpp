// Kernel images: reads the ELF file and its `.warpfive` lines, maps it into device memory.

#include <cxxabi.h>
#include <elf.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "warpfive/chip/native/internal.h"

namespace wf {
namespace {

constexpr unsigned riscv_relative = 3;  // R_RISCV_RELATIVE of the RISC-V psABI

/// A part of the file and where it goes.
struct Segment {
  uint64_t address, bytes, file_offset, file_bytes;
};

/// Bounds-checked view of an ELF file.
class Elf {
 public:
  explicit Elf(std::string_view file) : file_(file) {}

  bool valid() const {
    const auto *head = at<Elf64_Ehdr>(0, 1);
    return head && !memcmp(head->e_ident, ELFMAG, SELFMAG) &&
           head->e_ident[EI_CLASS] == ELFCLASS64 && head->e_machine == EM_RISCV;
  }
  /// Loadable segments; a file without program headers is taken by its sections.
  std::vector<Segment> segments() const;
  std::string_view section(std::string_view name) const;
  std::vector<Elf64_Rela> relocations() const;

 private:
  template <typename T>
  const T *at(uint64_t offset, uint64_t count) const {
    if (offset > file_.size() || count > (file_.size() - offset) / sizeof(T)) return nullptr;
    return reinterpret_cast<const T *>(file_.data() + offset);
  }
  const Elf64_Ehdr &head() const { return *at<Elf64_Ehdr>(0, 1); }
  const Elf64_Shdr *sections(uint64_t *count) const;

  std::string_view file_;
};

const Elf64_Shdr *Elf::sections(uint64_t *count) const {
  *count = head().e_shnum;
  const auto *table = at<Elf64_Shdr>(head().e_shoff, *count);
  if (!table) *count = 0;
  return table;
}

std::vector<Segment> Elf::segments() const {
  std::vector<Segment> found;
  const auto *table = at<Elf64_Phdr>(head().e_phoff, head().e_phnum);
  for (unsigned i = 0; table && i < head().e_phnum; i++)
    if (table[i].p_type == PT_LOAD)
      found.push_back({table[i].p_vaddr, table[i].p_memsz, table[i].p_offset, table[i].p_filesz});
  if (!found.empty()) return found;
  uint64_t count;
  const auto *all = sections(&count);
  for (uint64_t i = 0; i < count; i++) {
    if (!(all[i].sh_flags & SHF_ALLOC) || all[i].sh_flags & SHF_TLS) continue;
    uint64_t in_file = all[i].sh_type == SHT_NOBITS ? 0 : all[i].sh_size;
    found.push_back({all[i].sh_addr, all[i].sh_size, all[i].sh_offset, in_file});
  }
  return found;
}

std::string_view Elf::section(std::string_view name) const {
  uint64_t count;
  const auto *all = sections(&count);
  if (head().e_shstrndx >= count) return {};
  const Elf64_Shdr &names = all[head().e_shstrndx];
  if (!at<char>(names.sh_offset, names.sh_size)) return {};
  for (uint64_t i = 0; i < count; i++) {
    if (all[i].sh_name >= names.sh_size) continue;
    std::string_view here = file_.substr(names.sh_offset + all[i].sh_name);
    here = here.substr(0, here.find('\0'));
    if (here == name && at<char>(all[i].sh_offset, all[i].sh_size))
      return file_.substr(all[i].sh_offset, all[i].sh_size);
  }
  return {};
}

std::vector<Elf64_Rela> Elf::relocations() const {
  std::vector<Elf64_Rela> found;
  uint64_t count;
  const auto *all = sections(&count);
  for (uint64_t i = 0; i < count; i++) {
    if (all[i].sh_type != SHT_RELA) continue;
    uint64_t entries = all[i].sh_size / sizeof(Elf64_Rela);
    const auto *table = at<Elf64_Rela>(all[i].sh_offset, entries);
    if (table) found.insert(found.end(), table, table + entries);
  }
  return found;
}

/// The `key=value` words of a line of `.warpfive`, after its first two words.
using Fields = std::unordered_map<std::string, std::string>;

Fields read_fields(std::istringstream &line) {
  Fields fields;
  for (std::string word; line >> word;) {
    size_t equals = word.find('=');
    if (equals != std::string::npos) fields[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return fields;
}

uint64_t number(const Fields &fields, const char *key, int base, uint64_t otherwise = 0) {
  auto found = fields.find(key);
  return found == fields.end() ? otherwise : strtoull(found->second.c_str(), nullptr, base);
}

std::vector<Param> read_params(const std::string &text) {
  std::vector<Param> params;
  std::istringstream list(text);
  for (std::string pair; std::getline(list, pair, ',');) {
    size_t colon = pair.find(':');
    if (colon == std::string::npos) continue;
    params.push_back({static_cast<uint32_t>(strtoul(pair.c_str(), nullptr, 10)),
                      static_cast<uint32_t>(strtoul(pair.c_str() + colon + 1, nullptr, 10))});
  }
  return params;
}

Kernel read_kernel(Image *image, const std::string &name, const Fields &fields) {
  Kernel kernel;
  kernel.name = name;
  kernel.image = image;
  kernel.entry = number(fields, "entry", 16);
  kernel.args_bytes = static_cast<uint32_t>(number(fields, "args", 10));
  kernel.static_shared_bytes = static_cast<uint32_t>(number(fields, "shared", 10));
  kernel.stack_bytes = static_cast<uint32_t>(number(fields, "stack", 10));
  kernel.max_threads = static_cast<uint32_t>(number(fields, "maxthreads", 10, 1024));
  auto params = fields.find("params");
  if (params != fields.end()) kernel.params = read_params(params->second);
  return kernel;
}

Variable read_variable(const Image &image, const std::string &name, const Fields &fields) {
  Variable variable;
  variable.name = name;
  variable.address = image.base + number(fields, "addr", 16);
  variable.bytes = number(fields, "size", 10);
  auto kind = fields.find("kind");
  if (kind != fields.end() && kind->second == "constant") variable.kind = VariableKind::constant;
  if (kind != fields.end() && kind->second == "managed") variable.kind = VariableKind::managed;
  return variable;
}

/// Reads the `.warpfive` section into the image. False: not one of version 1.
bool read_lines(Image *image, std::string_view text) {
  std::istringstream lines{std::string(text)};
  std::string first, version;
  lines >> first >> version >> image->id;
  if (first != "warpfive" || version != "1" || image->id.size() != 32) return false;
  for (std::string row; std::getline(lines, row);) {
    std::istringstream line(row);
    std::string what, name;
    line >> what >> name;
    if (what == "kernel") image->kernels.push_back(read_kernel(image, name, read_fields(line)));
    if (what == "var")
      image->variables.push_back(read_variable(*image, name, read_fields(line)));
  }
  return true;
}

/// Puts the segments' contents into memory and adds the load address where it belongs.
bool fill(const Image &image) {
  const std::vector<char> &file = image.loaded->elf;
  Elf elf({file.data(), file.size()});
  auto *memory = reinterpret_cast<char *>(image.base);
  for (const Segment &one : elf.segments()) {
    if (one.file_offset + one.file_bytes > file.size()) return false;
    memcpy(memory + one.address, file.data() + one.file_offset, one.file_bytes);
    memset(memory + one.address + one.file_bytes, 0, one.bytes - one.file_bytes);
  }
  for (const Elf64_Rela &one : elf.relocations()) {
    if (ELF64_R_TYPE(one.r_info) != riscv_relative) continue;
    if (one.r_offset + 8 > image.bytes) return false;
    uint64_t value = image.base + static_cast<uint64_t>(one.r_addend);
    memcpy(memory + one.r_offset, &value, sizeof value);
  }
  return true;
}

/// Bytes from address 0 to the end of the last segment; 0 if a segment is malformed.
uint64_t extent(const std::vector<Segment> &segments) {
  uint64_t end = 0;
  for (const Segment &one : segments) {
    if (one.address + one.bytes < one.address || one.file_bytes > one.bytes) return 0;
    end = std::max(end, one.address + one.bytes);
  }
  return end;
}

void index_names(Image *image) {
  for (uint32_t i = 0; i < image->kernels.size(); i++)
    image->loaded->kernels[image->kernels[i].name] = i;
  for (uint32_t i = 0; i < image->variables.size(); i++)
    image->loaded->variables[image->variables[i].name] = i;
}

}  // namespace

const Kernel *Image::kernel(std::string_view name) const {
  auto found = loaded->kernels.find(name);
  return found == loaded->kernels.end() ? nullptr : &kernels[found->second];
}

const Variable *Image::variable(std::string_view name) const {
  auto found = loaded->variables.find(name);
  return found == loaded->variables.end() ? nullptr : &variables[found->second];
}

const Kernel *Image::kernel_at(uint64_t address) const {
  for (const Kernel &one : kernels)
    if (base + one.entry == address) return &one;
  return nullptr;
}

Image *load_image(const void *elf, size_t bytes, std::string *why) {
  std::string_view file(static_cast<const char *>(elf), bytes);
  Elf parsed(file);
  auto fail = [why](const char *reason) {
    if (why) *why = reason;
    return nullptr;
  };
  if (!parsed.valid()) return fail("the kernel image is not a 64-bit RISC-V ELF file");
  std::string_view lines = parsed.section(".warpfive");
  uint64_t length = extent(parsed.segments());
  if (lines.empty() || !length)
    return fail("the kernel image has no .warpfive section; build it with warpfive cc");

  auto image = std::make_unique<Image>();
  auto loaded = std::make_unique<Loaded>();
  loaded->elf.assign(file.begin(), file.end());
  image->bytes = length;
  image->base = memory::alloc(length, MemoryKind::image, page_bytes);
  if (!image->base) return fail("the chip's memory has no room for the kernel image");
  image->loaded = loaded.get();
  if (!read_lines(image.get(), lines) || !fill(*image)) {
    memory::free(image->base);
    return fail("the kernel image is damaged, or of another version; build it again");
  }
  for (Kernel &kernel : image->kernels) own_codes(&kernel);
  index_names(image.get());
  loaded.release();
  return image.release();
}

void unload_image(Image *image) {
  forget_codes(*image);
  memory::free(image->base);
  delete image->loaded;
  delete image;
}

void reset_image(Image *image) { fill(*image); }

std::string demangle(const std::string &name) {
  int status = 0;
  char *plain = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
  std::string result = plain ? plain : name;
  std::free(plain);
  return result;
}

}  // namespace wf
