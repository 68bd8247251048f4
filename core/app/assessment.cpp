// SPDX-License-Identifier: Apache-2.0
#include "app/assessment.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "app/findings.hpp"
#include "app/run_loop.hpp"
#include "app/terminal.hpp"
#include "base/escape.hpp"
#include "pipeline/assess.hpp"
#include "pipeline/imap_engine.hpp"
#include "plan/accept.hpp"
#include "plan/addresses.hpp"
#include "plan/assess.hpp"

namespace mxferry::app {
namespace {

Finding not_readable(const config::Mailbox& box, const Error& error) {
  const bool login = pipeline::is_login_problem(error);
  Finding out;
  out.id = "MB-08";
  out.subject = box.dest;
  out.severity = login ? Severity::warning : Severity::block;
  out.text = "the mailbox could not be looked at: " + error.message() +
             (login ? "; a run would park it" : "");
  out.remedy = "mend the cause and check again";
  return out;
}

Json number(const std::optional<std::uint64_t>& n) { return n ? Json(*n) : Json(); }

Json quota(const QuotaState& state) {
  return {{"used", number(state.used)}, {"limit", number(state.limit)}};
}

std::string quota_text(const QuotaState& state) {
  if (!state.limit) return "-";
  return plan::print_bytes(state.used.value_or(0)) + " of " + plan::print_bytes(*state.limit);
}

// Columns as wide as their widest cell; the first to the left, the others to the right.
std::string table(const std::vector<std::vector<std::string>>& rows) {
  const auto width = [](const std::string& text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    }));
  };
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (widths.size() <= i) widths.push_back(0);
      widths[i] = std::max(widths[i], width(row[i]));
    }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string pad(widths[i] - width(row[i]), ' ');
      line += (i == 0 ? "" : "  ") + (i == 0 ? row[i] + pad : pad + row[i]);
    }
    while (line.ends_with(' ')) line.pop_back();
    out += line + "\n";
  }
  return out;
}

Task<void> read_mail(Migration& migration, RunLoop& loop, Assessment& out,
                     std::optional<Error>& problem) {
  const auto& file = migration.file();
  pipeline::ImapEngine engine(file, nullptr, migration.connector(), migration.clock());
  pipeline::SmtpPost post(migration.connector(), migration.clock());
  ProgressLine line;
  std::vector<const config::Mailbox*> boxes;
  for (const auto& box : file.mailboxes) boxes.push_back(&box);
  auto& findings = out.computed.findings;
  std::size_t done = 0;
  std::uint64_t messages = 0;
  const auto say = [&](const std::string& last) {
    line.say(std::to_string(done) + "/" + std::to_string(boxes.size()) + " mailboxes looked at, " +
             std::to_string(messages) + " messages" + (last.empty() ? "" : "  " + last));
  };
  std::function<Result<void>(const pipeline::MailLook&)> each =
      [&](const pipeline::MailLook& look) -> Result<void> {
    ++done;
    const Error* error = !look.inventory ? &look.inventory.error()
                         : !look.seen    ? &look.seen.error()
                                         : nullptr;
    if (error != nullptr) {
      findings.push_back(not_readable(*look.box, *error));
      out.not_read.push_back(look.box->dest);
    } else {
      messages += look.inventory->messages;
      out.mailboxes.push_back(*look.inventory);
      plan::add(out.seen, *look.seen);
    }
    say(look.box->dest);
    return {};
  };
  say("");
  auto targets = pipeline::to_look_at(boxes, migration.provider(), loop.token());
  const auto looked = co_await pipeline::look_at_mail(
      engine, std::move(targets), file.parallel, migration.clock().now() - plan::kAddressWindow,
      loop.token(), each);
  if (!looked) {
    problem = looked.error();
    co_return;
  }
  line.say("asking the old MX");
  auto hosts = pipeline::old_mx_hosts(out.computed.plan, migration.eyes(), loop.token());
  auto probed = co_await pipeline::probe_old_mx(post, std::move(hosts));
  for (auto& finding : probed) findings.push_back(std::move(finding));
  line.clear();
}

}  // namespace

Result<Assessment> assess(Migration& migration) {
  Assessment out;
  MXF_TRY(computed, migration.compute({}));
  out.computed = std::move(computed);
  const auto& file = migration.file();
  {
    RunLoop loop;
    std::optional<Error> problem;
    bool ended = false;
    loop.run([&]() -> Task<void> {
      co_await read_mail(migration, loop, out, problem);
      ended = true;
    });
    if (problem) return fail(*problem);
    if (!ended) return fail(ErrorCode::cancelled, "check", "stopped");
  }
  // In the order of mailboxes.csv, whichever answered first.
  const auto place = [&](const std::string& address) {
    return std::find_if(file.mailboxes.begin(), file.mailboxes.end(),
                        [&](const config::Mailbox& box) { return box.dest == address; });
  };
  std::sort(out.mailboxes.begin(), out.mailboxes.end(),
            [&](const MailboxInventory& a, const MailboxInventory& b) {
              return place(a.address) < place(b.address);
            });
  auto& findings = out.computed.findings;
  std::vector<plan::Load> loads;
  for (const auto& box : out.mailboxes) {
    for (auto& finding : plan::judge_inventory(file, box, migration.dest_message_bytes()))
      findings.push_back(std::move(finding));
    loads.push_back({box.messages, box.bytes});
  }
  for (auto& finding : plan::judge_addresses(file, out.seen))
    findings.push_back(std::move(finding));
  plan::accept_findings(file, findings);
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  auto speed = migration.speed();
  speed.lanes = file.parallel;
  out.estimate = plan::estimate(loads, speed);
  return out;
}

