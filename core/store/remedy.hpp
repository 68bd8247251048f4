// SPDX-License-Identifier: Apache-2.0
// What a person can do when the state's file system fails. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "store/db.hpp"

namespace mxferry::store {

/// The remedy for a system call on `file` that failed with errno `cause`; empty when we know none.
std::string remedy_for(int cause, const std::string& file);

/// The error for a row that cannot be what was written: names the file and what helps.
Unexpected<Error> damaged(Db& db, std::string_view what);

}  // namespace mxferry::store
