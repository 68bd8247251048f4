// SPDX-License-Identifier: Apache-2.0
// FolderListing: the answers to LIST (with STATUS, RFC 5819, where the server gives it) as folders.
// Each answer is kept in its small form as it comes: a mailbox may have 100,000 folders. On the
// connection's executor.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "imap/connection.hpp"
#include "model/mail.hpp"

namespace mxferry::imap {

/// What STATUS tells; a UID or UIDVALIDITY of 0 is none.
FolderState to_state(const StatusData& data);

class FolderListing final : public ResponseHandler {
 public:
  /// `foreign`: prefixes of other users' and shared folders (RFC 2342), which are no part of this
  /// mailbox.
  FolderListing(NamespaceInfo personal, std::vector<std::string> foreign)
      : personal_(std::move(personal)), foreign_(std::move(foreign)) {}

  void on_data(Untagged& data) override;
  bool overflows() const override;

  /// The personal folders, each once, with their roles; what it holds is given away. By SPECIAL-USE
  /// (RFC 6154), and where no folder has a role by attribute, the first that has its name.
  std::vector<FolderInfo> take();

 private:
  void add(const ListData& entry);
  void add(const StatusData& status);
  bool is_foreign(std::string_view name) const;

  NamespaceInfo personal_;
  std::vector<std::string> foreign_;
  std::vector<FolderInfo> folders_;
  std::map<std::string, FolderState> states_;  // whose folder was not the last one listed
};

}  // namespace mxferry::imap
