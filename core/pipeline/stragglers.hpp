// SPDX-License-Identifier: Apache-2.0
// Who still sends to the old server after the flip: as little as lets an operator find the sender
// that holds the old MX. An address in a domain of the plan whole (a printer, a program of the
// operator's own), of a third party the domain alone; and the host that handed the message over, as
// the old server wrote it into its Received field (RFC 5321 §4.4). And how full the destination is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/env.hpp"

namespace mxferry::pipeline {

/// Of one message's From and Received fields. Empty texts where nothing can be read. Pure.
Sender sender_of(std::string_view header, const std::vector<std::string>& own_domains);

/// Notes the senders of what came to the source since `marks`; what cannot be read is a note, the
/// copy stands.
Task<Result<void>> note_senders(Env& env, const config::Mailbox& box, const SourceMarks& marks);

/// An alert where the destination's quota is used to more than 90 %.
Task<Result<void>> watch_quota(Env& env, const config::Mailbox& box);

}  // namespace mxferry::pipeline
