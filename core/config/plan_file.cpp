// SPDX-License-Identifier: Apache-2.0
// The keys of plan.toml, section by section (those of [copy] in copy_settings.cpp).
#include "config/plan_file.hpp"

#include <algorithm>
#include <limits>
#include <set>

#include "base/escape.hpp"
#include "base/read_file.hpp"
#include "base/sha256.hpp"
#include "config/copy_settings.hpp"
#include "config/duration.hpp"
#include "config/mailboxes_csv.hpp"
#include "config/notice_template.hpp"
#include "config/section.hpp"

namespace mxferry::config {
namespace fs = std::filesystem;
namespace {

void read_side(Section section, Side& side) {
  section.need_text("endpoint", side.endpoint, "imap://HOST[:PORT] or imaps://HOST[:PORT]");
  if (!side.endpoint.empty() && !side.endpoint.starts_with("imap://") &&
      !side.endpoint.starts_with("imaps://"))
    section.problems().add(section.node("endpoint")->source(),
                           section.path("endpoint") +
                               ": expected imap://HOST[:PORT] or imaps://HOST[:PORT], found \"" +
                               escape_line(side.endpoint) + "\"");
  if (side.endpoint.find('@') != std::string::npos)
    section.problems().add(section.node("endpoint")->source(),
                           section.path("endpoint") + ": a user stands in mailboxes.csv, not here");
  section.text("provider", side.provider);
  section.text("address", side.address);
  section.text("ca_file", side.ca_file);
  section.text("pin", side.pin);
  section.pairs("set", side.set, false);
  section.pairs("secret", side.secret, true);
  read_limits(Section(section.table("limits"), section.path("limits"), section.problems()),
              side.limits);
}

// LDH labels, at most 63 octets each and 253 in all (RFC 1035 §2.3.4).
bool is_host_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > 253) return false;
  std::size_t label = 0;
  char last = '.';
  for (const char c : name) {
    if (c == '.') {
      if (label == 0 || last == '-') return false;
      label = 0;
    } else {
      const bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || (c == '-' && label != 0);
      if (!ok || ++label > 63) return false;
    }
    last = c;
  }
  return label != 0 && last != '-';
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

void read_domain(Section section, Domain& domain) {
  section.need_text("name", domain.name, "the domain, such as \"example.com\"");
  domain.name = lower(domain.name);
  if (domain.name.ends_with('.')) domain.name.pop_back();
  if (!domain.name.empty() && !is_host_name(domain.name))
    section.problems().add(
        section.node("name")->source(),
        section.path("name") + ": \"" + escape_line(domain.name) +
            "\" is not a domain name (an international name goes in as its A-label)");
  section.texts("mx", domain.mx);
  if (domain.mx.empty())
    section.missing("mx", "the new provider's MX records, such as [\"10 mx.example.net.\"]");
  for (auto& mx : domain.mx) {
    std::istringstream words(mx);
    long preference = -1;
    std::string host;
    std::string more;
    words >> preference >> host;
    if (!words || (words >> more) || preference < 0 || preference > 65535 || !is_host_name(host) ||
        !host.ends_with('.')) {
      section.problems().add(section.node("mx")->source(),
                             section.path("mx") +
                                 ": expected \"PREFERENCE HOST.\" with a final dot, found \"" +
                                 escape_line(mx) + "\"");
      break;
    }
    mx = std::to_string(preference) + " " + lower(host);
  }
  section.text("spf", domain.spf);
  if (!domain.spf.empty() && domain.spf != "v=spf1" && !domain.spf.starts_with("v=spf1 "))
    section.problems().add(
        section.node("spf")->source(),
        section.path("spf") + ": expected a record that begins \"v=spf1 \" (RFC 7208 §4.5)");
  for (const auto* table : section.tables("dkim")) {
    Section key(table, section.path("dkim"), section.problems());
    DkimKey dkim;
    key.need_text("selector", dkim.selector, "the selector's name");
    key.text("type", dkim.type);
    key.need_text("data", dkim.data, "the record's text (v=DKIM1; …) or the CNAME's target");
    if (dkim.type != "TXT" && dkim.type != "CNAME")
      section.problems().add(table->source(), section.path("dkim") + ": type is TXT or CNAME");
    if (!dkim.selector.empty() && !is_host_name(dkim.selector))
      section.problems().add(
          table->source(),
          section.path("dkim") + ": \"" + escape_line(dkim.selector) + "\" is not a selector");
    domain.dkim.push_back(std::move(dkim));
  }
  for (const auto* table : section.tables("client")) {
    Section entry(table, section.path("client"), section.problems());
    ClientRecord record;
    entry.need_text("name", record.name, "the record's name, relative to the domain");
    entry.need_text("type", record.type, "CNAME, SRV, A, AAAA or TXT");
    entry.texts("data", record.data);
    if (record.data.empty()) entry.missing("data", "at least one record");
    static const std::set<std::string> types = {"CNAME", "SRV", "A", "AAAA", "TXT"};
    if (!record.type.empty() && !types.contains(record.type))
      section.problems().add(table->source(),
                             section.path("client") + ": type is one of CNAME, SRV, A, AAAA, TXT");
    domain.client.push_back(std::move(record));
  }
  section.texts("verification", domain.verification);
  section.text("tls_rpt", domain.tls_rpt);
  section.text("canary", domain.canary);
  {
    const auto* table = section.table("dmarc");
    Section dmarc(table, section.path("dmarc"), section.problems());
    if (table != nullptr) dmarc.flag("stage", domain.dmarc_stage);
  }
  const auto* table = section.table("dns");
  if (table == nullptr) {
    section.missing("dns", "dns = { plugin = \"…\", zone = \"…\", set = {…}, secret = {…} }");
    return;
  }
  Section dns(table, section.path("dns"), section.problems());
  dns.need_text("plugin", domain.dns.plugin, "the DNS plugin's id (mxferry plugins list)");
  dns.text("zone", domain.dns.zone);
  if (domain.dns.zone.empty()) domain.dns.zone = domain.name;
  domain.dns.zone = lower(domain.dns.zone);
  if (!domain.dns.zone.ends_with('.')) domain.dns.zone += '.';
  dns.pairs("set", domain.dns.set, false);
  dns.pairs("secret", domain.dns.secret, true);
}

// An address that can stand in a header and an SMTP command as it is.
bool is_address(const std::string& text) {
  const auto at = text.find('@');
  return at != std::string::npos && at > 0 && is_host_name(text.substr(at + 1)) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return c > ' ' && c < '\x7f' &&
                  std::string_view("<>()[]\\,;:\"").find(c) == std::string_view::npos;
         });
}

