// SPDX-License-Identifier: Apache-2.0
#include "net/tls.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "net/connector.hpp"
#include "support/http_server.hpp"
#include "support/run_task.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::net {
namespace {

TEST(Pin, IsSha256AndBase64Of32Octets) {
  EXPECT_TRUE(check_pin(""));
  EXPECT_TRUE(check_pin("sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="));
  for (const auto* pin : {"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "sha256:", "sha256:abc",
                          "sha1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
                          "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF==",
                          "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUx",
                          "sha256:!!!!Qpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="})
    EXPECT_FALSE(check_pin(pin)) << pin;
}

std::string output_of(const std::string& command) {
  std::string out;
  FILE* pipe = ::popen(command.c_str(), "r");
  std::array<char, 256> chunk{};
  while (const auto n = std::fread(chunk.data(), 1, chunk.size(), pipe))
    out.append(chunk.data(), n);
  ::pclose(pipe);
  while (out.ends_with('\n')) out.pop_back();
  return out;
}

// RFC 7672: a server whose CA nobody knows, proven by its TLSA records alone.
TEST(Dane, TlsaRecordsProveTheServerInPlaceOfTheCas) {
  const test::TempDir dir;
  const std::string ca = (dir / "ca").string();
  ASSERT_EQ(std::system((MXF_SOURCE_DIR "/examples/lab/ca.sh '" + ca +
                         "' issue mx mx.new.test >/dev/null 2>&1")
                            .c_str()),
            0);
  const test::HttpServer server([](const test::ServedRequest&) { return test::ServedResponse{}; },
                                ca + "/mx.pem", ca + "/mx.key");
  const auto digest = [](const std::string& der) {
    return output_of(der + " | openssl dgst -sha256 -r | cut -d' ' -f1");
  };
  const std::string cert = digest("openssl x509 -in '" + ca + "/mx.pem' -outform DER");
  const std::string key = digest("openssl x509 -in '" + ca +
                                 "/mx.pem' -noout -pubkey | openssl pkey "
                                 "-pubin -outform DER");
  const std::string anchor = digest("openssl x509 -in '" + ca + "/ca.pem' -outform DER");
  const auto proven = [&](const std::string& host, const std::vector<std::string>& tlsa) {
    const auto connect = [&]() -> Task<Result<void>> {
      NetConnector connector;
      Endpoint endpoint;
      endpoint.host = host;
      endpoint.address = "127.0.0.1";
      endpoint.port = server.port();
      endpoint.tlsa = tlsa;
      MXF_CO_TRY(plain, co_await connector.connect(endpoint));
      MXF_CO_TRY(stream, co_await connector.start_tls(std::move(plain), endpoint));
      stream->close();
      co_return Result<void>();
    };
    return test::run_task(connect()).has_value();
  };
  const std::string other(64, '0');
  EXPECT_FALSE(proven("mx.new.test", {})) << "no CA of the system signed it";
  EXPECT_TRUE(proven("mx.new.test", {"3 1 1 " + key}));
  EXPECT_TRUE(proven("mx.new.test", {"3 0 1 " + cert}));
  EXPECT_TRUE(proven("mx.new.test", {"2 0 1 " + anchor}));
  EXPECT_TRUE(proven("mx.new.test", {"3 1 1 " + other, "3 1 1 " + key})) << "one of two is enough";
  EXPECT_FALSE(proven("mx.new.test", {"3 1 1 " + other}));
  EXPECT_FALSE(proven("mx.new.test", {"3 1 1 " + cert}));
  EXPECT_FALSE(proven("mx.new.test", {"2 0 1 " + other}));
  EXPECT_FALSE(proven("mx.new.test", {"1 1 1 " + key})) << "usages 0 and 1 prove nothing in SMTP";
  EXPECT_FALSE(proven("mx.new.test", {"3 1 1 nothex"}));
  EXPECT_TRUE(proven("another.test", {"3 1 1 " + key})) << "usage 3: the name does not count";
  EXPECT_FALSE(proven("another.test", {"2 0 1 " + anchor})) << "usage 2: it does";
}

}  // namespace
}  // namespace mxferry::net
