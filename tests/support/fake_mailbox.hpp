// SPDX-License-Identifier: Apache-2.0
// FakeServer: an account in memory, with the vices of real servers on demand; FakeMailbox: one
// connection to it as MailSource and MailTarget. For tests of the copy floor without a network. One
// thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ports/mail_target.hpp"

namespace mxferry::test {

struct FakeMessage {
  Uid uid;
  imap::Flags flags;
  std::optional<imap::InternalDate> date;
  std::string body;
  std::uint64_t modseq = 1;
};

struct FakeFolder {
  UidValidity validity{100};
  std::uint32_t uid_next = 1;
  std::uint64_t modseq = 1;
  std::vector<FakeMessage> messages;
  SpecialUse use = SpecialUse::none;
  bool subscribed = false;
  std::vector<std::string> permanent = {"\\Answered", "\\Flagged", "\\Deleted",
                                        "\\Seen",     "\\Draft",   "\\*"};
};

enum class Fault {
  none,
  lost_before,  // the connection breaks, nothing is stored
  lost_after,   // stored, and the answer is lost
  lost_late,  // the answer is lost; stored when the next connection opens the folder for the second
              // time
  half,       // a batch is stored in half, then the answer is lost
};

struct FakeServer {
  std::map<std::string, FakeFolder> folders;
  char delimiter = '/';
  bool uidplus = true;
  bool as_one = true;  // MULTIAPPEND
  bool condstore = true;
  bool move = true;    // MOVE
  bool sticky = true;  // false: UIDNOTSTICKY
  bool atomic = true;  // a refused batch stores nothing
  std::optional<std::uint64_t> append_limit;
  QuotaState quota;  // as it says; nothing is enforced
  std::function<bool(const std::string& body)> refuses;
  std::function<bool(const std::string& flag)> refuses_flag;  // though PERMANENTFLAGS has it
  std::function<bool(const std::string& wire)> refuses_name;  // in CREATE
  std::function<bool(const std::string& wire)> refuses_open;  // SELECT and EXAMINE
  std::function<std::string(std::string body)> alters;        // what it stores instead
  std::function<Fault()> on_append;                           // asked before each append
  std::function<bool(Uid)> keeps_header;                      // listed, and its header never given
  std::function<bool(Uid)> keeps_back;                        // listed, and its body never given
  std::function<bool(const std::string& body)> loses_nul;     // gives `body` for other octets
  std::function<bool()> breaks_on_fetch;                      // asked before each fetch
  std::function<Fault()> on_expunge;                          // asked before each UID EXPUNGE
  std::function<Fault()> on_move;                             // asked before each UID MOVE
  bool yields = false;  // operations let others run in between
  int operations = 0;
  int connections = 0;
  int appends = 0;
  int fetched = 0;
  int expunged = 0;
  int moved = 0;
  int quota_asked = 0;
  int opens_until_late = 0;
  std::vector<std::pair<std::string, FakeMessage>> late;

  FakeFolder& folder(const std::string& wire) { return folders[wire]; }
  Uid add(const std::string& wire, std::string body, imap::Flags flags = {},
          std::int64_t date = 1'000'000'000);
  std::vector<std::string> bodies(const std::string& wire) const;  // sorted
};

class FakeMailbox final : public MailTarget {
 public:
  explicit FakeMailbox(FakeServer& server) : server_(server) { ++server_.connections; }

  Task<Result<std::vector<FolderInfo>>> list_folders() override;
  NamespaceInfo personal_namespace() const override;
  Task<Result<FolderState>> open_folder(const std::string& wire) override;
  const imap::PermanentFlags& permanent_flags() const override { return permanent_; }
  Task<Result<std::vector<MessageInfo>>> list_messages(Uid first, Uid last) override;
  Task<Result<std::vector<MessageInfo>>> list_flags(Uid first, Uid last,
                                                    std::optional<ModSeq> since) override;
  Task<Result<std::vector<std::pair<Uid, std::string>>>> fetch_headers(
      const imap::UidSet& uids) override;
  Task<Result<std::vector<WholeMessage>>> fetch_messages(const imap::UidSet& uids) override;
  Task<Result<void>> stream_message(Uid uid, MessageSink& sink) override;
  void close() override { dead_ = true; }

  Task<Result<bool>> create_folder(const std::string& wire, SpecialUse use) override;
  Task<Result<void>> remove_folder(const std::string& wire) override;
  Task<Result<void>> subscribe(const std::string& wire) override;
  std::optional<std::uint64_t> append_limit() const override { return server_.append_limit; }
  bool has_batches() const override { return server_.as_one; }
  Task<Result<QuotaState>> storage_quota() override {
    ++server_.quota_asked;
    co_return server_.quota;
  }
  bool has_uidplus() const override { return server_.uidplus; }
  Task<Result<AppendOutcome>> append(std::vector<OutgoingMessage> batch) override;
  Task<Result<void>> append_begin(const imap::Flags& flags,
                                  const std::optional<imap::InternalDate>& date,
                                  std::uint64_t size) override;
  Task<Result<void>> append_put(std::string_view bytes) override;
  Task<Result<AppendResult>> append_end() override;
  Task<Result<void>> store_flags(const imap::UidSet& uids, const imap::Flags& add,
                                 const imap::Flags& remove) override;
  bool has_move() const override { return server_.move; }
  Task<Result<std::optional<Uid>>> move_message(Uid uid, const std::string& to) override;
  Task<Result<void>> expunge(const imap::UidSet& uids) override;

 private:
  Task<void> breathe();
  Unexpected<Error> lost();
  FakeFolder* open() { return server_.folders.contains(open_) ? &server_.folders[open_] : nullptr; }
  Uid store(OutgoingMessage message);
  bool refuses(const OutgoingMessage& message) const;

  FakeServer& server_;
  std::string open_;
  imap::PermanentFlags permanent_;
  bool dead_ = false;
  OutgoingMessage streaming_;
  std::uint64_t wanted_ = 0;
};

}  // namespace mxferry::test
