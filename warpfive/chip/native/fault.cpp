// Memory faults of translated code come back as a jump to the worker that ran it; all others go
// to whoever handled them before.

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include <cerrno>

#include "warpfive/chip/native/internal.h"

namespace wf {
namespace {

constexpr int caught[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
constexpr size_t stack_bytes = 64 << 10;

thread_local FaultTrap *armed = nullptr;
struct sigaction previous[NSIG];
std::mutex installing;

uint64_t program_counter(void *context) {
  auto *machine = static_cast<ucontext_t *>(context);
#if defined(__x86_64__)
  return static_cast<uint64_t>(machine->uc_mcontext.gregs[REG_RIP]);
#else
  return machine->uc_mcontext.pc;
#endif
}

/// Hands a signal that is not a kernel's to the handler that was there first.
void pass_on(int signal, siginfo_t *info, void *context) {
  const struct sigaction &before = previous[signal];
  if (before.sa_flags & SA_SIGINFO) return before.sa_sigaction(signal, info, context);
  if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
    return before.sa_handler(signal);
  // Default action: it happens when the instruction is tried again, or at once if the signal was
  // sent by somebody.
  sigaction(signal, &before, nullptr);
  if (info->si_code <= 0) raise(signal);
}

void handle(int signal, siginfo_t *info, void *context) {
  FaultTrap *trap = armed;
  if (!trap || info->si_code <= 0) return pass_on(signal, info, context);
  armed = nullptr;
  trap->signal = signal;
  // A non-canonical address faults without saying where.
  trap->address = info->si_code == SI_KERNEL ? 0 : reinterpret_cast<uint64_t>(info->si_addr);
  trap->host_pc = program_counter(context);
  siglongjmp(trap->jump, 1);
}

void install(int signal) {
  struct sigaction now;
  sigaction(signal, nullptr, &now);
  if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == handle) return;
  previous[signal] = now;
  struct sigaction ours = {};
  ours.sa_sigaction = handle;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigemptyset(&ours.sa_mask);
  sigaction(signal, &ours, nullptr);
}

/// This thread's stack for signal handlers, unless it has one. A thread that blocks the signals
/// of memory faults would end the process with the first one.
struct SignalStack {
  void *base = nullptr;
  SignalStack() {
    sigset_t faults;
    sigemptyset(&faults);
    for (int signal : caught) sigaddset(&faults, signal);
    pthread_sigmask(SIG_UNBLOCK, &faults, nullptr);
    stack_t now;
    if (sigaltstack(nullptr, &now) || !(now.ss_flags & SS_DISABLE)) return;
    base = mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) {
      base = nullptr;
      return;
    }
    stack_t ours = {.ss_sp = base, .ss_flags = 0, .ss_size = stack_bytes};
    sigaltstack(&ours, nullptr);
  }
  ~SignalStack() {
    if (!base) return;
    stack_t none = {.ss_sp = nullptr, .ss_flags = SS_DISABLE, .ss_size = 0};
    sigaltstack(&none, nullptr);
    munmap(base, stack_bytes);
  }
};

}  // namespace

void set_trap(FaultTrap *trap) { armed = trap; }

void prepare_signals() {
  static thread_local SignalStack stack;
  (void)stack;
  struct sigaction now;
  // Cheap when nothing changed: a program may set handlers of its own between launches.
  sigaction(SIGSEGV, nullptr, &now);
  if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == handle) return;
  std::lock_guard lock(installing);
  for (int signal : caught) install(signal);
}

}  // namespace wf
