// SPDX-License-Identifier: Apache-2.0
// redact(): takes a secret that a peer repeats out of the peer's words, in every spelling in which
// we or the peer may have written it. It is the second line of defence: our own texts never hold
// one. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/secret.hpp"

namespace mxferry {

/// `text` with `mark` in place of the secret: as it is, backslash-escaped (JSON, IMAP quoted
/// strings), percent-encoded, hexadecimal, and inside any base64 (SASL PLAIN, Basic). Secrets below
/// four octets are left: they would hit ordinary words.
std::string redact(std::string text, const Secret& secret, std::string_view mark);

}  // namespace mxferry
