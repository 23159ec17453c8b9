#include "iterate.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <array>
#include <cstring>
#include <mutex>
#include <sstream>
#include <unordered_map>
#include <vector>

#include "kernels.h"

namespace wf::torch_backend {
namespace {

constexpr int kOperands = 10, kThreads = 256, kMostRows = 65535;

std::mutex names_mutex;
std::vector<std::string> &names() {
  static auto *list = new std::vector<std::string>;
  return *list;
}

/// How the threads walk over the operands; the letters are what Python reads.
enum Layout : uint8_t { kFlat = 'f', kRows = 'r', kStrided = 's', kStridedWide = 'w' };

/// Who makes a result of a reduction: a thread or a block; of a piece of it, or all pieces' states.
enum Team : uint8_t {
  kThread = 't', kBlock = 'b', kThreadPiece = 'T', kBlockPiece = 'B', kThreadJoin = 'u', kBlockJoin = 'c'
};

/// What a thread's neighbour along the innermost dimension reads.
enum Inner : uint8_t { kValue = 'v', kSame = '0', kNext = '1', kAnywhere = '*' };

/// Everything that decides a kernel's text; compared and hashed by its bytes.
struct Key {
  uint16_t name = 0;
  uint8_t layout = 0, dimensions = 0, outputs = 0, operands = 0, common = 0, slots = 0;
  std::array<int8_t, kOperands> dtype{};
  std::array<uint8_t, kOperands> inner{};
  uint8_t reduced = 0, threads = 0;
  bool operator==(const Key &other) const { return !std::memcmp(this, &other, sizeof(Key)); }
};

struct Hash {
  size_t operator()(const Key &key) const {
    uint64_t hash = 1469598103934665603ull;
    const auto *bytes = reinterpret_cast<const unsigned char *>(&key);
    for (size_t i = 0; i < sizeof(Key); ++i) hash = (hash ^ bytes[i]) * 1099511628211ull;
    return hash;
  }
};

const char *type_name(int number) {
  const auto type = static_cast<c10::ScalarType>(number);
  return type == c10::ScalarType::Undefined ? "Undefined" : c10::toString(type);
}

std::string describe(const char *kind, const Key &key) {
  std::ostringstream out;
  {
    std::lock_guard lock(names_mutex);
    out << kind << ' ' << names().at(key.name);
  }
  out << ' ' << key.layout << ' ' << int(key.dimensions) << ' ' << int(key.reduced) << ' '
      << int(key.threads) * 32 << ' ' << int(key.outputs) << ' ' << int(key.slots) << ' '
      << type_name(key.common);
  for (int i = 0; i < key.operands; ++i) {
    out << ' ' << type_name(key.dtype[i]) << ':' << key.inner[i];
  }
  return out.str();
}

void *kernel_for(const char *kind, const Key &key) {
  thread_local std::unordered_map<Key, void *, Hash> known;
  auto found = known.find(key);
  if (found != known.end()) [[likely]]
    return found->second;
  void *kernel = compiled(describe(kind, key));
  known.emplace(key, kernel);
  return kernel;
}

/// A kernel's structure of parameters, written in the order the text declares them.
class Parameters {
 public:
  template <typename T>
  void add(const T &value) {
    static_assert(alignof(T) <= 8 && sizeof(T) % 8 == 0);
    TORCH_CHECK(used_ + sizeof(T) <= sizeof(bytes_), "an operation over too many operands");
    std::memcpy(bytes_ + used_, &value, sizeof(T));
    used_ += sizeof(T);
  }
  const void *data() const { return bytes_; }

