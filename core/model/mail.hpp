// SPDX-License-Identifier: Apache-2.0
// Mail as engines see it: folders, their state, messages. Names are the bytes of the server; `path`
// is for people and for mapping. Plain values, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "protocol/imap/flags.hpp"
#include "protocol/imap/internal_date.hpp"
#include "protocol/imap/uid_set.hpp"
#include "protocol/mime/fingerprint.hpp"

namespace mxferry {

/// RFC 6154 and what we map by name. `all`, `flagged` and `important` are views: never copied.
enum class SpecialUse { none, inbox, archive, drafts, junk, sent, trash, all, flagged, important };
/// "sent" and so on, as files keep it; "" for none.
const char* use_text(SpecialUse use);
/// The inverse; none for a word that is not known.
SpecialUse use_from_text(std::string_view text);

/// The identity and extent of a folder at one moment (RFC 9051 §2.3.1.1). Nothing = the server did
/// not say.
struct FolderState {
  std::optional<UidValidity> uid_validity{};
  std::optional<Uid> uid_next{};
  std::optional<std::uint64_t> messages{};
  std::optional<ModSeq> highest_modseq{};
  bool uid_not_sticky = false;
  bool operator==(const FolderState&) const = default;
};

struct FolderInfo {
  std::string wire{};               // the name as the server spells it
  std::vector<std::string> path{};  // UTF-8 parts below the personal namespace
  std::optional<char> delimiter{};
  SpecialUse use = SpecialUse::none;
  bool selectable = true;
  bool subscribed = false;
  std::optional<FolderState> state{};  // where LIST-STATUS or STATUS told it
};

/// How a side spells names below its personal namespace.
struct NamespaceInfo {
  std::string prefix{};  // "" or "INBOX."
  std::optional<char> delimiter{};
};

struct MessageInfo {
  Uid uid{};
  imap::Flags flags{};
  std::optional<imap::InternalDate> date{};
  std::uint64_t size = 0;  // as the server says; may differ from the octets
};

struct WholeMessage {
  MessageInfo info{};
  std::string body{};
  bool too_large = false;  // larger than the server had said: the body was not kept, stream it
  bool nul_lost = false;   // the server holds NUL where `body` has other octets
};

}  // namespace mxferry
