// SPDX-License-Identifier: Apache-2.0
// The C++20 face of abi.h for plugin authors, header only: derive from DnsPlugin or ProviderPlugin,
// override what the API can do, and name the class in MXF_DNS_PLUGIN or MXF_PROVIDER_PLUGIN. What
// is not overridden is unsupported. An exception that leaves a method is caught and reported as
// MXF_PLUGIN_BUG; the host lives. Thread rule of abi.h: one operation at a time per object.
#pragma once

#include <mxferry/abi.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mxferry/result.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mxferry::sdk {

/// Why an operation failed: the members of mxf_error.
struct Failure {
  mxf_status status = MXF_REMOTE;
  std::string text;
  std::string native_code{};
  std::string remote{};
  std::optional<std::chrono::milliseconds> retry_after{};
  bool recorded = false;  // a host call failed and the host knows why

  Failure& with_code(std::string code) {
    native_code = std::move(code);
    return *this;
  }
  Failure& with_remote(std::string words) {
    remote = std::move(words);
    return *this;
  }
};
template <class T = void>
using Result = BasicResult<T, Failure>;

/// `return fail(MXF_INVALID, "…");`
inline Unexpected<Failure> fail(mxf_status status, std::string text, std::string remote = {},
                                std::string native_code = {}) {
  Failure why;
  why.status = status;
  why.text = std::move(text);
  why.remote = std::move(remote);
  why.native_code = std::move(native_code);
  return Unexpected<Failure>(std::move(why));
}
inline Unexpected<Failure> fail(Failure why) { return Unexpected<Failure>(std::move(why)); }

inline mxf_str str(std::string_view text) { return mxf_str{text.data(), text.size()}; }
inline std::string_view view(mxf_str s) {
  return s.len == 0 ? std::string_view() : std::string_view(s.data, s.len);
}
inline std::string text(mxf_str s) { return std::string(view(s)); }

struct Header {
  std::string name, value;
};
struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<Header> headers{};
  std::string body{};
  bool idempotent = false;
};
struct HttpResponse {
  unsigned code = 0;
  std::vector<Header> headers{};  // names in lower case
  std::string body{};
  std::string_view header(std::string_view name) const {
    for (const auto& h : headers)
      if (h.name == name) return h.value;
    return {};
  }
};
struct ExecResult {
  int exit_code = 0;
  std::string output{}, errors{};
};

struct Record {
  std::string rdata;
  std::string id{};
  std::string extra{};
};
struct RRset {
  std::string name, type;
  std::uint32_t ttl = 0;
  std::string etag{};
  std::vector<Record> records{};
};
struct Zone {
  std::string name;
  std::string id{}, etag{};
  std::uint32_t min_ttl = 0;
  std::vector<std::string> name_servers{};
};
struct Change {
  std::optional<RRset> before, after;
  const RRset& any() const { return after ? *after : *before; }
};
enum class Applied : std::int32_t {
  none = MXF_APPLIED_NONE,
  all = MXF_APPLIED_ALL,
  partial = MXF_APPLIED_PARTIAL,
  unknown = MXF_APPLIED_UNKNOWN
};
/// What apply() did. With `why` set the operation failed, and `applied` says how far it had come.
struct ApplyOutcome {
  Applied applied = Applied::all;
  std::vector<std::string> change_ids{};
  std::optional<Failure> why{};
};

struct Account {
  std::string address;
  std::string display_name{};
  bool disabled = false;
  std::vector<std::string> aliases{};
  std::optional<std::int64_t> quota_bytes{}, used_bytes{};
};
struct AclEntry {
  std::string identifier, rights;
};

/// The host's services. Cheap to copy; valid as long as the plugin object it was given to.
class Host {
 public:
  explicit Host(const mxf_host* h) : h_(h) {}