void check_addresses(Section& section, const std::string& key,
                     const std::vector<std::string>& addresses) {
  for (const auto& address : addresses)
    if (!is_address(address))
      section.problems().add(section.node(key)->source(),
                             section.path(key) + ": \"" + escape_line(address) +
                                 "\" is not an address such as ops@example.com");
}

void check_reference(Section& section, const std::string& key, const std::string& value) {
  if (value.empty() || value.starts_with("env:") || value.starts_with("file:")) return;
  section.problems().add(
      section.node(key)->source(),
      section.path(key) + ": expected a reference (env:NAME or file:PATH), found a literal value",
      "put the secret into a file of mode 0600 and write file:PATH here");
}

void read_notice(Section section, Notice& notice, fs::path& templates) {
  section.text("smtp", notice.smtp);
  section.text("address", notice.address);
  section.text("ca_file", notice.ca_file);
  section.text("pin", notice.pin);
  section.text("from", notice.from);
  section.text("user", notice.user);
  section.text("secret", notice.secret);
  section.flag("users", notice.users);
  section.texts("operators", notice.operators);
  section.duration("lead", notice.lead);
  std::string folder;
  section.text("templates", folder);
  templates = folder;
  if (!section.exists()) return;
  if (notice.smtp.empty())
    return section.missing("smtp", "smtp://HOST[:PORT] or smtps://HOST[:PORT]");
  if (!notice.smtp.starts_with("smtp://") && !notice.smtp.starts_with("smtps://"))
    section.problems().add(section.node("smtp")->source(),
                           section.path("smtp") +
                               ": expected smtp://HOST[:PORT] or smtps://HOST[:PORT], found \"" +
                               escape_line(notice.smtp) + "\"");
  if (notice.from.empty()) return section.missing("from", "the sender's address");
  check_addresses(section, "from", {notice.from});
  check_addresses(section, "operators", notice.operators);
  check_reference(section, "secret", notice.secret);
  if (notice.user.empty() != notice.secret.empty())
    section.problems().add(section.node(notice.user.empty() ? "secret" : "user")->source(),
                           section.path("user") + " and secret go together");
  if (!notice.users && notice.operators.empty())
    section.problems().add(section.node("users")->source(),
                           section.path("users") + ": nobody is written to; leave [notice] out");
}

