// SPDX-License-Identifier: Apache-2.0
// `mxferry dns template FILE`: a mail provider's Domain Connect template and a zone's snapshot make
// the file that `dns apply --desired` takes. Reads files and asks resolvers; writes nothing. Main
// thread.
#pragma once

#include <span>
#include <string>

namespace mxferry::app {

/// `args` behind "dns template". Returns the exit code.
int dns_template(std::span<const std::string> args);

}  // namespace mxferry::app