 private:
  alignas(8) unsigned char bytes_[4000];
  size_t used_ = 0;
};

/// Types and count of operands. Host numbers become slots.
Key key_for(int name, at::TensorIteratorBase &it, size_t slots) {
  TORCH_CHECK(it.ntensors() <= kOperands, "an operation over more than ", kOperands, " tensors");
  Key key;
  key.name = static_cast<uint16_t>(name);
  key.outputs = static_cast<uint8_t>(it.noutputs());
  key.operands = static_cast<uint8_t>(it.ntensors());
  key.slots = static_cast<uint8_t>(slots);
  const auto common = it.maybe_common_dtype();
  key.common = static_cast<uint8_t>(common.value_or(c10::ScalarType::Undefined));
  for (int i = 0; i < it.ntensors(); ++i) {
    key.dtype[i] = static_cast<int8_t>(it.dtype(i));
    if (i >= it.noutputs() && it.is_cpu_scalar(i)) {
      key.inner[i] = kValue;
    } else {
      TORCH_CHECK(it.device_type(i) == c10::kCUDA,
                  "Expected all tensors to be on the same device, but found at least two devices, "
                  "cuda:0 and ", it.device(i), "!");
    }
  }
  return key;
}

void set_inner(Key &key, at::TensorIteratorBase &it) {
  for (int i = 0; i < it.ntensors(); ++i) {
    if (key.inner[i] == kValue) continue;
    const int64_t stride = it.ndim() ? it.strides(i)[0] : it.element_size(i);
    key.inner[i] = stride == it.element_size(i) ? kNext : stride == 0 ? kSame : kAnywhere;
  }
}

bool flat(const Key &key, at::TensorIteratorBase &it) {
  if (it.numel() == 1) return true;
  if (it.ndim() != 1) return false;
  for (int i = 0; i < it.ntensors(); ++i) {
    if (key.inner[i] == kAnywhere || (i < it.noutputs() && key.inner[i] != kNext)) return false;
  }
  return true;
}

void add_operands(Parameters &parameters, const Key &key, at::TensorIteratorBase &it,
                  Slots slots) {
  for (int i = 0; i < it.ntensors(); ++i) {
    parameters.add(key.inner[i] == kValue ? nullptr : it.data_ptr(i));
  }
  for (int i = 0; i < it.ntensors(); ++i) {
    if (key.inner[i] == kValue) parameters.add(slot(it.tensor(i).item()));
  }
  for (const Slot &each : slots) parameters.add(each);
}

void add_shape(Parameters &parameters, const Key &key, at::TensorIteratorBase &it) {
  for (int64_t size : it.shape()) parameters.add(size);
  for (int i = 0; i < it.ntensors(); ++i) {
    if (key.inner[i] == kValue) continue;
    for (int64_t stride : it.strides(i)) parameters.add(stride);
  }
}

}  // namespace

int kernel_number(const char *name) {
  std::lock_guard lock(names_mutex);
  auto &list = names();
  for (size_t i = 0; i < list.size(); ++i) {
    if (list[i] == name) return static_cast<int>(i);
  }
  list.emplace_back(name);
  return static_cast<int>(list.size()) - 1;
}

void pointwise(int name, at::TensorIteratorBase &it, Slots slots,
               std::optional<at::ScalarType> common) {
  const int64_t count = it.numel();
  if (count == 0) return;
  Key key = key_for(name, it, slots.size());
  if (common) key.common = static_cast<uint8_t>(*common);
  set_inner(key, it);
  Parameters parameters;
  parameters.add(count);
  unsigned blocks = blocks_for(count, kThreads), rows = 1, threads = kThreads;
  if (flat(key, it)) {
    key.layout = kFlat;
    if (count == 1) {
      for (int i = 0; i < it.ntensors(); ++i) {
        if (key.inner[i] != kValue) key.inner[i] = kNext;
      }
    }
  } else {
    key.dimensions = static_cast<uint8_t>(it.ndim());
    const int64_t inner = it.shape()[0];
    if (it.ndim() > 1 && inner >= 32 && count / inner <= kMostRows) {
      key.layout = kRows;
      threads = static_cast<unsigned>(std::min<int64_t>(kThreads, (inner + 31) / 32 * 32));
      blocks = blocks_for(inner, threads);
      rows = static_cast<unsigned>(count / inner);
    } else {
      key.layout = it.can_use_32bit_indexing() ? kStrided : kStridedWide;
      // The text takes every stride from the parameters.
      for (int i = 0; i < it.ntensors(); ++i) {
        if (key.inner[i] != kValue) key.inner[i] = kAnywhere;
      }
    }
    add_shape(parameters, key, it);
  }
  add_operands(parameters, key, it, slots);
  launch(kernel_for("pointwise", key), {blocks, rows}, {threads}, parameters.data());
}

namespace {

constexpr int64_t kPieceBytes = 64;  // of the largest reduction's state

/// Into how many pieces the elements of one result are cut, so that all cores have some.
int64_t pieces_of(bool by_thread, int64_t results, int64_t each) {
  constexpr int64_t kBlocks = 512, kLeastByThread = 64, kLeastByBlock = 8192;
  const int64_t blocks = by_thread ? (results + kThreads - 1) / kThreads : results;
  const int64_t most = each / (by_thread ? kLeastByThread : kLeastByBlock);
  return std::max<int64_t>(1, std::min(kBlocks / std::max<int64_t>(blocks, 1), most));
}

unsigned threads_for(int64_t each) { return each <= 1024 ? 32 : each <= 65536 ? 256 : 1024; }

/// One launch for all results, or for all pieces of them.
void launch_reduction(Key key, int64_t results, int64_t pieces, const Parameters &parameters) {
  const bool by_thread = key.layout == kThread || key.layout == kThreadPiece || key.layout == kThreadJoin;
  const int64_t blocks = by_thread ? blocks_for(results, kThreads) : results;
  TORCH_CHECK(blocks <= INT32_MAX, "a reduction to more than ", INT32_MAX, " results");
  const unsigned threads = by_thread ? kThreads : key.threads * 32u;
  launch(kernel_for("reduce", key), {static_cast<unsigned>(blocks), static_cast<unsigned>(pieces)},
         {threads}, parameters.data());
}

}  // namespace

void reduce(int name, at::TensorIteratorBase &it, Slots slots) {
  if (it.numel() == 0) return;
  Key key = key_for(name, it, slots.size());
  std::vector<int> kept, gone;
  for (int d = 0; d < it.ndim(); ++d) (it.is_dim_reduced(d) ? gone : kept).push_back(d);
  int64_t results = 1, each = 1;
  for (int d : kept) results *= it.shape()[d];
  for (int d : gone) each *= it.shape()[d];
  key.dimensions = static_cast<uint8_t>(kept.size());
  key.reduced = static_cast<uint8_t>(gone.size());
  // A thread a result when neighbours read neighbouring columns or there is little to reduce;
  // else a warp or a block works on each.
  const bool columns = !kept.empty() && (gone.empty() || kept[0] < gone[0]);
  const bool by_thread = each < 32 || (columns && results >= 256);
  const int64_t pieces = pieces_of(by_thread, results, each);
  key.layout = by_thread ? kThread : kBlock;
  if (!by_thread) key.threads = static_cast<uint8_t>(threads_for(each / pieces) / 32);
  Parameters parameters;
  parameters.add(results);
  parameters.add(each);
  for (int d : kept) parameters.add(it.shape()[d]);
  for (int d : gone) parameters.add(it.shape()[d]);
  for (int i = 0; i < it.ntensors(); ++i) {
    for (int d : kept) parameters.add(it.strides(i)[d]);
    if (i < it.noutputs()) continue;
    for (int d : gone) parameters.add(it.strides(i)[d]);
  }
  for (int i = 0; i < it.ntensors(); ++i) key.inner[i] = kAnywhere;
  add_operands(parameters, key, it, slots);
  if (pieces == 1) return launch_reduction(key, results, 1, parameters);
  const at::Tensor states = at::empty({results * pieces * kPieceBytes},
                                      it.tensor(0).options().dtype(at::kByte));
  parameters.add(pieces);
  parameters.add(states.data_ptr());
  key.layout = by_thread ? kThreadPiece : kBlockPiece;
  launch_reduction(key, results, pieces, parameters);
  key.layout = by_thread ? kThreadJoin : kBlockJoin;
  if (!by_thread) key.threads = static_cast<uint8_t>(threads_for(pieces) / 32);
  launch_reduction(key, results, 1, parameters);
}

}  // namespace wf::torch_backend
