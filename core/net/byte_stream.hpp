// SPDX-License-Identifier: Apache-2.0
// ByteStream: the seam between protocols and the network: TCP, TLS over it, or a script in a test.
// One reader and one writer at a time, both on the executor of whoever opened it. Errors are
// network, timeout or tls.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace mxferry::net {

template <class T>
using Task = boost::asio::awaitable<T>;

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  /// At least one byte; an end of the stream is ErrorCode::network.
  virtual Task<Result<std::size_t>> read_some(std::span<char> into) = 0;
  /// All of `bytes`, which must live until it returns.
  virtual Task<Result<void>> write(std::string_view bytes) = 0;
  /// Ends pending reads and writes with an error. May be called again.
  virtual void close() = 0;
  /// Is the other end on this machine?
  virtual bool peer_is_loopback() const = 0;
};

}  // namespace mxferry::net
