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

struct StreamTime;

struct Work {
  std::function<void()> body;
  std::shared_ptr<StreamTime> time;          // of its stream; null: none
  std::vector<std::shared_ptr<Work>> waits;  // beyond the stream's order; empty once it has run
  uint64_t issue_ns = 0;                     // when the host asked for it, on the chip's timeline
  std::atomic<uint64_t> end_ns{0};           // its end there, once done
  bool branch = false;                       // part of a graph: the stream goes on after its join
  std::vector<std::shared_ptr<Work>> next;  // waits for this; guarded by the queue's mutex
  uint32_t blockers = 0;                    // likewise
  std::atomic<bool> done{false};
};

using WorkRef = std::shared_ptr<Work>;

/// Lets `work` run once every non-null entry of `after` is done.
void submit(const WorkRef &work, const std::vector<WorkRef> &after);

/// Runs it at once in the calling thread: nothing that it waits for is unfinished.
void run_now(Work *work);

/// Returns when `work` is done; null is done..
void wait(const WorkRef &work);

inline bool is_done(const WorkRef &work) {
  return !work || work->done.load(std::memory_order_acquire);
}

/// True on executor threads: API calls from host functions are refused there.
bool inside_work();

}  // namespace wf::rt
