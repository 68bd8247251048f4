// SPDX-License-Identifier: Apache-2.0
#include "model/mail.hpp"

#include <array>
#include <utility>

namespace mxferry {
namespace {

constexpr std::array<std::pair<SpecialUse, const char*>, 10> kUses = {{
    {SpecialUse::none, ""},
    {SpecialUse::inbox, "inbox"},
    {SpecialUse::archive, "archive"},
    {SpecialUse::drafts, "drafts"},
    {SpecialUse::junk, "junk"},
    {SpecialUse::sent, "sent"},
    {SpecialUse::trash, "trash"},
    {SpecialUse::all, "all"},
    {SpecialUse::flagged, "flagged"},
    {SpecialUse::important, "important"},
}};

}  // namespace

const char* use_text(SpecialUse use) {
  for (const auto& [value, text] : kUses)
    if (value == use) return text;
  return "";
}

SpecialUse use_from_text(std::string_view text) {
  for (const auto& [value, name] : kUses)
    if (text == name) return value;
  return SpecialUse::none;
}

}  // namespace mxferry
