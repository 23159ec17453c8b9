// The device's timeline: when work begins and ends on the chip, and when the host asked for it.
//
// Work runs on this host in any order that its dependencies allow, at this host's pace. Beside it
// the timeline keeps the chip's: a work begins when what it waits for has ended there, the host
// has asked for it, and its resource is free. Host time between calls is not counted; a call that
// gives work to the device takes the chip's launch time, and one that waits ends with the work.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "../../chip/native/clock.h"

namespace wf::rt {

struct Work;

/// A stream's place on the timeline.
struct StreamTime {
  unsigned long long id = 0;
  bool legacy = false, blocking = true;
  std::atomic<uint64_t> end_ns{0};  // of its latest work that has run
};

/// What a work takes of the device.
struct Charge {
  enum class Of { nothing, compute, to_device, to_host } of = Of::nothing;
  double seconds = 0;
  double fill = 1;        // share of the compute units and memory, for Of::compute
  uint64_t until_ns = 0;  // it does not end before this
  const char *kind = "";  // of the trace: kernel, copy, set
  const Launch *launch = nullptr;
  uint64_t bytes = 0;
};

/// Called by a work's body: what the work takes.
void charge(const Charge &what);

/// When the work that this thread runs begins on the timeline, if its resource is free.
uint64_t turn_ns();

/// Around a work's body: its times are set at the end.
void begin_turn(const Work &work);
void end_turn(Work *work);

/// What a call that gives work to the device costs the host.
enum class Call { launch, event, other };

/// The host asks for work: its clock moves on by what the call takes. Returns the time.
uint64_t host_asks(Call call);
/// The host has waited for something that ended then.
void host_waits(uint64_t end_ns);
/// End of all work so far.
uint64_t device_end_ns();

}  // namespace wf::rt
