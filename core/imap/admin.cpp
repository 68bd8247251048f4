// SPDX-License-Identifier: Apache-2.0
#include "imap/admin.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <optional>

#include "imap/account.hpp"
#include "net/connector.hpp"

namespace mxferry::imap {
namespace {

struct Lines final : ResponseHandler {
  std::vector<std::string> lines;
  void on_text(const std::string& line) override {
    lines.push_back(line);
    ++taken;
  }
  bool overflows() const override { return lines.size() > 100'000; }
  bool wants_text() const override { return true; }
};

class NetAdmin final : public ImapAdmin {
 public:
  NetAdmin(net::Endpoint endpoint, Credentials credentials)
      : endpoint_(std::move(endpoint)), credentials_(std::move(credentials)) {}
  ~NetAdmin() override { hang_up(); }
  NetAdmin(const NetAdmin&) = delete;
  NetAdmin& operator=(const NetAdmin&) = delete;

  Result<std::vector<std::string>> command(const std::vector<std::string>& parts,
                                           std::stop_token stop) override {
    MXF_TRY(command, AdminCommands::admin(parts));
    std::optional<Result<std::vector<std::string>>> outcome;
    io_->restart();
    boost::asio::co_spawn(*io_, run_into(&outcome, std::move(command)),
                          [this](const std::exception_ptr&) { io_->stop(); });
    {
      const std::stop_callback on_stop(stop, [this] { io_->stop(); });
      io_->run();
    }
    if (outcome) return *std::move(outcome);
    // Cancelled, or a fault of ours: what was said half ends with its connection.
    hang_up();
    io_ = std::make_unique<boost::asio::io_context>(1);
    return fail(stop.stop_requested() ? ErrorCode::cancelled : ErrorCode::internal,
                "imap admin command", stop.stop_requested() ? "cancelled" : "it did not end");
  }

 private:
  // The connection goes first; what its coroutines, or a half-made one, still hold goes with the
  // context.
  void hang_up() {
    connection_.reset();
    io_.reset();
  }
  Task<void> run_into(std::optional<Result<std::vector<std::string>>>* outcome, Command command) {
    outcome->emplace(co_await run(std::move(command)));
  }
  Task<Result<std::vector<std::string>>> run(Command command) {
    if (connection_ && connection_->dead()) connection_.reset();
    if (!connection_) {
      auto opened =
          co_await Connection::open(connector_, endpoint_, credentials_, MailboxRole::Destination);
      if (!opened) co_return fail(std::move(opened).error());
      connection_ = std::move(opened).value();
      if (connection_->offered_tls()) endpoint_.offered_tls_before = true;
    }
    const auto lines = std::make_shared<Lines>();
    const auto answered = co_await connection_->run(std::move(command), lines);
    if (!answered) co_return fail(answered.error());
    co_return std::move(lines->lines);
  }

  std::unique_ptr<boost::asio::io_context> io_ = std::make_unique<boost::asio::io_context>(1);
  net::NetConnector connector_;
  net::Endpoint endpoint_;
  Credentials credentials_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace

Result<std::unique_ptr<ImapAdmin>> open_admin(const ImapAdminTarget& target) {
  MXF_TRY(url, parse_mail_url(target.url));
  url.endpoint.ca_file = target.ca_file;
  url.endpoint.pin = target.pin;
  url.endpoint.allow_plaintext = target.allow_plaintext == url.endpoint.name();
  Credentials credentials;
  credentials.user = url.user;
  credentials.secret = target.password;
  std::unique_ptr<ImapAdmin> admin =
      std::make_unique<NetAdmin>(std::move(url.endpoint), std::move(credentials));
  return admin;
}

}  // namespace mxferry::imap
