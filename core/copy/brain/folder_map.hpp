// SPDX-License-Identifier: Apache-2.0
// Which folder of the destination each source folder goes to: by a rule of the operator, INBOX to
// INBOX, special folders by their use (RFC 6154) or name, the rest by its path, respelled for the
// destination's delimiter and namespace. Views (\Flagged, \Important) and folders without messages
// of their own (\Noselect) are not copied; of \All only what lies in no other folder, into the
// archive. Pure, any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "copy/brain/map_rules.hpp"
#include "model/inventory.hpp"
#include "model/mail.hpp"

namespace mxferry::copy {

/// \All, \Flagged, \Important (RFC 6154, RFC 8457): they show messages that lie in other folders.
bool is_view(SpecialUse use);

struct FolderMapping {
  std::size_t source = 0;  // index into the source's folders
  std::string wire{};      // the destination's name; empty if skipped
  bool create = false;     // it is not there yet
  bool subscribe = false;
  std::string skipped{};   // why, for the report
  bool leftovers = false;  // the view \All: only what no other folder holds is copied
  std::size_t rule = 0;    // the line of the rule that decided; 0: none
  bool merge = false;      // the rule says that others may go there too
  std::string problem{};   // why nothing may be copied before a person has looked at the rules
};

/// `fixed` are mappings of an earlier run (source wire to destination wire): they never change. A
/// rule that disagrees with one, names no folder, or sends two folders to one place without
/// `merge`, is the mapping's problem.
std::vector<FolderMapping> map_folders(const std::vector<FolderInfo>& source,
                                       const std::vector<FolderInfo>& target,
                                       const NamespaceInfo& target_namespace,
                                       const std::map<std::string, std::string>& fixed,
                                       const MapRules& rules = {});

/// The name at a destination of a UTF-8 path whose parts are joined by '/'.
std::string spell_path(std::string_view path, const NamespaceInfo& target_namespace);

/// The folders that are copied and will be called otherwise at the destination: by their role, or
/// because its delimiter or namespace asks for it.
std::vector<RenamedFolder> renamed_folders(const std::vector<FolderInfo>& source,
                                           const std::vector<FolderInfo>& target,
                                           const NamespaceInfo& target_namespace);

/// What a name is without, for servers that refuse it in CREATE. Each step goes further.
enum class Spelling {
  without_wildcards,  // % and * (RFC 3501 §5.1): Dovecot takes them, Cyrus does not
  plain,      // and all other ASCII signs that some server refuses; blanks and ~ at the ends
  plain_bmp,  // and characters beyond U+FFFF, which Courier refuses
};
/// A wire name with "_" in their places; the levels stay. `delimiter`: of the name.
std::string respelled(const std::string& wire, Spelling spelling, std::optional<char> delimiter);

}  // namespace mxferry::copy
