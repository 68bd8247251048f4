// SPDX-License-Identifier: Apache-2.0
#include "smtp/conversation.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <cctype>
#include <sstream>

#include "base/redact.hpp"
#include "net/deadline.hpp"
#include "protocol/sasl/sasl.hpp"

namespace mxferry::smtp {
namespace {

constexpr std::size_t kMaxLine = 4096;  // RFC 5321 §4.5.3.1.5 says 512; servers write more
constexpr std::size_t kMaxLines = 100;
constexpr auto kStep = std::chrono::seconds(60);

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

}  // namespace

net::Task<Result<Reply>> Conversation::reply(const char* step) {
  Reply out;
  for (std::size_t lines = 0; lines < kMaxLines; ++lines) {
    std::size_t end = std::string::npos;
    while ((end = buffer_.find('\n')) == std::string::npos) {
      if (buffer_.size() > kMaxLine) co_return fail(wrong(step, "a line longer than any reply"));
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
    if (!digit(0) || !digit(1) || !digit(2)) {
      Error error = wrong(step, "not an SMTP reply");
      error.remote = line;
      co_return fail(std::move(error));
    }
    out.code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    if (line.size() > 4) out.lines.push_back(line.substr(4));
    if (!out.words.empty()) out.words += ' ';
    if (line.size() > 4) out.words += line.substr(4);
    if (line.size() <= 3 || line[3] != '-') co_return out;
  }
  co_return fail(wrong(step, "a reply without an end"));
}

net::Task<Result<Reply>> Conversation::exchange(const char* step, std::string bytes) {
  MXF_CO_CHECK(co_await stream_->write(bytes));
  co_return co_await reply(step);
}

net::Task<Result<Reply>> Conversation::command(const char* step, std::string line, int wanted) {
  line += "\r\n";
  MXF_CO_TRY(answer, co_await exchange(step, std::move(line)));
  if (answer.code / 100 == wanted) co_return answer;
  co_return fail(refused(step, answer));
}

net::Task<Result<void>> Conversation::greeting() {
  MXF_CO_TRY(hello, co_await reply("greeting"));
  if (hello.code / 100 != 2) co_return fail(refused("greeting", hello));
  co_return Result<void>();
}

// RFC 5321 §4.1.1.1: the first line is the server's name, each other one a keyword and parameters.
net::Task<Result<void>> Conversation::ehlo(const std::string& helo) {
  std::string line = "EHLO " + helo;
  MXF_CO_TRY(answer, co_await command("EHLO", std::move(line), 2));
  offers_.clear();
  for (std::size_t i = 1; i < answer.lines.size(); ++i) {
    std::istringstream words(upper(answer.lines[i]));
    std::string keyword;
    words >> keyword;
    offers_.insert(keyword);
    for (std::string parameter; words >> parameter;) offers_.insert(keyword + " " + parameter);
  }
  co_return Result<void>();
}

net::Task<Result<void>> Conversation::start_tls(net::Connector& connector,
                                                const net::Endpoint& endpoint) {
  if (endpoint.security == net::Security::starttls) {
    std::string line = "STARTTLS";
    MXF_CO_TRY(go, co_await command("STARTTLS", std::move(line), 2));
    (void)go;
    if (!buffer_.empty()) {
      stream_->close();
      Error error = wrong("STARTTLS", "bytes stand behind the answer to STARTTLS");
      error.code = ErrorCode::tls;
      co_return fail(std::move(error));
    }
  }
  auto stream = co_await connector.start_tls(std::move(stream_), endpoint);
  if (!stream) co_return fail(std::move(stream).error());
  stream_ = std::move(stream).value();
  offers_.clear();  // what was learnt before TLS is forgotten
  tls_ = true;
  co_return Result<void>();
}

net::Task<Result<void>> Conversation::auth_plain(const std::string& user, const Secret& secret) {
  if (!is_private()) {
    Error error = wrong("AUTH", "a credential is not sent without TLS");
    error.code = ErrorCode::tls;
    co_return fail(std::move(error));
  }
  if (!offers("AUTH PLAIN")) {
    Error error = wrong("AUTH", "the server offers no AUTH PLAIN");
    error.code = ErrorCode::unsupported;
    co_return fail(std::move(error));
  }
  std::string line = "AUTH PLAIN " + sasl::plain("", user, secret.reveal()) + "\r\n";
  const auto sent = co_await stream_->write(line);
  wipe(line);
  if (!sent) co_return fail(sent.error());
  MXF_CO_TRY(answer, co_await reply("AUTH"));
  if (answer.code / 100 == 2) co_return Result<void>();
  answer.words = redact(std::move(answer.words), secret, "[secret]");
  Error error = refused("AUTH", answer);
  if (answer.code / 100 == 5) error.code = ErrorCode::auth;
  co_return fail(std::move(error));
}

net::Task<void> Conversation::quit() {
  std::string line = "QUIT\r\n";
  (void)co_await exchange("QUIT", std::move(line));
  stream_->close();
}

Error Conversation::wrong(const char* step, const char* why) const {
  return fail(ErrorCode::protocol, "smtp " + std::string(step) + " " + name_, why).error();
}

Error Conversation::refused(const char* step, const Reply& answer) const {
  Error error = wrong(step, "the server refuses");
  error.code = answer.code / 100 == 4 ? ErrorCode::rate_limited : ErrorCode::refused;
  if (answer.code / 100 == 4) error.retry = Retry::later;
  error.remote = std::to_string(answer.code) + " " + answer.words;
  return error;
}

net::Task<Result<std::size_t>> Conversation::read(std::array<char, 2048>& chunk) {
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

}  // namespace mxferry::smtp
