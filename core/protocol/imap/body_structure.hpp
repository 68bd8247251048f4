// SPDX-License-Identifier: Apache-2.0
// BODYSTRUCTURE of a FETCH answer (RFC 3501 §7.4.2, RFC 9051 §7.5.2): a message's parts without
// their content.
//
//   body       = "(" (body-1part / body-mpart) ")"
//   body-1part = type subtype params id description encoding octets [envelope body lines / lines]
//                [md5 [disposition [language [location ..]]]]
//   body-mpart = 1*body subtype [params [disposition [language [location ..]]]]
//
// Servers bend it: a value in the wrong place is passed over, never a wrong name or size. Pure, any
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mxferry::imap {

/// Any value of a response: NIL, a string or atom, or a list of values.
struct Value {
  enum class Kind { nil, text, list };
  Kind kind = Kind::nil;
  std::string text{};
  std::vector<Value> items{};
};

struct BodyPart {
  std::string type;           // "text/plain", lower case
  std::string name{};         // filename of the disposition, else name of the type; any bytes
  std::string disposition{};  // "attachment", "inline", lower case, or empty
  std::uint64_t octets = 0;   // as encoded
  std::vector<BodyPart> parts{};
};

/// Nothing where the value is no body at all.
std::optional<BodyPart> body_structure(const Value& value);

/// The leaves that a person would call attachments: a file name, or disposition attachment.
std::vector<BodyPart> attachments(const BodyPart& body);

}  // namespace mxferry::imap
