// SPDX-License-Identifier: Apache-2.0
// The limit that benchmarks compare with: FETCH relayed into APPEND as fast as two servers go, with no bookkeeping at
// all. It creates the source's folders at the destination and copies every message with flags and date; a lost
// connection, a refusal or an answer that it does not know ends it with exit 1. Not for anybody's mail.
//
//   mxf_pump HOST:PORT USER PASSWORD  HOST:PORT USER PASSWORD  LANES BATCH [create-only | status]
//
// Plain text, loopback. LANES connections to each side; BATCH messages in one MULTIAPPEND (1: single APPENDs, all in
// flight with LITERAL+, one after the other without). Prints `messages bytes seconds create_seconds`.
// create-only makes the folders; status asks each side for all folders with their state in one LIST (RFC 5819).
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t kOutput = std::size_t{1} << 20;  // per lane

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "mxf_pump: %s\n", why.c_str());
  std::_Exit(1);
}

std::string quoted(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

struct Side {
  std::string host, user, password;
  std::uint16_t port = 0;
};

// One connection: `in` holds what was read and not used, `out` what is to be sent.
class Wire {
 public:
  explicit Wire(const Side& side) {
    fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(side.port);
    ::inet_pton(AF_INET, side.host.c_str(), &to.sin_addr);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0)
      die("connect " + side.host + ": " + std::strerror(errno));
    const int one = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)line();
    command("LOGIN " + quoted(side.user) + " " + quoted(side.password));
    capabilities = command("CAPABILITY");
  }
  ~Wire() { ::close(fd); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  bool has(const char* name) const { return capabilities.find(name) != std::string::npos; }

  void read_more() {
    const auto old = in.size();
    in.resize(old + (std::size_t{1} << 18));
    const auto n = ::read(fd, in.data() + old, in.size() - old);
    if (n <= 0) die("the server closed the connection");
    in.resize(old + static_cast<std::size_t>(n));
  }
  void flush() {
    std::size_t at = 0;
    while (at < out.size()) {
      const auto n = ::send(fd, out.data() + at, out.size() - at, MSG_NOSIGNAL);
      if (n <= 0) die("the server closed the connection");
      at += static_cast<std::size_t>(n);
    }
    out.clear();
  }
  // A line with its CRLF; literals are not looked at.
  std::string line() {
    for (;;) {
      const auto end = in.find('\n', used);
      if (end != std::string::npos) {
        std::string found = in.substr(used, end + 1 - used);
        used = end + 1;
        return found;
      }
      in.erase(0, used);
      used = 0;
      read_more();
    }
  }
  // All untagged text up to the tagged OK.
  std::string command(const std::string& text) {
    const auto tag = "C" + std::to_string(++tags);
    out += tag + " " + text + "\r\n";
    flush();
    std::string all;
    for (;;) {
      const auto got = line();
      if (got.starts_with(tag + " ")) {
        if (!got.starts_with(tag + " OK")) die(text.substr(0, 60) + ": " + got);
        return all;
      }
      all += got;
    }
  }

  int fd = -1;
  std::string in, out, capabilities;
  std::size_t used = 0;
  int tags = 0;
};

// The destination's spelling of a source folder's name, whose separator is `/`.
class Names {
 public:
  explicit Names(Wire& target) {
    // NAMESPACE (("prefix" "/")) ...; what is not understood: no prefix, the separator of LIST.
    const auto text = target.command("NAMESPACE");
    const auto open = text.find("((\"");
    const auto close = open == std::string::npos ? open : text.find('"', open + 3);
    const auto sep = close == std::string::npos ? close : text.find('"', close + 1);
    if (sep == std::string::npos || sep + 1 >= text.size()) die("NAMESPACE: " + text);
    prefix_ = text.substr(open + 3, close - open - 3);
    separator_ = text[sep + 1];
  }
  std::string of(std::string name) const {
    if (name == "INBOX") return name;
    for (auto& c : name)
      if (c == '/') c = separator_;
    return prefix_ + name;
  }

 private:
  std::string prefix_;
  char separator_ = '/';
};

