// SPDX-License-Identifier: Apache-2.0
#include "net/connector.hpp"

#include "net/tcp.hpp"
#include "net/tls.hpp"

namespace mxferry::net {

Task<Result<std::unique_ptr<ByteStream>>> NetConnector::connect(const Endpoint& endpoint) {
  auto stream = co_await tcp_connect(endpoint, timeout_);
  if (!stream) co_return fail(std::move(stream).error());
  std::unique_ptr<ByteStream> out = std::move(stream).value();
  co_return out;
}

Task<Result<std::unique_ptr<ByteStream>>> NetConnector::start_tls(std::unique_ptr<ByteStream> plain,
                                                                  const Endpoint& endpoint) {
  auto* tcp = dynamic_cast<TcpStream*>(plain.get());
  if (tcp == nullptr)
    co_return fail(ErrorCode::internal, "tls " + endpoint.name(), "not a plain connection");
  auto socket = tcp->release();
  auto stream = co_await tls_connect(std::move(socket), endpoint, timeout_);
  co_return stream;
}

}  // namespace mxferry::net
