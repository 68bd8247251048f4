// SPDX-License-Identifier: Apache-2.0
#include "support/honest_imap.hpp"

#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <memory>
#include <sstream>
#include <stdexcept>

namespace mxferry::test {
namespace {

// The literal that a line announces at its end: {n} or {n+}.
struct Announced {
  std::size_t size = 0;
  bool waits = false;
};

bool announced(const std::string& line, Announced& out) {
  if (line.empty() || line.back() != '}') return false;
  const auto open = line.rfind('{');
  if (open == std::string::npos) return false;
  out.size = std::strtoull(line.c_str() + open + 1, nullptr, 10);
  out.waits = line[line.size() - 2] != '+';
  return true;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

// The string argument of a command, quoted or a literal.
std::string unquoted(const std::string& text) {
  if (const auto end = text.find("}\r\n"); end != std::string::npos) {
    Announced size;
    if (announced(text.substr(0, end + 1), size)) return text.substr(end + 3, size.size);
  }
  const auto begin = text.find('"');
  const auto end = text.rfind('"');
  return begin == std::string::npos || end <= begin ? text
                                                    : text.substr(begin + 1, end - begin - 1);
}

// "1:3,7" and "2:*".
bool in_set(const std::string& set, std::uint32_t uid) {
  std::stringstream parts(set);
  for (std::string part; std::getline(parts, part, ',');) {
    const auto colon = part.find(':');
    const auto first = std::strtoul(part.c_str(), nullptr, 10);
    auto last = first;
    if (colon != std::string::npos)
      last = part[colon + 1] == '*' ? 0xFFFFFFFFUL
                                    : std::strtoul(part.c_str() + colon + 1, nullptr, 10);
    if (uid >= first && uid <= last) return true;
  }
  return false;
}

std::string literal(const std::string& bytes) {
  return "{" + std::to_string(bytes.size()) + "}\r\n" + bytes;
}

}  // namespace

bool ImapTalk::send(std::string_view bytes) {
  if (muted_) return true;
  if (tls_ != nullptr && !bytes.empty())
    return SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size())) > 0;
  while (!bytes.empty()) {
    pollfd waits[2] = {{fd_, POLLOUT, 0}, {stop_, POLLIN, 0}};
    ::poll(waits, 2, -1);
    if (waits[1].revents != 0) return false;
    const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool ImapTalk::wait(std::chrono::milliseconds time) {
  pollfd waits[2] = {{fd_, POLLRDHUP, 0}, {stop_, POLLIN, 0}};
  return ::poll(waits, 2, static_cast<int>(time.count())) == 0;
}

bool ImapTalk::read(std::string& into) {
  pollfd waits[2] = {{fd_, POLLIN, 0}, {stop_, POLLIN, 0}};
  if (tls_ == nullptr || SSL_pending(tls_) == 0) ::poll(waits, 2, -1);
  if (waits[1].revents != 0) return false;
  char chunk[65536];
  const auto n = tls_ != nullptr ? static_cast<ssize_t>(SSL_read(tls_, chunk, sizeof chunk))
                                 : ::recv(fd_, chunk, sizeof chunk, 0);
  if (n <= 0) return false;
  into.append(chunk, static_cast<std::size_t>(n));
  return true;
}

void ImapTalk::end_tls() {
  (void)SSL_shutdown(tls_);
  end();
}

HonestImap::HonestImap(std::string address, const std::string& certificate, const std::string& key)
    : address_(std::move(address)), listener_(address_) {
  if (!certificate.empty()) {
    std::signal(SIGPIPE, SIG_IGN);  // SSL_write to a client that has gone
    context_ = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(context_, certificate.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(context_, key.c_str(), SSL_FILETYPE_PEM) != 1)
      throw std::runtime_error("cannot use " + certificate);
  }
  folders_["INBOX"];
  thread_ = std::thread([this] { serve(); });
}

HonestImap::~HonestImap() {
  listener_.stop();
  thread_.join();
  for (auto& one : talks_) one.join();
  SSL_CTX_free(context_);
}

void HonestImap::add(const std::string& folder, std::string body) {
  const std::lock_guard lock(mutex_);
  auto& f = folders_[folder];
  f.messages.push_back({f.next++, std::move(body), ""});
}

std::vector<HonestMessage> HonestImap::messages(const std::string& folder) const {
  const std::lock_guard lock(mutex_);
  const auto it = folders_.find(folder);
  return it == folders_.end() ? std::vector<HonestMessage>() : it->second.messages;
}

std::vector<std::string> HonestImap::bodies(const std::string& folder) const {
  std::vector<std::string> out;
  for (auto& message : messages(folder)) out.push_back(message.body);
  std::sort(out.begin(), out.end());
  return out;
}

void HonestImap::set_attack(Attack attack) {
  const std::lock_guard lock(mutex_);
  attack_ = std::move(attack);
}

void HonestImap::set_capabilities(std::string words) {
  const std::lock_guard lock(mutex_);
  capabilities_ = std::move(words);
}

void HonestImap::serve() {
  for (int fd = listener_.accept(); fd >= 0; fd = listener_.accept()) {
    talks_.emplace_back([this, fd] {
      talk(fd);
      ::close(fd);
    });
  }
}

void HonestImap::talk(int fd) {
  std::unique_ptr<SSL, decltype(&SSL_free)> tls(nullptr, SSL_free);
  if (context_ != nullptr) {
    tls.reset(SSL_new(context_));
    SSL_set_fd(tls.get(), fd);
    if (SSL_accept(tls.get()) != 1) return;
  }
  ImapTalk client(fd, listener_.stop_fd(), tls.get());
  converse(client);
}

void HonestImap::converse(ImapTalk& client) {
  const auto attacked = [&](const std::string& tag, const std::string& line) {
    Attack attack;
    {
      const std::lock_guard lock(mutex_);
      attack = attack_;
    }
    return attack && attack(client, tag, line);
  };
  std::string selected;
  if (!attacked("*", "GREETING"))
    client.send("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hello\r\n");
  std::string buffer;
  while (!client.ended()) {
    // One command: its line, and the literals in it.
    std::string command;
    std::size_t at = 0;
    while (true) {
      const auto end = buffer.find("\r\n", at);
      if (end == std::string::npos) {
        if (!client.read(buffer)) return;
        continue;
      }
      Announced next;
      if (!announced(buffer.substr(at, end - at), next)) {
        command = buffer.substr(0, end);
        buffer.erase(0, end + 2);
        break;
      }
      const auto head = buffer.substr(0, buffer.find(' '));
      if (next.waits) {
        const auto words = upper(buffer.substr(head.size() + 1, end - head.size() - 1));
        if (attacked(head, "WAITING " + words)) return;
        client.send("+ go on\r\n");
      }
      while (buffer.size() < end + 2 + next.size)
        if (!client.read(buffer)) return;
      at = end + 2 + next.size;
    }
    const auto blank = command.find(' ');
    const auto tag = command.substr(0, blank);
    const auto rest = blank == std::string::npos ? "" : command.substr(blank + 1);
    const auto line = upper(rest.substr(0, rest.find("\r\n")));
    if (attacked(tag, line)) continue;
    if (!client.send(line.starts_with("APPEND ") ? append(tag, rest) : answer(tag, rest, selected)))
      return;
  }
}

std::string HonestImap::append(const std::string& tag, const std::string& raw) {
  const std::lock_guard lock(mutex_);
  const auto name = unquoted(raw.substr(0, raw.find('"', raw.find('"') + 1) + 1));
  auto& folder = folders_[name];
  const auto first = folder.next;
  std::size_t at = 0;
  while (true) {
    const auto end = raw.find("\r\n", at);
    Announced next;
    if (end == std::string::npos || !announced(raw.substr(at, end - at), next)) break;
    const auto words = raw.substr(at, end - at);
    std::string flags;
    if (const auto open = words.find('('); open != std::string::npos)
      flags = words.substr(open + 1, words.find(')') - open - 1);
    folder.messages.push_back({folder.next++, raw.substr(end + 2, next.size), flags});
    at = end + 2 + next.size;
  }
  const auto last = folder.next - 1;
  return tag + " OK [APPENDUID " + std::to_string(folder.validity) + " " + std::to_string(first) +
         (last > first ? ":" + std::to_string(last) : "") + "] done\r\n";
}

std::string HonestImap::answer(const std::string& tag, const std::string& line,
                               std::string& selected) {
  const std::lock_guard lock(mutex_);
  const auto ok = tag + " OK done\r\n";
  const auto words = upper(line);
  const auto status_of = [&](const std::string& name) {
    const auto& f = folders_[name];
    return "(MESSAGES " + std::to_string(f.messages.size()) + " UIDNEXT " + std::to_string(f.next) +
           " UIDVALIDITY " + std::to_string(f.validity) + ")";
  };
  if (words == "CAPABILITY")
    return "* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR " + capabilities_ + "\r\n" + ok;
  if (words.starts_with("AUTHENTICATE") || words.starts_with("LOGIN"))
    return tag + " OK [CAPABILITY IMAP4rev1 " + capabilities_ + "] in\r\n";
  if (words == "NAMESPACE") return "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n" + ok;
  if (words.starts_with("LIST")) {
    std::string out;
    for (const auto& [name, folder] : folders_) out += "* LIST () \"/\" " + literal(name) + "\r\n";
    return out + ok;
  }
  if (words.starts_with("STATUS")) {
    const auto name = unquoted(line);
    return "* STATUS " + literal(name) + " " + status_of(name) + "\r\n" + ok;
  }
  if (words.starts_with("CREATE")) {
    folders_[unquoted(line)];
    return ok;
  }
  if (words.starts_with("SELECT") || words.starts_with("EXAMINE")) {
    selected = unquoted(line);
    const auto& f = folders_[selected];
    return "* " + std::to_string(f.messages.size()) + " EXISTS\r\n* OK [UIDVALIDITY " +
           std::to_string(f.validity) + "] x\r\n* OK [UIDNEXT " + std::to_string(f.next) +
           "] x\r\n* OK [PERMANENTFLAGS (\\Seen \\Deleted \\*)] x\r\n" + tag + " OK [" +
           (words.starts_with("S") ? "READ-WRITE" : "READ-ONLY") + "] in\r\n";
  }
  auto& folder = folders_[selected];
  if (words.starts_with("UID FETCH ")) {
    const auto set = line.substr(10, line.find(' ', 10) - 10);
    const bool bodies = words.find("BODY.PEEK[]") != std::string::npos;
    const bool headers = words.find("HEADER.FIELDS") != std::string::npos;
    std::string out;
    for (std::size_t i = 0; i < folder.messages.size(); ++i) {
      const auto& m = folder.messages[i];
      if (!in_set(set, m.uid)) continue;
      out += "* " + std::to_string(i + 1) + " FETCH (UID " + std::to_string(m.uid) + " FLAGS (" +
             m.flags + ") INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE " +
             std::to_string(m.body.size());
      if (bodies) out += " BODY[] " + literal(m.body);
      if (headers)
        out += " BODY[HEADER.FIELDS (MESSAGE-ID DATE FROM SUBJECT)] " +
               literal(m.body.substr(0, m.body.find("\r\n\r\n") + 4));
      out += ")\r\n";
    }
    return out + ok;
  }
  if (words.starts_with("UID EXPUNGE ")) {
    std::erase_if(folder.messages,
                  [&](const HonestMessage& m) { return in_set(line.substr(12), m.uid); });
    return ok;
  }
  return ok;  // NOOP, LSUB, SUBSCRIBE, UID STORE, UNSELECT, LOGOUT
}

}  // namespace mxferry::test
