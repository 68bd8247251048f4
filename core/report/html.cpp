// SPDX-License-Identifier: Apache-2.0
// report.html: one file; its Content-Security-Policy forbids scripts and anything from outside.
// Every text from the state goes through escape_html: t() is the only way in.
#include <algorithm>
#include <cctype>
#include <cstdio>

#include "report/html_style.hpp"
#include "report/html_words.hpp"
#include "report/inventory.hpp"
#include "report/report.hpp"

namespace mxferry::report {
namespace {

constexpr std::size_t kMostRows = 500;  // of a long list; report.json has all

class Page {
 public:
  explicit Page(const Data& data) : d_(data) {}

  std::string render() {
    out_ =
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
        "'unsafe-inline'\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<title>mxferry: " +
        t(d_.migration) + "</title>\n<style>" + kStyle + "</style>\n</head>\n<body>\n<main>\n";
    top();
    tiles();
    domains();
    timeline();
    findings();
    mailboxes();
    inventory();
    exceptions();
    dns();
    gates();
    canaries();
    stragglers();
    notices();
    alerts();
    approvals();
    not_moved();
    integrity();
    out_ +=
        "<footer>All times are UTC. report.json beside this page holds the same as data, "
        "mailboxes.csv one line a mailbox.</footer>\n</main>\n</body>\n</html>\n";
    return std::move(out_);
  }

