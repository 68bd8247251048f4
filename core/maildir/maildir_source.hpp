// SPDX-License-Identifier: Apache-2.0
// A mail server's or a mail program's own Maildir as a MailSource: read, never written. Folders as
// Maildir++ (`.Archive.2024`) and as plain directories; keywords of Dovecot (`dovecot-keywords`);
// bare LF become CRLF, as the IMAP server of such a store would say. It has no UIDs of its own that
// last: they follow the order of arrival, and UIDVALIDITY changes when a message goes away or comes
// in between, upon which a copy matches by content.
// https://cr.yp.to/proto/maildir.html, https://www.courier-mta.org/maildir.html
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "maildir/reader.hpp"

namespace mxferry::maildir {

class MaildirSource final : public ReadsFolder<MailSource> {
 public:
  /// not_found where `path` has neither `cur` nor folders below that have it.
  static Result<std::unique_ptr<MaildirSource>> open(const std::string& path);

  Task<Result<std::vector<FolderInfo>>> list_folders() override;
  NamespaceInfo personal_namespace() const override;
  Task<Result<FolderState>> open_folder(const std::string& wire) override;

 private:
  struct Place {
    std::string wire{};                      // "INBOX", ".Archive.2024" or "Archive/2024"
    std::vector<std::string> directories{};  // from the root
    std::vector<std::string> path{};         // UTF-8
  };
  struct Scan {
    Dir cur, fresh;
    std::vector<StoredMessage> messages;  // in the order of their UIDs, sizes unknown
    FolderState state;
  };
  Result<void> find_folders(const Dir& dir, std::vector<std::string> directories);
  Result<Scan> scan(const Place& place) const;
  Result<std::vector<std::string>> lines_of(const Dir& dir, const std::string& name) const;

  Dir root_;
  std::vector<Place> places_;
};

/// A fresh reader of `path` each time, for a copy job.
std::function<Task<Result<std::unique_ptr<MailSource>>>()> maildir_source(std::string path);

}  // namespace mxferry::maildir
