// SPDX-License-Identifier: Apache-2.0
#include "plugin/check.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>
#include <thread>

#include "plugin/dns_adapter.hpp"
#include "plugin/exported_symbols.hpp"
#include "plugin/library.hpp"
#include "plugin/provider_adapter.hpp"

namespace mxferry::plugin {
namespace fs = std::filesystem;
namespace {

using Outcome = CheckResult::Outcome;
using Answer = std::function<Result<net::HttpResponse>(const net::HttpRequest&)>;

// 32 bytes of base64: a secret that is valid wherever one must decode, and that no text holds by
// chance.
constexpr const char* kSecret = "bXhmZXJyeS1wbHVnaW4tY2hlY2stc2VjcmV0LW1hcms=";
constexpr const char* kZone = "check.example.";
constexpr const char* kDomain = "check.example";

net::HttpResponse response(unsigned code, std::string body) {
  net::HttpResponse r;
  r.code = code;
  r.body = std::move(body);
  r.headers.push_back({"content-type", "application/json"});
  return r;
}

/// One plugin under test: how to open a session of it, and what one read and one write come to.
class Subject {
 public:
  Subject(const Manifest& manifest, const mxf_plugin* entry, std::uint64_t seed, fs::path scratch)
      : manifest_(manifest), entry_(entry), seed_(seed), scratch_(std::move(scratch)) {}

  Config settings() const {
    Config config;
    for (const auto& s : manifest_.config) {
      if (s.fallback) continue;
      if (s.type == "url") config[s.name] = "https://plugin-check.invalid";
      if (s.type == "server") config[s.name] = "127.0.0.1:9";
      if (s.type == "file") config[s.name] = (scratch_ / s.name).string();
      if (s.type == "imap") config[s.name] = "imaps://check@plugin-check.invalid";
      if (s.type == "program") config[s.name] = "/bin/false";
      if (s.type == "integer") config[s.name] = "1";
      if (s.type == "boolean") config[s.name] = "true";
      if (s.type == "string") config[s.name] = "check";
    }
    return config;
  }

  HostOptions options(Answer http, std::function<std::string(std::string_view)> dns) const {
    HostOptions o;
    o.seed = seed_;
    o.http = std::move(http);
    o.exchange = [dns](const std::string&, std::string_view question) -> Result<std::string> {
      auto answer = dns(question);
      if (answer.empty()) return fail(ErrorCode::network, "", "no answer (check)");
      return answer;
    };
    return o;
  }

  /// An Error of opening, or of the read; nothing if the read succeeded.
  std::optional<Error> read(const HostOptions& o, std::stop_token stop = {}) const {
    if (manifest_.kind == Kind::dns) {
      auto api = dns(o);
      if (!api) return api.error();
      auto zone = (*api)->list_records(kZone, std::move(stop));
      return zone ? std::optional<Error>() : zone.error();
    }
    auto provider = mail(o);
    if (!provider) return provider.error();
    auto accounts = (*provider)->list_accounts(kDomain, std::move(stop));
    return accounts ? std::optional<Error>() : accounts.error();
  }

  std::optional<Error> write(const HostOptions& o, std::stop_token stop = {}) const {
    if (manifest_.kind == Kind::dns) {
      auto api = dns(o);
      if (!api) return api.error();
      const ZoneRRset set{kZone, "MX", 300, {}, {{"10 mx.check.example."}}};
      const ZoneChange change{std::nullopt, set};
      auto done = (*api)->apply(kZone, {&change, 1}, std::move(stop));
      return done ? std::optional<Error>() : done.error();
    }
    auto provider = mail(o);
    if (!provider) return provider.error();
    auto done =
        (*provider)->ensure_folders("user@check.example", {"Folder"}, true, std::move(stop));
    return done ? std::optional<Error>() : done.error();
  }

  Result<void> open_and_close(const HostOptions& o) const {
    if (manifest_.kind == Kind::dns) {
      MXF_TRY(api, dns(o));
    } else {
      MXF_TRY(provider, mail(o));
    }
    return {};
  }

