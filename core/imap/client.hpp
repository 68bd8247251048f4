// SPDX-License-Identifier: Apache-2.0
// Client: an IMAP account as MailSource (role ReadOnly) or MailTarget (Destination,
// RollbackAppend). Uses what the server offers (LITERAL+/-, MULTIAPPEND, UIDPLUS, CONDSTORE,
// LIST-EXTENDED, LIST-STATUS, SPECIAL-USE, NAMESPACE, APPENDLIMIT, BINARY for mail with NUL) and
// works, slower, with none of it. FETCH and APPEND are pipelined. On the connection's executor.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "imap/connection.hpp"
#include "ports/mail_target.hpp"

namespace mxferry::imap {

class Client final : public MailTarget {
 public:
  static Task<Result<std::unique_ptr<Client>>> open(net::Connector& connector,
                                                    net::Endpoint endpoint,
                                                    const Credentials& credentials,
                                                    MailboxRole role,
                                                    ConnectionOptions options = {});

  Task<Result<std::vector<FolderInfo>>> list_folders() override;
  NamespaceInfo personal_namespace() const override { return personal_; }
  Task<Result<FolderState>> open_folder(const std::string& wire) override;
  const PermanentFlags& permanent_flags() const override { return permanent_; }
  Task<Result<std::vector<MessageInfo>>> list_messages(Uid first, Uid last) override;
  Task<Result<std::vector<MessageInfo>>> list_flags(Uid first, Uid last,
                                                    std::optional<ModSeq> since) override;
  Task<Result<std::vector<std::pair<Uid, std::string>>>> fetch_headers(const UidSet& uids) override;
  Task<Result<std::vector<WholeMessage>>> fetch_messages(const UidSet& uids) override;
  Task<Result<void>> stream_message(Uid uid, MessageSink& sink) override;
  std::chrono::milliseconds round_trip() const override { return round_trip_; }
  void close() override { connection_->close(); }

  Task<Result<bool>> create_folder(const std::string& wire, SpecialUse use) override;
  Task<Result<void>> remove_folder(const std::string& wire) override;
  Task<Result<void>> subscribe(const std::string& wire) override;
  std::optional<std::uint64_t> append_limit() const override;
  bool has_batches() const override { return connection_->has("MULTIAPPEND"); }
  /// GETQUOTAROOT INBOX (RFC 9208), the STORAGE of the tightest root; nothing known where the
  /// server has no QUOTA or gives none.
  Task<Result<QuotaState>> storage_quota() override;
  bool has_uidplus() const override { return connection_->has("UIDPLUS") || rev2(); }
  Task<Result<AppendOutcome>> append(std::vector<OutgoingMessage> batch) override;
  Task<Result<void>> append_begin(const Flags& flags, const std::optional<InternalDate>& date,
                                  std::uint64_t size) override;
  Task<Result<void>> append_put(std::string_view bytes) override;
  Task<Result<AppendResult>> append_end() override;
  Task<Result<void>> store_flags(const UidSet& uids, const Flags& add,
                                 const Flags& remove) override;
  bool has_move() const override { return connection_->has("MOVE") || rev2(); }
  Task<Result<std::optional<Uid>>> move_message(Uid uid, const std::string& to) override;
  Task<Result<void>> expunge(const UidSet& uids) override;

  Connection& connection() { return *connection_; }

 private:
  Client(std::unique_ptr<Connection> connection, MailboxRole role)
      : connection_(std::move(connection)), role_(role) {}
  bool has_binary() const { return connection_->has("BINARY") || rev2(); }
  bool rev2() const { return connection_->has("IMAP4REV2"); }
  bool condstore() const { return connection_->has("CONDSTORE") || connection_->has("QRESYNC"); }
  Task<Result<void>> learn_namespace();
  Task<Result<void>> add_states(std::vector<FolderInfo>& folders);
  Task<Result<std::vector<MessageInfo>>> fetch_infos(std::string set, std::string items,
                                                     std::string modifier, Uid first, Uid last);
  std::optional<Uid> appended_uid(const StatusResponse& answer) const;
  std::string status_items() const;
  std::string where(const char* what) const;

  std::unique_ptr<Connection> connection_;
  MailboxRole role_;
  std::chrono::milliseconds round_trip_{0};
  NamespaceInfo personal_;
  std::vector<std::string> foreign_prefixes_;  // of other users and shared
  std::string folder_;
  FolderState state_;
  PermanentFlags permanent_;
  Connection::Handle streaming_;
};

}  // namespace mxferry::imap
