// Stream creation, ordering and synchronisation.
#include "stream.h"

#include <algorithm>
#include <unordered_set>

#include "graph.h"
#include "printf.h"

namespace wf::rt {
namespace {

struct Streams {
  std::recursive_mutex mutex;
  std::unordered_set<CUstream_st *> live;
  std::vector<std::pair<WorkRef, bool>> orphans;  // tails of destroyed streams; blocking?
  CUstream_st legacy;
  std::atomic<unsigned long long> next_id{1};
  std::atomic<bool> per_thread_default{false};
};

Streams &streams() {
  static Streams *s = [] {
    auto *made = new Streams;
    made->legacy.time->legacy = true;
    return made;
  }();
  return *s;
}

/// A thread's own default stream; its work outlives the thread as an orphan.
struct ThreadStream {
  CUstream_st *stream = nullptr;
  ~ThreadStream();
};

CUstream_st *make_stream(unsigned flags, int priority) {
  auto *stream = new CUstream_st;
  stream->id = streams().next_id++;
  stream->flags = flags;
  stream->priority = priority;
  stream->time->id = stream->id;
  stream->time->blocking = stream->blocking();
  std::lock_guard lock(streams().mutex);
  streams().live.insert(stream);
  return stream;
}

void forget(CUstream_st *stream) {
  Streams &s = streams();
  std::lock_guard lock(s.mutex);
  if (!is_done(stream->tail)) s.orphans.emplace_back(stream->tail, stream->blocking());
  s.live.erase(stream);
  delete stream;
}

ThreadStream::~ThreadStream() {
  if (stream) forget(stream);
}

CUstream_st *thread_stream() {
  static thread_local ThreadStream mine;
  if (!mine.stream) mine.stream = make_stream(0, 0);
  return mine.stream;
}

/// Unfinished work of all streams, or of the blocking ones only. The mutex is held.
std::vector<WorkRef> unfinished(bool blocking_only) {
  Streams &s = streams();
  std::erase_if(s.orphans, [](auto &orphan) { return is_done(orphan.first); });
  std::vector<WorkRef> works;
  for (auto &[tail, blocking] : s.orphans)
    if (blocking || !blocking_only) works.push_back(tail);
  for (CUstream_st *stream : s.live)
    if (!is_done(stream->tail) && (stream->blocking() || !blocking_only))
      works.push_back(stream->tail);
  if (!is_done(s.legacy.tail)) works.push_back(s.legacy.tail);
  return works;
}

bool blocking_capture_runs() {
  for (CUstream_st *stream : streams().live)
    if (stream->capture && stream->blocking()) return true;
  return false;
}

constexpr int kLeastPriority = 0, kGreatestPriority = -5;

}  // namespace

std::recursive_mutex &streams_mutex() { return streams().mutex; }

void use_per_thread_default() { streams().per_thread_default = true; }

CUstream_st *resolve(cudaStream_t handle) {
  Streams &s = streams();
  if (handle == nullptr)
    return s.per_thread_default.load(std::memory_order_relaxed) ? thread_stream() : &s.legacy;
  if (handle == cudaStreamLegacy || handle == &s.legacy) return &s.legacy;
  if (handle == cudaStreamPerThread) return thread_stream();
  std::lock_guard lock(s.mutex);
  return s.live.contains(handle) ? handle : nullptr;
}

std::vector<WorkRef> dependencies(CUstream_st *stream) {
  Streams &s = streams();
  if (stream == &s.legacy) return unfinished(true);
  std::vector<WorkRef> before;
  if (!is_done(stream->tail)) before.push_back(stream->tail);
  if (stream->blocking() && !is_done(s.legacy.tail)) before.push_back(s.legacy.tail);
  return before;
}

WorkRef make_work(CUstream_st *stream, Body body, const std::vector<WorkRef> &after,
                  uint64_t issue_ns) {
  WorkRef work = std::make_shared<Work>();
  work->body = std::move(body);
  work->time = stream->time;
  work->waits = after;
  work->issue_ns = issue_ns;
  return work;
}

WorkRef append(CUstream_st *stream, Body body, const std::vector<WorkRef> &after, Call call) {
  std::vector<WorkRef> before = dependencies(stream);
  before.insert(before.end(), after.begin(), after.end());
  WorkRef work = make_work(stream, std::move(body), after, host_asks(call));
  stream->tail = work;
  submit(work, before);
  return work;
}

namespace {

Call call_of(WorkKind kind) {
  bool launches =
      kind == WorkKind::kernel || kind == WorkKind::copy || kind == WorkKind::set;
  return launches ? Call::launch : kind == WorkKind::event_record ? Call::event : Call::other;
}

}  // namespace

cudaError_t enqueue(cudaStream_t handle, WorkKind kind, Body body,
                    const std::vector<WorkRef> &after, WorkRef *out) {
  if (sticky_error() != cudaSuccess) return sticky_error();
  CUstream_st *stream = resolve(handle);
  if (!stream) return cudaErrorInvalidResourceHandle;
  std::lock_guard lock(streams().mutex);
  if (stream->capture) return capture_work(stream, kind, std::move(body));
  if (stream == &streams().legacy && blocking_capture_runs()) {
    invalidate_captures();
    return cudaErrorStreamCaptureImplicit;
  }
  WorkRef work = append(stream, std::move(body), after, call_of(kind));
  if (out) *out = std::move(work);
  return cudaSuccess;
}

bool idle(CUstream_st *stream) {
  std::lock_guard lock(streams().mutex);
  return dependencies(stream).empty();
}

bool is_capturing(CUstream_st *stream) {
  std::lock_guard lock(streams().mutex);
  return stream->capture != nullptr;
}

cudaError_t refuse_in_capture() {
  Streams &s = streams();
  std::lock_guard lock(s.mutex);
  if (!capture_forbids_unsafe_calls()) return cudaSuccess;
  invalidate_captures();
  return cudaErrorStreamCaptureUnsupported;
}

cudaError_t sync_device() {
  std::vector<WorkRef> works;
  {
    std::lock_guard lock(streams().mutex);
    works = unfinished(false);
  }
  for (WorkRef &work : works) wait(work);
  host_waits(device_end_ns());
  drain_printf();
  return take_async();
}

cudaError_t sync_stream(CUstream_st *stream) {
  std::vector<WorkRef> works;
  {
    std::lock_guard lock(streams().mutex);
    works = dependencies(stream);
  }
  for (WorkRef &work : works) wait(work);
  host_waits(stream == &streams().legacy ? device_end_ns() : stream->time->end_ns.load());
  drain_printf();
  return take_async();
}

}  // namespace wf::rt

