// SPDX-License-Identifier: Apache-2.0
// The role of a folder: by its SPECIAL-USE attribute (RFC 6154), else by its name in the languages
// that providers use. Pure, any thread.
#pragma once

#include <string_view>

#include "model/mail.hpp"
#include "protocol/imap/response.hpp"

namespace mxferry::imap {

/// By attribute; none where the server says nothing.
SpecialUse use_of(const ListData& entry);
/// By the UTF-8 name of a top-level folder.
SpecialUse use_by_name(std::string_view name);
/// `\Sent` and so on; empty for inbox and none.
std::string_view use_attribute(SpecialUse use);

}  // namespace mxferry::imap