void read_alert(Section section, AlertTargets& alert, bool has_smtp) {
  section.texts("mail", alert.mail);
  section.text("webhook", alert.webhook);
  section.text("webhook_ca_file", alert.webhook_ca_file);
  section.text("webhook_secret", alert.webhook_secret);
  section.texts("command", alert.command);
  if (!section.exists()) return;
  check_addresses(section, "mail", alert.mail);
  check_reference(section, "webhook_secret", alert.webhook_secret);
  if (!alert.mail.empty() && !has_smtp)
    section.problems().add(section.node("mail")->source(),
                           section.path("mail") + " needs [notice] smtp and from");
  if (!alert.webhook.empty() && !alert.webhook.starts_with("https://") &&
      !alert.webhook.starts_with("http://"))
    section.problems().add(section.node("webhook")->source(),
                           section.path("webhook") + ": expected https://…, found \"" +
                               escape_line(alert.webhook) + "\"");
  if (!alert.command.empty() && !alert.command.front().starts_with('/'))
    section.problems().add(section.node("command")->source(),
                           section.path("command") +
                               ": the program is named by its whole path; no shell looks for it");
  if (!alert.enabled()) section.missing("mail", "at least one of mail, webhook, command");
}

// ignore = [{ address = "old@example.com", reason = "…" }]: an address is given up with a reason.
void read_ignored(Section& section, PlanFile& plan) {
  const auto* found = section.node("ignore");
  if (found == nullptr) return;
  const std::string form = "tables { address = \"LOCAL@DOMAIN\", reason = \"why\" }";
  const auto* array = found->as_array();
  if (array == nullptr) return section.wrong(*found, "ignore", "an array of " + form);
  for (const auto& item : *array) {
    if (item.as_table() == nullptr) return section.wrong(item, "ignore", form);
    Section entry(item.as_table(), section.path("ignore"), section.problems());
    IgnoredAddress ignored;
    entry.need_text("address", ignored.address, "the address, LOCAL@DOMAIN");
    entry.need_text("reason", ignored.reason, "why nobody needs it");
    ignored.address = lower(ignored.address);
    const auto at = ignored.address.rfind('@');
    const bool ours =
        at != std::string::npos && at > 0 &&
        std::any_of(plan.domains.begin(), plan.domains.end(), [&](const Domain& domain) {
          return ignored.address.substr(at + 1) == domain.name;
        });
    if (!ignored.address.empty() && !ours)
      section.problems().add(item.source(), section.path("ignore") +
                                                ": expected an address of a [[domain]] of "
                                                "this plan, found \"" +
                                                escape_line(ignored.address) + "\"");
    plan.addresses_ignore.push_back(std::move(ignored));
  }
}

