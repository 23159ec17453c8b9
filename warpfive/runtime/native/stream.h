// Streams: in-order queues of work on the device, with CUDA's rules between them.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "api.h"
#include "errors.h"
#include "timeline.h"
#include "work.h"

namespace wf::rt {
struct Capture;
}

struct CUgraphNode_st;

struct CUstream_st {
  unsigned long long id = 0;
  unsigned flags = 0;
  int priority = 0;
  wf::rt::WorkRef tail;  // the latest work; null or done when the stream is idle
  std::shared_ptr<wf::rt::StreamTime> time = std::make_shared<wf::rt::StreamTime>();
  wf::rt::Capture *capture = nullptr;
  std::vector<CUgraphNode_st *> capture_tail;  // nodes the next captured node depends on
  bool blocking() const { return !(flags & cudaStreamNonBlocking); }
};

namespace wf::rt {

using Body = std::function<void()>;

/// What a piece of work is, for captured graphs.
enum class WorkKind { kernel, copy, set, host, empty, event_record, event_wait, alloc, free };

/// The stream behind a handle (0 and the two special handles included), or null.
CUstream_st *resolve(cudaStream_t handle);

/// Makes handle 0 mean the per-thread default stream, as `--default-stream per-thread` does.
void use_per_thread_default();

/// Appends `body` to the stream, or to the graph that the stream is being captured into.
/// `after` are further things it waits for; `*out` receives the work (null when captured).
cudaError_t enqueue(cudaStream_t handle, WorkKind kind, Body body,
                    const std::vector<WorkRef> &after = {}, WorkRef *out = nullptr);

/// True when nothing that work newly put on the stream would wait for is unfinished.
bool idle(CUstream_st *stream);
bool is_capturing(CUstream_st *stream);

/// Everything submitted so far on every stream has run. Returns the sticky error.
cudaError_t sync_device();
cudaError_t sync_stream(CUstream_st *stream);

/// Refuses calls that may not be made while a stream of this thread is being captured.
cudaError_t refuse_in_capture();

/// The mutex that guards streams, events and captures.
std::recursive_mutex &streams_mutex();

/// What a stream's next work would wait for. streams_mutex is held.
std::vector<WorkRef> dependencies(CUstream_st *stream);
/// Appends without looking at captures. streams_mutex is held.
WorkRef append(CUstream_st *stream, Body body, const std::vector<WorkRef> &after, Call call);
/// A work for this stream that has not been submitted; `after` as for append.
WorkRef make_work(CUstream_st *stream, Body body, const std::vector<WorkRef> &after,
                  uint64_t issue_ns);

}  // namespace wf::rt
