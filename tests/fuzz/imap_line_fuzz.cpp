// SPDX-License-Identifier: Apache-2.0
// libFuzzer: the parser of one whole response line. The input's first line is the line, a NUL in it
// a literal's place; the lines behind it are the literals, one that begins with ^A has streamed by.
// An error names a place within the line and a reason; what was read is within its limits.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/imap/parser.hpp"

namespace {

using namespace mxferry::imap;

void check(const FetchData& fetch) {
  if (fetch.uid && fetch.uid->value == 0) std::abort();
  if (fetch.flags && !(Flags::parse(fetch.flags->text()) == *fetch.flags)) std::abort();
  if (fetch.internal_date && is_sayable(*fetch.internal_date)) {
    const auto again = parse_internal_date(format_internal_date(*fetch.internal_date));
    if (!again || !(*again == *fetch.internal_date)) std::abort();
  }
  if (fetch.structure)
    for (const auto& part : attachments(*fetch.structure))
      if (!part.parts.empty()) std::abort();
}

// PERMANENTFLAGS and FLAGS: what is kept is a part of what was asked, and can be said.
void check(const std::vector<std::string>& names) {
  const PermanentFlags permanent(names);
  const Flags all(names);
  const Flags kept = permanent.kept(all);
  for (const auto& name : kept.names())
    if (!all.contains(name) || !permanent.keeps(name) || !is_flag(name)) std::abort();
  for (const auto& name : names)
    if (!name.empty() && name != "\\" && !is_flag(as_flag(name))) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto next_line = [&rest] {
    const auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    return line;
  };
  const std::string_view line = next_line();
  std::vector<LiteralValue> literals(
      static_cast<std::size_t>(std::count(line.begin(), line.end(), '\0')));
  std::uint64_t on_wire = line.size();
  for (auto& literal : literals) {
    const auto content = next_line();
    literal.streamed = content.starts_with('\1');
    literal.size = content.size();
    if (!literal.streamed) literal.content = content;
    literal.on_wire = 5 + content.size();
    on_wire += literal.on_wire;
  }
  constexpr std::uint64_t kBase = 1000;
  std::uint64_t error_at = 0;
  const auto response = parse_response(line, literals, kBase, &error_at);
  if (!response) {
    if (error_at < kBase || error_at > kBase + on_wire || response.error().text.empty())
      std::abort();
  } else if (const auto* untagged = std::get_if<Untagged>(&*response)) {
    if (const auto* fetch = std::get_if<FetchData>(untagged)) check(*fetch);
    if (const auto* flags = std::get_if<FlagsData>(untagged)) check(flags->names);
    if (const auto* status = std::get_if<StatusResponse>(untagged)) check(status->code.words);
  }
  // Every beginning that ends at a literal's place is what a reader asks about.
  std::size_t before = 0;
  std::optional<PartialFetch> last;
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line[at] != '\0') continue;
    const auto begun = line.substr(0, at);
    (void)may_hold_literal(begun);
    const auto known = std::span(literals).first(before++);
    auto fetch =
        last ? parse_next_partial_fetch(*last, begun, known) : parse_partial_fetch(begun, known);
    if (fetch.has_value() != parse_partial_fetch(begun, known).has_value()) std::abort();
    if (!fetch) continue;
    check(fetch->so_far);
    last = std::move(fetch);
  }
  // To go on from there is to read the line from its beginning.
  if (last) {
    std::uint64_t rest_error_at = 0;
    const auto whole = parse_rest_of_fetch(*last, line, literals, kBase, &rest_error_at);
    if (whole.has_value() != response.has_value() || rest_error_at != error_at) std::abort();
    if (!whole && whole.error().text != response.error().text) std::abort();
  }
  (void)may_hold_literal(line);
  return 0;
}
