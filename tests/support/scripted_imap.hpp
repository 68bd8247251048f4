// SPDX-License-Identifier: Apache-2.0
// ScriptedConnector: a conversation with an IMAP server as a table: what the client must say, what
// it gets then. TLS is only a switch to the next part of the script: it is remembered where it
// happened. Each step can be made to fail. On the executor of the test.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <vector>

#include "net/connector.hpp"

namespace mxferry::test {

struct Step {
  std::string
      client;  // exactly what the client must send, "" at the greeting; "<TLS>" for a handshake
  std::string server;  // what it is answered; "<EOF>" closes, "<HANG>" says nothing any more
};

struct Script {
  std::vector<Step> steps;
  std::size_t at = 0;
  std::string received;    // not matched yet
  std::string transcript;  // all that the client ever sent
  std::string sending;     // not read yet
  std::string problem;     // what the client said instead
  bool closed = false;     // by the server
  bool client_closed = false;
  bool loopback = false;
  int handshakes = 0;
  std::size_t piece = 1000;  // bytes a read gives at most
  bool finished() const { return at == steps.size() && received.empty(); }
};

class ScriptedConnector final : public net::Connector {
 public:
  explicit ScriptedConnector(std::shared_ptr<Script> script) : script_(std::move(script)) {}
  net::Task<Result<std::unique_ptr<net::ByteStream>>> connect(
      const net::Endpoint& endpoint) override;
  net::Task<Result<std::unique_ptr<net::ByteStream>>> start_tls(
      std::unique_ptr<net::ByteStream> plain, const net::Endpoint& endpoint) override;

 private:
  std::shared_ptr<Script> script_;
};

}  // namespace mxferry::test
