// SPDX-License-Identifier: Apache-2.0
// The manifest of one folder of a backup: a line of JSON per event, only ever appended to, so that
// a torn last line is all that a power cut can leave. The file system holds the octets; the
// manifest holds what a Maildir has no place for (UID, date with its zone, keywords) and the
// digest. Format: docs/operate/backup.md. Values; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "model/mail.hpp"

namespace mxferry::maildir {

inline constexpr const char* kManifestFile = "mxferry-manifest.jsonl";
inline constexpr const char* kFoldersFile = "mxferry-folders.jsonl";

struct ManifestEntry {
  Uid uid{};
  std::uint64_t size = 0;
  std::string sha256{};  // 64 hexadecimal digits
  std::optional<imap::InternalDate> date{};
  imap::Flags flags{};
  std::uint64_t changed = 0;  // the line that spoke of it last: MODSEQ of a backup
};

class Manifest {
 public:
  Manifest() = default;
  explicit Manifest(UidValidity validity) : validity_(validity) {}

  /// Reads the whole file. A last line without its end was torn off and is dropped; anything else
  /// that does not read is ErrorCode::store with `where`:line.
  static Result<Manifest> parse(std::string_view text, const std::string& where);

  UidValidity validity() const { return validity_; }
  /// Never given twice, also not after a message was removed.
  Uid next_uid() const { return Uid(highest_ + 1); }
  std::uint64_t lines() const { return lines_; }
  const std::map<std::uint32_t, ManifestEntry>& entries() const { return entries_; }
  /// Octets of the file that were read; what follows them is a torn line.
  std::uint64_t whole_octets() const { return whole_; }

  // Each changes the manifest and gives the line (with its end) that must be appended to the file.
  std::string first_line();
  std::string add(ManifestEntry entry);
  std::string set_flags(Uid uid, const imap::Flags& flags);
  std::string remove(Uid uid);

 private:
  Result<void> read_line(std::string_view line, const std::string& where);

  UidValidity validity_{};
  std::uint32_t highest_ = 0;
  std::uint64_t lines_ = 0;
  std::uint64_t whole_ = 0;
  std::map<std::uint32_t, ManifestEntry> entries_;
};

/// A folder as the index of a backup knows it.
struct IndexedFolder {
  std::string wire{};       // as the mailbox calls it, bytes
  std::string directory{};  // below the backup; "" is the backup's own (INBOX)
  SpecialUse use = SpecialUse::none;
  bool subscribed = false;
};

/// The folders of a backup, in the order they came; the same rules as Manifest.
class FolderIndex {
 public:
  static Result<FolderIndex> parse(std::string_view text, const std::string& where);
  static std::string first_line();
  /// Adds or replaces; gives the line to append.
  std::string put(IndexedFolder folder);
  const std::map<std::string, IndexedFolder>& folders() const { return folders_; }  // by wire
  std::uint64_t whole_octets() const { return whole_; }

 private:
  std::map<std::string, IndexedFolder> folders_;
  std::uint64_t whole_ = 0;
};

/// The name of a message's file: `SECONDS.U<uid>.mxferry,S=<octets>:2,<letters>`.
std::string file_name(const ManifestEntry& entry);
/// The UID in such a name; nothing in a name of another kind.
std::optional<Uid> uid_of_file(std::string_view name);
/// The letters that Maildir has for flags (D, F, P, R, S, T), in their order.
std::string letters_of(const imap::Flags& flags);
/// The flags of a name's `:2,` part; `keywords` are what the letters a to z mean there (Dovecot).
imap::Flags flags_of_name(std::string_view name, const std::vector<std::string>& keywords = {});

}  // namespace mxferry::maildir
