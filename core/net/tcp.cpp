// SPDX-License-Identifier: Apache-2.0
#include "net/tcp.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <vector>

#include "net/deadline.hpp"

namespace mxferry::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

Unexpected<Error> network(const std::string& operation, const boost::system::error_code& error) {
  Error out;
  out.code = ErrorCode::network;
  out.operation = operation;
  out.text = error == asio::error::eof ? "the server closed the connection" : error.message();
  out.retry = Retry::later;
  return fail(std::move(out));
}

}  // namespace

TcpStream::TcpStream(tcp::socket socket) : socket_(std::move(socket)) {
  boost::system::error_code error;
  socket_.set_option(tcp::no_delay(true), error);
  socket_.set_option(asio::socket_base::keep_alive(true), error);
  const auto peer = socket_.remote_endpoint(error);
  loopback_ = !error && peer.address().is_loopback();
}

Task<Result<std::size_t>> TcpStream::read_some(std::span<char> into) {
  const auto [error, n] =
      co_await socket_.async_read_some(asio::buffer(into.data(), into.size()), kTuple);
  if (error) co_return network("read", error);
  co_return n;
}

Task<Result<void>> TcpStream::write(std::string_view bytes) {
  const auto [error, n] =
      co_await asio::async_write(socket_, asio::buffer(bytes.data(), bytes.size()), kTuple);
  if (error) co_return network("write", error);
  co_return Result<void>();
}

void TcpStream::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

Task<Result<std::unique_ptr<TcpStream>>> tcp_connect(const Endpoint& endpoint,
                                                     std::chrono::milliseconds timeout) {
  const auto executor = co_await asio::this_coro::executor;
  const std::string operation = "connect " + endpoint.name();
  std::vector<tcp::endpoint> candidates;
  const std::string& target = endpoint.address.empty() ? endpoint.host : endpoint.address;
  boost::system::error_code parse_error;
  const auto literal = asio::ip::make_address(target, parse_error);
  if (!parse_error) {
    candidates.emplace_back(literal, endpoint.port);
  } else {
    tcp::resolver resolver(executor);
    const std::string service = std::to_string(endpoint.port);
    auto [error, results] =
        co_await resolver.async_resolve(target, service, tcp::resolver::numeric_service, kTuple);
    if (error) {
      Error out;
      out.code = ErrorCode::network;
      out.operation = operation;
      out.text = "the name cannot be resolved: " + error.message();
      out.retry = Retry::later;
      co_return fail(std::move(out));
    }
    for (const auto& entry : results) candidates.push_back(entry.endpoint());
  }
  boost::system::error_code last = asio::error::host_not_found;
  for (const auto& candidate : candidates) {
    tcp::socket socket(executor);
    Deadline deadline(executor, timeout, [&socket] {
      boost::system::error_code ignored;
      socket.close(ignored);
    });
    const auto [error] = co_await socket.async_connect(candidate, kTuple);
    deadline.disarm();
    if (!error) {
      auto stream = std::make_unique<TcpStream>(std::move(socket));
      co_return stream;
    }
    last = deadline.expired() ? boost::system::error_code(asio::error::timed_out) : error;
  }
  co_return network(operation, last);
}

}  // namespace mxferry::net