void read_all(const toml::table& root, PlanFile& plan, fs::path& templates, Problems& problems) {
  Section top(&root, "top level", problems);
  {
    Section s(top.table("migration"), "migration", problems);
    s.need_text("id", plan.id, "the migration's name: letters, digits, - and _");
    const bool plain = std::all_of(plan.id.begin(), plan.id.end(), [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '-' || c == '_';
    });
    if (!plan.id.empty() && (!plain || plan.id.size() > 64))
      problems.add(s.node("id")->source(),
                   "migration.id: letters, digits, - and _ only, at most 64, found \"" +
                       escape_line(plan.id) + "\"");
    s.text("tenant", plan.tenant);
    s.number("parallel", plan.parallel, 1, 64);
  }
  read_side(Section(top.table("source"), "source", problems), plan.source);
  read_side(Section(top.table("dest"), "dest", problems), plan.dest);
  {
    Section s(top.table("mailboxes"), "mailboxes", problems);
    std::string csv;
    s.need_text("csv", csv, "the path of mailboxes.csv, relative to this file");
    plan.mailboxes_csv = csv;
    s.texts("pilot", plan.pilot);
  }
  for (const auto* table : top.tables("domain"))
    read_domain(Section(table, "domain", problems), plan.domains.emplace_back());
  {
    Section s(top.table("ttl"), "ttl", problems);
    s.number("lowered", plan.ttl_lowered, 1, 86400);
  }
  {
    Section s(top.table("delta"), "delta", problems);
    s.duration("every", plan.delta_every);
    s.duration("for", plan.delta_for);
    s.duration("max_age", plan.delta_max_age);
  }
  read_copy(Section(top.table("copy"), "copy", problems), plan.copy);
  {
    Section s(top.table("mta_sts"), "mta_sts", problems);
    s.duration("hold", plan.mta_sts_hold);
    s.text("ca_file", plan.mta_sts_ca_file);
  }
  {
    Section s(top.table("monitor"), "monitor", problems);
    s.duration("for", plan.monitor_for);
  }
  {
    Section s(top.table("stragglers"), "stragglers", problems);
    s.duration("every", plan.stragglers_every);
  }
  {
    Section s(top.table("spf"), "spf", problems);
    s.duration("overlap", plan.spf_overlap);
  }
  {
    Section s(top.table("retain"), "retain", problems);
    s.duration("for", plan.retain_for);
  }
  {
    Section s(top.table("approve"), "approve", problems);
    if (const auto* node = s.node("flip")) {
      if (node->value_exact<std::string>() == std::optional<std::string>("auto")) {
        plan.approve_flip = 0;
      } else if (node->value_exact<std::int64_t>() == std::optional<std::int64_t>(1)) {
        plan.approve_flip = 1;
      } else {
        s.wrong(*node, "flip", "\"auto\" or 1");
      }
    }
  }
  {
    Section s(top.table("window"), "window", problems);
    s.text("flip", plan.window);
    if (plan.window != "always")
      problems.add(s.node("flip")->source(),
                   "window.flip: only \"always\" is known to this version, found \"" +
                       escape_line(plan.window) + "\"");
  }
  {
    Section s(top.table("resolve"), "resolve", problems);
    s.texts("root", plan.resolve_root);
    s.texts("resolvers", plan.resolvers);
    s.flag("allow_loopback", plan.allow_loopback);
  }
  {
    Section s(top.table("addresses"), "addresses", problems);
    read_ignored(s, plan);
  }
  {
    Section s(top.table("estimate"), "estimate", problems);
    s.number("line_mbit", plan.line_mbit, 1, 1'000'000);
  }
  {
    Section s(top.table("plugins"), "plugins", problems);
    std::vector<std::string> paths;
    s.texts("path", paths);
    plan.plugins_path.assign(paths.begin(), paths.end());
  }
  read_notice(Section(top.table("notice"), "notice", problems), plan.notice, templates);
  read_alert(Section(top.table("alert"), "alert", problems), plan.alert, plan.notice.enabled());
  for (const auto* table : top.tables("accept")) {
    Section s(table, "accept", problems);
    Accept accept;
    s.need_text("id", accept.id, "a finding's id");
    s.need_text("reason", accept.reason, "why it is accepted");
    plan.accept.push_back(std::move(accept));
  }
}