using namespace wf::rt;

extern "C" {

/// Called by a constructor in programs built with --default-stream per-thread.
void __wf_per_thread_default_stream(void) { use_per_thread_default(); }

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *out, unsigned flags, int priority) {
  if (!out || (flags & ~cudaStreamNonBlocking)) return note(cudaErrorInvalidValue);
  if (sticky_error() != cudaSuccess) return note(sticky_error());
  *out = make_stream(flags, std::clamp(priority, kGreatestPriority, kLeastPriority));
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *out, unsigned flags) {
  return cudaStreamCreateWithPriority(out, flags, 0);
}

cudaError_t cudaStreamCreate(cudaStream_t *out) { return cudaStreamCreateWithPriority(out, 0, 0); }

cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  std::lock_guard lock(streams().mutex);
  if (!handle || !streams().live.contains(handle)) return note(cudaErrorInvalidResourceHandle);
  leave_capture(handle);
  forget(handle);
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  CUstream_st *stream = resolve(handle);
  if (!stream) return note(cudaErrorInvalidResourceHandle);
  if (is_capturing(stream)) {
    invalidate_captures();
    return note(cudaErrorStreamCaptureUnsupported);
  }
  return note(sync_stream(stream));
}

cudaError_t cudaStreamQuery(cudaStream_t handle) {
  CUstream_st *stream = resolve(handle);
  if (!stream) return note(cudaErrorInvalidResourceHandle);
  if (is_capturing(stream)) {
    invalidate_captures();
    return note(cudaErrorStreamCaptureUnsupported);
  }
  if (sticky_error() != cudaSuccess) return note(sticky_error());
  if (!idle(stream)) return cudaErrorNotReady;
  host_waits(stream->time->end_ns);
  return cudaSuccess;
}

cudaError_t cudaStreamGetFlags(cudaStream_t handle, unsigned *flags) {
  CUstream_st *stream = resolve(handle);
  if (!stream) return note(cudaErrorInvalidResourceHandle);
  if (!flags) return note(cudaErrorInvalidValue);
  *flags = stream->flags;
  return cudaSuccess;
}

cudaError_t cudaStreamGetPriority(cudaStream_t handle, int *priority) {
  CUstream_st *stream = resolve(handle);
  if (!stream) return note(cudaErrorInvalidResourceHandle);
  if (!priority) return note(cudaErrorInvalidValue);
  *priority = stream->priority;
  return cudaSuccess;
}

cudaError_t cudaStreamGetId(cudaStream_t handle, unsigned long long *id) {
  CUstream_st *stream = resolve(handle);
  if (!stream) return note(cudaErrorInvalidResourceHandle);
  if (!id) return note(cudaErrorInvalidValue);
  *id = stream->id;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest) {
  if (least) *least = kLeastPriority;
  if (greatest) *greatest = kGreatestPriority;
  return cudaSuccess;
}

cudaError_t cudaStreamAddCallback(cudaStream_t handle, cudaStreamCallback_t callback, void *data,
                                  unsigned flags) {
  if (!callback || flags) return note(cudaErrorInvalidValue);
  return note(enqueue(handle, WorkKind::host, [=] {
    drain_printf();
    callback(handle, sticky_error(), data);
  }));
}

cudaError_t cudaLaunchHostFunc(cudaStream_t handle, cudaHostFn_t fn, void *data) {
  if (!fn) return note(cudaErrorInvalidValue);
  return note(enqueue(handle, WorkKind::host, [=] {
    if (sticky_error() == cudaSuccess) fn(data);
  }));
}

cudaError_t cudaStreamAttachMemAsync(cudaStream_t handle, void *, size_t, unsigned) {
  return note(resolve(handle) ? cudaSuccess : cudaErrorInvalidResourceHandle);
}

cudaError_t cudaDeviceSynchronize(void) {
  if (cudaError_t refused = refuse_in_capture()) return note(refused);
  return note(sync_device());
}

cudaError_t cudaThreadSynchronize(void) { return cudaDeviceSynchronize(); }

}  // extern "C"
