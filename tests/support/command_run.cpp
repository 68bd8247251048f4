// SPDX-License-Identifier: Apache-2.0
#include "support/command_run.hpp"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace mxferry::test {
namespace {

std::string slurp(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace

CommandRun::CommandRun(const std::vector<std::string>& args,
                       const std::map<std::string, std::string>& environment) {
  std::string out_name = "/tmp/mxf-out-XXXXXX";
  std::string err_name = "/tmp/mxf-err-XXXXXX";
  const int out = ::mkstemp(out_name.data());
  const int err = ::mkstemp(err_name.data());
  if (out < 0 || err < 0) throw std::runtime_error("mkstemp");
  out_file_ = out_name;
  err_file_ = err_name;
  const std::string program = MXF_BINARY_DIR "/bin/mxferry";
  std::vector<std::string> words = {program};
  words.insert(words.end(), args.begin(), args.end());
  std::vector<std::string> settings = {"PATH=/usr/bin:/bin"};
  for (const auto& [name, value] : environment) settings.push_back(name + "=" + value);
  std::vector<char*> argv;
  std::vector<char*> envp;
  for (auto& word : words) argv.push_back(word.data());
  for (auto& setting : settings) envp.push_back(setting.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::signal(SIGPIPE, SIG_DFL);  // what a shell would hand down
    const int null = ::open("/dev/null", O_RDONLY);
    ::dup2(null, 0);
    ::dup2(out, 1);
    ::dup2(err, 2);
    ::execve(program.c_str(), argv.data(), envp.data());
    ::_exit(127);
  }
  ::close(out);
  ::close(err);
}

CommandRun::~CommandRun() {
  if (!ended_ && pid_ > 0) {
    kill(SIGKILL);
    wait();
  }
  ::unlink(out_file_.c_str());
  ::unlink(err_file_.c_str());
}

int CommandRun::wait() {
  if (ended_) return code_;
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  ended_ = true;
  code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  out_ = slurp(out_file_);
  err_ = slurp(err_file_);
  return code_;
}

void CommandRun::kill(int signal) {
  if (!ended_) ::kill(pid_, signal);
}

bool CommandRun::running() {
  if (ended_) return false;
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

const std::string& CommandRun::out() { return out_; }
const std::string& CommandRun::err() { return err_; }

}  // namespace mxferry::test
