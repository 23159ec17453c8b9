// Stream capture and graphs: recording work, and launching it as a whole.
#include "graph.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <unordered_map>
#include <unordered_set>

#include "copy.h"
#include "errors.h"
#include "launch.h"
#include "module.h"

namespace wf::rt {
namespace {

struct Graphs {
  std::unordered_set<CUgraph_st *> graphs;
  std::unordered_set<CUgraphExec_st *> execs;
  std::vector<Capture *> captures;
  unsigned long long next_id = 1;
};

Graphs &graphs() {
  static auto *g = new Graphs;
  return *g;
}

thread_local cudaStreamCaptureMode thread_mode = cudaStreamCaptureModeGlobal;

unsigned long this_thread() { return static_cast<unsigned long>(gettid()); }

CUgraph_st *make_graph() {
  auto *graph = new CUgraph_st;
  graphs().graphs.insert(graph);
  return graph;
}

CUgraphNode_st *add_node(CUgraph_st *graph, WorkKind kind, Body body,
                         std::vector<CUgraphNode_st *> after) {
  auto node = std::make_unique<CUgraphNode_st>();
  node->kind = kind;
  node->body = std::move(body);
  node->after = std::move(after);
  graph->nodes.push_back(std::move(node));
  return graph->nodes.back().get();
}

/// Copies nodes of `from` to the end of `to`; roots come after `first`. Returns the leaves.
std::vector<CUgraphNode_st *> splice(const CUgraph_st &from, CUgraph_st *to,
                                     const std::vector<CUgraphNode_st *> &first) {
  std::unordered_map<CUgraphNode_st *, CUgraphNode_st *> twin;
  std::unordered_set<CUgraphNode_st *> leaves;
  for (auto &node : from.nodes) {
    std::vector<CUgraphNode_st *> after;
    for (CUgraphNode_st *before : node->after) {
      after.push_back(twin.at(before));
      leaves.erase(twin.at(before));
    }
    if (after.empty()) after = first;
    CUgraphNode_st *made = add_node(to, node->kind, node->body, after);
    twin[node.get()] = made;
    leaves.insert(made);
  }
  return {leaves.begin(), leaves.end()};
}

void end_capture(Capture *capture) {
  for (CUstream_st *stream : capture->streams) {
    stream->capture = nullptr;
    stream->capture_tail.clear();
  }
  std::erase(graphs().captures, capture);
  delete capture;
}

/// Every joined stream's captured work leads to the origin's.
bool joined(const Capture &capture) {
  std::unordered_set<CUgraphNode_st *> seen;
  std::vector<CUgraphNode_st *> work = capture.origin->capture_tail;
  while (!work.empty()) {
    CUgraphNode_st *node = work.back();
    work.pop_back();
    if (seen.insert(node).second) work.insert(work.end(), node->after.begin(), node->after.end());
  }
  for (CUstream_st *stream : capture.streams)
    for (CUgraphNode_st *node : stream->capture_tail)
      if (!seen.contains(node)) return false;
  return true;
}

bool is_graph(CUgraph_st *graph) { return graphs().graphs.contains(graph); }

CUgraphExec_st *instantiate(CUgraph_st *graph) {
  auto *exec = new CUgraphExec_st;
  splice(*graph, &exec->graph, {});
  for (auto &node : graph->nodes) exec->origin.push_back(node.get());
  graphs().execs.insert(exec);
  return exec;
}

/// Puts the nodes on the queue with their own dependencies, all after the stream's work.
cudaError_t launch_graph(CUgraphExec_st *exec, CUstream_st *stream) {
  if (stream->capture) {
    stream->capture_tail = splice(exec->graph, stream->capture->graph, stream->capture_tail);
    return cudaSuccess;
  }
  std::vector<WorkRef> before = dependencies(stream), all;
  std::unordered_map<CUgraphNode_st *, WorkRef> works;
  uint64_t issue_ns = host_asks(Call::launch);
  for (auto &node : exec->graph.nodes) {
    std::vector<WorkRef> after = before;
    for (CUgraphNode_st *parent : node->after) after.push_back(works.at(parent));
    std::vector<WorkRef> parents;
    for (CUgraphNode_st *parent : node->after) parents.push_back(works.at(parent));
    Body body = [body = node->body] { if (body) body(); };
    WorkRef work = make_work(stream, std::move(body), parents, issue_ns);
    work->branch = true;
    submit(work, after);
    all.push_back(works[node.get()] = work);
  }
  append(stream, [] {}, all, Call::other);
  return cudaSuccess;
}

std::vector<CUgraphNode_st *> listed(const cudaGraphNode_t *nodes, size_t count) {
  return {nodes, nodes + count};
}

bool valid_parents(CUgraph_st *graph, const cudaGraphNode_t *nodes, size_t count) {
  if (!is_graph(graph) || (count && !nodes)) return false;
  return std::all_of(nodes, nodes + count, [&](cudaGraphNode_t node) {
    return std::any_of(graph->nodes.begin(), graph->nodes.end(),
                       [&](auto &mine) { return mine.get() == node; });
  });
}

/// The shared part of cudaGraphAdd...Node.
cudaError_t add(cudaGraphNode_t *out, CUgraph_st *graph, const cudaGraphNode_t *parents,
                size_t count, WorkKind kind, Body body) {
  std::lock_guard lock(streams_mutex());
  if (!out || !valid_parents(graph, parents, count)) return cudaErrorInvalidValue;
  *out = add_node(graph, kind, std::move(body), listed(parents, count));
  return cudaSuccess;
}

cudaError_t kernel_body(const cudaKernelNodeParams *params, Body *out) {
  if (!params) return cudaErrorInvalidValue;
  CUfunc_st *function = nullptr;
  if (cudaError_t code = find_function(params->func, &function)) return code;
  std::shared_ptr<Ready> made;
  LaunchShape shape{params->gridDim, params->blockDim, params->sharedMemBytes, false};
  if (cudaError_t code = ready(function, shape, params->kernelParams, nullptr, 0, &made))
    return code;
  *out = launch_body(std::move(made));
  return cudaSuccess;
}

cudaGraphNodeType type_of(WorkKind kind) {
  switch (kind) {
    case WorkKind::kernel: return cudaGraphNodeTypeKernel;
    case WorkKind::copy: return cudaGraphNodeTypeMemcpy;
    case WorkKind::set: return cudaGraphNodeTypeMemset;
    case WorkKind::host: return cudaGraphNodeTypeHost;
    case WorkKind::event_record: return cudaGraphNodeTypeEventRecord;
    case WorkKind::event_wait: return cudaGraphNodeTypeWaitEvent;
    case WorkKind::alloc: return cudaGraphNodeTypeMemAlloc;
    case WorkKind::free: return cudaGraphNodeTypeMemFree;
    default: return cudaGraphNodeTypeEmpty;
  }
}

void list_nodes(const std::vector<CUgraphNode_st *> &nodes, cudaGraphNode_t *out, size_t *count) {
  if (out) std::copy_n(nodes.begin(), std::min(*count, nodes.size()), out);
  *count = nodes.size();
}

}  // namespace

cudaError_t capture_work(CUstream_st *stream, WorkKind kind, Body body) {
  if (!stream->capture->valid) return cudaErrorStreamCaptureInvalidated;
  CUgraphNode_st *node =
      add_node(stream->capture->graph, kind, std::move(body), stream->capture_tail);
  stream->capture_tail = {node};
  return cudaSuccess;
}

cudaError_t join_capture(CUstream_st *stream, Capture *capture,
                         const std::vector<CUgraphNode_st *> &after) {
  auto &all = graphs().captures;
  if (std::find(all.begin(), all.end(), capture) == all.end())
    return cudaErrorStreamCaptureIsolation;
  if (stream->capture && stream->capture != capture) {
    invalidate_captures();
    return cudaErrorStreamCaptureMerge;
  }
  if (!stream->capture) {
    stream->capture = capture;
    capture->streams.push_back(stream);
  }
  for (CUgraphNode_st *node : after) {
    auto &tail = stream->capture_tail;
    if (std::find(tail.begin(), tail.end(), node) == tail.end()) tail.push_back(node);
  }
  return cudaSuccess;
}

void leave_capture(CUstream_st *stream) {
  if (!stream->capture) return;
  stream->capture->valid = false;
  std::erase(stream->capture->streams, stream);
}

void invalidate_captures() {
  std::lock_guard lock(streams_mutex());
  for (Capture *capture : graphs().captures) capture->valid = false;
}

bool capture_forbids_unsafe_calls() {
  if (graphs().captures.empty() || thread_mode == cudaStreamCaptureModeRelaxed) return false;
  for (Capture *capture : graphs().captures) {
    if (capture->mode == cudaStreamCaptureModeRelaxed) continue;
    if (capture->thread == this_thread()) return true;
    if (capture->mode == cudaStreamCaptureModeGlobal &&
        thread_mode == cudaStreamCaptureModeGlobal)
      return true;
  }
  return false;
}

}  // namespace wf::rt

