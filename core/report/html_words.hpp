// SPDX-License-Identifier: Apache-2.0
// How report.html says numbers, times and states. t() is the only way for a text from the state
// into the page. Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "report/data.hpp"

namespace mxferry::report {

std::string t(const std::string& bytes);
/// 1 234 567, with thin spaces that do not break.
std::string grouped(std::int64_t n);
std::string count(const std::optional<std::int64_t>& n);
std::string size(const std::optional<std::int64_t>& bytes);
/// 2026-11-24 10:17:30, in UTC: the page says so once.
std::string clock_text(Instant at);
std::string when(const std::optional<Instant>& at);
std::string plural(std::int64_t n, const std::string& one, const std::string& many);
/// `kind`: good, warn, bad, info, quiet.
std::string badge(const std::string& text, const std::string& kind);
std::string kind_of(Outcome outcome);
std::string kind_of(StepStatus status);
std::string mailbox_kind(const std::string& state);
std::string words_of(const std::string& outcome);
/// "waited 38 min · servers 2": the flat part of a journal body.
std::string facts_of(const std::string& proof);

}  // namespace mxferry::report
