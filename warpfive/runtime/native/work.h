// Stream-ordered work: nodes with dependencies, run by executor threads.
//
// A Work is ready when everything it waits for is done. Ready work goes to one queue; executors
// take from it. There are as many executors as work that runs at once (a kernel may spin on what
// another stream's kernel writes), and an idle one spins briefly before it sleeps, so that a
// launch costs microseconds.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace wf::rt {

struct Work {
  std::function<void()> body;
  std::vector<std::shared_ptr<Work>> next;  // waits for this; guarded by the queue's mutex
  uint32_t blockers = 0;                    // likewise
  std::atomic<bool> done{false};
};

using WorkRef = std::shared_ptr<Work>;

/// Lets `body` run once every non-null entry of `after` is done.
WorkRef submit(std::function<void()> body, const std::vector<WorkRef> &after);

/// Returns when `work` is done; null is done..
void wait(const WorkRef &work);

inline bool is_done(const WorkRef &work) {
  return !work || work->done.load(std::memory_order_acquire);
}

/// True on executor threads: API calls from host functions are refused there.
bool inside_work();

}  // namespace wf::rt
