// SPDX-License-Identifier: Apache-2.0
#include "copy/brain/folder_map.hpp"

#include <algorithm>
#include <set>

#include "protocol/imap/mailbox_name.hpp"

namespace mxferry::copy {
namespace {

using Path = std::vector<std::string>;

bool has_role(SpecialUse use) {
  return use != SpecialUse::none && use != SpecialUse::inbox && !is_view(use);
}

// Of the path's first `n` parts; equal where they are the same: INBOX is one name in any case (RFC
// 9051 §5.1).
std::string key_of(const Path& path, std::size_t n) {
  std::string out;
  for (std::size_t i = 0; i < n; ++i) {
    out += i == 0 && imap::is_inbox(path[i]) ? "INBOX" : path[i];
    out += '\0';
  }
  return out;
}

bool is_plain(char c, Spelling spelling) {
  if (spelling == Spelling::without_wildcards) return c != '%' && c != '*';
  constexpr std::string_view kTaken = " _-.,+=@&#$:~'";
  return (static_cast<unsigned char>(c) & 0x80) != 0 || (c >= '0' && c <= '9') ||
         (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || kTaken.find(c) != kTaken.npos;
}

std::string spell(const Path& path, const NamespaceInfo& ns) {
  if (path.size() == 1 && imap::is_inbox(path.front())) return "INBOX";
  std::string out = ns.prefix;
  // Below a namespace that is INBOX itself, INBOX's children are its own.
  const bool inside_inbox = ns.prefix.size() > 5 && imap::is_inbox(ns.prefix.substr(0, 5));
  const std::size_t first = inside_inbox && path.size() > 1 && imap::is_inbox(path.front()) ? 1 : 0;
  for (std::size_t i = first; i < path.size(); ++i) {
    if (i > first) out += ns.delimiter.value_or('.');
    // The delimiter in a part would add a level; control characters are no names anywhere. The
    // wildcards of LIST are names to some servers (RFC 3501 §5.1): they are kept where they are
    // taken.
    std::string part = path[i];
    for (char& c : part)
      if ((ns.delimiter && c == *ns.delimiter) || static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
        c = '_';
    if (part.empty()) part = "_";
    out += imap::encode_mutf7(part);
  }
  return out;
}

// What the destination holds, and where a path of the source lies there: by name and by role, for
// any number of folders.
class Places {
 public:
  Places(const std::vector<FolderInfo>& source, const std::vector<FolderInfo>& target,
         const NamespaceInfo& target_namespace)
      : namespace_(target_namespace) {
    for (const auto& folder : source)
      if (has_role(folder.use))
        role_at_.emplace(key_of(folder.path, folder.path.size()), folder.use);
    for (const auto& folder : target) {
      at_path_.emplace(key_of(folder.path, folder.path.size()), &folder);
      if (!folder.selectable) continue;
      wires_.insert(folder.wire);
      has_inbox_ = has_inbox_ || imap::is_inbox(folder.wire);
      with_use_.emplace(folder.use, &folder);
    }
  }

  // The path at the destination of a source path: the nearest ancestor (or itself) with a role
  // decides the beginning.
  Path target_path(const Path& path) const {
    for (std::size_t n = path.size(); n > 0 && !role_at_.empty(); --n) {
      const auto role = role_at_.find(key_of(path, n));
      if (role == role_at_.end()) continue;
      const auto there = with_use_.find(role->second);
      if (there == with_use_.end()) break;
      Path mapped = there->second->path;
      mapped.insert(mapped.end(), path.begin() + static_cast<std::ptrdiff_t>(n), path.end());
      return mapped;
    }
    return path;
  }
  // The name at the destination of a path there.
  std::string wire_of(const Path& path) const {
    const auto there = at_path_.find(key_of(path, path.size()));
    return there != at_path_.end() ? there->second->wire : spell(path, namespace_);
  }
  bool is_there(const std::string& wire) const { return wires_.contains(wire); }
  bool has_inbox() const { return has_inbox_; }
  // The folder that the server says is its archive.
  const FolderInfo* archive() const {
    const auto it = with_use_.find(SpecialUse::archive);
    return it == with_use_.end() ? nullptr : it->second;
  }

 private:
  const NamespaceInfo& namespace_;
  std::map<std::string, SpecialUse> role_at_;         // of the source, by key_of
  std::map<std::string, const FolderInfo*> at_path_;  // of the destination, by key_of
  std::map<SpecialUse, const FolderInfo*> with_use_;  // selectable ones, the first of each use
  std::set<std::string> wires_;                       // of selectable ones
  bool has_inbox_ = false;
};

// Two folders that a rule sends to one place without `merge`: each is told about the others.
void find_collisions(std::vector<FolderMapping>& mappings, const std::vector<FolderInfo>& source) {
  std::multimap<std::string, std::size_t> at;  // by destination wire
  for (std::size_t i = 0; i < mappings.size(); ++i)
    if (!mappings[i].wire.empty()) at.emplace(mappings[i].wire, i);
  for (std::size_t i = 0; i < mappings.size(); ++i) {
    auto& mapping = mappings[i];
    if (mapping.rule == 0 || mapping.merge || mapping.wire.empty() || !mapping.problem.empty())
      continue;
    const auto [begin, end] = at.equal_range(mapping.wire);
    for (auto other = begin; other != end; ++other)
      if (other->second != i)
        mapping.problem += (mapping.problem.empty() ? "\"" : ", \"") +
                           joined_path(source[mappings[other->second].source].path) + "\"";
    if (!mapping.problem.empty())
      mapping.problem = "goes to \"" + imap::display_name(mapping.wire) + "\" as does " +
                        mapping.problem + ", and the rule does not say merge";
  }
}

}  // namespace

bool is_view(SpecialUse use) {
  return use == SpecialUse::all || use == SpecialUse::flagged || use == SpecialUse::important;
}

std::vector<FolderMapping> map_folders(const std::vector<FolderInfo>& source,
                                       const std::vector<FolderInfo>& target,
                                       const NamespaceInfo& target_namespace,
                                       const std::map<std::string, std::string>& fixed,
                                       const MapRules& rules) {
  std::vector<FolderMapping> out;
  std::set<std::string> taken;
  for (const auto& [from, to] : fixed) taken.insert(to);
  const Places places(source, target, target_namespace);
  // What lies in \All alone was archived: it goes where the source's archive goes, or to the
  // destination's own.
  const auto archive_wire = [&] {
    for (const auto& folder : source)
      if (folder.use == SpecialUse::archive && folder.selectable) {
        const auto known = fixed.find(folder.wire);
        return known != fixed.end() ? known->second
                                    : places.wire_of(places.target_path(folder.path));
      }
    const auto* there = places.archive();
    return there != nullptr ? there->wire : spell({"Archive"}, target_namespace);
  };
  bool has_leftovers = false;

  for (std::size_t i = 0; i < source.size(); ++i) {
    const auto& folder = source[i];
    const auto rule = rules.find(folder.path);
    FolderMapping mapping;
    mapping.source = i;
    if (rule) {
      mapping.rule = rule->line;
      mapping.merge = rule->merge;
      mapping.problem = rule->problem;
    }
    mapping.subscribe = folder.subscribed;
    if (!folder.selectable) {
      mapping.skipped = "holds no messages";
    } else if (is_view(folder.use) && (folder.use != SpecialUse::all || has_leftovers)) {
      mapping.skipped = "a view of messages that lie elsewhere";
    } else if (rule && rule->skip) {
      mapping.skipped = "left out by line " + std::to_string(rule->line) + " of the map";
    } else if (folder.use == SpecialUse::all) {
      has_leftovers = mapping.leftovers = true;
      const auto known = fixed.find(folder.wire);
      mapping.wire = known != fixed.end() ? known->second
                     : rule               ? places.wire_of(rule->path)
                                          : archive_wire();
      mapping.merge = true;
      mapping.subscribe = false;
      mapping.create = !places.is_there(mapping.wire);
    } else if (const auto known = fixed.find(folder.wire); known != fixed.end()) {
      mapping.wire = known->second;
      if (rule && places.wire_of(rule->path) != mapping.wire)
        mapping.problem =
            "an earlier run copied it to \"" + imap::display_name(mapping.wire) + "\"";
      mapping.create =
          !places.is_there(mapping.wire) && !(places.has_inbox() && imap::is_inbox(mapping.wire));
    } else if (rule) {
      mapping.wire = places.wire_of(rule->path);
      mapping.create = !places.is_there(mapping.wire);
    } else {
      mapping.wire = places.wire_of(places.target_path(folder.path));
      // Two folders that would become one by respelling stay two; by role (Sent and Sent Items)
      // they may become one.
      const bool by_role = has_role(folder.use) || imap::is_inbox(folder.wire);
      const std::string plain = mapping.wire;
      for (int n = 2; !by_role && taken.contains(mapping.wire); ++n)
        mapping.wire = plain + "_" + std::to_string(n);
      mapping.create = !places.is_there(mapping.wire);
    }
    // What a rule sends elsewhere is not evaded: it collides, and is told.
    if (!mapping.wire.empty() && mapping.rule == 0 && !mapping.leftovers)
      taken.insert(mapping.wire);
    out.push_back(std::move(mapping));
  }
  find_collisions(out, source);
  // INBOX first, then as the server lists them.
  std::stable_sort(out.begin(), out.end(), [&](const FolderMapping& a, const FolderMapping& b) {
    return imap::is_inbox(source[a.source].wire) > imap::is_inbox(source[b.source].wire);
  });
  return out;
}

std::string spell_path(std::string_view path, const NamespaceInfo& target_namespace) {
  Path parts;
  while (true) {
    const auto slash = path.find('/');
    parts.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return spell(parts, target_namespace);
}

std::vector<RenamedFolder> renamed_folders(const std::vector<FolderInfo>& source,
                                           const std::vector<FolderInfo>& target,
                                           const NamespaceInfo& target_namespace) {
  std::vector<RenamedFolder> out;
  const auto joined = [](const Path& path) {
    std::string text;
    for (const auto& part : path) text += (text.empty() ? "" : "/") + part;
    return text;
  };
  for (const auto& mapping : map_folders(source, target, target_namespace, {})) {
    if (mapping.wire.empty() || mapping.leftovers) continue;
    std::string_view below = mapping.wire;
    if (!target_namespace.prefix.empty() && below.starts_with(target_namespace.prefix))
      below.remove_prefix(target_namespace.prefix.size());
    Path path;
    if (imap::is_inbox(mapping.wire)) {
      path = {"INBOX"};
    } else {
      for (auto& part : imap::split_path(below, target_namespace.delimiter))
        path.push_back(imap::display_name(part));
    }
    const auto& old_path = source[mapping.source].path;
    if (key_of(old_path, old_path.size()) != key_of(path, path.size()))
      out.push_back({joined(source[mapping.source].path), joined(path)});
  }
  return out;
}

std::string respelled(const std::string& wire, Spelling spelling, std::optional<char> delimiter) {
  std::string out;
  for (const auto& part : imap::split_path(wire, delimiter)) {
    if (!out.empty()) out += *delimiter;
    const auto utf8 = imap::decode_mutf7(part);
    if (!utf8) {
      // Not modified UTF-7: octets of its own kind. Only what is ASCII can be told apart.
      for (const char c : part) out += is_plain(c, spelling) ? c : '_';
      continue;
    }
    std::string kept;
    for (std::size_t i = 0; i < utf8->size(); ++i) {
      const char c = (*utf8)[i];
      const bool four_octets = (static_cast<unsigned char>(c) & 0xF8) == 0xF0;
      if (four_octets && spelling == Spelling::plain_bmp) {
        kept += '_';
        i += 3;
      } else {
        kept += is_plain(c, spelling) ? c : '_';
      }
    }
    if (spelling != Spelling::without_wildcards) {
      if (kept.starts_with(' ') || kept.starts_with('~')) kept.front() = '_';
      if (kept.ends_with(' ')) kept.back() = '_';
    }
    out += imap::encode_mutf7(kept);
  }
  return out;
}

}  // namespace mxferry::copy