// Of `* LIST (...) "/" name`.
std::vector<std::string> folders_of(Wire& wire) {
  std::vector<std::string> out;
  const auto text = wire.command("LIST \"\" \"*\"");
  std::size_t at = 0;
  while (at < text.size()) {
    const auto end = text.find('\n', at);
    auto one = text.substr(at, end - at);
    at = end + 1;
    if (one.find("\\Noselect") != std::string::npos || one.find("\\NonExistent") != std::string::npos) continue;
    while (!one.empty() && (one.back() == '\r' || one.back() == '\n')) one.pop_back();
    const auto close = one.find(") ");
    const auto name = one.find(' ', close + 2);
    if (close == std::string::npos || name == std::string::npos) continue;
    auto spelt = one.substr(name + 1);
    if (spelt.starts_with('{')) die("a folder name as a literal");
    if (spelt.starts_with('"')) {
      std::string plain;
      for (std::size_t i = 1; i + 1 < spelt.size(); ++i) {
        if (spelt[i] == '\\') ++i;
        plain += spelt[i];
      }
      spelt = plain;
    }
    out.push_back(spelt);
  }
  return out;
}

struct Shared {
  std::mutex mutex;
  std::vector<std::string> folders;
  std::size_t next = 0;
  std::uint64_t messages = 0, bytes = 0;
  bool take(std::string& name) {
    const std::lock_guard lock(mutex);
    if (next == folders.size()) return false;
    name = folders[next++];
    return true;
  }
};

// One lane: asks for two folders ahead, turns each FETCH answer into a piece of an APPEND.
class Lane {
 public:
  Lane(const Side& from, const Side& to, std::size_t batch, Shared& shared)
      : source_(from), target_(to), names_(target_), batch_(batch), shared_(shared) {
    multi_ = target_.has("MULTIAPPEND") && batch > 1;
    plus_ = target_.has("LITERAL+");
  }
  void run() {
    ask();
    ask();
    while (!asked_.empty()) {
      copy(asked_.front());
      asked_.erase(asked_.begin());
      ask();
    }
    while (open_ > 0) settle();
    const std::lock_guard lock(shared_.mutex);
    shared_.messages += messages_;
    shared_.bytes += bytes_;
  }

 private:
  void ask() {
    std::string name;
    if (!shared_.take(name)) return;
    asked_.push_back(name);
    source_.out += "S EXAMINE " + quoted(name) + "\r\nF UID FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[])\r\n";
    source_.flush();
  }
  void copy(const std::string& folder) {
    std::size_t in_batch = 0;
    for (;;) {
      const auto head = source_.line();
      if (head.starts_with("F ")) {
        if (!head.starts_with("F OK") && head.find("Invalid messageset") == std::string::npos &&
            head.find("BAD") == std::string::npos)
          die("FETCH: " + head);
        break;
      }
      if (head.starts_with("S ") && !head.starts_with("S OK")) die("EXAMINE: " + head);
      const auto literal = head.rfind('{');
      if (head.find(" FETCH (") == std::string::npos || literal == std::string::npos) continue;
      const auto size = static_cast<std::size_t>(std::strtoull(head.c_str() + literal + 1, nullptr, 10));
      const auto flags_at = head.find("FLAGS (");
      const auto flags_end = head.find(')', flags_at);
      auto flags = head.substr(flags_at + 7, flags_end - flags_at - 7);
      if (const auto recent = flags.find("\\Recent"); recent != std::string::npos) flags.erase(recent, 7);
      if (const auto gap = flags.find("  "); gap != std::string::npos) flags.erase(gap, 1);
      while (!flags.empty() && flags.back() == ' ') flags.pop_back();
      while (!flags.empty() && flags.front() == ' ') flags.erase(0, 1);
      const auto date_at = head.find("INTERNALDATE \"") + 13;
      const auto date = head.substr(date_at, head.find('"', date_at + 1) + 1 - date_at);
      if (in_batch == 0) target_.out += "A APPEND " + quoted(names_.of(folder));
      target_.out += " (" + flags + ") " + date + " {" + std::to_string(size) + (plus_ ? "+}\r\n" : "}\r\n");
      if (!plus_) {
        target_.flush();
        while (!target_.line().starts_with("+")) {
        }
      }
      relay(size);
      (void)source_.line();  // ")"
      ++messages_;
      bytes_ += size;
      if (++in_batch == (multi_ ? batch_ : 1)) finish(in_batch);
    }
    if (in_batch > 0) finish(in_batch);
  }
  void finish(std::size_t& in_batch) {
    target_.out += "\r\n";
    ++open_;
    in_batch = 0;
    if (!plus_) {
      target_.flush();
      settle();
    }
    send_some();
  }
  void relay(std::size_t left) {
    while (left > 0) {
      const auto have = std::min(left, source_.in.size() - source_.used);
      target_.out.append(source_.in, source_.used, have);
      source_.used += have;
      left -= have;
      if (left > 0) {
        source_.in.erase(0, source_.used);
        source_.used = 0;
        source_.read_more();
      }
      if (target_.out.size() >= kOutput) send_some();
    }
  }
  // Sends what the socket takes; waits only above the bound. Answers are taken as they come.
  void send_some() {
    std::size_t at = 0;
    while (at < target_.out.size()) {
      pollfd p{target_.fd, POLLOUT | POLLIN, 0};
      ::poll(&p, 1, target_.out.size() - at >= kOutput / 2 ? -1 : 0);
      if ((p.revents & (POLLIN | POLLHUP)) != 0) {
        target_.read_more();
        answers();
      }
      if ((p.revents & POLLOUT) == 0) {
        if (target_.out.size() - at < kOutput / 2) break;
        continue;
      }
      const auto n = ::send(target_.fd, target_.out.data() + at, target_.out.size() - at, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && errno != EAGAIN) die("the destination closed the connection");
      if (n > 0) at += static_cast<std::size_t>(n);
    }
    target_.out.erase(0, at);
  }
  void answers() {
    for (;;) {
      const auto end = target_.in.find('\n', target_.used);
      if (end == std::string::npos) break;
      const auto text = std::string_view(target_.in).substr(target_.used, end - target_.used);
      if (text.starts_with("A ")) {
        if (!text.starts_with("A OK")) die("APPEND: " + std::string(text.substr(0, 200)));
        --open_;
      }
      target_.used = end + 1;
    }
    target_.in.erase(0, target_.used);
    target_.used = 0;
  }
  void settle() {
    target_.flush();
    target_.read_more();
    answers();
  }