  /// Any HTTP status is a value here; a failure means that no answer came.
  Result<HttpResponse> http(const HttpRequest& request) const {
    std::vector<mxf_header> headers;
    for (const auto& h : request.headers) headers.push_back({str(h.name), str(h.value)});
    mxf_http_request q{};
    q.size = sizeof q;
    q.idempotent = request.idempotent ? 1 : 0;
    q.method = str(request.method);
    q.url = str(request.url);
    q.headers = headers.data();
    q.header_count = headers.size();
    q.body = str(request.body);
    mxf_http_response r{};
    r.size = sizeof r;
    if (h_->http == nullptr) return missing("http");
    if (const auto status = h_->http(h_, &q, &r); status != MXF_OK) return recorded(status);
    HttpResponse out;
    out.code = r.code;
    out.body = text(r.body);
    for (std::size_t i = 0; i < r.header_count; ++i)
      out.headers.push_back({text(r.headers[i].name), text(r.headers[i].value)});
    return out;
  }
  /// A setting's value, or its default; nothing if it has neither.
  std::optional<std::string> config(const std::string& name) const {
    mxf_str out{};
    if (h_->config == nullptr || h_->config(h_, ("/" + name).c_str(), &out) != MXF_OK) return {};
    return text(out);
  }
  std::string config_or(const std::string& name, std::string fallback) const {
    auto value = config(name);
    return value ? *std::move(value) : std::move(fallback);
  }
  /// To sign or hash with. In a request write ${secret:NAME} instead.
  Result<std::string> secret(const std::string& name) const {
    mxf_str out{};
    if (h_->secret == nullptr) return missing("secret");
    if (const auto status = h_->secret(h_, name.c_str(), &out); status != MXF_OK)
      return recorded(status);
    return text(out);
  }
  Result<std::string> random(std::size_t bytes) const {
    std::string out(bytes, '\0');
    if (h_->random == nullptr) return missing("random");
    if (const auto status = h_->random(h_, out.data(), out.size()); status != MXF_OK)
      return recorded(status);
    return out;
  }
  std::int64_t now_ms() const { return h_->now_ms == nullptr ? 0 : h_->now_ms(h_); }
  bool cancelled() const { return h_->cancelled != nullptr && h_->cancelled(h_) != 0; }
  void progress(std::uint64_t done, std::uint64_t total) const {
    if (h_->progress != nullptr) h_->progress(h_, done, total);
  }
  void log(std::int32_t level, std::string_view line) const {
    if (h_->log != nullptr) h_->log(h_, level, str(line));
  }

  /// One DNS message out; `answer` gets each message back and returns true to wait for another.
  Result<void> exchange(const std::string& server, bool stream, std::string_view message,
                        const std::function<bool(std::string_view)>& answer) const {
    const auto* ext = extension<mxf_exchange>(MXF_EXT_EXCHANGE);
    if (ext == nullptr || ext->send == nullptr) return missing(MXF_EXT_EXCHANGE);
    mxf_exchange_request q{};
    q.size = sizeof q;
    q.stream = stream ? 1 : 0;
    q.server = str(server);
    q.message = str(message);
    Sink sink{&answer, {}};
    const auto status = ext->send(
        h_, &q,
        [](void* ctx, mxf_str m) -> std::int32_t {
          auto& s = *static_cast<Sink*>(ctx);
          try {
            return (*s.answer)(view(m)) ? 1 : 0;
          } catch (...) {
            s.thrown = std::current_exception();
            return 0;
          }
        },
        &sink);
    if (sink.thrown) std::rethrow_exception(sink.thrown);
    if (status != MXF_OK) return recorded(status);
    return {};
  }

  Result<std::string> read_file(const std::string& path) const {
    const auto* ext = extension<mxf_file>(MXF_EXT_FILE);
    if (ext == nullptr || ext->read == nullptr) return missing(MXF_EXT_FILE);
    mxf_str out{};
    if (const auto status = ext->read(h_, str(path), &out); status != MXF_OK)
      return recorded(status);
    return text(out);
  }
  /// `change` gets the content and returns the new one, or nothing to leave the file alone. Locked,
  /// written beside it, fsynced and renamed by the host.
  Result<void> edit_file(
      const std::string& path,
      const std::function<std::optional<std::string>(std::string_view)>& change) const {
    const auto* ext = extension<mxf_file>(MXF_EXT_FILE);
    if (ext == nullptr || ext->edit == nullptr) return missing(MXF_EXT_FILE);
    Edit edit{&change, {}, {}};
    const auto status = ext->edit(
        h_, str(path),
        [](void* ctx, mxf_str before, mxf_str* after) -> std::int32_t {
          auto& e = *static_cast<Edit*>(ctx);
          try {
            e.after = (*e.change)(view(before));
          } catch (...) {
            e.thrown = std::current_exception();
          }
          if (!e.after) return 0;
          *after = str(*e.after);
          return 1;
        },
        &edit);
    if (edit.thrown) std::rethrow_exception(edit.thrown);
    if (status != MXF_OK) return recorded(status);
    return {};
  }

