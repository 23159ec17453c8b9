// The ready queue and its executors.
#include "work.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "timeline.h"

namespace wf::rt {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kSpin = std::chrono::microseconds(40);  // longer than a launch-to-launch gap

struct Queue {
  std::mutex mutex;
  std::condition_variable ready_cv;
  std::condition_variable done_cv;
  std::deque<WorkRef> ready;
  std::atomic<int> ready_count{0};
  int executors = 0;
  int idle = 0;     // executors that look for work
  int asleep = 0;   // those of them that have to be woken
  int waiters = 0;  // host threads asleep in wait()
};

Queue &queue() {
  static Queue *q = new Queue;  // never destroyed: executors outlive static destructors
  return *q;
}

thread_local int work_depth = 0;

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  sched_yield();
#endif
}

void executor_loop();

/// Signals are the program's: executors take none but those of their own faults.
void start_executor() {
  sigset_t all, before;
  sigfillset(&all);
  for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}) sigdelset(&all, fault);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread(executor_loop).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

/// Makes `work` available. The queue's mutex is held.
void push_ready(Queue &q, WorkRef work) {
  q.ready.push_back(std::move(work));
  int waiting = q.ready_count.fetch_add(1) + 1;
  if (waiting <= q.idle - q.asleep) return;  // a spinning executor will see it
  if (q.asleep > 0) {
    q.ready_cv.notify_one();
  } else if (waiting > q.idle) {
    q.executors++;
    q.idle++;
    start_executor();
  }
}

/// Takes the oldest ready work, or null. The queue's mutex is held.
WorkRef pop_ready(Queue &q) {
  if (q.ready.empty()) return nullptr;
  WorkRef work = std::move(q.ready.front());
  q.ready.pop_front();
  q.ready_count.fetch_sub(1);
  return work;
}

void finish(Queue &q, Work &work) {
  std::lock_guard lock(q.mutex);
  work.done.store(true, std::memory_order_release);
  for (WorkRef &next : work.next)
    if (--next->blockers == 0) push_ready(q, std::move(next));
  work.next.clear();
  if (q.waiters > 0) q.done_cv.notify_all();
}

void run(Queue &q, Work &work) {
  work_depth++;
  begin_turn(work);
  work.body();
  end_turn(&work);
  work.body = nullptr;
  work_depth--;
  finish(q, work);
}

/// Spins for ready work; null when the spell is over.
WorkRef spin_for_work(Queue &q) {
  auto end = Clock::now() + kSpin;
  do {
    for (int i = 0; i < 64; i++) {
      if (q.ready_count.load(std::memory_order_relaxed) > 0) {
        std::lock_guard lock(q.mutex);
        if (WorkRef work = pop_ready(q)) {
          q.idle--;
          return work;
        }
      }
      pause_cpu();
    }
    sched_yield();
  } while (Clock::now() < end);
  return nullptr;
}

WorkRef sleep_for_work(Queue &q) {
  std::unique_lock lock(q.mutex);
  q.asleep++;
  q.ready_cv.wait(lock, [&] { return !q.ready.empty(); });
  q.asleep--;
  WorkRef work = pop_ready(q);
  q.idle--;
  return work;
}

void executor_loop() {
  Queue &q = queue();
  for (;;) {
    WorkRef work = spin_for_work(q);
    if (!work) work = sleep_for_work(q);
    run(q, *work);
    std::lock_guard lock(q.mutex);
    q.idle++;
  }
}

}  // namespace

bool inside_work() { return work_depth > 0; }

void submit(const WorkRef &work, const std::vector<WorkRef> &after) {
  Queue &q = queue();
  std::lock_guard lock(q.mutex);
  for (const WorkRef &before : after) {
    if (is_done(before)) continue;
    before->next.push_back(work);
    work->blockers++;
  }
  if (work->blockers == 0) push_ready(q, work);
}

void run_now(Work *work) {
  begin_turn(*work);
  work->body();
  end_turn(work);
}

void wait(const WorkRef &work) {
  if (is_done(work)) return;
  Queue &q = queue();
  auto end = Clock::now() + kSpin;
  do {
    for (int i = 0; i < 64; i++) {
      if (is_done(work)) return;
      pause_cpu();
    }
    sched_yield();
  } while (Clock::now() < end);
  std::unique_lock lock(q.mutex);
  q.waiters++;
  q.done_cv.wait(lock, [&] { return is_done(work); });
  q.waiters--;
}

}  // namespace wf::rt