Result<std::string> read_named(const fs::path& file, const std::string& what) {
  auto text = read_file(file.string());
  if (text) return text;
  auto error = std::move(text).error();
  error.text = "cannot read the " + what + ": " + error.text;
  return fail(
      std::move(error.with_remedy("check the path; it is relative to the folder of plan.toml")));
}

}  // namespace

bool belongs_to(const Mailbox& box, const std::string& domain) {
  const auto part = [](const std::string& address) {
    const auto at = address.rfind('@');
    return at == std::string::npos ? std::string() : lower(address.substr(at + 1));
  };
  return part(box.dest) == domain || part(box.source) == domain;
}

Result<PlanFile> read_plan_file(const fs::path& file) {
  MXF_TRY(text, read_named(file, "plan"));
  PlanFile plan;
  plan.file = fs::absolute(file);
  Problems problems(file.string());
  fs::path templates;
  try {
    const toml::table root = toml::parse(text, file.string());
    read_all(root, plan, templates, problems);
  } catch (const toml::parse_error& e) {
    problems.add(e.source(), std::string("not TOML: ") + std::string(e.description()));
  }
  if (problems.first()) return fail(*problems.first());
  const auto at_top = [&](const std::string& what) {
    return fail(ErrorCode::config, file.string() + ":1:1", what);
  };
  if (plan.domains.empty()) return at_top("expected at least one [[domain]]");
  std::set<std::string> names;
  for (const auto& domain : plan.domains) {
    if (!names.insert(domain.name).second)
      return at_top("the domain \"" + domain.name + "\" stands twice");
    const std::string dotted = domain.name + ".";
    const bool inside = dotted == domain.dns.zone || dotted.ends_with("." + domain.dns.zone);
    if (!inside)
      return at_top("domain " + domain.name + " does not lie in its zone " + domain.dns.zone);
  }
  if (plan.mailboxes_csv.is_relative())
    plan.mailboxes_csv = plan.file.parent_path() / plan.mailboxes_csv;
  MXF_TRY(csv, read_named(plan.mailboxes_csv, "list of mailboxes"));
  MXF_TRY(boxes, parse_mailboxes_csv(csv, plan.mailboxes_csv.string()));
  plan.mailboxes = std::move(boxes);
  for (const auto& pilot : plan.pilot) {
    const bool known =
        std::any_of(plan.mailboxes.begin(), plan.mailboxes.end(),
                    [&](const Mailbox& box) { return box.dest == pilot || box.source == pilot; });
    if (!known)
      return at_top("mailboxes.pilot names \"" + escape_line(pilot) + "\", which is not in " +
                    plan.mailboxes_csv.string());
  }
  std::string inputs = sha256_hex(text) + sha256_hex(csv);
  if (!templates.empty()) {
    MXF_TRY(texts, read_templates(plan.file.parent_path() / templates));
    plan.notice.templates = std::move(texts);
    for (const auto& [name, content] : plan.notice.templates) inputs += name + sha256_hex(content);
  }
  if (!plan.copy.map_file.empty()) {
    plan.copy.map_file = plan.file.parent_path() / plan.copy.map_file;
    MXF_TRY(map, read_named(plan.copy.map_file, "map of folders"));
    inputs += sha256_hex(map);
    plan.copy.map = std::move(map);
  }
  plan.sha256 = sha256_hex(inputs);
  return plan;
}

}  // namespace mxferry::config
