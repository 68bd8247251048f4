// SPDX-License-Identifier: Apache-2.0
#include "net/http.hpp"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <optional>

#include "base/log.hpp"
#include "net/public_address.hpp"

namespace mxferry::net {
namespace {

using std::chrono::milliseconds;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

struct UrlCleanup {
  void operator()(CURLU* u) const { curl_url_cleanup(u); }
};
struct EasyCleanup {
  void operator()(CURL* e) const { curl_easy_cleanup(e); }
};
struct MultiCleanup {
  void operator()(CURLM* m) const { curl_multi_cleanup(m); }
};
struct ListCleanup {
  void operator()(curl_slist* l) const { curl_slist_free_all(l); }
};

std::string url_part(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
  std::string out = text;
  curl_free(text);
  return out;
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return (u < 0x20 && c != '\t') || u == 0x7f;
  });
}

// "sha256:BASE64" or "sha256:HEX" as libcurl spells it; empty where it is neither.
std::string curl_pin(std::string_view pin) {
  if (!pin.starts_with("sha256:")) return {};
  pin.remove_prefix(7);
  if (pin.size() == 44 && pin.back() == '=') return "sha256//" + std::string(pin);
  if (pin.size() != 64) return {};
  std::string raw;
  for (std::size_t i = 0; i < 64; i += 2) {
    unsigned byte = 0;
    for (const char c : pin.substr(i, 2)) {
      const char l = lower(std::string_view(&c, 1))[0];
      if (l >= '0' && l <= '9')
        byte = byte * 16 + static_cast<unsigned>(l - '0');
      else if (l >= 'a' && l <= 'f')
        byte = byte * 16 + static_cast<unsigned>(l - 'a' + 10);
      else
        return {};
    }
    raw.push_back(static_cast<char>(byte));
  }
  std::string base64(48, '\0');
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64.data()),
                                reinterpret_cast<const unsigned char*>(raw.data()), 32);
  base64.resize(static_cast<std::size_t>(n));
  return "sha256//" + base64;
}

void global_init() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

// libcurl has installed its key log by now if SSLKEYLOGFILE is set; take it away again.
CURLcode forget_key_log(CURL*, void* ctx, void*) {
  SSL_CTX_set_keylog_callback(static_cast<SSL_CTX*>(ctx), nullptr);
  return CURLE_OK;
}

ErrorCode code_for(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return ErrorCode::timeout;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return ErrorCode::tls;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return ErrorCode::config;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_BAD_CONTENT_ENCODING:
      return ErrorCode::protocol;
    default:
      return ErrorCode::network;
  }
}

// Refuses to connect where a name that others control must not lead us: to this machine and its
// net.
curl_socket_t open_public(void*, curlsocktype, curl_sockaddr* peer) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* raw = nullptr;
  if (peer->family == AF_INET)
    raw = &reinterpret_cast<const sockaddr_in*>(&peer->addr)->sin_addr;
  else if (peer->family == AF_INET6)
    raw = &reinterpret_cast<const sockaddr_in6*>(&peer->addr)->sin6_addr;
  if (raw == nullptr || ::inet_ntop(peer->family, raw, text.data(), text.size()) == nullptr ||
      !is_public_address(text.data()))
    return CURL_SOCKET_BAD;
  return ::socket(peer->family, peer->socktype | SOCK_CLOEXEC, peer->protocol);
}

struct Answer {
  HttpResponse response;
  std::uint64_t limit = 0;
  bool too_large = false;
};

std::size_t on_body(char* data, std::size_t, std::size_t n, void* ctx) {
  auto& answer = *static_cast<Answer*>(ctx);
  if (answer.response.body.size() + n > answer.limit) {
    answer.too_large = true;
    return 0;
  }
  answer.response.body.append(data, n);
  return n;
}

std::size_t on_header(char* data, std::size_t, std::size_t n, void* ctx) {
  constexpr std::size_t kMaxHeaders = 1000;
  auto& answer = *static_cast<Answer*>(ctx);
  const std::string_view line(data, n);
  if (line.starts_with("HTTP/")) {  // a 100 Continue was not the answer
    answer.response.headers.clear();
    return n;
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return n;
  if (answer.response.headers.size() >= kMaxHeaders) {
    answer.too_large = true;
    return 0;
  }
  auto value = line.substr(colon + 1);
  const auto first = value.find_first_not_of(" \t");
  const auto last = value.find_last_not_of(" \t\r\n");
  value = first == std::string_view::npos || last == std::string_view::npos || last < first
              ? std::string_view()
              : value.substr(first, last - first + 1);
  answer.response.headers.push_back({lower(line.substr(0, colon)), std::string(value)});
  return n;
}

bool pause(std::stop_token stop, milliseconds how_long) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, how_long, [&] { return stop.stop_requested(); });
  return !stop.stop_requested();
}

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
  for (const auto& h : headers)
    if (h.name == name) return h.value;
  return {};
}

