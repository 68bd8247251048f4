// SPDX-License-Identifier: Apache-2.0
#include "protocol/imap/flags.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace mxferry::imap {
namespace {

bool less_ignoring_case(std::string_view a, std::string_view b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [](char x, char y) { return to_lower(x) < to_lower(y); });
}

// ATOM-CHAR of RFC 9051 §9.
bool is_atom_char(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u > 0x20 && u < 0x7F && std::string_view("(){%*\"\\]").find(c) == std::string_view::npos;
}

constexpr std::array<std::string_view, 5> kSystem = {"\\Answered", "\\Deleted", "\\Draft",
                                                     "\\Flagged", "\\Seen"};

std::string_view canonical(std::string_view name) {
  for (const auto system : kSystem)
    if (equals_ignoring_case(system, name)) return system;
  return name;
}

}  // namespace

bool is_flag(std::string_view name) {
  if (name.starts_with('\\')) name.remove_prefix(1);
  return !name.empty() && std::all_of(name.begin(), name.end(), is_atom_char);
}

std::string as_flag(std::string_view name) {
  std::string out(name);
  for (std::size_t i = 0; i < out.size(); ++i)
    if (!is_atom_char(out[i]) && !(i == 0 && out[i] == '\\')) out[i] = '_';
  return out;
}

std::string to_upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return out;
}

Flags::Flags(std::vector<std::string> names) : names_(std::move(names)) {
  std::erase_if(names_, [](const std::string& n) {
    return n.empty() || equals_ignoring_case(n, "\\Recent");
  });
  for (auto& name : names_) {
    const auto spelt = canonical(name);
    if (spelt != name) name = spelt;
  }
  std::stable_sort(names_.begin(), names_.end(), less_ignoring_case);
  const auto end = std::unique(names_.begin(), names_.end(), equals_ignoring_case);
  names_.erase(end, names_.end());
}

void Flags::add(std::string_view name) {
  if (name.empty() || equals_ignoring_case(name, "\\Recent")) return;
  const auto it = std::lower_bound(names_.begin(), names_.end(), name, less_ignoring_case);
  if (it != names_.end() && equals_ignoring_case(*it, name)) return;
  names_.emplace(it, canonical(name));
}

void Flags::remove(std::string_view name) {
  std::erase_if(names_, [&](const std::string& n) { return equals_ignoring_case(n, name); });
}

bool Flags::contains(std::string_view name) const {
  const auto it = std::lower_bound(names_.begin(), names_.end(), name, less_ignoring_case);
  return it != names_.end() && equals_ignoring_case(*it, name);
}

std::string Flags::text() const {
  std::string out;
  for (const auto& name : names_) {
    if (!out.empty()) out += ' ';
    out += name;
  }
  return out;
}

Flags Flags::parse(std::string_view text) {
  Flags flags;
  while (!text.empty()) {
    const auto end = text.find(' ');
    flags.add(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return flags;
}

Flags Flags::minus(const Flags& other) const {
  Flags out;
  for (const auto& name : names_)
    if (!other.contains(name)) out.names_.push_back(name);
  return out;
}

Flags Flags::plus(const Flags& other) const {
  Flags out = *this;
  for (const auto& name : other.names_) out.add(name);
  return out;
}

bool Flags::same_as(const Flags& other) const {
  return std::equal(names_.begin(), names_.end(), other.names_.begin(), other.names_.end(),
                    equals_ignoring_case);
}

PermanentFlags::PermanentFlags(const std::vector<std::string>& names) : known_(true) {
  any_keyword_ = std::find(names.begin(), names.end(), "\\*") != names.end();
  listed_ = Flags(names);
  listed_.remove("\\*");
}

bool PermanentFlags::keeps(std::string_view name) const {
  if (!is_flag(name)) return false;
  if (!known_ || listed_.contains(name)) return true;
  return any_keyword_ && !name.starts_with('\\');
}

Flags PermanentFlags::kept(const Flags& flags) const {
  Flags out;
  for (const auto& name : flags.names())
    if (keeps(name)) out.add(name);
  return out;
}

}  // namespace mxferry::imap
