// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stragglers.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/escape.hpp"
#include "pipeline/alerts.hpp"
#include "protocol/mime/address_list.hpp"
#include "protocol/mime/fingerprint.hpp"

namespace mxferry::pipeline {
namespace {

constexpr std::uint64_t kFullPercent = 90;

// "from mail.example (…) by mx.old …": the name behind `from`; the newest field stands first.
std::string handed_over_by(std::string_view header) {
  const auto received = mime::header_field(header, "Received");
  if (!received || !received->starts_with("from ")) return "";
  const auto end = received->find_first_of(" (;", 5);
  return received->substr(5, end == std::string::npos ? std::string::npos : end - 5);
}

}  // namespace

Sender sender_of(std::string_view header, const std::vector<std::string>& own_domains) {
  Sender out;
  out.messages = 1;
  out.host = handed_over_by(header);
  const auto from = mime::header_field(header, "From");
  if (!from) return out;
  const auto addresses = mime::parse_addresses(*from, 1);
  if (addresses.empty()) return out;
  const auto& one = addresses.front();
  const bool own =
      std::find(own_domains.begin(), own_domains.end(), one.domain) != own_domains.end();
  out.from = own ? one.local + "@" + one.domain : one.domain;
  return out;
}

Task<Result<void>> note_senders(Env& env, const config::Mailbox& box, const SourceMarks& marks) {
  auto senders = co_await env.mail.senders(box, marks);
  if (!senders) {
    env.watcher.note("who sent the stragglers of " + box.dest +
                     " cannot be read: " + senders.error().message());
    co_return Result<void>();
  }
  for (const auto& sender : *senders) {
    const Json body = {{"from", escape_line(sender.from)},
                       {"host", escape_line(sender.host)},
                       {"messages", sender.messages}};
    MXF_CO_CHECK(env.store.observe("straggler-from", box.dest, body));
  }
  co_return Result<void>();
}

Task<Result<void>> watch_quota(Env& env, const config::Mailbox& box) {
  if (env.alerts == nullptr) co_return Result<void>();
  const auto quota = co_await env.mail.quota(box);
  // What cannot be asked says nothing: a full mailbox refuses mail, and that is a finding.
  if (!quota || !quota->used || !quota->limit || *quota->limit == 0) co_return Result<void>();
  const auto percent = *quota->used * 100 / *quota->limit;
  if (percent <= kFullPercent) co_return Result<void>();
  raise_alert(env, "quota", box.dest, box.dest,
              "the destination mailbox is " + std::to_string(percent) + " % full",
              "raise its quota before mail is refused");
  co_return Result<void>();
}

}  // namespace mxferry::pipeline
