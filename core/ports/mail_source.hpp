// SPDX-License-Identifier: Apache-2.0
// MailSource: a mailbox account that can be read: folders, messages, bodies in batches and streams.
// IMAP is the first implementation. Awaitable, on one executor; one operation at a time unless said
// otherwise. After an error of code network, timeout, tls or protocol the object is dead: open
// another.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "model/mail.hpp"

namespace mxferry {

template <class T>
using Task = boost::asio::awaitable<T>;

/// Takes one message as it streams past. An error ends the stream.
class MessageSink {
 public:
  virtual ~MessageSink() = default;
  virtual Task<Result<void>> begin(std::uint64_t size) = 0;
  /// `bytes` are valid until it returns; the source waits: this is the back-pressure.
  virtual Task<Result<void>> write(std::string_view bytes) = 0;
};

class MailSource {
 public:
  virtual ~MailSource() = default;
  /// The folders of the personal namespace, with their state where the server tells it cheaply.
  virtual Task<Result<std::vector<FolderInfo>>> list_folders() = 0;
  virtual NamespaceInfo personal_namespace() const = 0;
  /// Opens a folder: to read, or on a target to change it. What follows is about this folder.
  virtual Task<Result<FolderState>> open_folder(const std::string& wire) = 0;
  /// What the open folder keeps of flags.
  virtual const imap::PermanentFlags& permanent_flags() const = 0;
  /// Messages with UIDs in [first, last], ascending.
  virtual Task<Result<std::vector<MessageInfo>>> list_messages(Uid first, Uid last) = 0;
  /// Messages in [first, last] whose flags changed after `since`; without CONDSTORE all of them.
  virtual Task<Result<std::vector<MessageInfo>>> list_flags(Uid first, Uid last,
                                                            std::optional<ModSeq> since) = 0;
  /// The fields that a fingerprint is made of, by UID; what is gone is left out.
  virtual Task<Result<std::vector<std::pair<Uid, std::string>>>> fetch_headers(
      const imap::UidSet& uids) = 0;
  /// Whole messages; what is gone is left out. The caller bounds the sum of sizes.
  virtual Task<Result<std::vector<WholeMessage>>> fetch_messages(const imap::UidSet& uids) = 0;
  /// One message through `sink`. not_found if it is gone.
  virtual Task<Result<void>> stream_message(Uid uid, MessageSink& sink) = 0;
  /// How long the server takes to answer a command that costs it nothing, as measured; 0: unknown.
  virtual std::chrono::milliseconds round_trip() const { return std::chrono::milliseconds(0); }
  /// Ends at once whatever is under way.
  virtual void close() = 0;
};

}  // namespace mxferry
