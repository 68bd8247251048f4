// SPDX-License-Identifier: Apache-2.0
#include "pipeline/alert_channels.hpp"

#include <array>

#include "base/escape.hpp"
#include "base/hmac.hpp"
#include "base/subprocess.hpp"
#include "credentials/secret_ref.hpp"
#include "net/http.hpp"
#include "protocol/mime/compose.hpp"

namespace mxferry::pipeline {
namespace {

constexpr auto kCommandLimit = std::chrono::seconds(30);

std::string domain_of(const std::string& address) { return address.substr(address.find('@') + 1); }

class MailChannel final : public AlertChannel {
 public:
  MailChannel(MailPost& post, std::string from, std::vector<std::string> to)
      : post_(post), from_(std::move(from)), to_(std::move(to)) {}
  std::string name() const override { return "mail"; }
  Task<Result<void>> send(Env&, const Alert& alert) override {
    mime::Letter letter;
    letter.from = from_;
    letter.to_name = "operators";
    letter.subject = "mxferry " + alert.migration + ": " + alert.kind + ": " + alert.subject;
    letter.message_id = "alert." + alert.id + "@" + domain_of(from_);
    letter.date = alert.at;
    letter.fields = {{"Auto-Submitted", "auto-generated"}};  // RFC 3834 §5
    letter.text = escape_line(alert.text) + "\n";
    if (!alert.remedy.empty()) letter.text += "\nWhat to do: " + escape_line(alert.remedy) + "\n";
    letter.text += "\nSince " + format_instant(alert.at) + "\n";
    auto done = co_await post_.send(to_, mime::compose(letter));
    if (!done) co_return fail(std::move(done).error());
    if (!done->taken.empty()) co_return Result<void>();
    Error error =
        fail(ErrorCode::refused, "alert mail", "the server takes none of the recipients").error();
    if (!done->refused.empty()) error.remote = done->refused.front().words;
    if (!done->deferred.empty()) error.remote = done->deferred.front().words;
    co_return fail(std::move(error));
  }

 private:
  MailPost& post_;
  std::string from_;
  std::vector<std::string> to_;
};

class Webhook final : public AlertChannel {
 public:
  Webhook(std::string url, std::string ca_file, Secret key)
      : url_(std::move(url)), ca_file_(std::move(ca_file)), key_(std::move(key)) {}
  std::string name() const override { return "webhook"; }
  Task<Result<void>> send(Env& env, const Alert& alert) override {
    net::HttpRequest request;
    request.method = "POST";
    request.url = url_;
    request.body = alert_json(alert);
    request.headers = {{"Content-Type", "application/json"}};
    if (!key_.empty())
      request.headers.push_back({"X-Mxferry-Signature", webhook_signature(key_, request.body)});
    net::HttpTrust trust;
    trust.ca_file = ca_file_;
    net::HttpLimits limits;
    limits.attempts = 1;  // the outbox repeats
    limits.total = std::chrono::seconds(30);
    limits.response_bytes = 1UL << 20U;
    auto work = [request, trust, limits, stop = env.stop]() -> Result<void> {
      net::HttpClient client(trust, limits);
      MXF_TRY(response, client.send(request, stop));
      if (response.code / 100 == 2) return {};
      return fail(ErrorCode::refused, "webhook", "HTTP " + std::to_string(response.code));
    };
    co_return co_await on_worker(env, std::move(work));
  }

 private:
  std::string url_, ca_file_;
  Secret key_;
};

class Command final : public AlertChannel {
 public:
  explicit Command(std::vector<std::string> argv) : argv_(std::move(argv)) {}
  std::string name() const override { return "command"; }
  Task<Result<void>> send(Env& env, const Alert& alert) override {
    SubprocessOptions options;
    options.environment = alert_environment(alert);
    options.limit = kCommandLimit;
    options.output_bytes = 64UL << 10U;
    auto work = [argv = argv_, options, stop = env.stop]() -> Result<void> {
      MXF_TRY(done, run_program(argv, "", options, stop));
      if (done.exit_code == 0) return {};
      Error error =
          fail(ErrorCode::refused, "alert command", "exit code " + std::to_string(done.exit_code))
              .error();
      return fail(std::move(error.with_remote(done.errors.substr(0, 200))));
    };
    co_return co_await on_worker(env, std::move(work));
  }

 private:
  std::vector<std::string> argv_;
};

}  // namespace

std::string webhook_signature(const Secret& key, const std::string& body) {
  return "sha256=" + hex(hmac_sha256(key.reveal(), body));
}

Result<smtp::Submission> submission_of(const config::Notice& notice) {
  smtp::Submission out;
  auto endpoint = smtp::parse_submission_url(notice.smtp);
  if (!endpoint) {
    Error error = endpoint.error();
    error.code = ErrorCode::config;
    return fail(std::move(error));
  }
  out.endpoint = std::move(*endpoint);
  out.endpoint.address = notice.address;
  out.endpoint.ca_file = notice.ca_file;
  out.endpoint.pin = notice.pin;
  out.from = notice.from;
  out.helo = domain_of(notice.from);
  out.user = notice.user;
  if (!notice.secret.empty()) {
    MXF_TRY(secret, resolve_secret(notice.secret));
    out.secret = std::move(secret);
  }
  return out;
}

Task<Result<smtp::Submitted>> SubmissionPost::send(std::vector<std::string> to,
                                                   std::string message) {
  co_return co_await smtp::submit(connector_, submission_, std::move(to), std::move(message));
}

Result<std::vector<std::unique_ptr<AlertChannel>>> alert_channels(const config::PlanFile& file,
                                                                  MailPost* post) {
  std::vector<std::unique_ptr<AlertChannel>> out;
  const auto& alert = file.alert;
  if (!alert.mail.empty() && post != nullptr)
    out.push_back(std::make_unique<MailChannel>(*post, file.notice.from, alert.mail));
  if (!alert.webhook.empty()) {
    MXF_TRY(target, net::parse_http_url(alert.webhook));
    if (target.scheme != "https" && !target.loopback())
      return fail(ErrorCode::config, "alert.webhook",
                  "expected https://…: plain http is for loopback alone");
    Secret key;
    if (!alert.webhook_secret.empty()) {
      MXF_TRY(secret, resolve_secret(alert.webhook_secret));
      key = std::move(secret);
    }
    out.push_back(std::make_unique<Webhook>(alert.webhook, alert.webhook_ca_file, std::move(key)));
  }
  if (!alert.command.empty()) out.push_back(std::make_unique<Command>(alert.command));
  return out;
}

}  // namespace mxferry::pipeline
