// SPDX-License-Identifier: Apache-2.0
// A file that a person names, read whole. Any thread.
#pragma once

#include <string>

#include "base/error.hpp"

namespace mxferry {

/// The file's bytes. ErrorCode::config where it cannot be read or is larger than 256 MiB.
Result<std::string> read_file(const std::string& path);

}  // namespace mxferry
