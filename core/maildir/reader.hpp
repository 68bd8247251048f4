// SPDX-License-Identifier: Apache-2.0
// What reading a folder of files as a mailbox has in common, whoever wrote the files: listing,
// headers, whole messages, streams. FolderReader is the open folder; ReadsFolder<Port> gives its
// operations to a MailSource or MailTarget. Blocking underneath; one thread.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "maildir/dir.hpp"
#include "ports/mail_target.hpp"

namespace mxferry::maildir {

struct StoredMessage {
  std::string file{};  // its name
  bool in_new = false;
  MessageInfo info{};
  std::uint64_t changed = 0;  // MODSEQ, where there is one
};

/// How the octets of a file become a message.
enum class LineEnds {
  as_they_are,  // a backup keeps what IMAP gave
  crlf,         // a mail server's own Maildir: a bare LF becomes CRLF, as its IMAP server would say
};

struct FolderReader {
  Dir cur{};
  Dir fresh{};  // `new`
  LineEnds line_ends = LineEnds::as_they_are;
  std::map<std::uint32_t, StoredMessage> messages{};  // by UID

  Result<Fd> open(const StoredMessage& message) const;
  /// The message, at most `limit` octets; nothing if it is larger. not_found if it is gone.
  Result<std::optional<std::string>> read(const StoredMessage& message, std::uint64_t limit) const;
  /// The first octets, up to the end of the header or 4 MiB.
  Result<std::string> read_header(const StoredMessage& message) const;
  /// Octets of the message as it is read, without keeping it.
  Result<std::uint64_t> measure(const StoredMessage& message) const;
};

/// Turns bare LF into CRLF across pieces.
class LineEndFixer {
 public:
  explicit LineEndFixer(LineEnds ends) : ends_(ends) {}
  std::string_view operator()(std::string_view piece);

 private:
  LineEnds ends_;
  bool after_cr_ = false;
  std::string out_;
};

/// Messages of `reader` in [first, last], changed after `since` if given.
std::vector<MessageInfo> list(const FolderReader& reader, Uid first, Uid last,
                              std::optional<ModSeq> since = {});
Result<std::vector<std::pair<Uid, std::string>>> headers(const FolderReader& reader,
                                                         const imap::UidSet& uids);
Result<std::vector<WholeMessage>> whole(const FolderReader& reader, const imap::UidSet& uids);
/// Reads a piece of an open message; empty at its end.
Result<std::string> next_piece(const Fd& file, const std::string& name);

template <class Port>
class ReadsFolder : public Port {
 public:
  const imap::PermanentFlags& permanent_flags() const override { return permanent_; }
  Task<Result<std::vector<MessageInfo>>> list_messages(Uid first, Uid last) override {
    co_return list(reader_, first, last);
  }
  Task<Result<std::vector<MessageInfo>>> list_flags(Uid first, Uid last,
                                                    std::optional<ModSeq> since) override {
    co_return list(reader_, first, last, since);
  }
  Task<Result<std::vector<std::pair<Uid, std::string>>>> fetch_headers(
      const imap::UidSet& uids) override {
    co_return headers(reader_, uids);
  }
  Task<Result<std::vector<WholeMessage>>> fetch_messages(const imap::UidSet& uids) override {
    co_return whole(reader_, uids);
  }
  Task<Result<void>> stream_message(Uid uid, MessageSink& sink) override {
    const auto found = reader_.messages.find(uid.value);
    if (found == reader_.messages.end())
      co_return fail(ErrorCode::not_found, "read " + reader_.cur.path(), "no such message");
    const auto& message = found->second;
    MXF_CO_TRY(size, reader_.measure(message));
    MXF_CO_TRY(file, reader_.open(message));
    auto begun = co_await sink.begin(size);
    if (!begun) co_return begun;
    LineEndFixer fix(reader_.line_ends);
    for (;;) {
      MXF_CO_TRY(piece, next_piece(file, message.file));
      if (piece.empty()) break;
      auto written = co_await sink.write(fix(piece));
      if (!written) co_return written;
    }
    co_return Result<void>();
  }
  void close() override { reader_ = FolderReader(); }

 protected:
  FolderReader reader_;
  imap::PermanentFlags permanent_;  // whatever comes is kept
};

}  // namespace mxferry::maildir
