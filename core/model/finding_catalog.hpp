// SPDX-License-Identifier: Apache-2.0
// Every finding id that mxferry can print, with its severity, why it matters and what to do: the
// source of `mxferry explain` and of docs/operate/findings.md (scripts/docs). A test fails when
// core uses an id that is not here. Constants, any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace mxferry {

struct FindingEntry {
  std::string_view id;
  std::string_view severity;  // info | warning | block | gate; two where it depends
  std::string_view title;
  std::string_view why;
  std::string_view what_to_do;
  bool waivable = true;  // false: [[accept]] does not apply
};

/// By id.
std::span<const FindingEntry> finding_catalog();
/// Null where there is no such id; case does not count, nor what stands behind a ':' (OH-01:NAME).
const FindingEntry* find_finding(std::string_view id);
/// docs/operate/findings.md, whole.
std::string finding_catalog_page();

}  // namespace mxferry