std::string print(const Assessment& a, const config::PlanFile& file) {
  std::vector<std::vector<std::string>> rows = {
      {"mailbox", "folders", "messages", "size", "largest", "quota", "quota there"}};
  MailboxInventory sum;
  for (const auto& box : a.mailboxes) {
    rows.push_back({escape_line(box.address), std::to_string(box.folders),
                    std::to_string(box.messages), plan::print_bytes(box.bytes),
                    plan::print_bytes(box.largest), quota_text(box.source_quota),
                    !box.dest_asked            ? "no account yet"
                    : box.dest_problem.empty() ? quota_text(box.dest_quota)
                                               : "no answer"});
    sum.folders += box.folders;
    sum.messages += box.messages;
    sum.bytes += box.bytes;
    sum.largest = std::max(sum.largest, box.largest);
  }
  for (const auto& address : a.not_read)
    rows.push_back({escape_line(address), "?", "?", "?", "?", "?", "?"});
  rows.push_back({std::to_string(a.mailboxes.size() + a.not_read.size()) + " mailboxes",
                  std::to_string(sum.folders), std::to_string(sum.messages),
                  plan::print_bytes(sum.bytes), plan::print_bytes(sum.largest), "", ""});
  std::string out = table(rows);
  bool first = true;
  for (const auto& box : a.mailboxes) {
    if (box.aliases.empty()) continue;
    if (first) out += "\naliases:\n";
    first = false;
    std::string list;
    for (const auto& alias : box.aliases) list += (list.empty() ? "" : ", ") + escape_line(alias);
    out += "  " + list + " -> " + escape_line(box.address) + "\n";
  }
  std::size_t open = 0;
  for (const auto& [address, seen] : a.seen.seen)
    if (!plan::is_served(file, address)) ++open;
  const auto some = [](std::uint64_t n, const char* one, const char* many) {
    return std::to_string(n) + " " + (n == 1 ? one : many);
  };
  out += "\naddresses: mail of the last 90 days (" + some(a.seen.messages, "message", "messages") +
         ") arrives at " + some(a.seen.seen.size(), "address", "addresses") + ", " +
         std::to_string(open) + " of them not served\n";
  out += "time: copying everything takes " + plan::print(a.estimate) +
         (file.line_mbit > 0 ? "" : " (assumed: a line of 100 Mbit/s)") +
         "; measured anew after the pilot\n";
  return out;
}

Json to_json(const Assessment& a, const config::PlanFile& file) {
  Json boxes = Json::array();
  for (const auto& box : a.mailboxes) {
    Json item = plan::to_json(box);
    item["source_quota"] = quota(box.source_quota);
    boxes.push_back(std::move(item));
  }
  Json addresses = Json::array();
  for (const auto& [address, seen] : a.seen.seen) {
    Json headers = Json::object();
    for (const auto& [header, n] : seen.by_header) headers[header] = n;
    addresses.push_back({{"address", escape_line(address)},
                         {"messages", seen.messages},
                         {"headers", std::move(headers)},
                         {"served", plan::is_served(file, address)}});
  }
  Json not_read = Json::array();
  for (const auto& address : a.not_read) not_read.push_back(escape_line(address));
  return {{"id", a.computed.plan.id},
          {"plan", a.computed.plan.hash},
          {"mailboxes", std::move(boxes)},
          {"not_read", std::move(not_read)},
          {"addresses", std::move(addresses)},
          {"estimate",
           {{"least_ms", a.estimate.least.count()},
            {"most_ms", a.estimate.most.count()},
            {"basis", "assumed"}}},
          {"findings", to_json(a.computed.findings)},
          {"not_moved", a.computed.plan.not_moved}};
}

std::string to_csv(const Assessment& a) {
  std::string out =
      "mailbox,folders,messages,bytes,largest,quota_used,quota_limit,dest_quota_used,"
      "dest_quota_limit,dest_append_limit,renamed,foreign,aliases,dest_problem\r\n";
  const auto cell = [](const std::optional<std::uint64_t>& n) {
    return n ? std::to_string(*n) : std::string();
  };
  const auto joined = [](const std::vector<std::string>& list) {
    std::string text;
    for (const auto& item : list) text += (text.empty() ? "" : "; ") + item;
    return escape_csv(text);
  };
  for (const auto& box : a.mailboxes) {
    std::vector<std::string> renamed;
    for (const auto& folder : box.renamed) renamed.push_back(folder.from + " -> " + folder.to);
    out += escape_csv(box.address) + "," + std::to_string(box.folders) + "," +
           std::to_string(box.messages) + "," + std::to_string(box.bytes) + "," +
           std::to_string(box.largest) + "," + cell(box.source_quota.used) + "," +
           cell(box.source_quota.limit) + "," + cell(box.dest_quota.used) + "," +
           cell(box.dest_quota.limit) + "," + cell(box.dest_append_limit) + "," + joined(renamed) +
           "," + joined(box.foreign) + "," + joined(box.aliases) + "," +
           escape_csv(box.dest_problem) + "\r\n";
  }
  return out;
}

}  // namespace mxferry::app
