// Graphs: captured or built work that is launched as a whole.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "api.h"
#include "stream.h"

struct CUgraphNode_st {
  wf::rt::WorkKind kind = wf::rt::WorkKind::empty;
  wf::rt::Body body;
  std::vector<CUgraphNode_st *> after;  // nodes it depends on; always earlier in the graph
};

struct CUgraph_st {
  std::vector<std::unique_ptr<CUgraphNode_st>> nodes;  // in an order that respects `after`
};

/// What cudaGraphLaunch runs: a copy of a graph.
struct CUgraphExec_st {
  CUgraph_st graph;
  std::vector<CUgraphNode_st *> origin;  // nodes of the graph it was made from, same order
};

namespace wf::rt {

/// A capture that has begun and not ended.
struct Capture {
  CUgraph_st *graph = nullptr;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  CUstream_st *origin = nullptr;
  std::vector<CUstream_st *> streams;  // that work is captured from, origin included
  unsigned long long id = 0;
  unsigned long thread = 0;
  bool valid = true;
};

/// Adds work to the graph that `stream` is captured into. streams_mutex is held, here and below.
cudaError_t capture_work(CUstream_st *stream, WorkKind kind, Body body);
/// `stream` becomes part of `capture`, its next work depending on `after`, too.
cudaError_t join_capture(CUstream_st *stream, Capture *capture,
                         const std::vector<CUgraphNode_st *> &after);
void leave_capture(CUstream_st *stream);
void invalidate_captures();
/// Whether a capture in this thread (or a global one) forbids calls such as cudaMalloc.
bool capture_forbids_unsafe_calls();

}  // namespace wf::rt