  /// An administrator's IMAP command: texts and strings in turn, as {"CREATE ", "user/ann"}. Gives
  /// the untagged answers.
  Result<std::vector<std::string>> imap(const std::vector<std::string>& parts) const {
    const auto* ext = extension<mxf_imap>(MXF_EXT_IMAP);
    if (ext == nullptr || ext->command == nullptr) return missing(MXF_EXT_IMAP);
    std::vector<mxf_str> texts;
    for (const auto& part : parts) texts.push_back(str(part));
    std::vector<std::string> lines;
    const auto status = ext->command(
        h_, texts.data(), texts.size(),
        [](void* ctx, mxf_str line) { static_cast<std::vector<std::string>*>(ctx)->push_back(text(line)); },
        &lines);
    if (status != MXF_OK) return recorded(status);
    return lines;
  }

  /// A program that a setting of type program names; `input` is its standard input.
  Result<ExecResult> exec(const std::vector<std::string>& argv, std::string_view input,
                          std::chrono::milliseconds limit) const {
    const auto* ext = extension<mxf_exec>(MXF_EXT_EXEC);
    if (ext == nullptr || ext->run == nullptr) return missing(MXF_EXT_EXEC);
    std::vector<mxf_str> args;
    for (const auto& a : argv) args.push_back(str(a));
    mxf_exec_result r{};
    r.size = sizeof r;
    const auto status = ext->run(h_, args.data(), args.size(), str(input),
                                 static_cast<std::uint32_t>(limit.count()), &r);
    if (status != MXF_OK) return recorded(status);
    return ExecResult{r.exit_code, text(r.output), text(r.errors)};
  }

  const mxf_host* raw() const { return h_; }

 private:
  struct Sink {
    const std::function<bool(std::string_view)>* answer;
    std::exception_ptr thrown;
  };
  struct Edit {
    const std::function<std::optional<std::string>(std::string_view)>* change;
    std::optional<std::string> after;
    std::exception_ptr thrown;
  };
  template <class Table>
  const Table* extension(const char* id) const {
    return h_->extension == nullptr ? nullptr : static_cast<const Table*>(h_->extension(h_, id));
  }
  static Unexpected<Failure> recorded(mxf_status status) {
    Failure why;
    why.status = status;
    why.recorded = true;
    return Unexpected<Failure>(std::move(why));
  }
  static Unexpected<Failure> missing(const char* what) {
    return fail(MXF_UNSUPPORTED, std::string("the host does not offer ") + what);
  }
  const mxf_host* h_;
};

/// Settings are read in start(); it makes no request. Everything else is one operation.
class Plugin {
 public:
  explicit Plugin(Host host) : host_(host) {}
  virtual ~Plugin() = default;
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;
  virtual Result<void> start() { return {}; }
  const Host& host() const { return host_; }

 protected:
  static Unexpected<Failure> unsupported(const char* what) {
    return fail(MXF_UNSUPPORTED, std::string("this plugin cannot ") + what);
  }

 private:
  Host host_;
};

class DnsPlugin : public Plugin {
 public:
  using Plugin::Plugin;
  virtual Result<std::vector<Zone>> list_zones() { return unsupported("list zones"); }
  virtual Result<Zone> describe_zone(const std::string&) { return unsupported("describe a zone"); }
  virtual Result<std::vector<RRset>> list_records(const std::string& zone) = 0;
  /// A failed Result means that nothing is known to be written or not (MXF_APPLIED_UNKNOWN); say
  /// more with ApplyOutcome::why.
  virtual Result<ApplyOutcome> apply(const std::string&, const std::vector<Change>&) {
    return unsupported("write records");
  }
  virtual Result<bool> change_live(const std::string&, const std::string&) { return true; }
};