bool HttpTarget::loopback() const {
  if (host == "localhost") return true;  // libcurl answers it itself, never from DNS
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

Result<HttpTarget> parse_http_url(const std::string& url) {
  const std::unique_ptr<CURLU, UrlCleanup> parsed(curl_url());
  const auto wrong = [](std::string why) {
    return fail(ErrorCode::config, "http URL", std::move(why));
  };
  if (has_control(url) || url.find(' ') != std::string::npos)
    return wrong("a URL must not hold spaces or control characters");
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK)
    return wrong("not a URL");
  HttpTarget target;
  target.scheme = lower(url_part(parsed.get(), CURLUPART_SCHEME));
  if (target.scheme != "http" && target.scheme != "https")
    return wrong("expected http:// or https://");
  if (!url_part(parsed.get(), CURLUPART_USER).empty() ||
      !url_part(parsed.get(), CURLUPART_PASSWORD).empty())
    return wrong("a URL must not carry a user or a password");
  target.host = lower(url_part(parsed.get(), CURLUPART_HOST));
  if (target.host.size() > 2 && target.host.front() == '[')
    target.host = target.host.substr(1, target.host.size() - 2);
  if (target.host.empty()) return wrong("no host");
  target.path = url_part(parsed.get(), CURLUPART_PATH);
  target.port = static_cast<std::uint16_t>(
      std::strtoul(url_part(parsed.get(), CURLUPART_PORT).c_str(), nullptr, 10));
  return target;
}

struct HttpClient::Impl {
  HttpTrust trust;
  HttpLimits limits;
  std::unique_ptr<CURLM, MultiCleanup> multi{curl_multi_init()};
  std::unique_ptr<curl_slist, ListCleanup> resolve{};  // as long as a transfer uses it

  /// What one attempt came to: a response, or an error and whether a byte had left.
  struct Attempt {
    CURLcode code = CURLE_OK;
    std::string words;
    bool sent = false;
    bool too_large = false;
    std::optional<milliseconds> retry_after;
    HttpResponse response;
  };

  void configure(CURL* easy, const HttpRequest& request, curl_slist* headers, Answer& answer) {
    curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");  // "" also switches the proxy variables off
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, forget_key_log);
    std::string ca = trust.ca_file;
    if (ca.empty())
      if (const char* named = std::getenv("SSL_CERT_FILE"); named != nullptr) ca = named;
    if (!ca.empty()) {
      curl_easy_setopt(easy, CURLOPT_CAINFO, ca.c_str());
      curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
    }
    if (!trust.address.empty()) {
      const auto target = parse_http_url(request.url);
      const bool six = trust.address.find(':') != std::string::npos;
      const std::string line = (target ? target->host : "") + ":" +
                               std::to_string(target ? target->port : 0) + ":" +
                               (six ? "[" + trust.address + "]" : trust.address);
      resolve.reset(curl_slist_append(nullptr, line.c_str()));
      curl_easy_setopt(easy, CURLOPT_RESOLVE, resolve.get());
    }
    if (trust.public_only) curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_public);
    if (!trust.pin.empty())
      curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, curl_pin(trust.pin).c_str());
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect.count()));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(limits.total.count()));
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME,
                     std::max(1L, static_cast<long>(limits.idle.count() / 1000)));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &answer);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "mxferry");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    if (request.method == "HEAD") {
      curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (request.method == "GET" && request.body.empty()) {
      curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    } else {
      curl_easy_setopt(easy, CURLOPT_POST, 1L);
      curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request.body.size()));
      curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
  }

  Attempt once(const HttpRequest& request, const std::stop_token& stop) {
    Attempt out;
    Answer answer;
    answer.limit = limits.response_bytes;
    std::unique_ptr<curl_slist, ListCleanup> headers;
    const auto add = [&](const std::string& line) {
      headers.reset(curl_slist_append(headers.release(), line.c_str()));
    };
    // "Name;" is libcurl's spelling of a header with an empty value.
    for (const auto& h : request.headers)
      add(h.value.empty() ? h.name + ";" : h.name + ": " + h.value);
    add("Expect:");
    const std::unique_ptr<CURL, EasyCleanup> easy(curl_easy_init());
    std::array<char, CURL_ERROR_SIZE> words{};
    curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, words.data());
    configure(easy.get(), request, headers.get(), answer);
    curl_multi_add_handle(multi.get(), easy.get());
    {
      const std::stop_callback wake(stop, [this] { curl_multi_wakeup(multi.get()); });
      int running = 1;
      while (running > 0 && !stop.stop_requested()) {
        if (curl_multi_perform(multi.get(), &running) != CURLM_OK) break;
        if (running > 0) curl_multi_poll(multi.get(), nullptr, 0, 1000, nullptr);
      }
    }
    out.code = CURLE_ABORTED_BY_CALLBACK;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left))
      if (message->msg == CURLMSG_DONE) out.code = message->data.result;
    long sent = 0;
    long status = 0;
    curl_off_t retry_after = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_REQUEST_SIZE, &sent);
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy.get(), CURLINFO_RETRY_AFTER, &retry_after);
    curl_multi_remove_handle(multi.get(), easy.get());
    out.sent = sent > 0;
    out.words = words[0] != '\0' ? words.data() : curl_easy_strerror(out.code);
    out.too_large = answer.too_large;
    if (!answer.response.header("retry-after").empty())
      out.retry_after = std::chrono::seconds(retry_after);
    out.response = std::move(answer.response);
    out.response.code = static_cast<unsigned>(status);
    return out;
  }
};

