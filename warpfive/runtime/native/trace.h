// What ran when on the chip, for WARPFIVE_TRACE.
#pragma once
#include "timeline.h"

namespace wf::rt {

inline bool tracing() { return !settings().trace.empty(); }

/// Notes one work's span. Written as JSON lines when the process exits.
void trace(const Charge &what, unsigned long long stream, uint64_t start_ns, uint64_t end_ns);

}  // namespace wf::rt
