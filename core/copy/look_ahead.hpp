// SPDX-License-Identifier: Apache-2.0
// LookAhead: a lane's source that opens the next folder, lists it and fetches its first batch while
// the last batch of the folder before it is on its way to the destination. Whoever uses it sees an
// ordinary MailSource: what was looked up is handed out where exactly that is asked for; anything
// else waits for it, drops it, and opens the folder anew that the user is in. A guess costs time at
// most. One run, on its executor; one user at a time, like every source.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "copy/started.hpp"
#include "ports/mail_source.hpp"

namespace mxferry::copy {

class LookAhead final : public MailSource {
 public:
  struct Next {
    std::string wire{};
    /// The listing begins here; nothing: the folder is only opened.
    std::optional<Uid> first{};
    /// What of the listing is fetched at once; none: nothing.
    std::function<imap::UidSet(std::vector<MessageInfo>)> batch{};
  };

  LookAhead(boost::asio::any_io_executor executor, std::unique_ptr<MailSource> source)
      : executor_(std::move(executor)), source_(std::move(source)) {}

  /// Begins with `next`, which the user will open next. Does nothing while an operation of the user
  /// is under way: it is about the folder that is open.
  void begin(Next next);
  /// Waits for what is under way and forgets it. To be awaited before this object goes, on every
  /// path.
  Task<void> end();

  Task<Result<std::vector<FolderInfo>>> list_folders() override;
  NamespaceInfo personal_namespace() const override { return source_->personal_namespace(); }
  Task<Result<FolderState>> open_folder(const std::string& wire) override;
  const imap::PermanentFlags& permanent_flags() const override {
    return source_->permanent_flags();
  }
  Task<Result<std::vector<MessageInfo>>> list_messages(Uid first, Uid last) override;
  Task<Result<std::vector<MessageInfo>>> list_flags(Uid first, Uid last,
                                                    std::optional<ModSeq> since) override;
  Task<Result<std::vector<std::pair<Uid, std::string>>>> fetch_headers(
      const imap::UidSet& uids) override;
  Task<Result<std::vector<WholeMessage>>> fetch_messages(const imap::UidSet& uids) override;
  Task<Result<void>> stream_message(Uid uid, MessageSink& sink) override;
  std::chrono::milliseconds round_trip() const override { return source_->round_trip(); }
  void close() override { source_->close(); }

 private:
  struct Found {
    std::optional<Result<FolderState>> state{};
    // Only what was answered: a failure is met again by whoever asks.
    Uid first{1};
    Uid last{0};
    std::vector<MessageInfo> listed{};  // of [first, last]
    imap::UidSet set{};
    std::optional<std::vector<WholeMessage>> bodies{};  // of `set`
  };

  Task<Result<Found>> look(Next next);
  /// The folder that the user is in is open, and nothing else is under way.
  Task<Result<void>> come_back();

  // An operation of the user, from its call to its result.
  struct Use {
    explicit Use(int& count) : count_(count) { ++count_; }
    ~Use() { --count_; }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    int& count_;
  };

  boost::asio::any_io_executor executor_;
  std::unique_ptr<MailSource> source_;
  std::string wire_;  // the user's folder
  FolderState state_;
  std::string next_;  // of under_way_
  Started<Found> under_way_;
  std::optional<Found> found_;  // of the user's folder
  int uses_ = 0;
};

}  // namespace mxferry::copy
