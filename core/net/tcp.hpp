// SPDX-License-Identifier: Apache-2.0
// TCP as a ByteStream: name resolution, connect with a time-out to each address in turn,
// TCP_NODELAY (without it a pipelined APPEND waits 40 ms for an acknowledgement), keep-alive. On
// the caller's executor.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <chrono>

#include "net/byte_stream.hpp"
#include "net/endpoint.hpp"

namespace mxferry::net {

class TcpStream final : public ByteStream {
 public:
  explicit TcpStream(boost::asio::ip::tcp::socket socket);
  Task<Result<std::size_t>> read_some(std::span<char> into) override;
  Task<Result<void>> write(std::string_view bytes) override;
  void close() override;
  bool peer_is_loopback() const override { return loopback_; }
  /// The socket, for TLS to take over; this stream is closed then.
  boost::asio::ip::tcp::socket release() { return std::move(socket_); }

 private:
  boost::asio::ip::tcp::socket socket_;
  bool loopback_ = false;
};

Task<Result<std::unique_ptr<TcpStream>>> tcp_connect(const Endpoint& endpoint,
                                                     std::chrono::milliseconds timeout);

}  // namespace mxferry::net
