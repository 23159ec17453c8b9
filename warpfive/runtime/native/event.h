// Events: a point in a stream, and the chip's time when it was passed.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "stream.h"

namespace wf::rt {

/// One recording of an event; a later one of the same event has its own.
struct Stamp {
  std::atomic<uint64_t> chip_ns{0};
};

}  // namespace wf::rt

struct CUevent_st {
  unsigned flags = 0;
  bool recorded = false;
  wf::rt::WorkRef work;
  std::shared_ptr<wf::rt::Stamp> stamp;
  std::vector<CUgraphNode_st *> captured;  // what it stands for inside a capture
  wf::rt::Capture *capture = nullptr;
};

namespace wf::rt {

/// The event behind the handle, or null if it is not a live one.
CUevent_st *resolve_event(cudaEvent_t handle);

}  // namespace wf::rt
