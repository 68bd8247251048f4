// SPDX-License-Identifier: Apache-2.0
#include "net/tls.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>
#include <optional>
#include <sstream>

#include "net/deadline.hpp"

namespace mxferry::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
using Sha256Digest = std::array<unsigned char, 32>;

Unexpected<Error> tls_error(const Endpoint& endpoint, std::string text, std::string remedy = {}) {
  Error out;
  out.code = ErrorCode::tls;
  out.operation = "tls " + endpoint.name();
  out.text = std::move(text);
  out.remedy = std::move(remedy);
  return fail(std::move(out));
}

std::optional<Sha256Digest> pin_digest(const std::string& pin) {
  constexpr std::string_view kPrefix = "sha256:";
  // 32 octets are 44 characters of base64, the last of which is padding.
  if (!pin.starts_with(kPrefix) || pin.size() != kPrefix.size() + 44 || !pin.ends_with('=') ||
      pin[pin.size() - 2] == '=')
    return std::nullopt;
  std::array<unsigned char, 33> decoded{};
  const auto* text = reinterpret_cast<const unsigned char*>(pin.data() + kPrefix.size());
  if (EVP_DecodeBlock(decoded.data(), text, 44) != 33) return std::nullopt;
  Sha256Digest out{};
  std::copy_n(decoded.begin(), 32, out.begin());
  return out;
}

bool matches_pin(X509* certificate, const Sha256Digest& pin) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size <= 0) return false;
  Sha256Digest digest{};
  unsigned length = 0;
  const int ok = EVP_Digest(der, static_cast<std::size_t>(size), digest.data(), &length,
                            EVP_sha256(), nullptr);
  OPENSSL_free(der);
  return ok == 1 && length == digest.size() && digest == pin;
}

class TlsStream final : public ByteStream {
 public:
  TlsStream(tcp::socket socket, asio::ssl::context context)
      : context_(std::move(context)), stream_(std::move(socket), context_) {}

  Task<Result<std::size_t>> read_some(std::span<char> into) override {
    const auto [error, n] =
        co_await stream_.async_read_some(asio::buffer(into.data(), into.size()), kTuple);
    if (error) co_return broken("read", error);
    co_return n;
  }
  Task<Result<void>> write(std::string_view bytes) override {
    const auto [error, n] =
        co_await asio::async_write(stream_, asio::buffer(bytes.data(), bytes.size()), kTuple);
    if (error) co_return broken("write", error);
    co_return Result<void>();
  }
  void close() override {
    boost::system::error_code ignored;
    stream_.lowest_layer().close(ignored);
  }
  bool peer_is_loopback() const override {
    boost::system::error_code error;
    const auto peer = stream_.lowest_layer().remote_endpoint(error);
    return !error && peer.address().is_loopback();
  }

  asio::ssl::stream<tcp::socket>& stream() { return stream_; }

 private:
  static Unexpected<Error> broken(const char* operation, const boost::system::error_code& error) {
    Error out;
    out.code = ErrorCode::network;
    out.operation = operation;
    out.text = error == asio::error::eof ? "the server closed the connection"
               : error == asio::ssl::error::stream_truncated
                   ? "the connection broke: the server did not close TLS"
                   : error.message();
    out.retry = Retry::later;
    return fail(std::move(out));
  }

  asio::ssl::context context_;
  asio::ssl::stream<tcp::socket> stream_;
};

Result<asio::ssl::context> make_context(const Endpoint& endpoint) {
  asio::ssl::context context(asio::ssl::context::tls_client);
  SSL_CTX* handle = context.native_handle();
  if (SSL_CTX_set_min_proto_version(handle, TLS1_2_VERSION) != 1)
    return tls_error(endpoint, "TLS 1.2 is not available");
  SSL_CTX_set_keylog_callback(handle, nullptr);
  if (!endpoint.tlsa.empty() && SSL_CTX_dane_enable(handle) != 1)
    return tls_error(endpoint, "DANE is not available");
  std::string ca = endpoint.ca_file;
  if (ca.empty())
    if (const char* named = std::getenv("SSL_CERT_FILE"); named != nullptr) ca = named;
  boost::system::error_code error;
  if (ca.empty()) {
    context.set_default_verify_paths(error);
  } else {
    context.load_verify_file(ca, error);
  }
  if (error)
    return fail(ErrorCode::config, "tls " + endpoint.name(),
                "the CA file " + (ca.empty() ? "of the system" : ca) + " cannot be read");
  ERR_clear_error();
  return context;
}

