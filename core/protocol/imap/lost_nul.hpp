// SPDX-License-Identifier: Apache-2.0
// Mail with NUL: RFC 9051 §4.3 lets no string but literal8 hold one, and a server that has such
// mail gives something else by BODY[] (Dovecot: 0x80 for each). BINARY[] (RFC 3516) gives the NULs,
// but decodes transfer encodings too, so that it may only ever be compared. Pure, any thread.
#pragma once

#include <string_view>

namespace mxferry::imap {

/// Does 0x80 stand in `body` where no UTF-8 character (beyond the controls U+0080 and on) has it?
/// Only such mail may have lost a NUL.
bool may_have_lost_nul(std::string_view body);

enum class NulLoss {
  none,      // or nothing is known: what differs first is something else
  restored,  // `binary` is `body` but for NULs in places of 0x80: these are the message's octets
  lost,      // there is a NUL in the message; `binary` is decoded and not its octets either
};
/// What BODY[] and BINARY[] of one message say together.
NulLoss compare_with_binary(std::string_view body, std::string_view binary);

}  // namespace mxferry::imap
