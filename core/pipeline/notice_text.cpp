// SPDX-License-Identifier: Apache-2.0
#include "pipeline/notice_text.hpp"

#include <sstream>

#include "imap/account.hpp"

namespace mxferry::pipeline {
namespace {

// An SRV record as a person types it in (RFC 6186, RFC 8314): "_imaps._tcp" "0 1 993 host." ->
// "Incoming mail (IMAP): host, port 993, TLS".
std::string srv_setting(const std::string& name, const std::string& data) {
  struct Service {
    const char* label;
    const char* words;
    const char* security;
  };
  static const std::map<std::string, Service> services = {
      {"_imaps", {"_imaps", "Incoming mail (IMAP)", "TLS"}},
      {"_imap", {"_imap", "Incoming mail (IMAP)", "STARTTLS"}},
      {"_submissions", {"_submissions", "Outgoing mail (SMTP)", "TLS"}},
      {"_submission", {"_submission", "Outgoing mail (SMTP)", "STARTTLS"}},
      {"_pop3s", {"_pop3s", "Incoming mail (POP3)", "TLS"}}};
  const auto service = services.find(name.substr(0, name.find('.')));
  std::istringstream words(data);
  std::string priority, weight, port, host;
  words >> priority >> weight >> port >> host;
  if (service == services.end() || host.empty() || host == ".") return "";
  if (host.ends_with('.')) host.pop_back();
  return std::string(service->second.words) + ": " + host + ", port " + port + ", " +
         service->second.security;
}

// "2 days", "36 hours": for letters.
std::string spelled(Millis d) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(d).count();
  const auto of = [](std::int64_t n, const char* unit) {
    return std::to_string(n) + " " + unit + (n == 1 ? "" : "s");
  };
  if (minutes % (24 * 60) == 0 && minutes > 0) return of(minutes / (24 * 60), "day");
  return minutes % 60 == 0 && minutes > 0 ? of(minutes / 60, "hour") : of(minutes, "minute");
}

}  // namespace

Result<config::TemplateValues> notice_values(const config::PlanFile& file, const Plan& plan,
                                             const std::string& domain) {
  using config::TemplateValue;
  MXF_TRY(dest, imap::parse_mail_url(file.dest.endpoint, imap::UserPart::none));
  MXF_TRY(source, imap::parse_mail_url(file.source.endpoint, imap::UserPart::none));
  const std::string port = std::to_string(dest.endpoint.port);
  const std::string security = dest.endpoint.security == net::Security::tls ? "TLS" : "STARTTLS";
  std::vector<std::string> settings = {"Incoming mail (IMAP): " + dest.endpoint.host + ", port " +
                                       port + ", " + security};
  std::vector<std::string> mailboxes;
  for (const auto& d : file.domains) {
    if (d.name != domain) continue;
    for (const auto& record : d.client) {
      if (record.type != "SRV") continue;
      for (const auto& data : record.data) {
        const auto setting = srv_setting(record.name, data);
        if (!setting.empty() && setting != settings.front()) settings.push_back(setting);
      }
    }
  }
  for (const auto& box : file.mailboxes)
    if (config::belongs_to(box, domain)) mailboxes.push_back(box.dest);
  config::TemplateValues out;
  out["contact"] = TemplateValue::of(file.notice.from);
  out["domain"] = TemplateValue::of(domain);
  out["imap_port"] = TemplateValue::of(port);
  out["imap_security"] = TemplateValue::of(security);
  out["imap_server"] = TemplateValue::of(dest.endpoint.host);
  out["lead"] = TemplateValue::of(spelled(file.notice.lead));
  out["mailboxes"] = TemplateValue::of(std::move(mailboxes));
  out["migration"] = TemplateValue::of(plan.id);
  out["not_moved"] = TemplateValue::of(plan.not_moved);
  out["old_server"] = TemplateValue::of(source.endpoint.host);
  out["plan"] = TemplateValue::of(plan.hash.substr(0, 16));
  out["settings"] = TemplateValue::of(std::move(settings));
  return out;
}

Result<NoticeText> notice_text(const config::PlanFile& file, const Plan& plan,
                               const std::string& name, const std::string& domain) {
  MXF_TRY(values, notice_values(file, plan, domain));
  const auto source = [&](const std::string& file_name) {
    const auto own = file.notice.templates.find(file_name);
    return own == file.notice.templates.end() ? builtin_template(file_name) : own->second;
  };
  MXF_TRY(text, config::render_template(source(name + ".txt"), values, false));
  MXF_TRY(html, config::render_template(source(name + ".html"), values, true));
  constexpr std::string_view kSubject = "Subject: ";
  const auto end = text.find('\n');
  if (!text.starts_with(kSubject) || end == std::string::npos)
    return fail(ErrorCode::internal, "notice " + name, "a template without its subject");
  NoticeText out;
  out.subject = text.substr(kSubject.size(), end - kSubject.size());
  const auto body = text.find_first_not_of('\n', end);
  if (body != std::string::npos) out.text = text.substr(body);
  out.html = std::move(html);
  return out;
}

}  // namespace mxferry::pipeline
