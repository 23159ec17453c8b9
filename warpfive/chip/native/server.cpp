// The process that answers what only Python knows: translations and source lines.
//
// It starts on first need, talks over a socket pair (a lost server must not raise SIGPIPE in the
// program), detaches itself so that the program's wait() never meets it, and ends when the socket
// closes. A program that is Python has one too: a launch asks on its stream's own thread, and Python
// there might collect an array of the device, whose freeing waits for the stream.

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "warpfive/chip/native/internal.h"

extern char **environ;

namespace wf {
namespace {

constexpr size_t reply_limit = 64 << 10;
const std::string lost = "error the translator's process ended; run `warpfive info` to see why";

/// The environment of the server: ours, with what it must know.
class Environment {
 public:
  Environment() {
    for (char **one = environ; *one; one++) words_.push_back(*one);
    const char *path = getenv("PYTHONPATH");
    std::string package = server_place().package;
    put("PYTHONPATH", path && *path ? package + ":" + path : package);
    put("WARPFIVE_CACHE", settings().cache);
    put("WARPFIVE_HOST", host_level());
    for (std::string &word : words_) pointers_.push_back(word.data());
    pointers_.push_back(nullptr);
  }
  char **data() { return pointers_.data(); }

 private:
  void put(const std::string &name, const std::string &value) {
    std::erase_if(words_, [&](const std::string &word) { return word.starts_with(name + "="); });
    words_.push_back(name + "=" + value);
  }
  std::vector<std::string> words_;
  std::vector<char *> pointers_;
};

class Server {
 public:
  std::string ask(const std::string &request);

 private:
  bool start();
  bool send_line(const std::string &line);
  std::string read_line();
  void close_socket();

  std::mutex mutex_;
  int socket_ = -1;
  pid_t owner_ = 0;  // a fork's child must not share the parent's server
};

bool Server::start() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) return false;
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, ends[1], 0);
  posix_spawn_file_actions_adddup2(&files, ends[1], 1);
  if (!getenv("WARPFIVE_DEBUG"))
    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t how;
  posix_spawnattr_init(&how);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&how, &none);
  posix_spawnattr_setsigdefault(&how, &all);
  // A group of its own: Ctrl-C on the terminal is for the program.
  posix_spawnattr_setpgroup(&how, 0);
  posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                     POSIX_SPAWN_SETPGROUP);
  std::string python = server_place().python;
  const char *words[] = {python.c_str(), "-m", "warpfive.chip.server", nullptr};
  Environment environment;
  pid_t child;
  int failed = posix_spawn(&child, python.c_str(), &files, &how,
                           const_cast<char *const *>(words), environment.data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&how);
  close(ends[1]);
  if (failed) {
    close(ends[0]);
    return false;
  }
  // The child forks the server proper and ends at once.
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  socket_ = ends[0];
  owner_ = getpid();
  return true;
}

void Server::close_socket() {
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
}

bool Server::send_line(const std::string &line) {
  std::string text = line + "\n";
  for (size_t sent = 0; sent < text.size();) {
    ssize_t count = send(socket_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    sent += static_cast<size_t>(count);
  }
  return true;
}

/// The next line, or nothing if the server ended.
std::string Server::read_line() {
  std::string line;
  for (char byte; line.size() < reply_limit;) {
    ssize_t count = recv(socket_, &byte, 1, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return "";
    if (byte == '\n') return line;
    line += byte;
  }
  return line;
}

std::string Server::ask(const std::string &request) {
  std::lock_guard lock(mutex_);
  if (owner_ != getpid()) close_socket();
  if (socket_ < 0 && !start())
    return "error the translator needs Python at " + server_place().python +
           ", which does not start; install warpfive again and rebuild the program";
  std::string reply;
  if (send_line(request)) reply = read_line();
  if (reply.empty()) {
    close_socket();
    return lost;
  }
  return reply;
}

}  // namespace

const ServerPlace &server_place() {
  static const ServerPlace place = [] {
    ServerPlace found;
    Dl_info here;
    if (!dladdr(reinterpret_cast<void *>(&ask_server), &here)) return found;
    std::string file = here.dli_fname;
    size_t slash = file.rfind('/');
    std::ifstream lines((slash == std::string::npos ? "." : file.substr(0, slash)) + "/server");
    std::getline(lines, found.python);
    std::getline(lines, found.package);
    return found;
  }();
  return place;
}

std::string ask_server(const std::string &request) {
  static Server *server = new Server;
  return server->ask(request);
}

std::string escaped(const std::string &field) {
  std::string text;
  for (char one : field) {
    if (one == '%') text += "%25";
    else if (one == ' ') text += "%20";
    else if (one == '\n') text += "%0A";
    else text += one;
  }
  return text;
}

}  // namespace wf