// "3 1 1 HEX" into the TLSA records that the handshake must match. Usages 0 and 1 prove nothing in
// SMTP (RFC 7672 §3.1.3); false where no record can be used.
bool demand_tlsa(SSL* ssl, const Endpoint& endpoint) {
  if (SSL_dane_enable(ssl, endpoint.host.c_str()) <= 0) return false;
  // RFC 7672 §3.1.1: with usage 3 the name in the certificate does not count.
  SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
  bool usable = false;
  for (const auto& record : endpoint.tlsa) {
    std::istringstream words(record);
    int usage = 0;
    int selector = 0;
    int matching = 0;
    std::string hex;
    std::string part;
    words >> usage >> selector >> matching;
    while (words >> part) hex += part;
    if ((usage != 2 && usage != 3) || selector < 0 || selector > 1 || matching < 0 || matching > 2)
      continue;
    long size = 0;
    unsigned char* data = OPENSSL_hexstr2buf(hex.c_str(), &size);
    if (data == nullptr) continue;
    const int added = SSL_dane_tlsa_add(
        ssl, static_cast<std::uint8_t>(usage), static_cast<std::uint8_t>(selector),
        static_cast<std::uint8_t>(matching), data, static_cast<std::size_t>(size));
    OPENSSL_free(data);
    usable = usable || added > 0;
  }
  ERR_clear_error();
  return usable;
}

// What the certificate must prove. Fails closed: an error here ends the connection before the first
// byte.
bool demand_identity(SSL* ssl, const Endpoint& endpoint) {
  X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl);
  SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
  if (!endpoint.tlsa.empty()) return demand_tlsa(ssl, endpoint);
  if (X509_VERIFY_PARAM_set_purpose(wanted, X509_PURPOSE_SSL_SERVER) != 1) return false;
  X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  boost::system::error_code not_an_address;
  (void)asio::ip::make_address(endpoint.host, not_an_address);
  if (!not_an_address) return X509_VERIFY_PARAM_set1_ip_asc(wanted, endpoint.host.c_str()) == 1;
  return X509_VERIFY_PARAM_set1_host(wanted, endpoint.host.c_str(), endpoint.host.size()) == 1 &&
         SSL_set_tlsext_host_name(ssl, endpoint.host.c_str()) == 1;
}

}  // namespace

Result<void> check_pin(const std::string& pin) {
  if (pin.empty() || pin_digest(pin)) return {};
  return fail(ErrorCode::config, "pin", "expected sha256: and the base64 of 32 octets");
}

Task<Result<std::unique_ptr<ByteStream>>> tls_connect(tcp::socket socket, const Endpoint& endpoint,
                                                      std::chrono::milliseconds timeout) {
  const auto executor = co_await asio::this_coro::executor;
  const auto pin = pin_digest(endpoint.pin);
  if (!endpoint.pin.empty() && !pin)
    co_return fail(ErrorCode::config, "tls " + endpoint.name(), "the pin is not sha256:BASE64");
  auto context = make_context(endpoint);
  if (!context) co_return fail(std::move(context).error());
  auto stream = std::make_unique<TlsStream>(std::move(socket), std::move(context).value());
  SSL* ssl = stream->stream().native_handle();
  if (!demand_identity(ssl, endpoint))
    co_return tls_error(endpoint, endpoint.tlsa.empty() ? "the host name cannot be checked"
                                                        : "no TLSA record can be used");
  Deadline deadline(executor, timeout, [raw = stream.get()] { raw->close(); });
  const auto [error] =
      co_await stream->stream().async_handshake(asio::ssl::stream_base::client, kTuple);
  deadline.disarm();
  if (error) {
    const long verdict = SSL_get_verify_result(ssl);
    if (verdict != X509_V_OK)
      co_return tls_error(endpoint,
                          std::string("the server's certificate is not accepted: ") +
                              X509_verify_cert_error_string(verdict),
                          "ask the server's owner; a private CA is named with ca_file");
    // Nobody was proven wrong, the connection broke: that may be otherwise next time.
    const bool broke = error == asio::error::eof || error == asio::ssl::error::stream_truncated ||
                       error == asio::error::connection_reset || error == asio::error::broken_pipe;
    if (broke || deadline.expired()) {
      Error lost;
      lost.code = deadline.expired() ? ErrorCode::timeout : ErrorCode::network;
      lost.operation = "tls " + endpoint.name();
      lost.text = deadline.expired() ? "the handshake did not end in time"
                                     : "the server closed the connection in the handshake";
      lost.retry = Retry::later;
      co_return fail(std::move(lost));
    }
    co_return tls_error(endpoint, "the handshake failed: " + error.message());
  }
  X509* certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr || SSL_get_verify_result(ssl) != X509_V_OK)
    co_return tls_error(endpoint, "the server showed no certificate");
  if (pin && !matches_pin(certificate, *pin))
    co_return tls_error(endpoint, "the server's public key is not the pinned one");
  std::unique_ptr<ByteStream> out = std::move(stream);
  co_return out;
}

}  // namespace mxferry::net
