// SPDX-License-Identifier: Apache-2.0
// HostSession: the services behind one plugin session's mxf_host: http, settings, secrets, random,
// time, log, and the extensions exchange, imap, file and exec. It decides what a plugin may reach:
// the hosts, name servers and files that manifest and settings name, nothing else. Belongs to the
// thread of the running operation; several sessions run side by side.
#pragma once

#include <mxferry/abi.h>

#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <stop_token>
#include <string>

#include "base/clock.hpp"
#include "net/http.hpp"
#include "plugin/manifest.hpp"
#include "ports/imap_admin.hpp"

namespace mxferry::plugin {

/// What tests, `plugins check` and replay put in the place of the outside world.
struct HostOptions {
  const Clock* clock = nullptr;         // must outlive the sessions; null: the system's
  std::optional<std::uint64_t> seed{};  // of random()
  std::function<Result<net::HttpResponse>(const net::HttpRequest&)> http{};
  std::function<Result<std::string>(const std::string& server, std::string_view message)>
      exchange{};
  ImapAdminOpener imap{};  // null: the extension imap is not offered
};

class HostSession {
 public:
  HostSession(const Manifest& manifest, Config config, Secrets secrets, HostOptions options);
  ~HostSession();
  HostSession(const HostSession&) = delete;
  HostSession& operator=(const HostSession&) = delete;

  const mxf_host* abi() const { return &abi_; }
  const Manifest& manifest() const { return manifest_; }

  /// Starts an operation: what the last one was handed is gone, its error forgotten.
  void begin(std::string operation, std::stop_token stop);
  /// The reason of a failed status, with this operation's name and without any secret in it.
  Error error_for(mxf_status status);
  /// A contract that the plugin broke, named.
  Error bug(std::string what);
  /// A secret for the running operation only (an account's first password).
  void lend_secret(const std::string& name, Secret value);
  void return_secret(const std::string& name);

 private:
  struct Table;
  friend struct Table;
  mxf_status record(mxf_status status, Error error);
  mxf_str keep(std::string text);
  mxf_status http(const mxf_http_request* q, mxf_http_response* r);
  mxf_status exchange(const mxf_exchange_request* q, int32_t (*answer)(void*, mxf_str), void* ctx);
  mxf_status edit_file(const std::string& path, int32_t (*change)(void*, mxf_str, mxf_str*),
                       void* ctx);
  mxf_status read_file(const std::string& path, mxf_str* out);
  mxf_status imap_command(const mxf_str* parts, std::size_t count, void (*line)(void*, mxf_str),
                          void* ctx);
  mxf_status exec(const mxf_str* argv, std::size_t argc, mxf_str input, std::uint32_t timeout_ms,
                  mxf_exec_result* r);
  Result<void> check_host(const net::HttpTarget& target) const;
  bool is_setting_of(const char* type, const std::string& value) const;
  std::string redact(std::string text) const;
  Result<void> pace();
  std::string config_value(const std::string& name) const;

  mxf_host abi_{};
  Manifest manifest_;
  Config config_;
  Secrets secrets_;
  HostOptions options_;
  SystemClock system_clock_;
  std::mt19937_64 seeded_;
  std::unique_ptr<net::HttpClient> client_;
  std::unique_ptr<ImapAdmin> imap_;
  bool client_allows_plaintext_ = false;
  std::chrono::steady_clock::time_point next_request_{};

  std::string operation_;
  std::stop_token stop_;
  std::optional<Error> error_;
  mxf_status error_status_ = MXF_OK;
  std::deque<std::string> kept_;  // what the operation was handed; wiped when it ends
  std::deque<std::vector<mxf_header>> kept_headers_;
};

/// ErrorCode of a status, and back.
ErrorCode code_of(mxf_status status);
mxf_status status_of(ErrorCode code);

inline std::string to_text(mxf_str s) {
  return s.len == 0 ? std::string() : std::string(s.data, s.len);
}
inline mxf_str to_str(std::string_view s) { return mxf_str{s.data(), s.size()}; }

}  // namespace mxferry::plugin
