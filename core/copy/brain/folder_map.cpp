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

bool same_path(const Path& a, const Path& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i] != b[i] && !(i == 0 && imap::is_inbox(a[i]) && imap::is_inbox(b[i]))) return false;
  return true;
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
  const auto of_target = [&](const auto& matches) -> const FolderInfo* {
    const auto it = std::find_if(target.begin(), target.end(), matches);
    return it == target.end() ? nullptr : &*it;
  };
  // The path at the destination of a source path: the nearest ancestor (or itself) with a role
  // decides the beginning.
  const auto target_path = [&](const Path& path) {
    for (std::size_t n = path.size(); n > 0; --n) {
      const Path head(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(n));
      const auto it = std::find_if(source.begin(), source.end(), [&](const FolderInfo& f) {
        return has_role(f.use) && same_path(f.path, head);
      });
      if (it == source.end()) continue;
      const auto* there =
          of_target([&](const FolderInfo& f) { return f.use == it->use && f.selectable; });
      if (there == nullptr) break;
      Path mapped = there->path;
      mapped.insert(mapped.end(), path.begin() + static_cast<std::ptrdiff_t>(n), path.end());
      return mapped;
    }
    return path;
  };

  // The name at the destination of a path there.
  const auto wire_of = [&](const Path& path) {
    const auto* there = of_target([&](const FolderInfo& f) { return same_path(f.path, path); });
    return there != nullptr ? there->wire : spell(path, target_namespace);
  };

  const auto is_there = [&](const std::string& wire) {
    return of_target([&](const FolderInfo& f) { return f.wire == wire && f.selectable; }) !=
           nullptr;
  };
  // What lies in \All alone was archived: it goes where the source's archive goes, or to the
  // destination's own.
  const auto archive_wire = [&] {
    for (const auto& folder : source)
      if (folder.use == SpecialUse::archive && folder.selectable) {
        const auto known = fixed.find(folder.wire);
        return known != fixed.end() ? known->second : wire_of(target_path(folder.path));
      }
    const auto* there =
        of_target([](const FolderInfo& f) { return f.use == SpecialUse::archive && f.selectable; });
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
                     : rule               ? wire_of(rule->path)
                                          : archive_wire();
      mapping.merge = true;
      mapping.subscribe = false;
      mapping.create = !is_there(mapping.wire);
    } else if (const auto known = fixed.find(folder.wire); known != fixed.end()) {
      mapping.wire = known->second;
      if (rule && wire_of(rule->path) != mapping.wire)
        mapping.problem =
            "an earlier run copied it to \"" + imap::display_name(mapping.wire) + "\"";
      mapping.create =
          of_target([&](const FolderInfo& f) {
            return f.selectable && (f.wire == mapping.wire ||
                                    (imap::is_inbox(f.wire) && imap::is_inbox(mapping.wire)));
          }) == nullptr;
    } else if (rule) {
      mapping.wire = wire_of(rule->path);
      mapping.create = !is_there(mapping.wire);
    } else {
      mapping.wire = wire_of(target_path(folder.path));
      // Two folders that would become one by respelling stay two; by role (Sent and Sent Items)
      // they may become one.
      const bool by_role = has_role(folder.use) || imap::is_inbox(folder.wire);
      const std::string plain = mapping.wire;
      for (int n = 2; !by_role && taken.contains(mapping.wire); ++n)
        mapping.wire = plain + "_" + std::to_string(n);
      mapping.create = !is_there(mapping.wire);
    }
    // What a rule sends elsewhere is not evaded: it collides, and is told.
    if (!mapping.wire.empty() && mapping.rule == 0 && !mapping.leftovers)
      taken.insert(mapping.wire);
    out.push_back(std::move(mapping));
  }
  for (auto& mapping : out) {
    if (mapping.rule == 0 || mapping.merge || mapping.wire.empty() || !mapping.problem.empty())
      continue;
    for (const auto& other : out)
      if (&other != &mapping && other.wire == mapping.wire)
        mapping.problem += (mapping.problem.empty() ? "\"" : ", \"") +
                           joined_path(source[other.source].path) + "\"";
    if (!mapping.problem.empty())
      mapping.problem = "goes to \"" + imap::display_name(mapping.wire) + "\" as does " +
                        mapping.problem + ", and the rule does not say merge";
  }
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
    if (!same_path(source[mapping.source].path, path))
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
