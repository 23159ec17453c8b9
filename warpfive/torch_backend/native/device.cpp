#include "device.h"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <cstring>
#include <new>

#include "allocator.h"
#include "driver.h"

namespace wf::torch_backend {
namespace {

const c10::Device kDevice(c10::kCUDA, 0);

c10::Stream stream_of(void *handle) {
  return c10::Stream(c10::Stream::UNSAFE, kDevice, reinterpret_cast<c10::StreamId>(handle));
}

void *handle_of(const c10::Stream &stream) { return reinterpret_cast<void *>(stream.id()); }

/// Streams and events as c10 sees them. There is one device, so choosing it does nothing.
struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return c10::kCUDA; }
  c10::Device exchangeDevice(c10::Device device) const override {
    require(device);
    return kDevice;
  }
  c10::Device getDevice() const override { return kDevice; }
  void setDevice(c10::Device device) const override { require(device); }
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::Stream getStream(c10::Device) const override { return stream_of(current_stream()); }
  c10::Stream getDefaultStream(c10::Device) const override { return stream_of(nullptr); }
  c10::Stream getStreamFromGlobalPool(c10::Device device, bool) const override {
    return getNewStream(device, 0);
  }
  c10::Stream getNewStream(c10::Device, int priority) const override {
    void *handle = nullptr;
    check(driver.cudaStreamCreateWithPriority(&handle, 1, priority));
    return stream_of(handle);
  }
  c10::Stream exchangeStream(c10::Stream stream) const override {
    void *old = current_stream();
    set_current_stream(handle_of(stream));
    return stream_of(old);
  }
  void *getStreamNativeHandle(const c10::Stream stream) const override {
    return handle_of(stream);
  }
  void destroyEvent(void *event, const c10::DeviceIndex) const noexcept override {
    if (event) driver.cudaEventDestroy(event);
  }
  void record(void **event, const c10::Stream &stream, const c10::DeviceIndex,
              const c10::EventFlag flag) const override {
    constexpr unsigned kNoTiming = 2;
    const unsigned flags = flag == c10::EventFlag::BACKEND_DEFAULT ? 0 : kNoTiming;
    if (!*event) check(driver.cudaEventCreateWithFlags(event, flags));
    check(driver.cudaEventRecord(*event, handle_of(stream)));
  }
  void block(void *event, const c10::Stream &stream) const override {
    if (event) check(driver.cudaStreamWaitEvent(handle_of(stream), event, 0));
  }
  bool queryEvent(void *event) const override {
    return !event || ready(driver.cudaEventQuery(event));
  }
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
  bool queryStream(const c10::Stream &stream) const override {
    return ready(driver.cudaStreamQuery(handle_of(stream)));
  }
  void synchronizeStream(const c10::Stream &stream) const override {
    synchronize(handle_of(stream));
  }
  bool isStreamCapturing(const c10::Stream &stream) const override {
    int status = 0;
    check(driver.cudaStreamIsCapturing(handle_of(stream), &status));
    return status != 0;
  }
  void synchronizeEvent(void *event) const override {
    if (event) check(driver.cudaEventSynchronize(event));
  }
  void synchronizeDevice(const c10::DeviceIndex) const override {
    check(driver.cudaDeviceSynchronize());
  }
  void recordDataPtrOnStream(const c10::DataPtr &data, const c10::Stream &stream) const override {
    record_stream(data.get(), handle_of(stream));
  }
  double elapsedTime(void *start, void *end, const c10::DeviceIndex) const override {
    float milliseconds = 0;
    check(driver.cudaEventElapsedTime(&milliseconds, start, end));
    return milliseconds;
  }

 private:
  static bool ready(int code) {
    check(code);
    return code != kNotReady;
  }
  static void require(c10::Device device) {
    TORCH_CHECK(device.index() <= 0, "there is one chip, cuda:0; there is no ", device);
  }
};

struct Hooks final : at::CUDAHooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  void init() const override {}
  c10::DeviceIndex deviceCount() const override { return 1; }
  void setCurrentDevice(c10::DeviceIndex) const override {}
  c10::DeviceIndex getCurrentDevice() const override { return 0; }
  c10::DeviceIndex exchangeDevice(c10::DeviceIndex) const override { return 0; }
  c10::DeviceIndex maybeExchangeDevice(c10::DeviceIndex) const override { return 0; }
  bool isPinnedPtr(const void *data) const override { return is_pinned(data); }
  at::Allocator *getPinnedMemoryAllocator() const override { return pinned_allocator(); }
  c10::Device getDeviceFromPtr(void *data) const override {
    return is_device_memory(data) ? kDevice : c10::Device(c10::kCPU);
  }
  const at::Generator &getDefaultGenerator(c10::DeviceIndex) const override {
    return default_generator();
  }
  at::Generator getNewGenerator(c10::DeviceIndex) const override { return new_generator(); }
  bool hasCUDA() const override { return true; }
  bool hasCUDART() const override { return true; }
  long versionCUDART() const override { return 12080; }
  c10::DeviceIndex current_device() const override { return 0; }
  at::Allocator *getCUDADeviceAllocator() const override { return device_allocator(); }
  int getNumGPUs() const override { return 1; }
  std::string showConfig() const override { return "warpfive"; }
  void deviceSynchronize(c10::DeviceIndex) const override {
    check(driver.cudaDeviceSynchronize());
  }
};

}  // namespace

void install_device() {
  TORCH_CHECK(!c10::impl::device_guard_impl_registry[static_cast<size_t>(c10::kCUDA)].load(),
              "torch already has a CUDA device");
  static auto *guard = new Guard;
  c10::impl::device_guard_impl_registry[static_cast<size_t>(c10::kCUDA)].store(guard);
  c10::SetAllocator(c10::kCUDA, device_allocator());
  // torch has made its stub object by now and keeps it; it has no members, so it becomes ours
  // when it gets our table of functions.
  static_assert(sizeof(Hooks) == sizeof(void *));
  static auto *hooks = new Hooks;
  auto &stub = const_cast<at::CUDAHooksInterface &>(at::detail::getCUDAHooks());
  std::memcpy(static_cast<void *>(&stub), static_cast<const void *>(hooks), sizeof(void *));
}

}  // namespace wf::torch_backend