using namespace wf::rt;

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  std::lock_guard lock(streams_mutex());
  CUstream_st *stream = resolve(handle);
  if (!stream) return note(cudaErrorInvalidResourceHandle);
  if (stream == resolve(cudaStreamLegacy)) return note(cudaErrorStreamCaptureUnsupported);
  if (stream->capture) return note(cudaErrorIllegalState);
  auto *capture = new Capture;
  capture->graph = make_graph();
  capture->mode = mode;
  capture->origin = stream;
  capture->streams = {stream};
  capture->id = graphs().next_id++;
  capture->thread = this_thread();
  stream->capture = capture;
  graphs().captures.push_back(capture);
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t *out) {
  std::lock_guard lock(streams_mutex());
  CUstream_st *stream = resolve(handle);
  if (!stream) return note(cudaErrorInvalidResourceHandle);
  if (!out) return note(cudaErrorInvalidValue);
  *out = nullptr;
  Capture *capture = stream->capture;
  if (!capture) return note(cudaErrorIllegalState);
  if (capture->origin != stream) return note(cudaErrorStreamCaptureUnmatched);
  if (capture->mode != cudaStreamCaptureModeRelaxed && capture->thread != this_thread())
    return note(cudaErrorStreamCaptureWrongThread);
  cudaError_t code = cudaSuccess;
  if (!capture->valid) code = cudaErrorStreamCaptureInvalidated;
  else if (!joined(*capture)) code = cudaErrorStreamCaptureUnjoined;
  if (code == cudaSuccess) {
    *out = capture->graph;
  } else {
    graphs().graphs.erase(capture->graph);
    delete capture->graph;
  }
  end_capture(capture);
  return note(code);
}