HttpClient::HttpClient(HttpTrust trust, HttpLimits limits) {
  global_init();
  impl_ = std::make_unique<Impl>();
  impl_->trust = std::move(trust);
  impl_->limits = limits;
}
HttpClient::~HttpClient() = default;

Result<HttpResponse> HttpClient::send(const HttpRequest& request, std::stop_token stop) {
  auto& impl = *impl_;
  MXF_TRY(target, parse_http_url(request.url));
  const std::string shown = request.method + " " +
                            (request.shown.empty() ? target.scheme + "://" + target.host + ":" +
                                                         std::to_string(target.port) + target.path
                                                   : request.shown);
  if (target.scheme == "http" && !target.loopback() && !impl.trust.allow_plaintext)
    return fail(Error{ErrorCode::tls,
                      shown,
                      "plain http is refused beyond loopback",
                      {},
                      "use https://, or allow plain text for this endpoint by name"});
  if (!impl.trust.pin.empty() && curl_pin(impl.trust.pin).empty())
    return fail(ErrorCode::config, shown, "pin: expected sha256: and base64 or 64 hex digits");
  if (has_control(request.method) || request.method.empty())
    return fail(ErrorCode::config, shown, "the method is not a token");
  for (const auto& h : request.headers)
    if (has_control(h.name) || has_control(h.value) || h.name.empty() ||
        h.name.find(':') != std::string::npos)
      return fail(ErrorCode::config, shown,
                  "header \"" + h.name + "\" is empty or holds control characters");

  milliseconds backoff = impl.limits.backoff;
  for (unsigned attempt = 1;; ++attempt) {
    if (stop.stop_requested()) return fail(ErrorCode::cancelled, shown, "cancelled");
    auto tried = impl.once(request, stop);
    if (stop.stop_requested()) return fail(ErrorCode::cancelled, shown, "cancelled");
    const bool last = attempt >= impl.limits.attempts;
    if (tried.code == CURLE_OK) {
      const unsigned code = tried.response.code;
      log::write(log::Level::debug, "http",
                 {{"request", shown}, {"status", static_cast<int>(code)}, {"attempt", attempt}});
      if (code == 301 || code == 302 || code == 303 || code == 307 || code == 308) {
        Error error{ErrorCode::refused, shown,
                    "answered with a redirect (" + std::to_string(code) +
                        "), which is never followed: credentials go to the configured host only"};
        error.remote = "Location: " + std::string(tried.response.header("location"));
        error.remedy = "put the final URL into the configuration";
        return fail(std::move(error));
      }
      // 429: it was not done. 503 with Retry-After: the server says so itself. Other 5xx: unknown.
      const bool again = code == 429 ||
                         (code == 503 && (tried.retry_after || request.idempotent)) ||
                         (code >= 500 && request.idempotent);
      const milliseconds wait = tried.retry_after ? std::max(*tried.retry_after, backoff) : backoff;
      if (!again || last || wait > impl.limits.longest_wait) {
        tried.response.attempts = attempt;
        return std::move(tried.response);
      }
      if (!pause(stop, wait)) return fail(ErrorCode::cancelled, shown, "cancelled");
    } else {
      Error error{code_for(tried.code), shown, tried.words};
      if (tried.too_large) {
        error.code = ErrorCode::protocol;
        error.text =
            "the answer is larger than " + std::to_string(impl.limits.response_bytes) + " bytes";
      }
      const bool transient = error.code == ErrorCode::network || error.code == ErrorCode::timeout;
      error.retry = !transient ? Retry::never : tried.sent ? Retry::later : Retry::safe;
      log::write(log::Level::debug, "http_failed",
                 {{"request", shown}, {"why", error.text}, {"attempt", attempt}});
      const bool again = transient && (request.idempotent || !tried.sent);
      if (!again || last) return fail(std::move(error));
      if (!pause(stop, backoff)) return fail(ErrorCode::cancelled, shown, "cancelled");
    }
    backoff = std::min(backoff * 2, impl.limits.longest_wait);
  }
}

}  // namespace mxferry::net
