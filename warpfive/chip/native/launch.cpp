// The door for launches: checks, runs, and says what went wrong.

#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "warpfive/chip/native/clock.h"
#include "warpfive/chip/native/job.h"

namespace wf {
namespace {

constexpr double replay_limit_s = 3;

/// Device memory for the arguments of one launch, kept for the next.
class ArgumentBlock {
 public:
  explicit ArgumentBlock(const Launch &launch) {
    {
      std::lock_guard lock(mutex_);
      if (!spare_.empty()) {
        address = spare_.back();
        spare_.pop_back();
      }
    }
    if (!address) address = memory::alloc(32 << 10, MemoryKind::system);
    if (address && launch.args && launch.kernel->args_bytes)
      memcpy(reinterpret_cast<void *>(address), launch.args, launch.kernel->args_bytes);
  }
  ~ArgumentBlock() {
    std::lock_guard lock(mutex_);
    if (address) spare_.push_back(address);
  }
  uint64_t address = 0;

 private:
  static inline std::mutex mutex_;
  static inline std::vector<uint64_t> spare_;
};

/// A thread's Worker for the length of a launch.
struct BorrowedWorker {
  Worker *worker = Worker::acquire();
  ~BorrowedWorker() { Worker::release(worker); }
};

bool outside(const uint32_t shape[3], const uint32_t most[3]) {
  for (int i = 0; i < 3; i++)
    if (!shape[i] || shape[i] > most[i]) return true;
  return false;
}

const char *usual_words(Fault fault) {
  switch (fault) {
    case Fault::illegal_address: return "illegal address";
    case Fault::misaligned_address: return "misaligned address";
    case Fault::stack_overflow: return "stack overflow";
    case Fault::illegal_instruction: return "illegal instruction";
    case Fault::invalid_pc: return "jump to an invalid address";
    case Fault::assert_failed: return "assertion failed";
    case Fault::launch_failure: return "trap";
    default: return "failure";
  }
}

std::string coordinates(const char *what, uint64_t index, const uint32_t shape[3]) {
  char text[96];
  uint64_t row = index / shape[0];
  snprintf(text, sizeof text, ", %s (%llu,%llu,%llu)", what,
           static_cast<unsigned long long>(index % shape[0]),
           static_cast<unsigned long long>(row % shape[1]),
           static_cast<unsigned long long>(row / shape[1]));
  return text;
}

/// ", file:line" of an instruction; nothing if the image does not say.
std::string source_line(const Image &image, uint64_t pc) {
  std::string path = image_path(image);
  if (path.empty()) return "";
  char hex[32];
  snprintf(hex, sizeof hex, "%llx", static_cast<unsigned long long>(pc));
  std::string reply = ask_server("where " + escaped(path) + " " + hex);
  return reply.starts_with("ok ") ? ", " + reply.substr(3) : "";
}

/// Runs the block that failed again with code that knows lanes and addresses.
void find_out_more(const Job &job, Failure *failure) {
  std::string ignored;
  const WfCode *precise = translated(job.kernel, job.launch.block, "precise", &ignored);
  if (!precise) return;
  Job again(job.launch, job.args);
  again.plain = again.counting = precise;
  again.limit(replay_limit_s);
  Failure found;
  BorrowedWorker borrowed;
  borrowed.worker->replay(&again, failure->block, precise, &found);
  if (found.fault != Fault::none && found.lanes) *failure = found;
}

/// One line on stderr, in one piece.
void say(const std::string &message) {
  std::string line = "warpfive: " + message + "\n";
  if (write(2, line.data(), line.size()) < 0) return;
}

Result ended(Fault fault, const std::string &message) {
  Result result;
  result.fault = fault;
  result.message = message;
  say(message);
  return result;
}

Result run_job(Job *job) {
  {
    BorrowedWorker borrowed;
    if (settings().engine == Engine::reference) {
      interpret(job, borrowed.worker);
    } else {
      if (job->worth_help()) job->call_help();
      borrowed.worker->work(job, true);
      Pool::one().retire(job);
    }
  }
  Result result;
  result.blocks = job->finished;
  if (job->failure.fault == Fault::none) return result;
  if (job->failure.memory) find_out_more(*job, &job->failure);
  result.fault = job->failure.fault;
  result.message = describe(*job, job->failure);
  say(result.message);
  return result;
}

}  // namespace

std::string describe(const Job &job, const Failure &failure) {
  std::string text = failure.words.empty() ? usual_words(failure.fault) : failure.words;
  char number[32];
  snprintf(number, sizeof number, " 0x%llx", static_cast<unsigned long long>(failure.address));
  if (failure.has_address) text += number;
  text += ": kernel " + demangle(job.kernel.name);
  if (failure.fault == Fault::launch_timeout || failure.fault == Fault::no_kernel_image)
    return text;
  text += coordinates("block", failure.block, job.launch.grid);
  if (failure.lanes) {
    uint64_t thread = uint64_t{failure.warp} * WF_LANES +
                      static_cast<uint64_t>(__builtin_ctz(failure.lanes));
    text += coordinates("thread", thread, job.launch.block);
  } else {
    text += ", warp " + std::to_string(failure.warp);
  }
  return failure.has_pc ? text + source_line(*job.kernel.image, failure.pc) : text;
}

Fault check(const Launch &launch) {
  const Chip &limits = chip();
  if (!launch.kernel) return Fault::invalid_value;
  if (outside(launch.grid, limits.grid_max) || outside(launch.block, limits.block_max))
    return Fault::invalid_configuration;
  uint64_t threads = uint64_t{launch.block[0]} * launch.block[1] * launch.block[2];
  if (threads > static_cast<uint64_t>(limits.block_threads)) return Fault::invalid_configuration;
  if (threads > launch.kernel->max_threads) return Fault::launch_out_of_resources;
  uint64_t shared = launch.kernel->static_shared_bytes + launch.dynamic_shared_bytes;
  if (shared > limits.block_shared_optin_bytes) return Fault::invalid_value;
  if (!launch.cooperative) return Fault::none;
  uint64_t resident = static_cast<uint64_t>(resident_blocks(
      *launch.kernel, static_cast<uint32_t>(threads), launch.dynamic_shared_bytes));
  uint64_t blocks = uint64_t{launch.grid[0]} * launch.grid[1] * launch.grid[2];
  bool fits = blocks <= resident * static_cast<uint64_t>(limits.compute_units);
  return fits ? Fault::none : Fault::cooperative_too_large;
}

Fault prepare(const Kernel &kernel, const uint32_t block[3], std::string *why) {
  if (settings().engine == Engine::reference) return Fault::none;
  bool general = settings().engine == Engine::general;
  bool ready = translated(kernel, block, general ? "general" : "plain", why) ||
               (!general && translated(kernel, block, "general", why));
  return ready ? Fault::none : Fault::no_kernel_image;
}

Result run(const Launch &asked) {
  uint64_t start = now_ns();
  Fault refused = check(asked);
  if (refused != Fault::none) return {.fault = refused};
  Launch launch = asked;
  KnownTime *known = known_time(launch);
  launch.count = asked.count || clock_counts(*known);
  ArgumentBlock args(launch);
  if (!args.address) return {.fault = Fault::out_of_memory};
  Job job(launch, args.address);
  std::string why;
  bool interpreted = settings().engine == Engine::reference;
  if (!interpreted && !job.load_code(&why))
    return ended(Fault::no_kernel_image,
                 "the kernel " + demangle(launch.kernel->name) + " cannot be translated: " + why);
  uint64_t translated_at = now_ns();
  job.start_clock(clock_rate(*known));
  Result result = run_job(&job);
  result.run_s = static_cast<double>(now_ns() - translated_at) * 1e-9;
  result.host_s = static_cast<double>(now_ns() - start) * 1e-9;
  if (settings().counting || launch.count)
    result.counters = record_launch(launch, result.host_s, job.take_counts());
  result.clock_ns = job.clock_waited_ns();
  tell_time(launch, known, &result);
  return result;
}

}  // namespace wf
