// Event creation, recording, waiting and timing.
#include "event.h"

#include <unordered_set>

#include "../../chip/native/device.h"
#include "graph.h"
#include "printf.h"

namespace wf::rt {
namespace {

std::unordered_set<CUevent_st *> &live_events() {
  static auto *events = new std::unordered_set<CUevent_st *>;
  return *events;
}

constexpr unsigned kEventFlags =
    cudaEventBlockingSync | cudaEventDisableTiming | cudaEventInterprocess;

cudaError_t record(CUevent_st *event, cudaStream_t handle) {
  if (sticky_error() != cudaSuccess) return sticky_error();
  CUstream_st *stream = resolve(handle);
  if (!stream) return cudaErrorInvalidResourceHandle;
  if (stream->capture) {
    event->capture = stream->capture;
    event->captured = stream->capture_tail;
    event->recorded = true;
    return cudaSuccess;
  }
  WorkRef work;
  cudaError_t code = enqueue(handle, WorkKind::event_record, [] {}, {}, &work);
  if (code != cudaSuccess) return code;
  event->capture = nullptr;
  event->work = std::move(work);
  event->recorded = true;
  return cudaSuccess;
}

}  // namespace

CUevent_st *resolve_event(cudaEvent_t handle) {
  std::lock_guard lock(streams_mutex());
  return live_events().contains(handle) ? handle : nullptr;
}

}  // namespace wf::rt

using namespace wf::rt;

extern "C" {

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *out, unsigned flags) {
  if (!out || (flags & ~kEventFlags)) return note(cudaErrorInvalidValue);
  if ((flags & cudaEventInterprocess) && !(flags & cudaEventDisableTiming))
    return note(cudaErrorInvalidValue);
  if (sticky_error() != cudaSuccess) return note(sticky_error());
  if (!(flags & cudaEventDisableTiming)) wf::want_clock();
  std::lock_guard lock(streams_mutex());
  *out = new CUevent_st;
  (*out)->flags = flags;
  live_events().insert(*out);
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t *out) { return cudaEventCreateWithFlags(out, 0); }

cudaError_t cudaEventDestroy(cudaEvent_t handle) {
  std::lock_guard lock(streams_mutex());
  if (!live_events().erase(handle)) return note(cudaErrorInvalidResourceHandle);
  delete handle;
  return cudaSuccess;
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t handle, cudaStream_t stream, unsigned flags) {
  std::lock_guard lock(streams_mutex());
  CUevent_st *event = resolve_event(handle);
  if (!event) return note(cudaErrorInvalidResourceHandle);
  if (flags & ~cudaEventRecordExternal) return note(cudaErrorInvalidValue);
  return note(record(event, stream));
}

cudaError_t cudaEventRecord(cudaEvent_t handle, cudaStream_t stream) {
  return cudaEventRecordWithFlags(handle, stream, 0);
}

cudaError_t cudaEventQuery(cudaEvent_t handle) {
  std::lock_guard lock(streams_mutex());
  CUevent_st *event = resolve_event(handle);
  if (!event) return note(cudaErrorInvalidResourceHandle);
  if (event->capture) return note(cudaErrorCapturedEvent);
  if (sticky_error() != cudaSuccess) return note(sticky_error());
  if (!is_done(event->work)) return cudaErrorNotReady;
  if (event->work) host_waits(event->work->end_ns);
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
  WorkRef work;
  {
    std::lock_guard lock(streams_mutex());
    CUevent_st *event = resolve_event(handle);
    if (!event) return note(cudaErrorInvalidResourceHandle);
    if (event->capture) return note(cudaErrorCapturedEvent);
    work = event->work;
  }
  wait(work);
  if (work) host_waits(work->end_ns);
  drain_printf();
  return note(take_async());
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t start, cudaEvent_t end) {
  std::lock_guard lock(streams_mutex());
  CUevent_st *first = resolve_event(start), *last = resolve_event(end);
  if (!first || !last) return note(cudaErrorInvalidResourceHandle);
  if (!ms) return note(cudaErrorInvalidValue);
  bool timed = !((first->flags | last->flags) & cudaEventDisableTiming);
  if (!first->recorded || !last->recorded || !timed)
    return note(cudaErrorInvalidResourceHandle);
  if (first->capture || last->capture) return note(cudaErrorCapturedEvent);
  if (sticky_error() != cudaSuccess) return note(sticky_error());
  if (!is_done(first->work) || !is_done(last->work)) return cudaErrorNotReady;
  int64_t ns = static_cast<int64_t>(last->work->end_ns - first->work->end_ns);
  *ms = static_cast<float>(ns * 1e-6);
  return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event_handle, unsigned flags) {
  std::lock_guard lock(streams_mutex());
  CUevent_st *event = resolve_event(event_handle);
  CUstream_st *stream = resolve(handle);
  if (!event || !stream) return note(cudaErrorInvalidResourceHandle);
  if (flags & ~cudaEventWaitExternal) return note(cudaErrorInvalidValue);
  if (event->capture) return note(join_capture(stream, event->capture, event->captured));
  if (stream->capture) {
    if (!event->recorded) return cudaSuccess;
    invalidate_captures();
    return note(cudaErrorStreamCaptureIsolation);
  }
  if (!event->work) return cudaSuccess;
  return note(enqueue(handle, WorkKind::event_wait, [] {}, {event->work}));
}

}  // extern "C"
