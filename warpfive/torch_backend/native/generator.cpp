// Philox 4x32-10 as CUDA's PyTorch uses it: a seed, and an offset that counts numbers per thread.
#include <ATen/EmptyTensor.h>
#include <ATen/core/GeneratorForPrivateuseone.h>
#include <ATen/Utils.h>
#include <ATen/ops/empty.h>
#include <c10/core/GeneratorImpl.h>

#include <cstring>
#include <mutex>

#include "device.h"

namespace wf::torch_backend {
namespace {

constexpr size_t kStateBytes = 16;  // seed and offset

struct State final : c10::intrusive_ptr_target {
  uint64_t seed = c10::default_rng_seed_val;
  uint64_t offset = 0;
};

struct Philox final : c10::GeneratorImpl {
  explicit Philox(c10::intrusive_ptr<State> state = c10::make_intrusive<State>())
      : c10::GeneratorImpl(c10::Device(c10::kCUDA, 0), c10::DispatchKeySet(c10::DispatchKey::CUDA)),
        state_(std::move(state)) {}

  void set_current_seed(uint64_t seed) override { state_->seed = seed, state_->offset = 0; }
  void set_offset(uint64_t offset) override { state_->offset = offset; }
  uint64_t get_offset() const override { return state_->offset; }
  uint64_t current_seed() const override { return state_->seed; }
  uint64_t seed() override {
    set_current_seed(c10::detail::getNonDeterministicRandom(true));
    return state_->seed;
  }
  void set_state(const c10::TensorImpl &given) override {
    at::detail::check_rng_state(given);
    const auto bytes = static_cast<size_t>(given.numel());
    TORCH_CHECK(bytes == kStateBytes || bytes == kStateBytes / 2,
                "a CUDA generator's state has ", kStateBytes, " bytes, not ", bytes);
    const auto *data = given.data_dtype_initialized<uint8_t>();
    uint64_t words[2] = {0, 0};
    std::memcpy(words, data, bytes);
    state_->seed = words[0], state_->offset = words[1];
  }
  c10::intrusive_ptr<c10::TensorImpl> get_state() const override {
    at::TensorBase out = at::detail::empty_cpu({kStateBytes}, at::kByte);
    const uint64_t words[2] = {state_->seed, state_->offset};
    std::memcpy(out.mutable_data_ptr(), words, kStateBytes);
    return out.getIntrusivePtr();
  }
  void graphsafe_set_state(const c10::intrusive_ptr<c10::GeneratorImpl> &given) override {
    state_ = c10::static_intrusive_pointer_cast<Philox>(given)->state_;
  }
  c10::intrusive_ptr<c10::GeneratorImpl> graphsafe_get_state() const override {
    return c10::make_intrusive<Philox>(state_);
  }

  std::pair<uint64_t, uint64_t> draw(uint64_t increment) {
    std::lock_guard lock(mutex_);
    const uint64_t offset = state_->offset;
    state_->offset += (increment + 3) / 4 * 4;  // whole calls of the function, four numbers each
    return {state_->seed, offset};
  }

 private:
  Philox *clone_impl() const override {
    auto copy = c10::make_intrusive<State>();
    copy->seed = state_->seed, copy->offset = state_->offset;
    return new Philox(std::move(copy));
  }

  c10::intrusive_ptr<State> state_;
};

}  // namespace

const at::Generator &default_generator() {
  static auto *generator = new at::Generator(at::make_generator<Philox>());
  return *generator;
}

at::Generator new_generator() {
  static std::once_flag first;
  at::Generator generator = default_generator();
  bool is_first = false;
  std::call_once(first, [&] { is_first = true; });
  return is_first ? generator : at::make_generator<Philox>();
}

std::pair<uint64_t, uint64_t> philox(const std::optional<at::Generator> &given,
                                     uint64_t increment) {
  const at::Generator &generator = given && given->defined() ? *given : default_generator();
  TORCH_CHECK(generator.device().is_cuda(), "expected a generator on cuda, found one on ",
              generator.device());
  return static_cast<Philox *>(generator.unsafeGetGeneratorImpl())->draw(increment);
}

}  // namespace wf::torch_backend
