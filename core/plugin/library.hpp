// SPDX-License-Identifier: Apache-2.0
// Library: a plugin's code, loaded once per process and never unloaded. What is mapped are the very
// bytes whose digest stands in plugins.lock: they are copied into a sealed memory file first.
// Loading runs the library's constructors, so everything that can be refused before, is. Any
// thread.
#pragma once

#include <mxferry/abi.h>

#include "plugin/manifest.hpp"

namespace mxferry::plugin {

/// The plugin's entry structure, checked: ABI major equal, minor not above ours, id as in the
/// manifest, the kind of the manifest there. Errors: gate (not trusted, writable by others),
/// plugin (another ABI, wrong id, a throwing entry, not a library).
Result<const mxf_plugin*> load_library(const Manifest& manifest);

/// The same without plugins.lock, for `plugins check` in a process of its own.
Result<const mxf_plugin*> load_untrusted_library(const Manifest& manifest);

}  // namespace mxferry::plugin
