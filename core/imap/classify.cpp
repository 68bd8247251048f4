// SPDX-License-Identifier: Apache-2.0
#include "imap/classify.hpp"

#include <array>
#include <optional>
#include <string_view>

namespace mxferry::imap {
namespace {

struct Meaning {
  ErrorCode code;
  Retry retry;
  std::chrono::milliseconds after;  // 0: unknown
};
using std::chrono::milliseconds;
using std::chrono::seconds;

bool contains(std::string_view text, std::string_view part) {
  for (std::size_t at = 0; at + part.size() <= text.size(); ++at)
    if (equals_ignoring_case(text.substr(at, part.size()), part)) return true;
  return false;
}

// "Suggested Backoff Time: 299961 milliseconds" (Exchange Online).
std::optional<milliseconds> suggested_backoff(std::string_view text) {
  constexpr std::string_view kWords = "Suggested Backoff Time: ";
  auto at = text.find(kWords);
  if (at == std::string_view::npos) return std::nullopt;
  long value = 0;
  for (at += kWords.size();
       at < text.size() && text[at] >= '0' && text[at] <= '9' && value < 3'600'000; ++at)
    value = value * 10 + (text[at] - '0');
  return milliseconds(value);
}

struct ByCode {
  std::string_view name;
  Meaning meaning;
};
constexpr std::array kCodes = {
    ByCode{"AUTHENTICATIONFAILED", {ErrorCode::auth, Retry::never, {}}},
    ByCode{"EXPIRED", {ErrorCode::auth, Retry::never, {}}},
    ByCode{"AUTHORIZATIONFAILED", {ErrorCode::denied, Retry::never, {}}},
    ByCode{"PRIVACYREQUIRED", {ErrorCode::tls, Retry::never, {}}},
    ByCode{"NOPERM", {ErrorCode::denied, Retry::never, {}}},
    ByCode{"CONTACTADMIN", {ErrorCode::denied, Retry::never, {}}},
    ByCode{"THROTTLED", {ErrorCode::rate_limited, Retry::later, seconds(5)}},
    ByCode{"LIMIT", {ErrorCode::rate_limited, Retry::later, seconds(10)}},
    ByCode{"UNAVAILABLE", {ErrorCode::rate_limited, Retry::later, seconds(5)}},
    ByCode{"INUSE", {ErrorCode::rate_limited, Retry::later, seconds(2)}},
    ByCode{"SERVERBUG", {ErrorCode::refused, Retry::later, {}}},
    ByCode{"NONEXISTENT", {ErrorCode::not_found, Retry::never, {}}},
    ByCode{"TRYCREATE", {ErrorCode::not_found, Retry::never, {}}},
    ByCode{"ALREADYEXISTS", {ErrorCode::exists, Retry::never, {}}},
    ByCode{"OVERQUOTA", {ErrorCode::quota, Retry::never, {}}},
};

constexpr std::array kWords = {
    ByCode{"Request is throttled", {ErrorCode::rate_limited, Retry::later, seconds(30)}},
    ByCode{"Too many simultaneous connections",
           {ErrorCode::rate_limited, Retry::later, seconds(30)}},
    ByCode{"Maximum number of connections", {ErrorCode::rate_limited, Retry::later, seconds(30)}},
    ByCode{"command sent too fast", {ErrorCode::rate_limited, Retry::later, seconds(10)}},
    ByCode{"Rate limit hit", {ErrorCode::rate_limited, Retry::later, seconds(30)}},
    ByCode{"Server Unavailable", {ErrorCode::rate_limited, Retry::later, seconds(30)}},
    ByCode{"temporarily not available", {ErrorCode::rate_limited, Retry::later, seconds(30)}},
    ByCode{"not authenticated", {ErrorCode::auth, Retry::never, {}}},
    ByCode{"Quota exceeded", {ErrorCode::quota, Retry::never, {}}},
    ByCode{"Quota limit will be exceeded", {ErrorCode::quota, Retry::never, {}}},
    ByCode{"Mailbox is full", {ErrorCode::quota, Retry::never, {}}},
    ByCode{"already exists", {ErrorCode::exists, Retry::never, {}}},
    ByCode{"doesn't exist", {ErrorCode::not_found, Retry::never, {}}},
    ByCode{"does not exist", {ErrorCode::not_found, Retry::never, {}}},
};

Meaning meaning_of(const StatusResponse& response) {
  // Gmail says OVERQUOTA for its daily bandwidth too: the mailbox is not full.
  if (contains(response.text, "command or bandwidth limits"))
    return {ErrorCode::rate_limited, Retry::later, std::chrono::hours(1)};
  if (contains(response.text, "[THROTTLED]"))
    return {ErrorCode::rate_limited, Retry::later, seconds(5)};
  for (const auto& entry : kCodes)
    if (response.code.name == entry.name) return entry.meaning;
  for (const auto& entry : kWords)
    if (contains(response.text, entry.name)) return entry.meaning;
  if (response.status == Status::bye) return {ErrorCode::network, Retry::later, {}};
  return {ErrorCode::refused, Retry::never, {}};
}

}  // namespace

Error refusal(std::string operation, const StatusResponse& response) {
  const auto meaning = meaning_of(response);
  Error out;
  out.code = meaning.code;
  out.operation = std::move(operation);
  out.text = response.status == Status::bye   ? "the server ended the session"
             : response.status == Status::bad ? "the server did not accept the command"
                                              : "the server refused";
  out.remote = response.code.name.empty()
                   ? response.text
                   : "[" + response.code.name +
                         (response.code.args.empty() ? "" : " " + response.code.args) + "] " +
                         response.text;
  out.retry = meaning.retry;
  if (meaning.after.count() > 0) out.retry_after = meaning.after;
  if (const auto wait = suggested_backoff(response.text)) out.retry_after = *wait;
  if (response.code.name == "REFERRAL")
    out.remedy =
        "the server refers to another host; referrals are never followed: name that host yourself";
  return out;
}

}  // namespace mxferry::imap
