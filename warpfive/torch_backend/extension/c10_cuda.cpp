// What libc10_cuda.so and libtorch_cuda.so offer extensions, over the device that is already
// registered with torch: streams, device functions, error checks, the allocator's door.

#include <ATen/cuda/CUDAContext.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>

#include <atomic>
#include <ostream>

namespace c10::cuda {
namespace {

impl::VirtualGuardImpl guard() { return impl::VirtualGuardImpl(kCUDA); }

Device device_at(DeviceIndex index) { return Device(kCUDA, index < 0 ? DeviceIndex(0) : index); }

}  // namespace

DeviceIndex device_count() noexcept { return 1; }
DeviceIndex device_count_ensure_non_zero() { return 1; }
DeviceIndex current_device() { return guard().getDevice().index(); }
void set_device(DeviceIndex device, const bool) { guard().setDevice(device_at(device)); }
void device_synchronize() { guard().synchronizeDevice(0); }
void warn_or_error_on_sync() {
  TORCH_CHECK(warning_state().get_sync_debug_mode() != SyncDebugMode::L_ERROR,
              "called a synchronizing CUDA operation");
  TORCH_WARN("called a synchronizing CUDA operation");
}
cudaError_t GetDeviceCount(int *count) { return cudaGetDeviceCount(count); }
cudaError_t GetDevice(DeviceIndex *device) {
  *device = current_device();
  return cudaSuccess;
}
cudaError_t SetDevice(DeviceIndex device, const bool) { return cudaSetDevice(device); }
cudaError_t MaybeSetDevice(DeviceIndex device) { return cudaSetDevice(device); }
DeviceIndex ExchangeDevice(DeviceIndex device) {
  return guard().exchangeDevice(device_at(device)).index();
}
DeviceIndex MaybeExchangeDevice(DeviceIndex device) { return ExchangeDevice(device); }
void SetTargetDevice() {}
bool hasPrimaryContext(DeviceIndex device) { return device == 0; }
std::optional<DeviceIndex> getDeviceIndexWithPrimaryContext() { return DeviceIndex(0); }

// A stream's number in torch is the runtime's handle.
cudaStream_t CUDAStream::stream() const { return reinterpret_cast<cudaStream_t>(stream_.id()); }
bool CUDAStream::query() const { return guard().queryStream(stream_); }
void CUDAStream::synchronize() const { guard().synchronizeStream(stream_); }

CUDAStream getStreamFromPool(const bool high, DeviceIndex device) {
  return CUDAStream(guard().getStreamFromGlobalPool(device_at(device), high));
}
CUDAStream getStreamFromPool(const int priority, DeviceIndex device) {
  return CUDAStream(guard().getNewStream(device_at(device), priority));
}
CUDAStream getStreamFromExternal(cudaStream_t stream, DeviceIndex device) {
  const auto id = reinterpret_cast<StreamId>(stream);
  return CUDAStream(Stream(Stream::UNSAFE, device_at(device), id));
}
CUDAStream getDefaultCUDAStream(DeviceIndex device) {
  return CUDAStream(guard().getDefaultStream(device_at(device)));
}
CUDAStream getCurrentCUDAStream(DeviceIndex device) {
  return CUDAStream(guard().getStream(device_at(device)));
}
void setCurrentCUDAStream(CUDAStream stream) { guard().exchangeStream(stream.unwrap()); }
std::ostream &operator<<(std::ostream &out, const CUDAStream &stream) {
  return out << stream.unwrap();
}

void c10_cuda_check_implementation(const int32_t code, const char *file, const char *function,
                                   const uint32_t line, const bool) {
  const auto error = static_cast<cudaError_t>(code);
  if (error == cudaSuccess) return;
  cudaGetLastError();
  throw AcceleratorError({function, file, line}, code,
                         std::string("CUDA error: ") + cudaGetErrorString(error));
}

namespace CUDACachingAllocator {
namespace {

#define NOT_HERE(what) TORCH_CHECK(false, "warpfive's device allocator has no " what)

// Memory comes from the allocator that torch knows; pools and histories belong to CUDA builds.
struct Door final : CUDAAllocator {
  static c10::Allocator *own() { return c10::GetAllocator(kCUDA); }
  static DeviceAllocator &whole() { return *c10::getDeviceAllocator(kCUDA); }
  DataPtr allocate(size_t bytes) override { return own()->allocate(bytes); }
  DeleterFnPtr raw_deleter() const override { return own()->raw_deleter(); }
  void copy_data(void *to, const void *from, size_t bytes) const override {
    own()->copy_data(to, from, bytes);
  }
  bool initialized() override { return true; }
  void emptyCache(MempoolId_t id) override { whole().emptyCache(id); }
  CachingDeviceAllocator::DeviceStats getDeviceStats(DeviceIndex device) override {
    return whole().getDeviceStats(device);
  }
  void resetAccumulatedStats(DeviceIndex device) override {
    whole().resetAccumulatedStats(device);
  }
  void resetPeakStats(DeviceIndex device) override { whole().resetPeakStats(device); }
  void *raw_alloc(size_t bytes) override { return own()->raw_allocate(bytes); }
  void *raw_alloc_with_stream(size_t bytes, cudaStream_t) override { return raw_alloc(bytes); }
  void raw_delete(void *pointer) override { own()->raw_deallocate(pointer); }
  void init(int) override {}
  double getMemoryFraction(DeviceIndex) override { return 1.0; }
  void setMemoryFraction(double, DeviceIndex) override { NOT_HERE("memory fraction"); }
  std::vector<StreamSegmentSize> getExpandableSegmentSizes(DeviceIndex) override { return {}; }
  void enable(bool) override {}
  bool isEnabled() const override { return true; }
  void cacheInfo(DeviceIndex, size_t *) override { NOT_HERE("cacheInfo"); }
  void *getBaseAllocation(void *, size_t *) override { NOT_HERE("getBaseAllocation"); }
  void recordStream(const DataPtr &pointer, CUDAStream stream) override {
    guard().recordDataPtrOnStream(pointer, stream.unwrap());
  }
  SnapshotInfo snapshot(MempoolId_t, bool) override { NOT_HERE("snapshot from C++"); }
  void beginAllocateToPool(DeviceIndex, MempoolId_t,
                           std::function<bool(cudaStream_t)>) override {
    NOT_HERE("memory pools");
  }
  void endAllocateToPool(DeviceIndex, MempoolId_t) override { NOT_HERE("memory pools"); }
  void releasePool(DeviceIndex, MempoolId_t) override { NOT_HERE("memory pools"); }
  ShareableHandle shareIpcHandle(void *) override { NOT_HERE("sharing between processes"); }
  std::shared_ptr<void> getIpcDevPtr(std::string) override {
    NOT_HERE("sharing between processes");
  }
  void recordHistory(bool, CreateContextFn, size_t, RecordContext, bool,
                     const std::vector<std::string> &) override {
    NOT_HERE("history from C++");
  }
  void attachOutOfMemoryObserver(OutOfMemoryObserver) override { NOT_HERE("observers"); }
  void attachOomRejectionObserver(OomRejectionObserver) override { NOT_HERE("observers"); }
  void attachAllocatorTraceTracker(AllocatorTraceTracker) override { NOT_HERE("observers"); }
  void enablePeerAccess(DeviceIndex, DeviceIndex) override {}
  cudaError_t memcpyAsync(void *to, int, const void *from, int, size_t bytes,
                          cudaStream_t stream, bool) override {
    return cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream);
  }
  std::shared_ptr<AllocatorState> getCheckpointState(DeviceIndex, MempoolId_t) override {
    NOT_HERE("checkpoints");
  }
  CheckpointDelta setCheckpointPoolState(DeviceIndex, std::shared_ptr<AllocatorState>) override {
    NOT_HERE("checkpoints");
  }
  std::string name() override { return "warpfive"; }
};

Door door;

}  // namespace

std::atomic<CUDAAllocator *> allocator{&door};

}  // namespace CUDACachingAllocator
}  // namespace c10::cuda

namespace at::cuda {

cudaDeviceProp *getDeviceProperties(c10::DeviceIndex device) {
  static cudaDeviceProp known = [&] {
    cudaDeviceProp read;
    C10_CUDA_CHECK(cudaGetDeviceProperties(&read, device < 0 ? 0 : device));
    return read;
  }();
  return &known;
}
cudaDeviceProp *getCurrentDeviceProperties() { return getDeviceProperties(0); }
int warp_size() { return getCurrentDeviceProperties()->warpSize; }
bool canDeviceAccessPeer(c10::DeviceIndex, c10::DeviceIndex) { return false; }
c10::Allocator *getCUDADeviceAllocator() { return c10::GetAllocator(c10::kCUDA); }

}  // namespace at::cuda
