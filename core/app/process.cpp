// SPDX-License-Identifier: Apache-2.0
#include "app/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>

#include "app/command.hpp"
#include "base/escape.hpp"

namespace mxferry::app {
namespace {

// A file that is opened later must not become stdout: words for people would be written into it.
void open_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd)
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF)
      (void)::open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY);  // the lowest free one: fd
}

#ifndef MXFERRY_SANITIZED
bool is_traced() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("TracerPid:")) return line.find_first_of("123456789") != std::string::npos;
  return false;
}
#endif

void keep_memory_private() {
#ifndef MXFERRY_SANITIZED  // the leak checker attaches to us
  if (is_traced()) return;
  const rlimit none{0, 0};
  (void)::setrlimit(RLIMIT_CORE, &none);
  (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

// net/ ignores them too; what is not there cannot be found by a library, nor by a child.
void forget_variables() {
  for (const char* name : {"SSLKEYLOGFILE", "http_proxy", "HTTP_PROXY", "https_proxy",
                           "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"})
    ::unsetenv(name);
}

// For commands that hold no loop of their own (a run and a copy replace it with a checkpoint):
// what they write is either whole or read again by the same command. Async-signal-safe.
extern "C" void end_interrupted(int) {
  constexpr std::string_view kWords = "mxferry: interrupted\n";
  (void)!::write(STDERR_FILENO, kWords.data(), kWords.size());
  ::_exit(static_cast<int>(Exit::interrupted));
}

void set_signals() {
  (void)::signal(SIGHUP, SIG_IGN);
  (void)::signal(SIGPIPE, SIG_IGN);
  for (const int number : {SIGINT, SIGTERM}) {
    struct sigaction action {};
    // Whoever started us with a signal ignored (a background job) does not want it.
    if (::sigaction(number, nullptr, &action) != 0 || action.sa_handler == SIG_IGN) continue;
    action = {};
    action.sa_handler = end_interrupted;
    ::sigemptyset(&action.sa_mask);
    (void)::sigaction(number, &action, nullptr);
  }
  sigset_t all;  // a parent's mask would make us deaf
  ::sigemptyset(&all);
  (void)::sigprocmask(SIG_SETMASK, &all, nullptr);
}

// Out of a thread or a noexcept function there is no way back to run()'s catch.
[[noreturn]] void end_at_fault() noexcept {
  std::string words = "mxferry: our own fault";
  if (const auto escaped = std::current_exception()) {
    try {
      std::rethrow_exception(escaped);
    } catch (const std::exception& e) {
      words += ": " + escape_line(e.what());
    } catch (...) {
    }
  }
  words += '\n';
  (void)!::write(STDERR_FILENO, words.data(), words.size());
  ::_exit(static_cast<int>(Exit::fault));
}

}  // namespace

void prepare_process() {
  open_standard_descriptors();
  keep_memory_private();
  forget_variables();
  set_signals();
  std::set_terminate(end_at_fault);
}

int finish_output(int code) {
  std::cout.flush();
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout) return code;
  // A reader that closed its pipe, or a terminal that went, chose not to have the rest. A file or a
  // device that is full is data lost.
  struct stat info {};
  if (::fstat(STDOUT_FILENO, &info) != 0) return code;
  const bool device = S_ISCHR(info.st_mode) && ::isatty(STDOUT_FILENO) == 0 && errno == ENOTTY;
  if (!S_ISREG(info.st_mode) && !device) return code;
  std::cerr << "mxferry: stdout cannot be written: it is not complete\n";
  return code == static_cast<int>(Exit::done) || code == static_cast<int>(Exit::findings)
             ? static_cast<int>(Exit::interrupted)
             : code;
}

}  // namespace mxferry::app