class ProviderPlugin : public Plugin {
 public:
  using Plugin::Plugin;
  virtual Result<std::vector<Account>> list_accounts(const std::string&) {
    return unsupported("list accounts");
  }
  virtual Result<void> ensure_account(const Account&, const std::string&) {
    return unsupported("create accounts");
  }
  virtual Result<void> ensure_aliases(const Account&) { return unsupported("set aliases"); }
  virtual Result<void> ensure_quota(const Account&) { return unsupported("set quotas"); }
  virtual Result<void> ensure_folders(const std::string&, const std::vector<std::string>&, bool) {
    return unsupported("create folders");
  }
  virtual Result<void> ensure_acl(const std::string&, const std::string&,
                                  const std::vector<AclEntry>&) {
    return unsupported("set access lists");
  }
  virtual Result<bool> ready(const std::string&) { return unsupported("tell readiness"); }
  virtual Result<void> remove_account(const std::string&) { return unsupported("remove accounts"); }
  /// The token and the Unix time in milliseconds at which it expires.
  virtual Result<std::pair<std::string, std::int64_t>> token(const std::string&) {
    return unsupported("give tokens");
  }
};

namespace detail {

inline mxf_status report(const mxf_host* h, const Failure& why) {
  if (why.recorded || h->fail == nullptr) return why.status;
  mxf_error e{};
  e.size = sizeof e;
  e.status = why.status == MXF_OK ? MXF_PLUGIN_BUG : why.status;
  e.retry_after_ms = why.retry_after ? why.retry_after->count() : -1;
  e.native_code = str(why.native_code);
  e.text = str(why.text);
  e.remote_text = str(why.remote);
  return h->fail(h, &e);
}

/// Runs one operation; nothing leaves it but a status.
template <class Body>
mxf_status guarded(const mxf_host* h, Body body) noexcept {
  try {
    return body();
  } catch (const std::exception& e) {
    try {
      return report(h, Failure{MXF_PLUGIN_BUG, std::string("exception: ") + e.what()});
    } catch (...) {
      return MXF_PLUGIN_BUG;
    }
  } catch (...) {
    try {
      return report(h, Failure{MXF_PLUGIN_BUG, "an exception of unknown type"});
    } catch (...) {
      return MXF_PLUGIN_BUG;
    }
  }
}

template <class Class>
mxf_status open(const mxf_host* h, void** session) noexcept {
  return guarded(h, [&]() -> mxf_status {
    auto plugin = std::make_unique<Class>(Host(h));
    if (auto started = plugin->start(); !started) return report(h, started.error());
    *session = plugin.release();
    return MXF_OK;
  });
}
template <class Class>
void close(void* session) noexcept {
  try {
    const std::unique_ptr<Class> owner(static_cast<Class*>(session));
  } catch (...) {  // a destructor that throws: there is nobody left to tell
  }
}
template <class Class, class Body>
mxf_status run(void* session, Body body) noexcept {
  auto& plugin = *static_cast<Class*>(session);
  const mxf_host* h = plugin.host().raw();
  return guarded(h, [&]() -> mxf_status {
    auto result = body(plugin);
    return result ? MXF_OK : report(h, result.error());
  });
}

inline std::optional<RRset> copy(const mxf_rrset* s) {
  if (s == nullptr) return {};
  RRset out{text(s->name), text(s->type), s->ttl, text(s->etag), {}};
  for (std::size_t i = 0; i < s->record_count; ++i)
    out.records.push_back(
        {text(s->records[i].rdata), text(s->records[i].id), text(s->records[i].extra)});
  return out;
}
inline Account copy(const mxf_account* a) {
  Account out;
  out.address = text(a->address);
  out.display_name = text(a->display_name);
  out.disabled = a->disabled != 0;
  for (std::size_t i = 0; i < a->alias_count; ++i) out.aliases.push_back(text(a->aliases[i]));
  if (a->quota_bytes >= 0) out.quota_bytes = a->quota_bytes;
  if (a->used_bytes >= 0) out.used_bytes = a->used_bytes;
  return out;
}
inline std::vector<mxf_str> strs(const std::vector<std::string>& list) {
  std::vector<mxf_str> out;
  for (const auto& item : list) out.push_back(str(item));
  return out;
}
inline void send(const Zone& zone, void (*sink)(void*, const mxf_zone*), void* ctx) {
  const auto servers = strs(zone.name_servers);
  mxf_zone z{};
  z.size = sizeof z;
  z.min_ttl = zone.min_ttl;
  z.name = str(zone.name);
  z.id = str(zone.id);
  z.etag = str(zone.etag);
  z.name_servers = servers.data();
  z.name_server_count = servers.size();
  sink(ctx, &z);
}

template <class Class>
const mxf_dns* dns_table() {
  static const mxf_dns table = {
      sizeof(mxf_dns),
      0,
      open<Class>,
      close<Class>,
      [](void* session, void (*sink)(void*, const mxf_zone*), void* ctx) -> mxf_status {
        return run<Class>(session, [&](Class& p) -> Result<void> {
          MXF_TRY(zones, p.list_zones());
          for (const auto& zone : zones) send(zone, sink, ctx);
          return {};
        });
      },
      [](void* session, mxf_str name, void (*sink)(void*, const mxf_zone*),
         void* ctx) -> mxf_status {
        return run<Class>(session, [&](Class& p) -> Result<void> {
          MXF_TRY(zone, p.describe_zone(text(name)));
          send(zone, sink, ctx);
          return {};
        });
      },
      [](void* session, mxf_str zone, void (*sink)(void*, const mxf_rrset*), void* ctx,
         std::uint64_t* count) -> mxf_status {
        return run<Class>(session, [&](Class& p) -> Result<void> {
          MXF_TRY(sets, p.list_records(text(zone)));
          for (const auto& set : sets) {
            std::vector<mxf_record> records;
            for (const auto& r : set.records)
              records.push_back({str(r.rdata), str(r.id), str(r.extra)});
            mxf_rrset s{};
            s.size = sizeof s;
            s.ttl = set.ttl;
            s.name = str(set.name);
            s.type = str(set.type);
            s.etag = str(set.etag);
            s.records = records.data();
            s.record_count = records.size();
            sink(ctx, &s);
          }
          *count = sets.size();
          return {};
        });
      },
      [](void* session, mxf_str zone, const mxf_change* changes, std::size_t n,
         std::int32_t* applied, void (*change_id)(void*, mxf_str), void* ctx) -> mxf_status {
        *applied = MXF_APPLIED_UNKNOWN;
        return run<Class>(session, [&](Class& p) -> Result<void> {
          std::vector<Change> list;
          for (std::size_t i = 0; i < n; ++i)
            list.push_back({copy(changes[i].before), copy(changes[i].after)});
          MXF_TRY(outcome, p.apply(text(zone), list));
          *applied = static_cast<std::int32_t>(outcome.applied);
          for (const auto& id : outcome.change_ids) change_id(ctx, str(id));
          if (outcome.why) return fail(*outcome.why);
          return {};
        });
      },
      [](void* session, mxf_str zone, mxf_str id, std::int32_t* done) -> mxf_status {
        return run<Class>(session, [&](Class& p) -> Result<void> {
          MXF_TRY(live, p.change_live(text(zone), text(id)));
          *done = live ? 1 : 0;
          return {};
        });
      },
  };
  return &table;
}

template <class Class>
const mxf_provider* provider_table() {
  static const mxf_provider table = {
      sizeof(mxf_provider),
      0,
      open<Class>,
      close<Class>,
      [](void* session, mxf_str domain, void (*sink)(void*, const mxf_account*), void* ctx,
         std::uint64_t* count) -> mxf_status {
        return run<Class>(session, [&](Class& p) -> Result<void> {
          MXF_TRY(accounts, p.list_accounts(text(domain)));
          for (const auto& account : accounts) {
            const auto aliases = strs(account.aliases);
            mxf_account a{};
            a.size = sizeof a;
            a.disabled = account.disabled ? 1 : 0;
            a.address = str(account.address);
            a.display_name = str(account.display_name);
            a.aliases = aliases.data();
            a.alias_count = aliases.size();
            a.quota_bytes = account.quota_bytes.value_or(-1);
            a.used_bytes = account.used_bytes.value_or(-1);
            sink(ctx, &a);
          }
          *count = accounts.size();
          return {};
        });
      },
      [](void* session, const mxf_account* wanted, mxf_str secret_name) -> mxf_status {
        return run<Class>(
            session, [&](Class& p) { return p.ensure_account(copy(wanted), text(secret_name)); });
      },
      [](void* session, const mxf_account* wanted) -> mxf_status {
        return run<Class>(session, [&](Class& p) { return p.ensure_aliases(copy(wanted)); });
      },
      [](void* session, const mxf_account* wanted) -> mxf_status {
        return run<Class>(session, [&](Class& p) { return p.ensure_quota(copy(wanted)); });
      },
      [](void* session, mxf_str address, const mxf_str* paths, std::size_t n,
         std::int32_t subscribe) -> mxf_status {
        return run<Class>(session, [&](Class& p) {
          std::vector<std::string> list;
          for (std::size_t i = 0; i < n; ++i) list.push_back(text(paths[i]));
          return p.ensure_folders(text(address), list, subscribe != 0);
        });
      },
      [](void* session, mxf_str address, mxf_str path, const mxf_acl* entries,
         std::size_t n) -> mxf_status {
        return run<Class>(session, [&](Class& p) {
          std::vector<AclEntry> list;
          for (std::size_t i = 0; i < n; ++i)
            list.push_back({text(entries[i].identifier), text(entries[i].rights)});
          return p.ensure_acl(text(address), text(path), list);
        });
      },
      [](void* session, mxf_str address, std::int32_t* ready) -> mxf_status {
        return run<Class>(session, [&](Class& p) -> Result<void> {
          MXF_TRY(is_ready, p.ready(text(address)));
          *ready = is_ready ? 1 : 0;
          return {};
        });
      },
      [](void* session, mxf_str address) -> mxf_status {
        return run<Class>(session, [&](Class& p) { return p.remove_account(text(address)); });
      },
      [](void* session, mxf_str user, void (*bearer)(void*, mxf_str, std::int64_t),
         void* ctx) -> mxf_status {
        return run<Class>(session, [&](Class& p) -> Result<void> {
          MXF_TRY(token, p.token(text(user)));
          bearer(ctx, str(token.first), token.second);
          return {};
        });
      },
  };
  return &table;
}

inline bool same(const char* a, const char* b) { return std::string_view(a) == b; }

}  // namespace detail
}  // namespace mxferry::sdk

