// SPDX-License-Identifier: Apache-2.0
#include "base/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace mxferry {
namespace {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { reset(); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd ours, theirs;
};

bool make_pipe(Pipe& pipe, bool we_read) {
  int fds[2];
  // Sockets, so that a write to a program that went away is an error and not a SIGPIPE.
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) return false;
  pipe.ours.reset(fds[0]);
  pipe.theirs.reset(fds[1]);
  ::shutdown(fds[0], we_read ? SHUT_WR : SHUT_RD);
  return ::fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0;
}

struct Spawned {
  Spawned() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  ~Spawned() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  Spawned(const Spawned&) = delete;
  Spawned& operator=(const Spawned&) = delete;
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

Result<pid_t> start(const std::vector<std::string>& argv, const SubprocessOptions& options,
                    const std::array<Pipe, 3>& pipes) {
  Spawned spawn;
  for (int i = 0; i < 3; ++i)
    ::posix_spawn_file_actions_adddup2(&spawn.actions,
                                       pipes[static_cast<std::size_t>(i)].theirs.get(), i);
  ::posix_spawn_file_actions_addclosefrom_np(&spawn.actions, 3);
  // The program starts with the default actions and nothing blocked, whatever this process ignores.
  sigset_t none;
  sigset_t all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&spawn.attributes, &none);
  ::posix_spawnattr_setsigdefault(&spawn.attributes, &all);
  ::posix_spawnattr_setpgroup(&spawn.attributes, 0);
  ::posix_spawnattr_setflags(
      &spawn.attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  auto args = pointers(argv);
  auto environment = pointers(options.environment);
  pid_t pid = -1;
  const int why = ::posix_spawn(&pid, argv[0].c_str(), &spawn.actions, &spawn.attributes,
                                args.data(), environment.data());
  if (why != 0) return fail(ErrorCode::io, "start " + argv[0], std::strerror(why));
  return pid;
}

// Ends the whole group, so that a child of the program does not live on.
int reap(pid_t pid, bool kill_first) {
  if (kill_first) ::kill(-pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  ::kill(-pid, SIGKILL);  // what it left behind in its group
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// False at the end of the stream.
bool read_some(Fd& fd, std::string& into) {
  char chunk[1U << 14U];
  for (;;) {
    const auto n = ::read(fd.get(), chunk, sizeof chunk);
    if (n > 0) {
      into.append(chunk, static_cast<std::size_t>(n));
      return true;
    }
    if (n < 0 && errno == EINTR) continue;
    return n < 0 && errno == EAGAIN;
  }
}

}  // namespace

Result<SubprocessResult> run_program(const std::vector<std::string>& argv, std::string_view input,
                                     const SubprocessOptions& options, std::stop_token stop) {
  if (argv.empty() || !argv[0].starts_with('/'))
    return fail(ErrorCode::usage, "run a program", "it is not named by an absolute path");
  std::array<Pipe, 3> pipes;
  Pipe wake;  // a stop request writes to `theirs`
  for (std::size_t i = 0; i < pipes.size(); ++i)
    if (!make_pipe(pipes[i], i != 0))
      return fail(ErrorCode::io, "start " + argv[0], std::strerror(errno));
  if (!make_pipe(wake, true)) return fail(ErrorCode::io, "start " + argv[0], std::strerror(errno));
  MXF_TRY(pid, start(argv, options, pipes));
  for (auto& pipe : pipes) pipe.theirs.reset();
  // The end of the program itself, beside the end of its streams: a child of it may keep those
  // open.
  const Fd ended(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));

  const std::stop_callback on_stop(stop, [&] { (void)::write(wake.theirs.get(), "x", 1); });
  const auto deadline = std::chrono::steady_clock::now() + options.limit;
  SubprocessResult result;
  if (input.empty()) pipes[0].ours.reset();
  while (pipes[1].ours.open() || pipes[2].ours.open()) {
    if (stop.stop_requested()) {
      reap(pid, true);
      return fail(ErrorCode::cancelled, "run " + argv[0], "cancelled");
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                          deadline - std::chrono::steady_clock::now())
                          .count();
    if (left <= 0) {
      reap(pid, true);
      return fail(ErrorCode::timeout, "run " + argv[0],
                  "it did not end within " + std::to_string(options.limit.count()) + " ms");
    }
    pollfd polled[5] = {{pipes[0].ours.get(), POLLOUT, 0},
                        {pipes[1].ours.get(), POLLIN, 0},
                        {pipes[2].ours.get(), POLLIN, 0},
                        {wake.ours.get(), POLLIN, 0},
                        {ended.get(), POLLIN, 0}};
    const int ready = ::poll(polled, 5, static_cast<int>(std::min<long long>(left, 1000)));
    if (ready < 0 && errno != EINTR) {
      const int why = errno;
      reap(pid, true);
      return fail(ErrorCode::io, "run " + argv[0], std::strerror(why));
    }
    if (ready <= 0) continue;
    if (pipes[0].ours.open() && polled[0].revents != 0) {
      const auto n = ::send(pipes[0].ours.get(), input.data(), input.size(), MSG_NOSIGNAL);
      if (n > 0) input.remove_prefix(static_cast<std::size_t>(n));
      // A program need not read all that it is given.
      if (input.empty() || (n < 0 && errno != EAGAIN && errno != EINTR)) pipes[0].ours.reset();
    }
    for (const std::size_t i : {1U, 2U}) {
      auto& text = i == 1 ? result.output : result.errors;
      if (pipes[i].ours.open() && polled[i].revents != 0 && !read_some(pipes[i].ours, text))
        pipes[i].ours.reset();
      if (text.size() > options.output_bytes) {
        reap(pid, true);
        return fail(ErrorCode::refused, "run " + argv[0],
                    "it wrote more than " + std::to_string(options.output_bytes) + " octets");
      }
    }
    if (polled[4].revents != 0 && polled[1].revents == 0 && polled[2].revents == 0)
      break;  // ended, and nothing more to read
  }
  result.exit_code = reap(pid, false);
  return result;
}

}  // namespace mxferry
