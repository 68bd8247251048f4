// SPDX-License-Identifier: Apache-2.0
// Which folder of the destination each source folder goes to: INBOX to INBOX, special folders by
// their use (RFC 6154), the rest by its path, respelled for the destination's delimiter and
// namespace. Views (\All, \Flagged, \Important) and folders without messages of their own
// (\Noselect) are not copied. Pure, any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/inventory.hpp"
#include "model/mail.hpp"

namespace mxferry::copy {

struct FolderMapping {
  std::size_t source = 0;  // index into the source's folders
  std::string wire{};      // the destination's name; empty if skipped
  bool create = false;     // it is not there yet
  bool subscribe = false;
  std::string skipped{};  // why, for the report
};

/// `fixed` are mappings of an earlier run (source wire to destination wire): they never change.
std::vector<FolderMapping> map_folders(const std::vector<FolderInfo>& source,
                                       const std::vector<FolderInfo>& target,
                                       const NamespaceInfo& target_namespace,
                                       const std::map<std::string, std::string>& fixed);

/// The folders that are copied and will be called otherwise at the destination: by their role, or
/// because its delimiter or namespace asks for it.
std::vector<RenamedFolder> renamed_folders(const std::vector<FolderInfo>& source,
                                           const std::vector<FolderInfo>& target,
                                           const NamespaceInfo& target_namespace);

/// A wire name without % and *, for servers that refuse them in CREATE (RFC 3501 §5.1).
std::string without_wildcards(std::string wire);

}  // namespace mxferry::copy
