// SPDX-License-Identifier: Apache-2.0
#include "smtp/client.hpp"

#include <array>
#include <boost/asio/this_coro.hpp>
#include <cctype>

#include "net/deadline.hpp"

namespace mxferry::smtp {
namespace {

constexpr std::size_t kMaxLine = 4096;  // RFC 5321 §4.5.3.1.5 says 512; servers write more
constexpr std::size_t kMaxLines = 100;
constexpr auto kStep = std::chrono::seconds(60);

class Conversation {
 public:
  Conversation(std::unique_ptr<net::ByteStream> stream, Server server)
      : stream_(std::move(stream)), server_(std::move(server)) {}

  // One reply: lines "250-words" up to "250 words".
  net::Task<Result<Reply>> reply(const char* step) {
    Reply out;
    for (std::size_t lines = 0; lines < kMaxLines; ++lines) {
      std::size_t end = std::string::npos;
      while ((end = buffer_.find('\n')) == std::string::npos) {
        if (buffer_.size() > kMaxLine) co_return wrong(step, "a line longer than any reply");
        std::array<char, 2048> chunk{};
        MXF_CO_TRY(got, co_await read(chunk));
        buffer_.append(chunk.data(), got);
      }
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      if (line.ends_with('\r')) line.pop_back();
      const auto digit = [&](std::size_t i) {
        return i < line.size() && std::isdigit(static_cast<unsigned char>(line[i])) != 0;
      };
      if (!digit(0) || !digit(1) || !digit(2))
        co_return wrong(step, "not an SMTP reply").with_words(line);
      out.code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
      if (!out.words.empty()) out.words += ' ';
      if (line.size() > 4) out.words += line.substr(4);
      if (line.size() <= 3 || line[3] != '-') co_return out;
    }
    co_return wrong(step, "a reply without an end");
  }

  net::Task<Result<Reply>> command(const char* step, std::string line, int wanted) {
    line += "\r\n";
    MXF_CO_TRY(answer, co_await exchange(step, std::move(line)));
    if (answer.code / 100 == wanted) co_return answer;
    co_return refused(step, answer);
  }

  net::Task<Result<Reply>> exchange(const char* step, std::string bytes) {
    MXF_CO_CHECK(co_await stream_->write(bytes));
    co_return co_await reply(step);
  }

  struct Wrong {
    Error error;
    Wrong& with_words(const std::string& words) {
      error.remote = words;
      return *this;
    }
    operator Result<Reply>() { return fail(std::move(error)); }  // NOLINT: implicit on purpose
  };
  Wrong wrong(const char* step, const char* why) const {
    Wrong out;
    out.error.code = ErrorCode::protocol;
    out.error.operation = "smtp " + std::string(step) + " " + server_.name();
    out.error.text = why;
    return out;
  }
  Wrong refused(const char* step, const Reply& answer) const {
    Wrong out = wrong(step, "the server refuses");
    out.error.code = answer.code / 100 == 4 ? ErrorCode::rate_limited : ErrorCode::refused;
    if (answer.code / 100 == 4) out.error.retry = Retry::later;
    out.error.remote = std::to_string(answer.code) + " " + answer.words;
    return out;
  }

  net::Task<Result<void>> greet(const Envelope& envelope) {
    MXF_CO_TRY(hello, co_await reply("greeting"));
    if (hello.code / 100 != 2) {
      Result<Reply> out = refused("greeting", hello);
      co_return fail(std::move(out).error());
    }
    std::string line = "EHLO " + envelope.helo;
    MXF_CO_TRY(ehlo, co_await command("EHLO", std::move(line), 2));
    (void)ehlo;
    std::string from = "MAIL FROM:<" + envelope.from + ">";
    MXF_CO_TRY(mail, co_await command("MAIL FROM", std::move(from), 2));
    (void)mail;
    co_return Result<void>();
  }

  net::Task<void> quit() {
    std::string line = "QUIT\r\n";
    (void)co_await exchange("QUIT", std::move(line));
    stream_->close();
  }

 private:
  net::Task<Result<std::size_t>> read(std::array<char, 2048>& chunk) {
    const auto executor = co_await boost::asio::this_coro::executor;
    net::Deadline deadline(executor, kStep, [this] { stream_->close(); });
    const std::span<char> into(chunk);
    auto got = co_await stream_->read_some(into);
    if (!got && deadline.expired()) {
      got.error().code = ErrorCode::timeout;
      got.error().text = "no reply within 60 s";
    }
    co_return got;
  }

  std::unique_ptr<net::ByteStream> stream_;
  Server server_;
  std::string buffer_;
};

net::Task<Result<std::unique_ptr<Conversation>>> open(net::Connector& connector,
                                                      const Server& server) {
  net::Endpoint endpoint;
  endpoint.host = server.host;
  endpoint.address = server.address;
  endpoint.port = server.port;
  endpoint.security = net::Security::starttls;
  MXF_CO_TRY(stream, co_await connector.connect(endpoint));
  co_return std::make_unique<Conversation>(std::move(stream), server);
}

}  // namespace

std::string stuffed(const std::string& message) {
  std::string out;
  out.reserve(message.size() + 8);
  bool start = true;
  for (const char c : message) {
    if (start && c == '.') out += '.';
    out += c;
    start = c == '\n';
  }
  if (!out.ends_with("\r\n")) out += "\r\n";
  return out + ".\r\n";
}

net::Task<Result<Reply>> send_message(net::Connector& connector, Server server, Envelope envelope,
                                      std::string message) {
  MXF_CO_TRY(talk, co_await open(connector, server));
  MXF_CO_CHECK(co_await talk->greet(envelope));
  std::string to = "RCPT TO:<" + envelope.to + ">";
  MXF_CO_TRY(rcpt, co_await talk->command("RCPT TO", std::move(to), 2));
  (void)rcpt;
  std::string data = "DATA";
  MXF_CO_TRY(go, co_await talk->command("DATA", std::move(data), 3));
  (void)go;
  MXF_CO_TRY(answer, co_await talk->exchange("message", stuffed(message)));
  if (answer.code / 100 != 2) co_return talk->refused("message", answer);
  co_await talk->quit();
  co_return answer;
}

net::Task<Result<Reply>> probe_recipient(net::Connector& connector, Server server,
                                         Envelope envelope) {
  MXF_CO_TRY(talk, co_await open(connector, server));
  MXF_CO_CHECK(co_await talk->greet(envelope));
  std::string to = "RCPT TO:<" + envelope.to + ">\r\n";
  MXF_CO_TRY(answer, co_await talk->exchange("RCPT TO", std::move(to)));
  co_await talk->quit();
  co_return answer;
}

}  // namespace mxferry::smtp
