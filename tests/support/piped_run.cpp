// SPDX-License-Identifier: Apache-2.0
#include "support/piped_run.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>

namespace mxferry::test {
namespace {

using Steady = std::chrono::steady_clock;

int left_ms(Steady::time_point until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Steady::now()).count();
  return left > 0 ? static_cast<int>(left) : 0;
}

}  // namespace

PipedRun::PipedRun(const std::vector<std::string>& args,
                   const std::map<std::string, std::string>& environment, On on) {
  int far = -1;
  if (on == On::pipe) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    out_ = ends[0];
    far = ends[1];
  } else {
    out_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (out_ < 0 || ::grantpt(out_) != 0 || ::unlockpt(out_) != 0)
      throw std::runtime_error("no pseudo-terminal");
    far = ::open(::ptsname(out_), O_RDWR | O_NOCTTY | O_CLOEXEC);
    const winsize size{24, 120, 0, 0};
    ::ioctl(far, TIOCSWINSZ, &size);
  }
  const std::string program = MXF_BINARY_DIR "/bin/mxferry";
  std::vector<std::string> words = {program};
  words.insert(words.end(), args.begin(), args.end());
  std::vector<std::string> settings = {"PATH=/usr/bin:/bin", "TERM=xterm"};
  for (const auto& [name, value] : environment) settings.push_back(name + "=" + value);
  std::vector<char*> argv;
  std::vector<char*> envp;
  for (auto& word : words) argv.push_back(word.data());
  for (auto& setting : settings) envp.push_back(setting.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::signal(SIGPIPE, SIG_DFL);
    ::signal(SIGHUP, SIG_DFL);
    if (on == On::terminal) {
      ::setsid();
      ::ioctl(far, TIOCSCTTY, 0);
      ::dup2(far, 0);
    } else {
      ::dup2(::open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
    }
    ::dup2(far, 1);
    ::dup2(far, 2);
    ::execve(program.c_str(), argv.data(), envp.data());
    ::_exit(127);
  }
  ::close(far);
  pid_fd_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  if (pid_ < 0 || pid_fd_ < 0) throw std::runtime_error("cannot start " + program);
}

PipedRun::~PipedRun() {
  if (!code_) {
    kill(SIGKILL);
    wait(std::chrono::seconds(60));
  }
  close_output();
  ::close(pid_fd_);
}

bool PipedRun::read_some(Steady::time_point until) {
  if (out_ < 0) return false;
  pollfd p{out_, POLLIN, 0};
  if (::poll(&p, 1, left_ms(until)) <= 0) return false;
  std::array<char, 8192> chunk{};
  const auto n = ::read(out_, chunk.data(), chunk.size());
  if (n <= 0) return false;  // a terminal nobody has open any more gives EIO
  output_.append(chunk.data(), static_cast<std::size_t>(n));
  return true;
}

bool PipedRun::read_until(const std::string& text, std::chrono::milliseconds limit) {
  const auto until = Steady::now() + limit;
  for (;;) {
    const auto at = output_.find(text, found_);
    if (at != std::string::npos) {
      found_ = at + text.size();
      return true;
    }
    if (!read_some(until)) return false;
  }
}

void PipedRun::close_output() {
  if (out_ >= 0) ::close(out_);
  out_ = -1;
}

void PipedRun::kill(int signal) const {
  if (!code_) ::kill(pid_, signal);
}

std::optional<int> PipedRun::wait(std::chrono::milliseconds limit) {
  if (code_) return code_;
  const auto until = Steady::now() + limit;
  for (;;) {
    std::array<pollfd, 2> p{{{pid_fd_, POLLIN, 0}, {out_, POLLIN, 0}}};
    const int n = ::poll(p.data(), out_ >= 0 ? 2 : 1, left_ms(until));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return std::nullopt;
    if (p[1].revents != 0 && out_ >= 0 && !read_some(until) && p[0].revents == 0) {
      if (::poll(p.data(), 1, left_ms(until)) <= 0) return std::nullopt;
    } else if (p[0].revents == 0) {
      continue;
    }
    break;
  }
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  while (read_some(Steady::now())) {
  }
  return code_;
}

bool PipedRun::running() { return !wait(std::chrono::milliseconds(0)); }

}  // namespace mxferry::test
