// SPDX-License-Identifier: Apache-2.0
#include "support/lab_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>

namespace mxferry::test {
namespace {

std::string quoted(const std::string& word) {
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'')
      out += "'\\''";
    else
      out.push_back(c);
  }
  return out + "'";
}

}  // namespace

bool run_shell(const std::string& command, std::string* output) {
  std::string text;
  FILE* pipe = ::popen(("{ " + command + "; } 2>&1").c_str(), "r");
  if (pipe == nullptr) return false;
  std::array<char, 4096> buffer{};
  while (const auto n = std::fread(buffer.data(), 1, buffer.size(), pipe))
    text.append(buffer.data(), n);
  const int status = ::pclose(pipe);
  if (output != nullptr) *output = text;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::string free_port(const std::string& address) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  inet_pton(AF_INET, address.c_str(), &where.sin_addr);
  socklen_t size = sizeof where;
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&where), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&where), &size) == 0;
  ::close(fd);
  return bound ? std::to_string(ntohs(where.sin_port)) : "0";
}

LabServer::LabServer(std::string name, const std::vector<std::string>& options)
    : name_(std::move(name)) {
  const std::string script = MXF_SOURCE_DIR "/examples/lab/servers/" + name_ + ".sh";
  if (!run_shell(quoted(script) + " unpack", &problem_)) {
    problem_ = "the packages of " + name_ + " cannot be had: " + problem_;
    return;
  }
  if (!run("start", options, &problem_)) {
    broken_ = true;
    problem_ = name_ + " did not start: " + problem_;
    return;
  }
  available_ = true;
}

LabServer::~LabServer() {
  run("stop", {});
  // Where the mail uid cannot reach the test's folder, dovecot.sh keeps the mail elsewhere.
  std::error_code ignored;
  const auto mail = dir() / "mail";
  if (std::filesystem::is_symlink(mail, ignored))
    std::filesystem::remove_all(std::filesystem::read_symlink(mail, ignored), ignored);
}

std::string LabServer::file(const std::string& relative) const {
  std::stringstream text;
  text << std::ifstream(dir() / relative, std::ios::binary).rdbuf();
  std::string out = text.str();
  while (out.ends_with('\n')) out.pop_back();
  return out;
}

bool LabServer::run(const std::string& command, const std::vector<std::string>& words,
                    std::string* output) const {
  std::string line = quoted(MXF_SOURCE_DIR "/examples/lab/servers/" + name_ + ".sh") + " " +
                     command + " " + quoted(dir().string());
  for (const auto& word : words) line += " " + quoted(word);
  return run_shell(line, output);
}

}  // namespace mxferry::test