// The exported entry. `id` is plugin.json's; one of these stands once in a plugin, at global scope.
#define MXF_PLUGIN_ENTRY_(plugin_id, kind_name, table)                                       \
  extern "C" MXF_EXPORT const mxf_plugin* mxf_plugin_entry(std::uint32_t host_major,         \
                                                           std::uint32_t) {                  \
    static const mxf_plugin plugin = {sizeof(mxf_plugin),                                    \
                                      MXF_ABI_MAJOR,                                         \
                                      MXF_ABI_MINOR,                                         \
                                      0,                                                     \
                                      plugin_id,                                             \
                                      [](const char* kind) -> const void* {                  \
                                        return ::mxferry::sdk::detail::same(kind, kind_name) \
                                                   ? static_cast<const void*>(table)         \
                                                   : nullptr;                                \
                                      }};                                                    \
    return host_major == MXF_ABI_MAJOR ? &plugin : nullptr;                                  \
  }
#define MXF_DNS_PLUGIN(id, Class) \
  MXF_PLUGIN_ENTRY_(id, MXF_KIND_DNS, ::mxferry::sdk::detail::dns_table<Class>())
#define MXF_PROVIDER_PLUGIN(id, Class) \
  MXF_PLUGIN_ENTRY_(id, MXF_KIND_PROVIDER, ::mxferry::sdk::detail::provider_table<Class>())