  const Manifest& manifest() const { return manifest_; }

 private:
  std::unique_ptr<HostSession> host(const HostOptions& o) const {
    Secrets secrets;
    for (const auto& s : manifest_.secrets) secrets[s.name] = Secret(kSecret);
    auto config = check_config(manifest_, settings());
    return std::make_unique<HostSession>(manifest_, config ? *config : settings(),
                                         std::move(secrets), o);
  }
  Result<std::unique_ptr<DnsApi>> dns(const HostOptions& o) const {
    return make_dns_adapter(static_cast<const mxf_dns*>(entry_->kind(MXF_KIND_DNS)), host(o));
  }
  Result<std::unique_ptr<MailProvider>> mail(const HostOptions& o) const {
    return make_provider_adapter(static_cast<const mxf_provider*>(entry_->kind(MXF_KIND_PROVIDER)),
                                 host(o));
  }

  const Manifest& manifest_;
  const mxf_plugin* entry_;
  std::uint64_t seed_;
  fs::path scratch_;
};

struct Verdict {
  Outcome outcome = Outcome::passed;
  std::string detail;
};
Verdict failed(std::string why) { return {Outcome::failed, std::move(why)}; }
Verdict warned(std::string why) { return {Outcome::warned, std::move(why)}; }

std::string no_dns(std::string_view) { return {}; }
std::string echo_dns(std::string_view question) {
  std::string out(question);
  out[2] = static_cast<char>(out[2] | static_cast<char>(0x80));
  return out;
}

bool broke_contract(const std::optional<Error>& error) {
  return error && error->code == ErrorCode::plugin;
}

Verdict check_exports(const Manifest& m) {
  auto symbols = exported_symbols(m.library());
  if (!symbols) return failed(symbols.error().message());
  if (std::find(symbols->begin(), symbols->end(), "mxf_plugin_entry") == symbols->end())
    return failed("mxf_plugin_entry is not exported");
  if (symbols->size() > 1) {
    std::string names;
    for (const auto& s : *symbols)
      if (s != "mxf_plugin_entry" && names.size() < 300) names += (names.empty() ? "" : ", ") + s;
    return warned("it also exports " + std::to_string(symbols->size() - 1) +
                  " others, which may clash: " + names);
  }
  return {};
}

Verdict check_sessions(const Subject& subject) {
  bool asked = false;
  const auto count = [&](const net::HttpRequest&) -> Result<net::HttpResponse> {
    asked = true;
    return response(500, "");
  };
  const auto o = subject.options(count, no_dns);
  for (int i = 0; i < 20; ++i)
    if (auto opened = subject.open_and_close(o); !opened) return failed(opened.error().message());
  if (asked) return failed("open() makes requests; it may only read the settings");
  return {};
}

Verdict check_failures(const Subject& subject) {
  struct Case {
    unsigned code;
    std::string body;
  };
  for (const auto& c : std::vector<Case>{{401, "Unauthorized"},
                                         {403, "Forbidden"},
                                         {404, "Not Found"},
                                         {429, "slow down"},
                                         {500, "{\"error\":\"broken\"}"},
                                         {502, "<html>Bad Gateway</html>"},
                                         {200, ""},
                                         {200, "<html>Sign in</html>"},
                                         {200, "{\"truncated\":["}}) {
    const auto o = subject.options(
        [&](const net::HttpRequest&) -> Result<net::HttpResponse> {
          return response(c.code, c.body);
        },
        echo_dns);
    const std::string what = "the answer " + std::to_string(c.code) + " \"" + c.body + "\"";
    const auto error = subject.read(o);
    if (!error) return failed(what + " passed for a complete list");
    if (broke_contract(error)) return failed(what + ": " + error->message());
    const auto written = subject.write(o);
    if (!written) return failed(what + " passed for a write that was done");
    if (broke_contract(written)) return failed(what + ": " + written->message());
  }
  return {};
}

Verdict check_codes(const Subject& subject) {
  for (const auto& [code, expected] : std::vector<std::pair<unsigned, ErrorCode>>{
           {401, ErrorCode::auth}, {429, ErrorCode::rate_limited}}) {
    bool asked = false;
    const unsigned status = code;
    const auto o = subject.options(
        [&](const net::HttpRequest&) -> Result<net::HttpResponse> {
          asked = true;
          return response(status, "no");
        },
        no_dns);
    const auto error = subject.read(o);
    if (asked && error && error->code != expected)
      return warned("HTTP " + std::to_string(code) + " is reported as " +
                    std::string(to_string(error->code)) + ", not " +
                    std::string(to_string(expected)));
  }
  return {};
}

Verdict check_network(const Subject& subject) {
  for (const auto code :
       {ErrorCode::network, ErrorCode::timeout, ErrorCode::tls, ErrorCode::refused}) {
    const auto o = subject.options(
        [&](const net::HttpRequest&) -> Result<net::HttpResponse> {
          return fail(code, "", "it broke (check)");
        },
        no_dns);
    for (const auto& error : {subject.read(o), subject.write(o)}) {
      if (!error) return failed("a connection that breaks passed for success");
      if (broke_contract(error)) return failed(error->message());
    }
  }
  return {};
}

Verdict check_cancel(const Subject& subject) {
  std::stop_source stop;
  stop.request_stop();
  const auto o = subject.options(
      [](const net::HttpRequest&) -> Result<net::HttpResponse> { return response(200, "{}"); },
      echo_dns);
  for (const auto& error :
       {subject.read(o, stop.get_token()), subject.write(o, stop.get_token())}) {
    if (!error) return failed("a cancelled operation passed for success");
    if (error->code != ErrorCode::cancelled && error->code != ErrorCode::unsupported)
      return failed("a cancelled operation says: " + error->message());
  }
  return {};
}

/// JSON-like nonsense around words that the plugin itself may look for.
std::string rubbish(std::mt19937_64& random) {
  static const std::vector<std::string> kParts = {"{",
                                                  "}",
                                                  "[",
                                                  "]",
                                                  ",",
                                                  ":",
                                                  "\"",
                                                  "null",
                                                  "true",
                                                  "-1",
                                                  "4294967296",
                                                  "1e400",
                                                  "\"name\"",
                                                  "\"id\"",
                                                  "\"type\"",
                                                  "\"ttl\"",
                                                  "\"records\"",
                                                  "\"rrsets\"",
                                                  "\"content\"",
                                                  "\"result\"",
                                                  "\"success\"",
                                                  "\"data\"",
                                                  "\"check.example.\"",
                                                  "\"MX\"",
                                                  "[]",
                                                  "{}",
                                                  "\xff",
                                                  "\\u0000",
                                                  "\"doveadmResponse\"",
                                                  "\"t0\""};
  std::string out;
  const auto n = random() % 40;
  for (std::size_t i = 0; i < n; ++i) out += kParts[random() % kParts.size()];
  return out;
}
std::string rubbish_dns(std::string_view question, std::mt19937_64& random) {
  std::string out = echo_dns(question);
  for (int i = 0; i < 8; ++i)
    if (out.size() > 4) out[4 + random() % (out.size() - 4)] = static_cast<char>(random());
  if (random() % 3 == 0) out.resize(12 + random() % (out.size() - 11));
  return out;
}

Verdict check_rubbish(const Subject& subject, std::uint64_t seed, int rounds) {
  std::mt19937_64 random(seed);
  const auto o = subject.options(
      [&](const net::HttpRequest&) -> Result<net::HttpResponse> {
        return response(200, rubbish(random));
      },
      [&](std::string_view q) { return rubbish_dns(q, random); });
  for (int i = 0; i < rounds; ++i)
    for (const auto& error : {subject.read(o), subject.write(o)})
      if (broke_contract(error))
        return failed("seed " + std::to_string(seed) + ": " + error->message());
  return {};
}

Verdict check_parallel(const Subject& subject, std::uint64_t seed) {
  std::vector<std::thread> threads;
  std::vector<Verdict> verdicts(4);
  for (std::size_t t = 0; t < verdicts.size(); ++t)
    threads.emplace_back([&, t] { verdicts[t] = check_rubbish(subject, seed + t, 50); });
  for (auto& t : threads) t.join();
  for (auto& v : verdicts)
    if (v.outcome != Outcome::passed) return v;
  return {};
}

Verdict check_secrets_stay(const Subject& subject) {
  std::string where;
  const auto o = subject.options(
      [&](const net::HttpRequest& q) -> Result<net::HttpResponse> {
        if (q.url.find(kSecret) != std::string::npos ||
            q.url.find("bXhmZXJyeS1wbHVnaW4tY2hlY2stc2VjcmV0LW1hcms") != std::string::npos)
          where = q.url.substr(0, q.url.find('?'));
        return response(400,
                        "you sent " + (q.headers.empty() ? std::string() : q.headers[0].value));
      },
      no_dns);
  for (const auto& error : {subject.read(o), subject.write(o)})
    if (error &&
        (error->text + error->remote + error->message()).find(kSecret) != std::string::npos)
      return failed("an error shows the secret");
  if (!where.empty()) return warned("the secret is part of the URL, which servers log: " + where);
  return {};
}

}  // namespace

fs::path manifest_of(const fs::path& file) {
  std::error_code ec;
  if (fs::is_directory(file, ec)) return file / "plugin.json";
  if (file.filename() == "plugin.json") return file;
  return file.parent_path() / "plugin.json";
}

bool run_checks(const fs::path& file, std::uint64_t seed,
                const std::function<void(const std::string&)>& begin,
                const std::function<void(const CheckResult&)>& end) {
  bool good = true;
  const auto check = [&](const std::string& name, const std::function<Verdict()>& body) {
    begin(name);
    const Verdict verdict = body();
    end({name, verdict.outcome, verdict.detail});
    good = good && verdict.outcome != Outcome::failed;
    return verdict.outcome != Outcome::failed;
  };

  std::error_code ec;
  const fs::path path = fs::absolute(manifest_of(file), ec);
  std::optional<Manifest> manifest;
  if (!check("plugin.json is complete and correct", [&]() -> Verdict {
        auto read = read_manifest(path);
        if (!read) return failed(read.error().text);
        manifest = *std::move(read);
        return {};
      }))
    return false;
  if (!manifest->has_library()) return good;

  check("the library exports mxf_plugin_entry and nothing else",
        [&] { return check_exports(*manifest); });
  const mxf_plugin* entry = nullptr;
  if (!check("it loads, and its ABI, id and kind are those of plugin.json", [&]() -> Verdict {
        auto loaded = load_untrusted_library(*manifest);
        if (!loaded) return failed(loaded.error().message());
        entry = *loaded;
        return {};
      }))
    return false;

  std::string scratch = (fs::temp_directory_path() / "mxferry-check-XXXXXX").string();
  if (::mkdtemp(scratch.data()) == nullptr) return false;
  struct Remover {
    std::string path;
    ~Remover() {
      std::error_code ignored;
      fs::remove_all(path, ignored);
    }
  } const remover{scratch};
  const Subject subject(*manifest, entry, seed, scratch);
  if (!check("sessions open and close with any settings of the right type, without a request",
             [&] { return check_sessions(subject); }))
    return false;
  check("no failed answer passes for a complete list or a done write",
        [&] { return check_failures(subject); });
  check("401 is an authentication error and 429 asks to come later",
        [&] { return check_codes(subject); });
  check("broken connections are errors", [&] { return check_network(subject); });
  check("a cancelled operation ends as cancelled", [&] { return check_cancel(subject); });
  check("rubbish from the server neither crashes it nor breaks its contract",
        [&] { return check_rubbish(subject, seed, 300); });
  check("four sessions run side by side", [&] { return check_parallel(subject, seed); });
  check("no error shows a secret, and no URL holds one",
        [&] { return check_secrets_stay(subject); });
  return good;
}

}  // namespace mxferry::plugin
