// Events: a point in a stream, and the chip's time when it was passed.
#pragma once
#include <vector>

#include "stream.h"

struct CUevent_st {
  unsigned flags = 0;
  bool recorded = false;
  wf::rt::WorkRef work;  // the latest recording; its end is the event's time
  std::vector<CUgraphNode_st *> captured;  // what it stands for inside a capture
  wf::rt::Capture *capture = nullptr;
};

namespace wf::rt {

/// The event behind the handle, or null if it is not a live one.
CUevent_st *resolve_event(cudaEvent_t handle);

}  // namespace wf::rt
