// Launches on the reference engine: the server's process maps the chip's memory at the same
// addresses and interprets the kernel; warpfive/chip/reference.py is the other side.

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

#include "warpfive/chip/native/job.h"

namespace wf {
namespace {

constexpr size_t reply_limit = 64 << 10;
constexpr uint64_t most_slots = 256;  // blocks that run at a time, but for cooperative launches

std::atomic<ReferenceFn> run_here{nullptr};

/// The reply to the job in a file.
std::string ask(const std::string &path) {
  std::string request = "reference " + escaped(path);
  ReferenceFn run = run_here;
  if (!run) return ask_server(request);
  std::string reply(reply_limit, '\0');
  run(request.c_str(), reply.data(), reply.size());
  reply.resize(strlen(reply.c_str()));
  return reply;
}

void list(std::ostringstream &json, const char *name, const std::vector<uint64_t> &numbers) {
  json << ", \"" << name << "\": [";
  for (size_t i = 0; i < numbers.size(); i++) json << (i ? ", " : "") << numbers[i];
  json << "]";
}

/// What the interpreter must know of a launch. Sizes in bytes; `slots` holds shared, stack pairs
/// and `ranges` base, end pairs of what may be touched.
std::string job_text(const Job &job, const std::string &image, const std::vector<Block *> &blocks) {
  std::ostringstream json;
  const Launch &launch = job.launch;
  int file = memory::shared_file();
  json << "{\"elf\": \"" << (settings().counting ? escaped(image) : std::string()) << "\", \"kernel\": \""
       << job.kernel.name << "\", \"image\": " << job.kernel.image->base << ", \"entry\": " << job.kernel.entry
       << ", \"args\": " << job.args << ", \"stack_bytes\": " << job.stack_bytes
       << ", \"shared_bytes\": " << job.kernel.static_shared_bytes
       << ", \"dynamic_bytes\": " << launch.dynamic_shared_bytes
       << ", \"runtime_area\": " << launch.runtime_area << ", \"grid_id\": " << job.grid_id
       << ", \"cores\": " << chip().compute_units << ", \"clock_hz\": " << chip().clock_khz << "e3"
       << ", \"timeout_s\": " << settings().kernel_timeout_s << ", \"process\": " << getpid()
       << ", \"file\": " << file << ", \"base\": " << memory::range_base()
       << ", \"bytes\": " << memory::range_bytes();
  list(json, "grid", {launch.grid[0], launch.grid[1], launch.grid[2]});
  list(json, "block", {launch.block[0], launch.block[1], launch.block[2]});
  std::vector<uint64_t> slots, ranges = memory::open_ranges();
  for (const Block *block : blocks) {
    uint64_t shared = job.dynamic_offset + launch.dynamic_shared_bytes;
    slots.insert(slots.end(), {block->ctx->shared, block->ctx->stack});
    ranges.insert(ranges.end(), {block->ctx->shared, block->ctx->shared + shared});
    ranges.insert(ranges.end(), {block->ctx->stack,
                                 block->ctx->stack + job.stack_bytes * job.threads});
  }
  std::vector<uint64_t> constants;
  for (const Variable &one : job.kernel.image->variables)
    if (one.kind == VariableKind::constant)
      constants.insert(constants.end(), {one.address, one.bytes});
  list(json, "constants", constants);
  list(json, "slots", slots);
  list(json, "ranges", ranges);
  json << "}";
  return json.str();
}

/// Writes the launch where the interpreter finds it; empty if the cache refuses.
std::string write_job(const std::string &text) {
  std::string path = settings().cache + "/launch-XXXXXX";
  int file = mkostemp(path.data(), 0);
  if (file < 0) return "";
  bool written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(file);
  return written ? path : "";
}

std::string unquoted(const std::string &field) {
  std::string text;
  for (size_t i = 0; i < field.size(); i++) {
    bool space = field.compare(i, 3, "%20") == 0;
    text += space ? ' ' : field[i];
    if (space) i += 2;
  }
  return text == "-" ? "" : text;
}

void take_op(std::istringstream &words, RawCounts *to) {
  uint64_t pc;
  unsigned unit, flop_type, flops, tensor_type, tensor_ops, flags, size, parts, kind, line;
  int64_t leader;
  std::string file;
  words >> pc >> unit >> flop_type >> flops >> tensor_type >> tensor_ops >> flags >> leader >>
      size >> parts >> kind >> line >> file;
  PcCounts &here = to->instructions[pc];
  here.op = {.pc = pc, .line = -1, .site = leader < 0 ? -1 : 0,
             .unit = static_cast<uint8_t>(unit), .flop_type = static_cast<uint8_t>(flop_type),
             .flops = static_cast<uint8_t>(flops),
             .tensor_type = static_cast<uint8_t>(tensor_type),
             .tensor_ops = static_cast<uint16_t>(tensor_ops),
             .flags = static_cast<uint8_t>(flags), .pad = 0};
  here.site_pc = static_cast<uint64_t>(leader);
  here.leads = here.site_pc == pc;
  here.site.pc = here.site_pc;
  here.site.size = static_cast<uint16_t>(size);
  here.site.parts = static_cast<uint8_t>(parts);
  here.site.kind = static_cast<uint8_t>(kind);
  if (line) here.line = to->line_number(unquoted(file), line);
}

void take_times(std::istringstream &words, RawCounts *to) {
  uint64_t pc;
  words >> pc;
  PcCounts &here = to->instructions[pc];
  words >> here.times >> here.lanes >> here.parted >> here.tally.captured >> here.tally.wide;
}

void take_space(std::istringstream &words, RawCounts *to) {
  uint64_t pc;
  unsigned space;
  words >> pc >> space;
  SpaceTally &one = to->instructions[pc].tally.space[space % spaces];
  words >> one.requests >> one.lanes >> one.bytes >> one.touched >> one.ideal >> one.addresses >>
      one.passes;
}

void take_reuse(std::istringstream &words, RawCounts *to) {
  int level, kind, blocks;
  words >> level >> kind >> blocks;
  ReuseTally &one = level == 1 ? to->l1 : to->l2;
  kind &= 1;
  words >> one.cold[kind];
  one.seen[kind] = one.cold[kind];
  for (double &count : one.distances[kind]) {
    words >> count;
    one.seen[kind] += count;
  }
  if (level == 2) to->group_blocks = blocks;
}

Fault fault_of(unsigned trap) {
  switch (trap) {
    case WF_TRAP_ASSERT: return Fault::assert_failed;
    case WF_TRAP_ILLEGAL_INSTR: return Fault::illegal_instruction;
    case WF_TRAP_MISALIGNED: return Fault::misaligned_address;
    case WF_TRAP_STACK: return Fault::stack_overflow;
    case WF_TRAP_BAD_PC: return Fault::invalid_pc;
    case WF_TRAP_BAD_ADDRESS: return Fault::illegal_address;
    default: return Fault::launch_failure;
  }
}

/// Takes in what `Counting.reply` in warpfive/chip/counting.py wrote.
void take_counts(const std::string &path, RawCounts *to) {
  std::ifstream file(path);
  std::string text, what;
  while (std::getline(file, text)) {
    std::istringstream line(text);
    line >> what;
    if (what == "op") take_op(line, to);
    if (what == "counts") take_times(line, to);
    if (what == "space") take_space(line, to);
    if (what == "reuse") take_reuse(line, to);
    if (what == "blocks")
      line >> to->blocks >> to->path_sum >> to->path_max >> to->barrier_wait >> to->registers;
    if (what == "footprint") line >> to->footprint[0] >> to->footprint[1] >> to->footprint[2];
    if (what == "hottest") line >> to->hottest[0] >> to->hottest[1];
  }
  to->footprints = 1;
}

/// Takes the reply in: `done`, `counts` (in the job's file), `fault TRAP PC ADDRESS BLOCK WARP LANES`, or `stopped`.
void take_reply(Job *job, const std::string &reply, const std::string &path) {
  std::istringstream words(reply);
  std::string ok, what;
  words >> ok >> what;
  Failure failure;
  if (ok == "ok" && (what == "counts" || what == "done")) {
    if (what == "counts") take_counts(path, &job->counts);
    job->finished = job->blocks;
    return;
  }
  if (ok == "ok" && what == "fault") {
    unsigned trap;
    words >> trap >> failure.pc >> failure.address >> failure.block >> failure.warp >> failure.lanes;
    failure.fault = fault_of(trap);
    failure.has_pc = true;
    failure.has_address = failure.address != 0;
  } else if (ok == "ok") {
    failure.fault = Fault::launch_timeout;
    failure.words = "stopped at --kernel-timeout";
  } else {
    failure.fault = Fault::unknown;
    failure.words = "the reference engine failed (" + reply + ")";
  }
  job->fail(failure);
}

}  // namespace

void set_reference(ReferenceFn run) { run_here = run; }

void interpret(Job *job, Worker *worker) {
  std::vector<Block *> blocks;
  uint64_t count = job->launch.cooperative ? job->blocks : std::min(job->blocks, most_slots);
  worker->join(job);
  for (uint64_t i = 0; i < count; i++) {
    Block *block = worker->take_block();
    if (!block) break;
    blocks.push_back(block);
  }
  if (blocks.size() == count) {
    std::string image = image_path(*job->kernel.image);
    std::string path = write_job(job_text(*job, image, blocks));
    take_reply(job, path.empty() ? "error the cache cannot be written" : ask(path), path);
    if (!path.empty()) unlink(path.c_str());
  }
  for (Block *block : blocks) worker->give_back(block);
}

}  // namespace wf
