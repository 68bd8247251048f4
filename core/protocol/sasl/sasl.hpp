// SPDX-License-Identifier: Apache-2.0
// SASL messages for IMAP and SMTP: PLAIN (RFC 4616), LOGIN, XOAUTH2 and OAUTHBEARER (RFC 7628),
// base64 (RFC 4648). Pure, any thread. What is returned holds a credential: the caller wipes it.
#pragma once

#include <string>
#include <string_view>

namespace mxferry::sasl {

std::string base64(std::string_view bytes);
/// base64 of authzid NUL authcid NUL password; `authzid` is empty or the mailbox that an admin acts
/// for.
std::string plain(std::string_view authzid, std::string_view user, std::string_view password);
/// base64 of `user=U^Aauth=Bearer T^A^A`.
std::string xoauth2(std::string_view user, std::string_view token);
/// base64 of `n,a=U,^Ahost=H^Aport=P^Aauth=Bearer T^A^A`.
std::string oauthbearer(std::string_view user, std::string_view host, unsigned port,
                        std::string_view token);

}  // namespace mxferry::sasl