  Wire source_, target_;
  Names names_;
  std::size_t batch_;
  Shared& shared_;
  bool multi_ = false, plus_ = false;
  std::vector<std::string> asked_;
  long open_ = 0;
  std::uint64_t messages_ = 0, bytes_ = 0;
};

Side side_of(char** argv) {
  Side side;
  const std::string at = argv[0];
  const auto colon = at.rfind(':');
  if (colon == std::string::npos) die("HOST:PORT is expected");
  side.host = at.substr(0, colon);
  side.port = static_cast<std::uint16_t>(std::atoi(at.c_str() + colon + 1));
  side.user = argv[1];
  side.password = argv[2];
  return side;
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 9) die("usage: mxf_pump HOST:PORT USER PASSWORD HOST:PORT USER PASSWORD LANES BATCH [create-only]");
  const auto from = side_of(argv + 1);
  const auto to = side_of(argv + 4);
  const auto lanes = static_cast<std::size_t>(std::atoi(argv[7]));
  const auto batch = static_cast<std::size_t>(std::atoi(argv[8]));
  const std::string mode = argc > 9 ? argv[9] : "";
  const auto begin = std::chrono::steady_clock::now();
  if (mode == "status") {
    std::vector<std::thread> threads;
    for (const auto* side : {&from, &to})
      threads.emplace_back([side] {
        Wire wire(*side);
        (void)wire.command(
            "LIST \"\" \"*\" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ))");
      });
    for (auto& thread : threads) thread.join();
    std::printf("0 0 %.4f 0\n", seconds_since(begin));
    return 0;
  }
  Shared shared;
  double create_seconds = 0;
  {
    Wire source(from);
    Wire target(to);
    shared.folders = folders_of(source);
    const auto there = folders_of(target);
    const Names names(target);
    const auto create_begin = std::chrono::steady_clock::now();
    std::size_t asked = 0;
    for (const auto& name : shared.folders) {
      bool exists = name == "INBOX";
      for (const auto& other : there) exists = exists || other == names.of(name);
      if (exists) continue;
      target.out += "N CREATE " + quoted(names.of(name)) + "\r\n";
      ++asked;
    }
    target.flush();
    while (asked > 0)
      if (target.line().starts_with("N ")) --asked;
    create_seconds = seconds_since(create_begin);
  }
  if (mode.empty()) {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < lanes; ++i)
      threads.emplace_back([&] {
        Lane lane(from, to, batch, shared);
        lane.run();
      });
    for (auto& thread : threads) thread.join();
  }
  std::printf("%llu %llu %.4f %.4f\n", static_cast<unsigned long long>(shared.messages),
              static_cast<unsigned long long>(shared.bytes), seconds_since(begin), create_seconds);
  return 0;
}
