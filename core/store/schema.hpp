// SPDX-License-Identifier: Apache-2.0
// The one schema of a migration's state file, as SQL. Version in PRAGMA user_version; 'mxfy' in
// PRAGMA application_id.
#pragma once

#include <cstdint>

namespace mxferry::store {

inline constexpr std::int64_t kApplicationId = 0x6d786679;  // "mxfy"
inline constexpr std::int64_t kSchemaVersion = 2;

/// Creates every table of version kSchemaVersion in an empty file.
const char* schema_sql();

/// Makes a file of version `from` one of the next; nothing where there is no way.
const char* migration_sql(std::int64_t from);

}  // namespace mxferry::store
