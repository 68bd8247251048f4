// SPDX-License-Identifier: Apache-2.0
#include "plugin/host.hpp"

#include <sys/random.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/crash_point.hpp"
#include "base/escape.hpp"
#include "base/log.hpp"
#include "base/redact.hpp"
#include "plugin/secret_fields.hpp"

namespace mxferry::plugin {
namespace {

constexpr std::size_t kMaxErrorText = 16 * 1024;

// Header names compare without case (RFC 9110 §5.1).
bool is_content_type(std::string_view name) {
  constexpr std::string_view kName = "content-type";
  return std::equal(name.begin(), name.end(), kName.begin(), kName.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

std::string text_up_to(mxf_str s, std::size_t limit) {
  return to_text({s.data, std::min(s.len, limit)});
}

}  // namespace

ErrorCode code_of(mxf_status status) {
  switch (status) {
    case MXF_UNSUPPORTED:
      return ErrorCode::unsupported;
    case MXF_CANCELLED:
      return ErrorCode::cancelled;
    case MXF_NOT_FOUND:
      return ErrorCode::not_found;
    case MXF_EXISTS:
      return ErrorCode::exists;
    case MXF_AUTH:
      return ErrorCode::auth;
    case MXF_DENIED:
      return ErrorCode::denied;
    case MXF_INVALID:
      return ErrorCode::refused;
    case MXF_CONFLICT:
      return ErrorCode::conflict;
    case MXF_RATE_LIMITED:
      return ErrorCode::rate_limited;
    case MXF_QUOTA:
      return ErrorCode::quota;
    case MXF_NETWORK:
      return ErrorCode::network;
    case MXF_TIMEOUT:
      return ErrorCode::timeout;
    case MXF_REMOTE:
      return ErrorCode::protocol;
    default:
      return ErrorCode::plugin;
  }
}

mxf_status status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::unsupported:
      return MXF_UNSUPPORTED;
    case ErrorCode::cancelled:
      return MXF_CANCELLED;
    case ErrorCode::not_found:
      return MXF_NOT_FOUND;
    case ErrorCode::exists:
      return MXF_EXISTS;
    case ErrorCode::auth:
      return MXF_AUTH;
    case ErrorCode::denied:
      return MXF_DENIED;
    case ErrorCode::conflict:
      return MXF_CONFLICT;
    case ErrorCode::rate_limited:
      return MXF_RATE_LIMITED;
    case ErrorCode::quota:
      return MXF_QUOTA;
    case ErrorCode::network:
    case ErrorCode::tls:
    case ErrorCode::io:
      return MXF_NETWORK;
    case ErrorCode::timeout:
      return MXF_TIMEOUT;
    case ErrorCode::config:
    case ErrorCode::usage:
      return MXF_INVALID;
    case ErrorCode::plugin:
      return MXF_PLUGIN_BUG;
    default:
      return MXF_REMOTE;
  }
}

// The C functions of the table; each finds its session in `self`. Nothing throws out of them.
struct HostSession::Table {
  static HostSession& self(const mxf_host* h) { return *static_cast<HostSession*>(h->self); }

  template <class Body>
  static mxf_status guarded(const mxf_host* h, Body body) noexcept {
    try {
      auto& s = self(h);
      if (s.stop_.stop_requested())
        return s.record(MXF_CANCELLED, Error{ErrorCode::cancelled, s.operation_, "cancelled"});
      return body(s);
    } catch (...) {  // out of memory
      return MXF_REMOTE;
    }
  }

