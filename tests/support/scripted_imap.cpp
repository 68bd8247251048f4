// SPDX-License-Identifier: Apache-2.0
#include "support/scripted_imap.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace mxferry::test {
namespace {

namespace asio = boost::asio;

class ScriptedStream final : public net::ByteStream {
 public:
  ScriptedStream(std::shared_ptr<Script> script, const asio::any_io_executor& executor)
      : script_(std::move(script)), changed_(executor, asio::steady_timer::time_point::max()) {
    advance();
  }

  net::Task<Result<std::size_t>> read_some(std::span<char> into) override {
    while (script_->sending.empty() && !script_->closed && !script_->client_closed)
      (void)co_await changed_.async_wait(asio::as_tuple(asio::use_awaitable));
    if (script_->client_closed || script_->sending.empty()) co_return ended();
    const auto n = std::min({into.size(), script_->sending.size(), script_->piece});
    std::copy_n(script_->sending.begin(), n, into.begin());
    script_->sending.erase(0, n);
    co_return n;
  }
  net::Task<Result<void>> write(std::string_view bytes) override {
    if (script_->client_closed || (script_->closed && script_->sending.empty())) co_return ended();
    script_->received += bytes;
    script_->transcript += bytes;
    advance();
    co_return Result<void>();
  }
  void close() override {
    script_->client_closed = true;
    changed_.cancel();
  }
  bool peer_is_loopback() const override { return script_->loopback; }

 private:
  static Unexpected<Error> ended() {
    Error error;
    error.code = ErrorCode::network;
    error.operation = "read";
    error.text = "the server closed the connection";
    error.retry = Retry::later;
    return fail(std::move(error));
  }
  void advance() {
    auto& s = *script_;
    while (s.at < s.steps.size() && !s.closed) {
      const auto& step = s.steps[s.at];
      if (step.client == "<TLS>") break;
      if (s.received.size() < step.client.size()) break;
      if (!s.received.starts_with(step.client)) {
        if (s.problem.empty()) s.problem = "expected " + step.client + " and got " + s.received;
        s.closed = true;
        break;
      }
      s.received.erase(0, step.client.size());
      ++s.at;
      if (step.server == "<EOF>")
        s.closed = true;
      else if (step.server != "<HANG>")
        s.sending += step.server;
    }
    changed_.cancel();
  }

  std::shared_ptr<Script> script_;
  asio::steady_timer changed_;
};

}  // namespace

net::Task<Result<std::unique_ptr<net::ByteStream>>> ScriptedConnector::connect(
    const net::Endpoint&) {
  const auto executor = co_await asio::this_coro::executor;
  std::unique_ptr<net::ByteStream> stream = std::make_unique<ScriptedStream>(script_, executor);
  co_return stream;
}

net::Task<Result<std::unique_ptr<net::ByteStream>>> ScriptedConnector::start_tls(
    std::unique_ptr<net::ByteStream>, const net::Endpoint& endpoint) {
  const auto executor = co_await asio::this_coro::executor;
  ++script_->handshakes;
  if (script_->at >= script_->steps.size() || script_->steps[script_->at].client != "<TLS>" ||
      script_->steps[script_->at].server == "<EOF>") {
    script_->client_closed = true;
    co_return fail(ErrorCode::tls, "tls " + endpoint.name(), "the handshake failed");
  }
  ++script_->at;
  script_->client_closed = false;
  std::unique_ptr<net::ByteStream> stream = std::make_unique<ScriptedStream>(script_, executor);
  co_return stream;
}

}  // namespace mxferry::test