cudaError_t cudaStreamGetCaptureInfo(cudaStream_t handle, cudaStreamCaptureStatus *status,
                                     unsigned long long *id, cudaGraph_t *graph,
                                     const cudaGraphNode_t **dependencies, size_t *count) {
  std::lock_guard lock(streams_mutex());
  CUstream_st *stream = resolve(handle);
  if (!stream) return note(cudaErrorInvalidResourceHandle);
  if (!status) return note(cudaErrorInvalidValue);
  Capture *capture = stream->capture;
  *status = !capture           ? cudaStreamCaptureStatusNone
            : capture->valid ? cudaStreamCaptureStatusActive
                             : cudaStreamCaptureStatusInvalidated;
  if (!capture) return cudaSuccess;
  if (id) *id = capture->id;
  if (graph) *graph = capture->graph;
  if (dependencies) *dependencies = stream->capture_tail.data();
  if (count) *count = stream->capture_tail.size();
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus *status) {
  return cudaStreamGetCaptureInfo(handle, status, nullptr, nullptr, nullptr, nullptr);
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode *mode) {
  if (!mode) return note(cudaErrorInvalidValue);
  std::swap(*mode, thread_mode);
  return cudaSuccess;
}

cudaError_t cudaGraphCreate(cudaGraph_t *out, unsigned flags) {
  if (!out || flags) return note(cudaErrorInvalidValue);
  std::lock_guard lock(streams_mutex());
  *out = make_graph();
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  std::lock_guard lock(streams_mutex());
  if (!graphs().graphs.erase(graph)) return note(cudaErrorInvalidValue);
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphClone(cudaGraph_t *out, cudaGraph_t graph) {
  std::lock_guard lock(streams_mutex());
  if (!out || !is_graph(graph)) return note(cudaErrorInvalidValue);
  *out = make_graph();
  splice(*graph, *out, {});
  return cudaSuccess;
}

cudaError_t cudaGraphAddEmptyNode(cudaGraphNode_t *out, cudaGraph_t graph,
                                  const cudaGraphNode_t *parents, size_t count) {
  return note(add(out, graph, parents, count, WorkKind::empty, [] {}));
}

cudaError_t cudaGraphAddHostNode(cudaGraphNode_t *out, cudaGraph_t graph,
                                 const cudaGraphNode_t *parents, size_t count,
                                 const cudaHostNodeParams *params) {
  if (!params || !params->fn) return note(cudaErrorInvalidValue);
  return note(add(out, graph, parents, count, WorkKind::host,
                  [p = *params] { p.fn(p.userData); }));
}

cudaError_t cudaGraphAddKernelNode(cudaGraphNode_t *out, cudaGraph_t graph,
                                   const cudaGraphNode_t *parents, size_t count,
                                   const cudaKernelNodeParams *params) {
  Body body;
  if (cudaError_t code = kernel_body(params, &body)) return note(code);
  return note(add(out, graph, parents, count, WorkKind::kernel, std::move(body)));
}

cudaError_t cudaGraphAddMemcpyNode(cudaGraphNode_t *out, cudaGraph_t graph,
                                   const cudaGraphNode_t *parents, size_t count,
                                   const cudaMemcpy3DParms *params) {
  Box box;
  cudaMemcpyKind kind;
  if (!params) return note(cudaErrorInvalidValue);
  if (cudaError_t code = box_of(*params, &box, &kind)) return note(code);
  if (cudaError_t code = check_copy(box, kind)) return note(code);
  return note(add(out, graph, parents, count, WorkKind::copy, [box] { box.run(); }));
}

cudaError_t cudaGraphAddMemcpyNode1D(cudaGraphNode_t *out, cudaGraph_t graph,
                                     const cudaGraphNode_t *parents, size_t count, void *dst,
                                     const void *src, size_t bytes, cudaMemcpyKind kind) {
  Box box = line(dst, src, bytes);
  if (cudaError_t code = check_copy(box, kind)) return note(code);
  return note(add(out, graph, parents, count, WorkKind::copy, [box] { box.run(); }));
}

cudaError_t cudaGraphAddMemsetNode(cudaGraphNode_t *out, cudaGraph_t graph,
                                   const cudaGraphNode_t *parents, size_t count,
                                   const cudaMemsetParams *p) {
  if (!p || (p->elementSize != 1 && p->elementSize != 2 && p->elementSize != 4))
    return note(cudaErrorInvalidValue);
  Box box = line(p->dst, nullptr, p->width * p->elementSize);
  box.height = p->height;
  if (p->height > 1) box.dst_pitch = p->pitch;
  return note(add(out, graph, parents, count, WorkKind::set,
                  [box, value = p->value, size = p->elementSize] { fill_now(box, value, size); }));
}

cudaError_t cudaGraphAddChildGraphNode(cudaGraphNode_t *out, cudaGraph_t graph,
                                       const cudaGraphNode_t *parents, size_t count,
                                       cudaGraph_t child) {
  std::lock_guard lock(streams_mutex());
  if (!out || !is_graph(child) || !valid_parents(graph, parents, count))
    return note(cudaErrorInvalidValue);
  auto leaves = splice(*child, graph, listed(parents, count));
  *out = add_node(graph, WorkKind::empty, [] {}, leaves);
  return cudaSuccess;
}

cudaError_t cudaGraphAddDependencies(cudaGraph_t graph, const cudaGraphNode_t *from,
                                     const cudaGraphNode_t *to, size_t count) {
  std::lock_guard lock(streams_mutex());
  if (!valid_parents(graph, from, count) || !valid_parents(graph, to, count))
    return note(cudaErrorInvalidValue);
  for (size_t i = 0; i < count; i++) to[i]->after.push_back(from[i]);
  // Keep the order of nodes one that respects dependencies.
  std::vector<std::unique_ptr<CUgraphNode_st>> rest = std::move(graph->nodes), sorted;
  std::unordered_set<CUgraphNode_st *> placed;
  while (!rest.empty()) {
    auto next = std::find_if(rest.begin(), rest.end(), [&](auto &node) {
      return std::all_of(node->after.begin(), node->after.end(),
                         [&](auto *before) { return placed.contains(before); });
    });
    if (next == rest.end()) break;
    placed.insert(next->get());
    sorted.push_back(std::move(*next));
    rest.erase(next);
  }
  bool cycle = !rest.empty();
  for (auto &node : rest) sorted.push_back(std::move(node));
  graph->nodes = std::move(sorted);
  return note(cycle ? cudaErrorInvalidValue : cudaSuccess);
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t *out, size_t *count) {
  std::lock_guard lock(streams_mutex());
  if (!is_graph(graph) || !count) return note(cudaErrorInvalidValue);
  std::vector<CUgraphNode_st *> nodes;
  for (auto &node : graph->nodes) nodes.push_back(node.get());
  list_nodes(nodes, out, count);
  return cudaSuccess;
}

cudaError_t cudaGraphGetRootNodes(cudaGraph_t graph, cudaGraphNode_t *out, size_t *count) {
  std::lock_guard lock(streams_mutex());
  if (!is_graph(graph) || !count) return note(cudaErrorInvalidValue);
  std::vector<CUgraphNode_st *> nodes;
  for (auto &node : graph->nodes)
    if (node->after.empty()) nodes.push_back(node.get());
  list_nodes(nodes, out, count);
  return cudaSuccess;
}

cudaError_t cudaGraphGetEdges(cudaGraph_t graph, cudaGraphNode_t *from, cudaGraphNode_t *to,
                              size_t *count) {
  std::lock_guard lock(streams_mutex());
  if (!is_graph(graph) || !count) return note(cudaErrorInvalidValue);
  std::vector<CUgraphNode_st *> tails, heads;
  for (auto &node : graph->nodes)
    for (CUgraphNode_st *before : node->after) {
      tails.push_back(before);
      heads.push_back(node.get());
    }
  size_t room = *count;
  list_nodes(tails, from, count);
  list_nodes(heads, to, &room);
  return cudaSuccess;
}

cudaError_t cudaGraphNodeGetType(cudaGraphNode_t node, cudaGraphNodeType *type) {
  if (!node || !type) return note(cudaErrorInvalidValue);
  *type = type_of(node->kind);
  return cudaSuccess;
}

cudaError_t cudaGraphKernelNodeSetParams(cudaGraphNode_t node,
                                         const cudaKernelNodeParams *params) {
  if (!node || node->kind != WorkKind::kernel) return note(cudaErrorInvalidValue);
  return note(kernel_body(params, &node->body));
}

cudaError_t cudaGraphExecKernelNodeSetParams(cudaGraphExec_t exec, cudaGraphNode_t node,
                                             const cudaKernelNodeParams *params) {
  std::lock_guard lock(streams_mutex());
  if (!graphs().execs.contains(exec)) return note(cudaErrorInvalidValue);
  auto found = std::find(exec->origin.begin(), exec->origin.end(), node);
  if (found == exec->origin.end()) return note(cudaErrorInvalidValue);
  auto &mine = exec->graph.nodes[static_cast<size_t>(found - exec->origin.begin())];
  return note(kernel_body(params, &mine->body));
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *out, cudaGraph_t graph, unsigned long long) {
  std::lock_guard lock(streams_mutex());
  if (!out || !is_graph(graph)) return note(cudaErrorInvalidValue);
  *out = instantiate(graph);
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *out, cudaGraph_t graph,
                                          unsigned long long flags) {
  return cudaGraphInstantiate(out, graph, flags);
}

cudaError_t cudaGraphExecUpdate(cudaGraphExec_t exec, cudaGraph_t graph,
                                cudaGraphExecUpdateResultInfo *result) {
  std::lock_guard lock(streams_mutex());
  if (!graphs().execs.contains(exec) || !is_graph(graph)) return note(cudaErrorInvalidValue);
  bool same = exec->graph.nodes.size() == graph->nodes.size();
  for (size_t i = 0; same && i < graph->nodes.size(); i++)
    same = exec->graph.nodes[i]->kind == graph->nodes[i]->kind &&
           exec->graph.nodes[i]->after.size() == graph->nodes[i]->after.size();
  if (result)
    *result = {same ? cudaGraphExecUpdateSuccess : cudaGraphExecUpdateErrorTopologyChanged,
               nullptr, nullptr};
  if (!same) return note(cudaErrorGraphExecUpdateFailure);
  for (size_t i = 0; i < graph->nodes.size(); i++) {
    exec->graph.nodes[i]->body = graph->nodes[i]->body;
    exec->origin[i] = graph->nodes[i].get();
  }
  return cudaSuccess;
}

cudaError_t cudaGraphUpload(cudaGraphExec_t exec, cudaStream_t stream) {
  std::lock_guard lock(streams_mutex());
  bool fine = graphs().execs.contains(exec) && resolve(stream);
  return note(fine ? cudaSuccess : cudaErrorInvalidValue);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t handle) {
  std::lock_guard lock(streams_mutex());
  if (sticky_error() != cudaSuccess) return note(sticky_error());
  CUstream_st *stream = resolve(handle);
  if (!stream) return note(cudaErrorInvalidResourceHandle);
  if (!graphs().execs.contains(exec)) return note(cudaErrorInvalidValue);
  return note(launch_graph(exec, stream));
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  std::lock_guard lock(streams_mutex());
  if (!graphs().execs.erase(exec)) return note(cudaErrorInvalidValue);
  delete exec;
  return cudaSuccess;
}

cudaError_t cudaGraphDebugDotPrint(cudaGraph_t graph, const char *path, unsigned) {
  std::lock_guard lock(streams_mutex());
  if (!is_graph(graph) || !path) return note(cudaErrorInvalidValue);
  std::FILE *file = std::fopen(path, "w");
  if (!file) return note(cudaErrorOperatingSystem);
  std::fprintf(file, "digraph {\n");
  for (auto &node : graph->nodes) {
    std::fprintf(file, "  n%p [label=\"%d\"];\n", static_cast<void *>(node.get()),
                 static_cast<int>(type_of(node->kind)));
    for (CUgraphNode_st *before : node->after)
      std::fprintf(file, "  n%p -> n%p;\n", static_cast<void *>(before),
                   static_cast<void *>(node.get()));
  }
  std::fprintf(file, "}\n");
  std::fclose(file);
  return cudaSuccess;
}

}  // extern "C"
