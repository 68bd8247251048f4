// SPDX-License-Identifier: Apache-2.0
// What a server says, as values: status responses with their codes (RFC 9051 §7.1), mailbox data,
// message data. Bodies are not here: they stream past as literals (session.hpp) and leave a
// BodyItem. Plain values, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "protocol/imap/body_structure.hpp"
#include "protocol/imap/flags.hpp"
#include "protocol/imap/internal_date.hpp"
#include "protocol/imap/uid_set.hpp"

namespace mxferry::imap {

enum class Status { ok, no, bad, preauth, bye };

/// A response code in brackets. `name` is upper case; the fields that the code carries are set, the
/// others not.
struct ResponseCode {
  std::string name;
  std::string args;  // what stood behind the name, raw
  std::optional<std::uint64_t>
      number;  // UIDVALIDITY, UIDNEXT, HIGHESTMODSEQ, UNSEEN, MAILBOXID's are text
  std::vector<std::string> words;           // CAPABILITY, PERMANENTFLAGS, BADCHARSET
  std::optional<UidValidity> uid_validity;  // APPENDUID, COPYUID
  UidSet first;                             // APPENDUID: the new UIDs; COPYUID: the source's
  UidSet second;                            // COPYUID: the destination's
};

struct StatusResponse {
  Status status = Status::ok;
  ResponseCode code;
  std::string text;
};

struct CapabilityData {
  std::vector<std::string> names;
};
struct EnabledData {
  std::vector<std::string> names;
};
struct FlagsData {
  std::vector<std::string> names;
};
struct ExistsData {
  std::uint32_t count = 0;
};
struct RecentData {
  std::uint32_t count = 0;
};
struct ExpungeData {
  std::uint32_t sequence = 0;
};
struct VanishedData {
  bool earlier = false;
  UidSet uids;
};

struct ListData {
  bool lsub = false;
  std::vector<std::string> attributes;  // as sent: \Noselect, \HasChildren, \Sent, \Subscribed...
  std::optional<char> delimiter;
  std::string name;                     // bytes of the wire
  std::vector<std::string> child_info;  // CHILDINFO of RFC 5258
  std::string old_name;                 // OLDNAME of RFC 5465/9051
  bool has(std::string_view attribute) const {
    for (const auto& a : attributes)
      if (equals_ignoring_case(a, attribute)) return true;
    return false;
  }
};

struct StatusData {
  std::string name;
  std::optional<std::uint64_t> messages;
  std::optional<Uid> uid_next;
  std::optional<UidValidity> uid_validity;
  std::optional<std::uint64_t> unseen;
  std::optional<std::uint64_t> size;
  std::optional<ModSeq> highest_modseq;
};

struct SearchData {
  std::vector<std::uint32_t> numbers;
};
struct ESearchData {
  std::string tag;
  bool uid = false;
  std::optional<UidSet> all;
  std::optional<std::uint32_t> min;
  std::optional<std::uint32_t> max;
  std::optional<std::uint32_t> count;
  std::optional<ModSeq> modseq;
};

struct Namespace {
  std::string prefix;
  std::optional<char> delimiter;
};
struct NamespaceData {
  std::vector<Namespace> personal;
  std::vector<Namespace> other_users;
  std::vector<Namespace> shared;
};

struct QuotaData {
  struct Resource {
    std::string name;
    std::uint64_t usage = 0;
    std::uint64_t limit = 0;
  };
  std::string root;
  std::vector<Resource> resources;
};
struct QuotaRootData {
  std::string mailbox;
  std::vector<std::string> roots;
};

/// One body section of a FETCH answer. Exactly one of: streamed (its bytes went by as literal
/// events), inline, NIL.
struct BodyItem {
  std::string section;                  // "", "HEADER", "HEADER.FIELDS (DATE FROM)"; upper case
  std::optional<std::uint64_t> origin;  // <n> of a partial answer
  bool streamed = false;
  std::uint64_t size = 0;                  // of the literal
  std::optional<std::string> inline_text;  // a quoted string
};

struct FetchData {
  std::uint32_t sequence = 0;
  std::optional<Uid> uid;
  std::optional<Flags> flags;
  std::optional<InternalDate> internal_date;  // nothing too where what the server says is no date
  std::optional<std::uint64_t> size;
  std::optional<ModSeq> modseq;
  std::optional<std::string> email_id;  // OBJECTID, RFC 8474
  std::vector<BodyItem> bodies;
  std::optional<BodyPart> structure;  // BODYSTRUCTURE
};

/// Anything else, kept raw so that it can be logged.
struct OtherData {
  std::string name;
  std::string rest;
};

using Untagged =
    std::variant<StatusResponse, CapabilityData, EnabledData, FlagsData, ExistsData, RecentData,
                 ExpungeData, VanishedData, ListData, StatusData, SearchData, ESearchData,
                 NamespaceData, QuotaData, QuotaRootData, FetchData, OtherData>;

struct Tagged {
  std::string tag;
  StatusResponse response;
};
struct Continuation {
  std::string text;
};

using Response = std::variant<Tagged, Untagged, Continuation>;

}  // namespace mxferry::imap
