// When work begins and ends on the chip.
#include "timeline.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>

#include "trace.h"
#include "work.h"

namespace wf::rt {
namespace {

constexpr size_t kSteps = 1024;      // of the load that are remembered
constexpr uint64_t kEventPart = 4;   // an event costs the host this part of a launch
constexpr double kLeast = 1.0 / 64;  // share below which nothing is started

/// How busy the compute units are over time. What came first keeps its share; what comes later
/// gets what is left, as blocks of a later kernel get the room that an earlier one leaves.
class Load {
 public:
  /// Work of `ns` when it has `fill` of the device to itself, not before `ready`. Returns its span.
  std::pair<uint64_t, uint64_t> place(uint64_t ready, double ns, double fill) {
    fill = std::clamp(fill, kLeast, 1.0);
    auto step = split(ready);
    uint64_t start = UINT64_MAX, now = ready;
    while (ns > 0) {
      auto next = std::next(step);
      double free = 1 - step->second, rate = std::min(1.0, free / fill);
      if (rate < kLeast) {
        now = next->first;
        step = next;
        continue;
      }
      start = std::min(start, now);
      double needs = ns / rate;
      bool ends = next == used_.end() ||
                  needs <= static_cast<double>(next->first - now);
      uint64_t until = ends ? now + static_cast<uint64_t>(std::llround(needs)) : next->first;
      if (ends && (next == used_.end() || until < next->first)) next = split(until);
      step->second += fill * rate;
      ns = ends ? 0 : ns - rate * static_cast<double>(until - now);
      now = until;
      step = next;
    }
    while (used_.size() > kSteps) used_.erase(std::next(used_.begin()));
    return {std::min(start, now), now};
  }

 private:
  using Steps = std::map<uint64_t, double>;

  /// The step that begins at `at`, made if there is none.
  Steps::iterator split(uint64_t at) {
    auto after = used_.upper_bound(at);
    auto before = std::prev(after);
    if (before->first == at) return before;
    return used_.emplace_hint(after, at, before->second);
  }

  Steps used_{{0, 0.0}};  // time -> busy share from then on; idle in the end
};

struct Timeline {
  std::mutex mutex;
  Load load;
  uint64_t to_device_ns = 0, to_host_ns = 0;  // when the copy engines are free
  std::atomic<uint64_t> host_ns{0}, end_ns{0};
  std::atomic<uint64_t> legacy_end_ns{0}, blocking_end_ns{0};
};

Timeline &timeline() {
  static Timeline *one = new Timeline;
  return *one;
}

/// The work that a thread runs.
struct Turn {
  uint64_t ready_ns = 0;
  Charge charge;
};

thread_local Turn turn;

void raise(std::atomic<uint64_t> *to, uint64_t value) {
  uint64_t before = to->load(std::memory_order_relaxed);
  while (before < value && !to->compare_exchange_weak(before, value)) {
  }
}

uint64_t nanoseconds(double seconds) { return static_cast<uint64_t>(std::llround(seconds * 1e9)); }

std::pair<uint64_t, uint64_t> on_engine(uint64_t *free_ns, uint64_t ready, double seconds) {
  uint64_t start = std::max(ready, *free_ns);
  *free_ns = start + nanoseconds(seconds);
  return {start, *free_ns};
}

std::pair<uint64_t, uint64_t> place(const Charge &what, uint64_t ready) {
  if (settings().clock == Clock::host) {
    uint64_t now = host_time_ns();
    return {now - std::min(now, nanoseconds(what.seconds)), now};
  }
  Timeline &all = timeline();
  std::lock_guard lock(all.mutex);
  switch (what.of) {
    case Charge::Of::compute: return all.load.place(ready, what.seconds * 1e9, what.fill);
    case Charge::Of::to_device: return on_engine(&all.to_device_ns, ready, what.seconds);
    case Charge::Of::to_host: return on_engine(&all.to_host_ns, ready, what.seconds);
    default: return {ready, ready};
  }
}

/// When everything that the work waits for has ended. All of it has run.
uint64_t ready_ns(const Work &work) {
  Timeline &all = timeline();
  uint64_t ready = work.issue_ns;
  for (const WorkRef &before : work.waits) ready = std::max(ready, before->end_ns.load());
  if (!work.time) return ready;
  ready = std::max(ready, work.time->end_ns.load());
  if (work.time->legacy) return std::max(ready, all.blocking_end_ns.load());
  return work.time->blocking ? std::max(ready, all.legacy_end_ns.load()) : ready;
}

}  // namespace

void charge(const Charge &what) { turn.charge = what; }

uint64_t turn_ns() { return turn.ready_ns; }

void begin_turn(const Work &work) {
  turn = {};
  turn.ready_ns = settings().clock == Clock::host ? host_time_ns() : ready_ns(work);
}

void end_turn(Work *work) {
  Timeline &all = timeline();
  auto [start, end] = place(turn.charge, turn.ready_ns);
  end = std::max(end, turn.charge.until_ns);
  work->end_ns = end;
  work->waits.clear();
  raise(&all.end_ns, end);
  if (work->time && !work->branch) {
    raise(&work->time->end_ns, end);
    if (work->time->legacy) raise(&all.legacy_end_ns, end);
    if (work->time->blocking) raise(&all.blocking_end_ns, end);
  }
  if (tracing() && turn.charge.of != Charge::Of::nothing)
    trace(turn.charge, work->time ? work->time->id : 0, start, end);
}

uint64_t host_asks(Call call) {
  if (settings().clock == Clock::host) return host_time_ns();
  static const uint64_t launch = nanoseconds(figures().launch_s);
  uint64_t cost = call == Call::launch ? launch : call == Call::event ? launch / kEventPart : 0;
  return timeline().host_ns.fetch_add(cost) + cost;
}

void host_waits(uint64_t end_ns) { raise(&timeline().host_ns, end_ns); }

uint64_t device_end_ns() { return timeline().end_ns; }

}  // namespace wf::rt
