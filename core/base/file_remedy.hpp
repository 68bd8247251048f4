// SPDX-License-Identifier: Apache-2.0
// What a person can do when the file system fails us. Any thread.
#pragma once

#include <string>

namespace mxferry {

/// The remedy for a system call on `file` that failed with errno `cause`; empty when we know none.
std::string remedy_for(int cause, const std::string& file);

}  // namespace mxferry
