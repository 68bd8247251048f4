// SPDX-License-Identifier: Apache-2.0
// MailTarget: a mailbox account that takes mail. It can be read too: look-up of what arrived,
// verify. Rules of MailSource.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/inventory.hpp"
#include "ports/mail_source.hpp"

namespace mxferry {

struct OutgoingMessage {
  imap::Flags flags{};
  std::optional<imap::InternalDate> date{};
  std::string body{};
};

/// What became of one message of a batch.
struct AppendResult {
  bool stored = false;
  std::optional<Uid> uid{};    // where the server told it
  std::optional<Error> why{};  // of a refusal
};

struct AppendOutcome {
  std::vector<AppendResult> each{};
  /// The server answered for the batch as one (MULTIAPPEND): after a refusal look before sending
  /// again.
  bool as_one = false;
};

class MailTarget : public MailSource {
 public:
  /// True: the folder is made by this call; false: it was there.
  virtual Task<Result<bool>> create_folder(const std::string& wire, SpecialUse use) = 0;
  /// Ends the subscription and deletes the folder with all that it holds.
  virtual Task<Result<void>> remove_folder(const std::string& wire) = 0;
  virtual Task<Result<void>> subscribe(const std::string& wire) = 0;
  /// The largest message that the server takes, where it says so (APPENDLIMIT, RFC 7889).
  virtual std::optional<std::uint64_t> append_limit() const = 0;
  /// What the account may store and does (RFC 9208 STORAGE); nothing known where it does not say.
  virtual Task<Result<QuotaState>> storage_quota() { co_return QuotaState{}; }
  /// Does the server name the UIDs of what it stored (UIDPLUS), and can single messages be
  /// expunged?
  virtual bool has_uidplus() const = 0;
  /// Does it take many messages in one APPEND (RFC 3502)?
  virtual bool has_batches() const { return true; }
  /// Appends in order to the open folder. An error means that nothing is known of any of them.
  virtual Task<Result<AppendOutcome>> append(std::vector<OutgoingMessage> batch) = 0;
  /// One message in pieces: begin, put until `size` octets are there, end. Giving up in between
  /// means close().
  virtual Task<Result<void>> append_begin(const imap::Flags& flags,
                                          const std::optional<imap::InternalDate>& date,
                                          std::uint64_t size) = 0;
  virtual Task<Result<void>> append_put(std::string_view bytes) = 0;
  virtual Task<Result<AppendResult>> append_end() = 0;
  virtual Task<Result<void>> store_flags(const imap::UidSet& uids, const imap::Flags& add,
                                         const imap::Flags& remove) = 0;
  /// Can one message be moved to another folder as one step (RFC 6851)?
  virtual bool has_move() const { return false; }
  /// Moves one message of the open folder; its UID there, where the server tells it (COPYUID).
  virtual Task<Result<std::optional<Uid>>> move_message(Uid, const std::string&) {
    co_return fail(ErrorCode::unsupported, "move", "this destination moves no messages");
  }
  /// UID EXPUNGE of exactly these; unsupported without UIDPLUS.
  virtual Task<Result<void>> expunge(const imap::UidSet& uids) = 0;
};

}  // namespace mxferry