  static mxf_status fail(const mxf_host* h, const mxf_error* e) {
    return guarded(h, [&](HostSession& s) -> mxf_status {
      if (e == nullptr || !MXF_HAS(e, mxf_error, remote_text)) return MXF_PLUGIN_BUG;
      Error error;
      error.code = code_of(e->status);
      error.text = text_up_to(e->text, kMaxErrorText);
      if (const auto native = text_up_to(e->native_code, 200); !native.empty())
        error.text += " [" + native + "]";
      error.remote = text_up_to(e->remote_text, kMaxErrorText);
      if (e->retry_after_ms >= 0)
        error.with_retry(Retry::later, std::chrono::milliseconds(e->retry_after_ms));
      return s.record(e->status == MXF_OK ? MXF_PLUGIN_BUG : e->status, std::move(error));
    });
  }
  static mxf_status http(const mxf_host* h, const mxf_http_request* q, mxf_http_response* r) {
    return guarded(h, [&](HostSession& s) { return s.http(q, r); });
  }
  static mxf_status config(const mxf_host* h, const char* pointer, mxf_str* out) {
    return guarded(h, [&](HostSession& s) -> mxf_status {
      const std::string_view p = pointer == nullptr ? "" : pointer;
      if (p.empty() || p.front() != '/') return MXF_INVALID;
      const auto it = s.config_.find(std::string(p.substr(1)));
      if (it == s.config_.end()) return MXF_NOT_FOUND;
      *out = s.keep(it->second);
      return MXF_OK;
    });
  }
  static mxf_status secret(const mxf_host* h, const char* name, mxf_str* out) {
    return guarded(h, [&](HostSession& s) -> mxf_status {
      const auto it = s.secrets_.find(name == nullptr ? "" : name);
      if (it == s.secrets_.end())
        return s.record(MXF_INVALID, Error{ErrorCode::config, "",
                                           "there is no secret \"" +
                                               std::string(name == nullptr ? "" : name) + "\""});
      *out = s.keep(std::string(it->second.reveal()));
      return MXF_OK;
    });
  }
  static mxf_status random(const mxf_host* h, void* out, std::size_t len) {
    return guarded(h, [&](HostSession& s) -> mxf_status {
      auto* bytes = static_cast<unsigned char*>(out);
      if (s.options_.seed) {
        for (std::size_t i = 0; i < len; ++i) bytes[i] = static_cast<unsigned char>(s.seeded_());
        return MXF_OK;
      }
      for (std::size_t at = 0; at < len;) {
        const auto n = ::getrandom(bytes + at, len - at, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return s.record(MXF_REMOTE, Error{ErrorCode::io, "", "getrandom failed"});
        at += static_cast<std::size_t>(n);
      }
      return MXF_OK;
    });
  }
  static std::int64_t now_ms(const mxf_host* h) {
    auto& s = self(h);
    const Clock& clock = s.options_.clock != nullptr ? *s.options_.clock : s.system_clock_;
    return clock.now().time_since_epoch().count();
  }
  static std::int32_t cancelled(const mxf_host* h) {
    return self(h).stop_.stop_requested() ? 1 : 0;
  }
  static void progress(const mxf_host* h, std::uint64_t done, std::uint64_t total) {
    (void)guarded(h, [&](HostSession& s) -> mxf_status {
      log::write(log::Level::trace, "plugin_progress",
                 {{"plugin", s.manifest_.id},
                  {"operation", s.operation_},
                  {"done", done},
                  {"total", total}});
      return MXF_OK;
    });
  }
  static void log_line(const mxf_host* h, std::int32_t level, mxf_str text) {
    (void)guarded(h, [&](HostSession& s) -> mxf_status {
      const auto l = level <= MXF_LOG_DEBUG  ? log::Level::debug
                     : level == MXF_LOG_INFO ? log::Level::info
                     : level == MXF_LOG_WARN ? log::Level::warn
                                             : log::Level::error;
      log::write(l, "plugin",
                 {{"plugin", s.manifest_.id},
                  {"operation", s.operation_},
                  {"text", s.redact(text_up_to(text, kMaxErrorText))}});
      return MXF_OK;
    });
  }
  static mxf_status send(const mxf_host* h, const mxf_exchange_request* q,
                         std::int32_t (*answer)(void*, mxf_str), void* ctx) {
    return guarded(h, [&](HostSession& s) { return s.exchange(q, answer, ctx); });
  }
  static mxf_status read(const mxf_host* h, mxf_str path, mxf_str* out) {
    return guarded(h, [&](HostSession& s) { return s.read_file(to_text(path), out); });
  }
  static mxf_status edit(const mxf_host* h, mxf_str path,
                         std::int32_t (*change)(void*, mxf_str, mxf_str*), void* ctx) {
    return guarded(h, [&](HostSession& s) { return s.edit_file(to_text(path), change, ctx); });
  }
  static mxf_status imap(const mxf_host* h, const mxf_str* parts, std::size_t count,
                         void (*line)(void*, mxf_str), void* ctx) {
    return guarded(h, [&](HostSession& s) { return s.imap_command(parts, count, line, ctx); });
  }
  static mxf_status run(const mxf_host* h, const mxf_str* argv, std::size_t argc, mxf_str input,
                        std::uint32_t timeout_ms, mxf_exec_result* r) {
    return guarded(h, [&](HostSession& s) { return s.exec(argv, argc, input, timeout_ms, r); });
  }
  static const void* extension(const mxf_host* h, const char* id) {
    static constexpr mxf_imap kImap{sizeof(mxf_imap), 0, imap};
    static constexpr mxf_exec kExec{sizeof(mxf_exec), 0, run};
    static constexpr mxf_exchange kExchange{sizeof(mxf_exchange), 0, send};
    static constexpr mxf_file kFile{sizeof(mxf_file), 0, read, edit};
    const std::string_view name = id == nullptr ? "" : id;
    if (name == MXF_EXT_EXCHANGE) return &kExchange;
    if (name == MXF_EXT_FILE) return &kFile;
    if (name == MXF_EXT_EXEC) return &kExec;
    if (name == MXF_EXT_IMAP && self(h).options_.imap) return &kImap;
    return nullptr;
  }
};

HostSession::HostSession(const Manifest& manifest, Config config, Secrets secrets,
                         HostOptions options)
    : manifest_(manifest),
      config_(std::move(config)),
      secrets_(std::move(secrets)),
      options_(std::move(options)),
      seeded_(options_.seed.value_or(0)) {
  abi_.size = sizeof abi_;
  abi_.abi_major = MXF_ABI_MAJOR;
  abi_.abi_minor = MXF_ABI_MINOR;
  abi_.self = this;
  abi_.extension = Table::extension;
  abi_.fail = Table::fail;
  abi_.http = Table::http;
  abi_.config = Table::config;
  abi_.secret = Table::secret;
  abi_.random = Table::random;
  abi_.now_ms = Table::now_ms;
  abi_.cancelled = Table::cancelled;
  abi_.progress = Table::progress;
  abi_.log = Table::log_line;
}

HostSession::~HostSession() { begin({}, {}); }

void HostSession::begin(std::string operation, std::stop_token stop) {
  for (auto& text : kept_) wipe(text);
  kept_.clear();
  kept_headers_.clear();
  operation_ = std::move(operation);
  stop_ = std::move(stop);
  error_.reset();
  error_status_ = MXF_OK;
}

mxf_status HostSession::record(mxf_status status, Error error) {
  error_ = std::move(error);
  error_status_ = status;
  return status;
}

Error HostSession::error_for(mxf_status status) {
  Error error = error_ ? *error_ : Error{code_of(status), "", "it failed without saying why"};
  // A plugin may answer another status than the host call it made: the plugin's counts.
  if (!error_ || error_status_ != status) error.code = code_of(status);
  if (stop_.stop_requested()) error.code = ErrorCode::cancelled;
  const std::string where = "plugin " + manifest_.id + ": " + operation_;
  error.operation = error.operation.empty() ? where : where + ": " + redact(error.operation);
  error.text = redact(std::move(error.text));
  error.remote = redact(std::move(error.remote));
  return error;
}

Error HostSession::bug(std::string what) {
  return Error{ErrorCode::plugin, "plugin " + manifest_.id + ": " + operation_,
               redact(std::move(what))};
}

void HostSession::lend_secret(const std::string& name, Secret value) {
  secrets_[name] = std::move(value);
}
void HostSession::return_secret(const std::string& name) { secrets_.erase(name); }

mxf_str HostSession::keep(std::string text) {
  kept_.push_back(std::move(text));
  return to_str(kept_.back());
}

std::string HostSession::redact(std::string text) const {
  for (const auto& [name, secret] : secrets_)
    text = mxferry::redact(std::move(text), secret, "[secret " + name + "]");
  return text;
}

std::string HostSession::config_value(const std::string& name) const {
  const auto it = config_.find(name);
  return it == config_.end() ? std::string() : it->second;
}

bool HostSession::is_setting_of(const char* type, const std::string& value) const {
  return std::any_of(manifest_.config.begin(), manifest_.config.end(), [&](const Setting& s) {
    return s.type == type && !value.empty() && config_value(s.name) == value;
  });
}

Result<void> HostSession::check_host(const net::HttpTarget& target) const {
  for (const auto& host : manifest_.hosts)
    if (target.scheme == "https" && target.port == 443 && target.host == host) return {};
  for (const auto& setting : manifest_.config) {
    if (setting.type != "url") continue;
    const auto allowed = net::parse_http_url(config_value(setting.name));
    if (allowed && allowed->scheme == target.scheme && allowed->host == target.host &&
        allowed->port == target.port)
      return {};
  }
  return fail(ErrorCode::plugin, "",
              "it asked for " + target.scheme + "://" + target.host + ":" +
                  std::to_string(target.port) +
                  ", which neither its manifest nor its settings name");
}

// Spreads requests so that requests_per_minute holds.
Result<void> HostSession::pace() {
  if (manifest_.limits.requests_per_minute == 0 || options_.http) return {};
  const auto now = std::chrono::steady_clock::now();
  if (now < next_request_) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    wake.wait_until(lock, stop_, next_request_, [&] { return stop_.stop_requested(); });
    if (stop_.stop_requested()) return fail(ErrorCode::cancelled, "", "cancelled");
  }
  next_request_ = std::max(now, next_request_) +
                  std::chrono::milliseconds(60'000 / manifest_.limits.requests_per_minute);
  return {};
}

mxf_status HostSession::http(const mxf_http_request* q, mxf_http_response* r) {
  if (q == nullptr || r == nullptr || !MXF_HAS(q, mxf_http_request, body) ||
      !MXF_HAS(r, mxf_http_response, header_count))
    return record(MXF_PLUGIN_BUG, Error{ErrorCode::plugin, "", "http: a structure is too small"});
  net::HttpRequest request;
  // Filled values are wiped on every way out.
  struct Wiper {
    net::HttpRequest& request;
    ~Wiper() {
      wipe(request.url);
      wipe(request.body);
      for (auto& h : request.headers) wipe(h.value);
    }
  } const wiper{request};
  const auto prepare = [&]() -> Result<void> {
    request.method = to_text(q->method);
    request.shown = to_text(q->url);
    request.idempotent = q->idempotent != 0;
    if (const auto query = request.shown.find('?'); query != std::string::npos)
      request.shown.resize(query);
    const SecretFields secrets(manifest_, secrets_);
    MXF_TRY(url, secrets.url(to_text(q->url)));
    request.url = std::move(url);
    std::string content_type;
    for (std::size_t i = 0; i < q->header_count; ++i) {
      const auto name = to_text(q->headers[i].name);
      MXF_TRY(value, secrets.header(to_text(q->headers[i].value)));
      if (is_content_type(name)) content_type = value;
      request.headers.push_back({name, std::move(value)});
    }
    MXF_TRY(body, secrets.body(to_text(q->body), content_type));
    request.body = std::move(body);
    MXF_TRY(target, net::parse_http_url(request.url));
    MXF_CHECK(check_host(target));
    const bool plaintext =
        config_value(kAllowPlaintext) == target.host + ":" + std::to_string(target.port);
    if (!client_ || plaintext != client_allows_plaintext_) {
      net::HttpTrust trust;
      trust.ca_file = config_value(kCaFile);
      trust.pin = config_value(kPin);
      trust.allow_plaintext = plaintext;
      net::HttpLimits limits;
      limits.total = manifest_.limits.http_timeout;
      limits.response_bytes = manifest_.limits.response_bytes;
      client_ = std::make_unique<net::HttpClient>(std::move(trust), limits);
      client_allows_plaintext_ = plaintext;
    }
    return pace();
  };
  if (auto prepared = prepare(); !prepared)
    return record(status_of(prepared.error().code), std::move(prepared).error());
  auto response = options_.http ? options_.http(request) : client_->send(request, stop_);
  crash_point("plugin.answered");
  if (!response) return record(status_of(response.error().code), std::move(response).error());
  r->code = response->code;
  r->body = keep(std::move(response->body));
  auto& headers = kept_headers_.emplace_back();
  for (auto& h : response->headers) {
    const auto name = keep(std::move(h.name));
    headers.push_back({name, keep(std::move(h.value))});
  }
  r->headers = headers.data();
  r->header_count = headers.size();
  return MXF_OK;
}

}  // namespace mxferry::plugin
