// SPDX-License-Identifier: Apache-2.0
#include "support/mail_account.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace mxferry::test {
namespace {

std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const auto from = text.find(begin);
  if (from == std::string::npos) return {};
  const auto to = text.find(end, from + begin.size());
  return text.substr(from + begin.size(), to - from - begin.size());
}

}  // namespace

MailAccount::MailAccount(const std::string& address, std::uint16_t port, const std::string& user,
                         const std::string& password) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  inet_pton(AF_INET, address.c_str(), &where.sin_addr);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&where), sizeof where) != 0)
    throw std::runtime_error("cannot connect to " + address);
  read_line();
  command("LOGIN \"" + user + "\" \"" + password + "\"");
}

MailAccount::~MailAccount() { ::close(fd_); }

void MailAccount::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) throw std::runtime_error("send failed");
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::string MailAccount::read_line() {
  while (true) {
    const auto end = buffer_.find('\n');
    if (end != std::string::npos) {
      auto line = buffer_.substr(0, end + 1);
      buffer_.erase(0, end + 1);
      return line;
    }
    char chunk[65536];
    const auto n = ::recv(fd_, chunk, sizeof chunk, 0);
    if (n <= 0) throw std::runtime_error("the server closed the connection");
    buffer_.append(chunk, static_cast<std::size_t>(n));
  }
}

std::string MailAccount::read_exactly(std::size_t size) {
  while (buffer_.size() < size) {
    char chunk[65536];
    const auto n = ::recv(fd_, chunk, sizeof chunk, 0);
    if (n <= 0) throw std::runtime_error("the server closed the connection");
    buffer_.append(chunk, static_cast<std::size_t>(n));
  }
  auto out = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return out;
}

std::string MailAccount::command(const std::string& text) {
  const std::string tag = "t" + std::to_string(++tag_);
  send(tag + " " + text + "\r\n");
  std::string out;
  while (true) {
    auto line = read_line();
    out += line;
    if (line.starts_with(tag + " OK")) return out;
    if (line.starts_with(tag + " ")) throw std::runtime_error(text + ": " + line);
  }
}

void MailAccount::append(const std::string& mailbox, const std::string& body,
                         const std::string& flags, const std::string& date) {
  const std::string tag = "t" + std::to_string(++tag_);
  std::string head = tag + " APPEND \"" + mailbox + "\" ";
  if (!flags.empty()) head += "(" + flags + ") ";
  if (!date.empty()) head += "\"" + date + "\" ";
  send(head + "{" + std::to_string(body.size()) + "}\r\n");
  auto line = read_line();
  while (line.starts_with("* ")) line = read_line();
  if (!line.starts_with("+")) throw std::runtime_error("APPEND: " + line);
  send(body);
  send("\r\n");
  do {
    line = read_line();
  } while (line.starts_with("* "));
  if (!line.starts_with(tag + " OK")) throw std::runtime_error("APPEND: " + line);
}

std::vector<std::string> MailAccount::folders() {
  std::vector<std::string> out;
  std::istringstream lines(command("LIST \"\" *"));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("* LIST")) continue;
    if (line.ends_with('\r')) line.pop_back();
    const auto name = line.find("\" ");
    auto text = line.substr(name + 2);
    if (text.starts_with('"')) text = text.substr(1, text.size() - 2);
    out.push_back(text);
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<StoredMessage> MailAccount::messages(const std::string& mailbox) {
  const auto opened = command("EXAMINE \"" + mailbox + "\"");
  std::vector<StoredMessage> out;
  if (opened.find("* 0 EXISTS") != std::string::npos) return out;
  const std::string tag = "t" + std::to_string(++tag_);
  send(tag + " FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])\r\n");
  while (true) {
    auto line = read_line();
    if (line.starts_with(tag + " OK")) return out;
    if (line.starts_with(tag + " ")) throw std::runtime_error("FETCH: " + line);
    if (line.find(" FETCH (") == std::string::npos) continue;
    StoredMessage message;
    message.uid = static_cast<std::uint32_t>(std::stoul(between(line, "UID ", " ")));
    message.date = between(line, "INTERNALDATE \"", "\"");
    std::istringstream words(between(line, "FLAGS (", ")"));
    std::vector<std::string> flags;
    for (std::string word; words >> word;)
      if (word != "\\Recent") flags.push_back(word);
    std::sort(flags.begin(), flags.end());
    for (const auto& flag : flags) message.flags += (message.flags.empty() ? "" : " ") + flag;
    const auto brace = line.rfind('{');
    if (brace == std::string::npos) throw std::runtime_error("FETCH without a literal: " + line);
    message.body = read_exactly(std::stoul(line.substr(brace + 1)));
    read_line();
    out.push_back(std::move(message));
  }
}

}  // namespace mxferry::test
