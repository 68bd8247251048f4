// SPDX-License-Identifier: Apache-2.0
// ImapAdmin: commands of an administrator on one IMAP connection of the host's own, for provider
// plugins whose accounts are made by IMAP (Cyrus). Blocking, on worker threads; one command at a
// time per object, which keeps its connection from one to the next.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/secret.hpp"

namespace mxferry {

class ImapAdmin {
 public:
  virtual ~ImapAdmin() = default;
  /// parts 0, 2, 4, … are text, 1, 3, 5, … strings that are quoted or sent as literals. Gives the
  /// untagged answers as the server spelt them ("* " in front, no CRLF at the end). NO and BAD are
  /// errors with the server's words (exists, not_found, denied, … where its response code says so,
  /// else refused); usage for a command that is not a plugin's to send.
  virtual Result<std::vector<std::string>> command(const std::vector<std::string>& parts,
                                                   std::stop_token stop) = 0;
};

/// Where an ImapAdmin logs in, and how that peer is trusted.
struct ImapAdminTarget {
  std::string url;  // imaps://USER@HOST[:PORT] or imap://… (STARTTLS)
  Secret password;
  std::string ca_file{};
  std::string pin{};
  std::string allow_plaintext{};  // HOST:PORT
};
/// No connection is made before the first command. usage where the URL is wrong.
using ImapAdminOpener = std::function<Result<std::unique_ptr<ImapAdmin>>(const ImapAdminTarget&)>;

}  // namespace mxferry
