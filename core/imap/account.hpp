// SPDX-License-Identifier: Apache-2.0
// An IMAP account as an operator names it: imap://USER@HOST:PORT or imaps://..., and the functions
// that open it as a source or a target, anew after each lost connection. Values, any thread; opened
// on the executor of the caller.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "imap/connection.hpp"
#include "ports/mail_target.hpp"

namespace mxferry::imap {

struct MailUrl {
  net::Endpoint endpoint{};
  std::string user{};
};

/// `imap://USER@HOST:PORT` (STARTTLS) or `imaps://USER@HOST[:PORT]` (TLS); USER is percent-encoded
/// (RFC 5092), an IPv6 address stands in brackets. usage with what was expected; a password in the
/// URL is refused and not repeated. A plan names its endpoints without a user (UserPart::none): the
/// users stand in mailboxes.csv.
enum class UserPart { required, none };
Result<MailUrl> parse_mail_url(std::string_view url, UserPart who = UserPart::required);

struct ImapAccount {
  net::Endpoint endpoint{};
  Credentials credentials{};
  ConnectionOptions options{};
  /// Called after a connection that offered TLS: from then on plain text is refused
  /// (Endpoint::offered_tls_before).
  std::function<void(const net::Endpoint&)> on_tls_offered{};
};

using SourceOpener = std::function<Task<Result<std::unique_ptr<MailSource>>>()>;
using TargetOpener = std::function<Task<Result<std::unique_ptr<MailTarget>>>()>;

/// Read-only: the connection has no mutating command to send.
SourceOpener source_opener(ImapAccount account,
                           std::shared_ptr<net::Connector> connector = nullptr);
/// `role` is Destination, or RollbackAppend for an old host inside an approved rollback.
TargetOpener target_opener(ImapAccount account, MailboxRole role = MailboxRole::Destination,
                           std::shared_ptr<net::Connector> connector = nullptr);

}  // namespace mxferry::imap
