// SPDX-License-Identifier: Apache-2.0
// Secret references: how a secret is named where the secret itself must not stand (plan.toml, CSV,
// argv). env:NAME is an environment variable, whose value is overwritten in place once it is read;
// file:PATH is a file's content without one final newline. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/secret.hpp"

namespace mxferry {

/// Is it spelled as a reference? An error (config) says what was expected; the text itself is not
/// repeated: it may be the secret.
Result<void> check_secret_ref(std::string_view reference);

/// The value. not_found: no such variable or file; config: not a reference, or a file that others
/// may write. The same reference gives the same value again, also after the variable was
/// overwritten.
Result<Secret> resolve_secret(std::string_view reference);

}  // namespace mxferry