 private:
  void heading(const std::string& title, const std::string& note = "") {
    std::string id = title.substr(0, title.find(' '));  // for links and tests
    std::transform(id.begin(), id.end(), id.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    out_ += "<h2 id=\"" + id + "\">" + title + (note.empty() ? "" : "<small>" + note + "</small>") +
            "</h2>\n";
  }

  void top() {
    std::string names;
    for (const auto& domain : d_.domains) names += (names.empty() ? "" : ", ") + domain.name;
    out_ += "<header class=\"top\"><div><div class=\"who\">mxferry · migration report</div><h1>" +
            t(names.empty() ? d_.migration : names) + "</h1><p class=\"soft\">" +
            t(sentence(d_.outcome)) + "</p></div><div>" + "<span class=\"badge big " +
            kind_of(d_.outcome) + "\">" + t(words_of(to_string(d_.outcome))) +
            "</span></div></header>\n";
    out_ += "<div class=\"card pad\"><dl class=\"facts\">";
    fact("Migration", "<code>" + t(d_.migration) + "</code>");
    if (!d_.plan_hash.empty())
      fact("Plan", "<code>" + t(d_.plan_hash) + "</code> <span class=\"soft\">revision " +
                       std::to_string(d_.revision) + "</span>");
    if (d_.started) {
      std::string span = when(d_.started) + " → " + (d_.ended ? when(d_.ended) : "still open");
      const auto end = d_.ended ? d_.ended : d_.heartbeat;
      if (end && *end > *d_.started)
        span += " <span class=\"soft\">(" +
                t(format_duration(std::chrono::duration_cast<Millis>(*end - *d_.started))) +
                ")</span>";
      fact("Run", span);
    }
    if (!d_.host.empty()) fact("On", t(d_.host));
    if (d_.scale > 1)
      fact("Time scale", "plan durations ran " + grouped(d_.scale) +
                             " times as fast; TTLs and other times of the world did not");
    out_ += "</dl></div>\n";
  }

  void fact(const std::string& name, const std::string& html) {
    out_ += "<dt>" + name + "</dt><dd>" + html + "</dd>";
  }

  void tile(const std::string& value, const std::string& label) {
    out_ += "<div class=\"card tile\"><b>" + value + "</b><span>" + label + "</span></div>";
  }

  void tiles() {
    std::int64_t there = 0, bytes = 0, stragglers = 0;
    std::int64_t verified = 0;
    for (const auto& box : d_.mailboxes) {
      there += box.destination.messages.value_or(0);
      bytes += box.source.bytes.value_or(0);
      stragglers += box.stragglers;
      if (box.state == "verified" || (box.verify && box.verify->clean())) ++verified;
    }
    std::int64_t sets = 0;
    for (const auto& write : d_.dns)
      if (write.state == "done") sets += static_cast<std::int64_t>(write.changes.size());
    const auto arrived = std::count_if(d_.canaries.begin(), d_.canaries.end(),
                                       [](const CanaryLine& c) { return c.found.has_value(); });
    out_ += "<div class=\"tiles\">";
    tile(grouped(there), "messages at the new provider");
    tile(size(bytes), "of mail");
    tile(grouped(verified) + " / " + grouped(static_cast<std::int64_t>(d_.mailboxes.size())),
         "mailboxes verified clean");
    tile(grouped(stragglers), "stragglers fetched");
    tile(grouped(sets), "RRsets written");
    tile(std::to_string(arrived) + " / " + std::to_string(d_.canaries.size()), "canaries found");
    tile(grouped(d_.open_findings()), "open findings");
    out_ += "</div>\n";
  }

  void domains() {
    if (d_.domains.empty()) return;
    heading("Domains");
    out_ += "<div class=\"card\">";
    for (const auto& domain : d_.domains) {
      out_ += "<div class=\"item\"><div class=\"head\"><h3>" + t(domain.name) +
              "</h3><span class=\"soft\">zone <code>" + t(domain.zone) +
              "</code></span><span class=\"when\">" +
              (domain.rolled_back ? "rolled back " + when(domain.rolled_back)
               : domain.flipped   ? "flipped " + when(domain.flipped)
                                  : "not flipped") +
              "</span></div><p class=\"route\"><code>" + joined(domain.mx_before) +
              "</code><span class=\"arrow\">→</span><code>" + joined(domain.mx_after) +
              "</code></p>";
      if (domain.stranded)
        out_ += "<p class=\"soft\">" + plural(*domain.stranded, "message stays", "messages stay") +
                " on the new side alone.</p>";
      out_ += "</div>";
    }
    out_ += "</div>\n";
  }

  static std::string joined(const std::vector<std::string>& list) {
    std::string out;
    for (const auto& item : list) out += (out.empty() ? "" : ", ") + item;
    return out.empty() ? "no MX" : t(out);
  }

  struct Lane {
    Stage stage;
    Instant begin, end;
    bool open = false, failed = false;
  };

  void timeline() {
    std::vector<Lane> lanes;
    for (const auto& step : d_.steps) {
      if (!step.began || !step.at) continue;
      const bool open = step.status != StepStatus::done && step.status != StepStatus::waived &&
                        step.status != StepStatus::parked && step.status != StepStatus::undone;
      const Lane lane{step.stage, *step.began, std::max(*step.at, *step.began), open,
                      step.status == StepStatus::failed};
      const auto it = std::find_if(lanes.begin(), lanes.end(),
                                   [&](const Lane& other) { return other.stage == lane.stage; });
      if (it == lanes.end()) {
        lanes.push_back(lane);
        continue;
      }
      it->begin = std::min(it->begin, lane.begin);
      it->end = std::max(it->end, lane.end);
      it->open = it->open || lane.open;
      it->failed = it->failed || lane.failed;
    }
    if (lanes.empty()) return;
    std::sort(lanes.begin(), lanes.end(),
              [](const Lane& a, const Lane& b) { return a.stage < b.stage; });
    Instant from = lanes.front().begin, to = lanes.front().end;
    for (const auto& lane : lanes) {
      from = std::min(from, lane.begin);
      to = std::max(to, lane.end);
    }
    const double span = std::max<double>(1.0, static_cast<double>((to - from).count()));
    const auto percent = [&](Millis part) {
      char text[16];
      std::snprintf(text, sizeof text, "%.2f%%", 100.0 * static_cast<double>(part.count()) / span);
      return std::string(text);
    };
    std::string marks;
    for (const auto& domain : d_.domains)
      if (domain.flipped && *domain.flipped >= from && *domain.flipped <= to)
        marks += "<span class=\"mark\" style=\"left:" + percent(*domain.flipped - from) +
                 "\" title=\"flip of " + t(domain.name) + "\"></span>";
    heading("Timeline", when(from) + " → " + when(to));
    out_ += "<div class=\"card pad\">";
    for (const auto& lane : lanes)
      out_ += "<div class=\"lane\"><span class=\"name\">" + t(words_of(to_string(lane.stage))) +
              "</span><span class=\"track\"><span class=\"bar" +
              (lane.failed ? " failed"
               : lane.open ? " open"
                           : "") +
              "\" style=\"left:" + percent(lane.begin - from) +
              ";width:" + percent(lane.end - lane.begin) + "\"></span>" + marks +
              "</span><span class=\"took\">" + t(format_duration(lane.end - lane.begin)) +
              "</span></div>";
    out_ += "<div class=\"key\"><span><i></i>from the first step of a stage to the last</span>" +
            std::string(marks.empty() ? "" : "<span><i class=\"flip\"></i>flip</span>") +
            "</div></div>\n";
  }

  void findings() {
    heading("Findings");
    out_ += "<div class=\"card\">";
    if (d_.findings.empty()) out_ += "<div class=\"item soft\">None.</div>";
    std::size_t shown = 0;
    for (const auto& line : d_.findings) {
      if (++shown > kMostRows) break;
      const auto& f = line.finding;
      const bool accepted = !f.accepted.empty();
      const std::string kind = accepted                          ? "quiet"
                               : f.severity == Severity::block   ? "bad"
                               : f.severity == Severity::warning ? "warn"
                                                                 : "info";
      out_ += "<div class=\"item\"><div class=\"head\">" +
              badge(accepted ? "accepted" : to_string(f.severity), kind) + "<h3>" + t(f.id) +
              "</h3><span class=\"mono\">" + t(f.subject) + "</span><span class=\"when\">" +
              clock_text(line.at) + "</span></div><p>" + t(f.text) + "</p>";
      if (accepted)
        out_ += "<p class=\"soft\">Accepted by the plan: " + t(f.accepted) + "</p>";
      else if (!f.remedy.empty())
        out_ += "<p class=\"soft\">What to do: " + t(f.remedy) + "</p>";
      out_ += "</div>";
    }
    more(d_.findings.size());
    out_ += "</div>\n";
  }

  void more(std::size_t all) {
    if (all > kMostRows)
      out_ += "<div class=\"item soft\">and " +
              grouped(static_cast<std::int64_t>(all - kMostRows)) +
              " more: report.json has them all.</div>";
  }

  void mailboxes() {
    if (d_.mailboxes.empty()) return;
    heading("Mailboxes",
            plural(static_cast<std::int64_t>(d_.mailboxes.size()), "mailbox", "mailboxes"));
    out_ +=
        "<div class=\"card scroll\"><table><thead><tr><th>Mailbox</th><th>State</th><th "
        "class=\"num\">Old side</th><th class=\"num\">New side</th><th class=\"num\">Equal / "
        "checked</th><th class=\"num\">Stragglers</th><th class=\"num\">Last delta</th></tr>"
        "</thead><tbody>";
    for (const auto& box : d_.mailboxes) {
      out_ += "<tr><td><span class=\"mono\">" + t(box.address) + "</span>";
      if (!box.words.empty()) out_ += "<div class=\"words\">" + t(box.words) + "</div>";
      if (!box.remedy.empty())
        out_ += "<div class=\"words\">What to do: " + t(box.remedy) + "</div>";
      out_ += "</td><td>" + badge(box.state, mailbox_kind(box.state)) + "</td>" + side(box.source) +
              side(box.destination) + "<td class=\"num\">";
      if (box.verify) {
        out_ += grouped(box.verify->equal) + " / " + grouped(box.verify->checked);
        if (!box.verify->clean())
          out_ += "<div class=\"words\">" + plural(box.verify->findings, "differs", "differ") +
                  "</div>";
      } else {
        out_ += "–";
      }
      out_ += "</td><td class=\"num\">" + (box.stragglers > 0 ? grouped(box.stragglers) : "–") +
              "</td><td class=\"num soft\">" + when(box.delta_at) + "</td></tr>";
    }
    out_ += "</tbody></table></div>\n";
  }

  void inventory() {
    const auto table = inventory_html(d_);
    if (table.empty()) return;
    const auto time = estimate_text(d_);
    heading("Inventory", time.empty() ? "before the move" : "before the move; copying: " + time);
    out_ += table;
  }

  static std::string side(const Side& s) {
    return "<td class=\"num\">" + count(s.messages) + "<div class=\"words\">" + size(s.bytes) +
           "</div></td>";
  }

  void exceptions() {
    if (d_.exceptions.empty()) return;
    heading("Messages that did not go through as they are",
            plural(static_cast<std::int64_t>(d_.exceptions.size()), "message", "messages"));
    out_ +=
        "<div class=\"card scroll\"><table><thead><tr><th>Mailbox</th><th>Folder</th><th "
        "class=\"num\">UID</th><th>What</th><th>The server's words</th></tr></thead><tbody>";
    std::size_t shown = 0;
    for (const auto& e : d_.exceptions) {
      if (++shown > kMostRows) break;
      out_ += "<tr><td class=\"mono\">" + t(e.mailbox) + "</td><td class=\"mono\">" + t(e.folder) +
              "</td><td class=\"num\">" + std::to_string(e.src_uid) + "</td><td>" +
              badge(e.kind, e.kind == "repaired" ? "quiet" : "warn") + "</td><td>" +
              (e.code.empty() ? "" : "<code>" + t(e.code) + "</code> ") + t(e.words) + "</td></tr>";
    }
    out_ += "</tbody></table>";
    more(d_.exceptions.size());
    out_ += "</div>\n";
  }

  void dns() {
    if (d_.dns.empty()) return;
    heading("DNS changes", plural(static_cast<std::int64_t>(d_.dns.size()), "write", "writes") +
                               ", each read back");
    out_ += "<div class=\"card\">";
    for (const auto& write : d_.dns) {
      out_ += "<div class=\"item\"><div class=\"head\">" +
              badge(write.state, write.state == "done" ? "good" : "warn") + "<h3>" + t(write.step) +
              "</h3><span class=\"soft\">zone <code>" + t(write.zone) +
              "</code></span><span class=\"when\">" + clock_text(write.at) +
              "</span></div><div class=\"diff mono\">";
      for (const auto& change : write.changes) diff(change);
      out_ += "</div>";
      if (!write.native_id.empty())
        out_ +=
            "<p class=\"soft\">The API's change id: <code>" + t(write.native_id) + "</code></p>";
      out_ += "</div>";
    }
    out_ += "</div>\n";
    if (d_.snapshots.empty()) return;
    out_ +=
        "<p class=\"soft\" style=\"margin-top:10px\">Before the first write the zones were "
        "snapshotted:";
    for (const auto& s : d_.snapshots)
      out_ += " <code>" + t(s.zone) + "</code> " + clock_text(s.at);
    out_ += ".</p>\n";
  }

  void diff(const ZoneChange& change) {
    const auto& any = change.after ? *change.after : *change.before;
    out_ += "<div class=\"set\">" + t(any.name + " " + any.type) + "</div>";
    const auto has = [](const std::optional<ZoneRRset>& set, const std::string& rdata) {
      return set && std::any_of(set->records.begin(), set->records.end(),
                                [&](const ZoneRecord& r) { return r.rdata == rdata; });
    };
    const bool same_ttl = change.before && change.after && change.before->ttl == change.after->ttl;
    const auto line = [&](const char* kind, const char* sign, std::uint32_t ttl,
                          const std::string& rdata) {
      out_ += std::string("<div class=\"") + kind + "\">" + sign + " " + std::to_string(ttl) +
              "  " + t(rdata) + "</div>";
    };
    if (change.before)
      for (const auto& record : change.before->records)
        if (!same_ttl || !has(change.after, record.rdata))
          line("minus", "−", change.before->ttl, record.rdata);
    if (!change.after) return;
    for (const auto& record : change.after->records) {
      const bool stays = same_ttl && has(change.before, record.rdata);
      line(stays ? "same" : "plus", stays ? " " : "+", change.after->ttl, record.rdata);
    }
  }

  void gates() {
    if (d_.gates.empty()) return;
    heading("Gates and waits", "and what they proved");
    out_ +=
        "<div class=\"card scroll\"><table><thead><tr><th>Gate</th><th>State</th><th>What it "
        "says</th><th class=\"num\">Open at</th></tr></thead><tbody>";
    for (const auto& gate : d_.gates) {
      out_ += "<tr><td><span class=\"mono\">" + t(gate.step.id) + "</span><div class=\"words\">" +
              t(gate.step.title) + "</div></td><td>" +
              badge(to_string(gate.step.status), kind_of(gate.step.status)) + "</td><td>" +
              t(gate.step.why);
      const std::string facts = facts_of(gate.proof);
      if (!facts.empty()) out_ += "<div class=\"words\">" + t(facts) + "</div>";
      if (gate.step.status != StepStatus::done && gate.step.not_before)
        out_ += "<div class=\"words\">not before " + when(gate.step.not_before) + "</div>";
      out_ += "</td><td class=\"num soft\">" +
              (gate.step.status == StepStatus::done ? when(gate.step.at) : std::string("–")) +
              "</td></tr>";
    }
    out_ += "</tbody></table></div>\n";
  }

  void canaries() {
    if (d_.canaries.empty()) return;
    heading("Canaries", "real messages, found by IMAP in the new mailbox");
    out_ +=
        "<div class=\"card scroll\"><table><thead><tr><th>Step</th><th>To</th><th>By</th><th "
        "class=\"num\">Sent</th><th class=\"num\">Found</th></tr></thead><tbody>";
    for (const auto& c : d_.canaries)
      out_ += "<tr><td class=\"mono\">" + t(c.step) + "</td><td class=\"mono\">" + t(c.to) +
              "</td><td class=\"mono\">" + t(c.mx) + " <span class=\"soft\">" + t(c.address) +
              "</span></td><td class=\"num soft\">" + when(c.sent) + "</td><td class=\"num\">" +
              (c.found ? clock_text(*c.found) : badge("not found", "warn")) + "</td></tr>";
    out_ += "</tbody></table></div>\n";
  }

  void stragglers() {
    if (d_.stragglers.empty()) return;
    heading("Stragglers", "who still sent to the old server after the flip");
    out_ +=
        "<div class=\"card scroll\"><table><thead><tr><th>Mailbox</th><th>From</th><th>Handed over "
        "by</th><th class=\"num\">Messages</th><th class=\"num\">Last</th></tr></thead><tbody>";
    std::size_t shown = 0;
    for (const auto& line : d_.stragglers) {
      if (++shown > kMostRows) break;
      out_ += "<tr><td class=\"mono\">" + t(line.mailbox) + "</td><td class=\"mono\">" +
              t(line.from) + "</td><td class=\"mono\">" + t(line.host) + "</td><td class=\"num\">" +
              grouped(line.messages) + "</td><td class=\"num soft\">" + clock_text(line.last) +
              "</td></tr>";
    }
    out_ += "</tbody></table>";
    more(d_.stragglers.size());
    out_ += "</div>\n";
  }

  void notices() {
    if (d_.notices.empty()) return;
    heading("Notices", "mail that told people");
    out_ +=
        "<div class=\"card scroll\"><table><thead><tr><th>Step</th><th>State</th><th "
        "class=\"num\">Taken</th><th class=\"num\">Refused</th><th>Message-ID</th><th "
        "class=\"num\">Sent</th></tr></thead><tbody>";
    for (const auto& line : d_.notices)
      out_ += "<tr><td class=\"mono\">" + t(line.step) + "</td><td>" +
              badge(line.state, line.sent ? "good" : "quiet") + "</td><td class=\"num\">" +
              grouped(line.taken) + "</td><td class=\"num\">" + grouped(line.refused) +
              "</td><td class=\"mono\">" + t(line.message_id) + "</td><td class=\"num soft\">" +
              when(line.sent) + "</td></tr>";
    out_ += "</tbody></table></div>\n";
  }

  void alerts() {
    if (d_.alerts.empty()) return;
    heading("Alerts");
    out_ += "<div class=\"card\">";
    for (const auto& line : d_.alerts)
      out_ += "<div class=\"item\"><div class=\"head\">" +
              badge(line.state, line.state == "sent" ? "good" : "warn") + "<h3>" + t(line.kind) +
              "</h3><span class=\"mono\">" + t(line.subject) + "</span><span class=\"soft\">by " +
              t(line.channel) + "</span><span class=\"when\">" + clock_text(line.at) +
              "</span></div><p>" + t(line.text) + "</p></div>";
    out_ += "</div>\n";
  }

  void approvals() {
    if (d_.approvals.empty()) return;
    heading("Approvals");
    out_ +=
        "<div class=\"card scroll\"><table><thead><tr><th>Gate</th><th>Who</th><th>Kind</th><th>"
        "Reason</th><th>Plan</th><th class=\"num\">At</th></tr></thead><tbody>";
    for (const auto& a : d_.approvals)
      out_ += "<tr><td>" + t(a.gate) + "</td><td>" + t(a.who) + "</td><td>" +
              badge(a.kind, a.kind == "normal" ? "quiet" : "warn") + "</td><td>" + t(a.reason) +
              "</td><td><code>" + t(a.plan_hash.substr(0, 16)) +
              "</code></td><td class=\"num soft\">" + clock_text(a.at) + "</td></tr>";
    out_ += "</tbody></table></div>\n";
  }

  void not_moved() {
    heading("Not moved by mxferry", "these need hands of their own");
    out_ += "<div class=\"card pad\"><ul class=\"plain\">";
    for (const auto& item : d_.not_moved) out_ += "<li>" + t(item) + "</li>";
    out_ += "</ul></div>\n";
  }

  void integrity() {
    heading("Journal");
    out_ += "<div class=\"card pad\"><div class=\"route\">";
    if (d_.journal_broken_at)
      out_ += badge("chain broken", "bad") + "<span>record " + grouped(*d_.journal_broken_at) +
              " does not follow from the one before: the state file was changed by hand</span>";
    else
      out_ += badge("chain intact", "good") + "<span>" +
              plural(d_.journal_records, "record", "records") +
              ", each hash follows from the one before</span>";
    out_ += "</div>";
    for (const auto& problem : d_.problems)
      out_ += "<p style=\"margin-top:8px\">" + badge("problem", "bad") + " " + t(problem) + "</p>";
    out_ += "</div>\n<div class=\"card\" style=\"margin-top:12px\"><details><summary>All " +
            plural(static_cast<std::int64_t>(d_.steps.size()), "step", "steps") +
            "</summary><div class=\"scroll\"><table><tbody>";
    for (const auto& step : d_.steps)
      out_ += "<tr><td class=\"mono\">" + t(step.id) + "</td><td>" +
              badge(to_string(step.status), kind_of(step.status)) + "</td><td>" +
              t(step.why.empty() ? step.title : step.why) + "</td><td class=\"num soft\">" +
              when(step.at) + "</td></tr>";
    out_ += "</tbody></table></div></details></div>\n";
  }

  const Data& d_;
  std::string out_;
};

}  // namespace

std::string to_html(const Data& data) { return Page(data).render(); }

}  // namespace mxferry::report
