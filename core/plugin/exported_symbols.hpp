// SPDX-License-Identifier: Apache-2.0
// Which symbols a shared library offers to others: its dynamic symbol table (ELF, 64 bit), read
// without loading it. Any thread.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace mxferry::plugin {

Result<std::vector<std::string>> exported_symbols(const std::filesystem::path& library);

}  // namespace mxferry::plugin
