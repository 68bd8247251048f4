// SPDX-License-Identifier: Apache-2.0
// SPF macros (RFC 7208 §7): their syntax, and what they stand for. Pure, any thread.
//
//   macro-string  = *( macro-expand / macro-literal )
//   macro-expand  = ( "%{" macro-letter transformers *delimiter "}" ) / "%%" / "%_" / "%-"
//   transformers  = *DIGIT [ "r" ]
//   macro-literal = %x21-24 / %x26-7E
//   domain-spec   = macro-string domain-end
//   domain-end    = ( "." toplabel [ "." ] ) / macro-expand
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/dns/ip_address.hpp"

namespace mxferry::dns {

struct SpfMacro {
  char letter = 0;           // lower case: s l o d i p h c r t v
  bool url = false;          // the letter stood in upper case: what it gives is URL-escaped
  std::size_t parts = 0;     // how many right-hand parts; 0: all
  bool reversed = false;     // before the parts are counted
  std::string delimiters{};  // empty: "."
};

/// One piece of a macro string: a macro, or else literal text (of "%%", "%_" and "%-" what they
/// stand for).
struct SpfPiece {
  std::string literal{};
  std::optional<SpfMacro> macro{};
};

enum class SpfText {
  domain,       // of a mechanism or modifier: no blanks, not c, r and t
  explanation,  // the text that exp= leads to
};

/// Nothing where the syntax is broken.
std::optional<std::vector<SpfPiece>> parse_macro_string(std::string_view text, SpfText kind);
/// Is it a domain-spec?
bool is_domain_spec(std::string_view text);

/// What the letters stand for (§7.2).
struct SpfMacroValues {
  std::string local;     // l: of the sender
  std::string origin;    // o: the sender's domain
  std::string domain;    // d: the domain that is looked at now
  std::string helo;      // h
  std::string receiver;  // r: the host that checks; "unknown" where it has no name
  IpAddress client{};    // i c v
  std::int64_t now = 0;  // t: seconds since 1970
  std::function<std::string()> validated{};  // p: asked for only where it stands
};

/// The text that a macro string stands for. Only its last `most` octets are kept.
std::string expand_macros(const std::vector<SpfPiece>& pieces, const SpfMacroValues& values,
                          std::size_t most);
/// The target name of a domain-spec: without a final dot, and at most 253 octets, cut from the left
/// by labels (§7.3). Empty where it is no domain-spec.
std::string target_name(std::string_view domain_spec, const SpfMacroValues& values);

}  // namespace mxferry::dns
