// SPDX-License-Identifier: Apache-2.0
// Connector: opens byte streams. The one implementation for the network is here; tests bring
// scripts. TLS is decided in one place (tls.hpp). On the executor of the caller.
#pragma once

#include <chrono>
#include <memory>

#include "net/byte_stream.hpp"
#include "net/endpoint.hpp"

namespace mxferry::net {

class Connector {
 public:
  virtual ~Connector() = default;
  /// A plain connection.
  virtual Task<Result<std::unique_ptr<ByteStream>>> connect(const Endpoint& endpoint) = 0;
  /// TLS over `plain`, which this class made; the peer is proven before it returns
  /// (ErrorCode::tls).
  virtual Task<Result<std::unique_ptr<ByteStream>>> start_tls(std::unique_ptr<ByteStream> plain,
                                                              const Endpoint& endpoint) = 0;
};

/// TCP and TLS of the operating system.
class NetConnector final : public Connector {
 public:
  explicit NetConnector(std::chrono::milliseconds timeout = std::chrono::seconds(15))
      : timeout_(timeout) {}
  Task<Result<std::unique_ptr<ByteStream>>> connect(const Endpoint& endpoint) override;
  Task<Result<std::unique_ptr<ByteStream>>> start_tls(std::unique_ptr<ByteStream> plain,
                                                      const Endpoint& endpoint) override;

 private:
  std::chrono::milliseconds timeout_;
};

}  // namespace mxferry::net
