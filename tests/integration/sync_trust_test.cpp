// SPDX-License-Identifier: Apache-2.0
// mxferry sync towards servers that must not be trusted: exit 4, and not one byte of a credential
// has left.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

#include "protocol/sasl/sasl.hpp"
#include "support/command_run.hpp"
#include "support/lab_server.hpp"
#include "support/temp_dir.hpp"
#include "support/tls_imap_server.hpp"

namespace mxferry::test {
namespace {

constexpr const char* kAddress = "127.77.60.31";
const std::string kSecret = "s3cret-Marker-77";

class SyncTrust : public ::testing::Test {
 protected:
  void SetUp() override {
    ca("issue good " + std::string(kAddress));
    ca("issue named mail.alpha.test");
    shell("MXF_CERT_DAYS=0 ", "issue expired " + std::string(kAddress));
    shell("MXF_CERT_USAGE=clientAuth ", "issue client " + std::string(kAddress));
    std::string output;
    ASSERT_TRUE(run_shell("cd '" + ca_dir() +
                              "' && openssl req -x509 -newkey ec -pkeyopt "
                              "ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=self "
                              "-addext subjectAltName=IP:" +
                              kAddress + " -keyout self.key -out self.pem",
                          &output))
        << output;
  }
  void ca(const std::string& words) { shell("", words); }
  void shell(const std::string& before, const std::string& words) {
    std::string output;
    ASSERT_TRUE(run_shell(before + MXF_SOURCE_DIR "/examples/lab/ca.sh '" + ca_dir() + "' " + words,
                          &output))
        << output;
  }
  std::string ca_dir() const { return (dir / "ca").string(); }
  std::string pin_of(const std::string& name) const {
    std::string output;
    run_shell("openssl x509 -in '" + ca_dir() + "/" + name +
                  ".pem' -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 "
                  "-binary | base64",
              &output);
    return "sha256:" + output.substr(0, 44);
  }
  TlsImapOptions with(const std::string& certificate, bool implicit) const {
    TlsImapOptions out;
    out.address = kAddress;
    out.certificate = ca_dir() + "/" + certificate + ".pem";
    out.key = ca_dir() + "/" + certificate + ".key";
    out.implicit_tls = implicit;
    return out;
  }
  struct Outcome {
    int code;
    std::string err;
  };
  Outcome sync(const TlsImapServer& server, bool implicit, std::vector<std::string> more = {}) {
    std::filesystem::remove_all(dir / "state");
    return sync_again(server, implicit, std::move(more));
  }
  Outcome sync_again(const TlsImapServer& server, bool implicit,
                     std::vector<std::string> more = {}) {
    std::vector<std::string> args = {"sync",
                                     "--source",
                                     std::string(implicit ? "imaps" : "imap") + "://anna@" +
                                         server.address() + ":" + std::to_string(server.port()),
                                     "--source-secret",
                                     "env:SECRET",
                                     "--dest",
                                     "imaps://anna@127.77.60.32:9",
                                     "--dest-secret",
                                     "env:SECRET",
                                     "--state",
                                     (dir / "state" / "s.db").string(),
                                     "--timeout",
                                     "5"};
    if (std::find(more.begin(), more.end(), "--ca-file") == more.end()) {
      more.push_back("--ca-file");
      more.push_back(ca_dir() + "/ca.pem");
    }
    args.insert(args.end(), more.begin(), more.end());
    CommandRun process(args, {{"SECRET", kSecret}});
    const int code = process.wait();
    return {code, process.out() + process.err()};
  }
  static bool leaked(const TlsImapServer& server) {
    const auto seen = server.transcript();
    for (const auto& form : {kSecret, sasl::base64(kSecret), sasl::plain("", "anna", kSecret),
                             std::string("LOGIN"), std::string("AUTHENTICATE")})
      if (seen.find(form) != std::string::npos) return true;
    return false;
  }

  TempDir dir;
};

TEST_F(SyncTrust, CertificatesThatProveNothingEndItBeforeTheCredential) {
  for (const bool implicit : {true, false}) {
    for (const std::string certificate : {"self", "expired", "named", "client"}) {
      TlsImapServer server(with(certificate, implicit));
      const auto outcome = sync(server, implicit);
      EXPECT_EQ(outcome.code, 4) << certificate << outcome.err;
      EXPECT_FALSE(leaked(server)) << certificate << server.transcript();
      EXPECT_EQ(server.connections(), 1) << certificate << ": a matter of trust is not tried again";
      EXPECT_EQ(outcome.err.find(kSecret), std::string::npos);
    }
    // The certificate is good, the CA is not the one that we were told to trust.
    TlsImapServer server(with("good", implicit));
    const auto outcome = sync(server, implicit, {"--ca-file", ca_dir() + "/self.pem"});
    EXPECT_EQ(outcome.code, 4);
    EXPECT_FALSE(leaked(server));
  }
}

TEST_F(SyncTrust, AWrongPinEndsItAndTheRightOneDoesNot) {
  TlsImapServer server(with("good", true));
  const auto wrong = sync(server, true, {"--source-pin", pin_of("named")});
  EXPECT_EQ(wrong.code, 4) << wrong.err;
  EXPECT_FALSE(leaked(server));
  // A control: with the right pin the credential is sent, and refused by this server.
  const auto right = sync(server, true, {"--source-pin", pin_of("good")});
  EXPECT_EQ(right.code, 3) << right.err;
  EXPECT_NE(right.err.find("anna"), std::string::npos);
  EXPECT_TRUE(leaked(server));
  const auto spelled_wrong = sync(server, true, {"--source-pin", "sha256:abc"});
  EXPECT_EQ(spelled_wrong.code, 2);
}

TEST_F(SyncTrust, StartTlsThatIsRefusedOrTamperedWithEndsIt) {
  const auto attempt = [&](const char* what, TlsImapOptions options) {
    TlsImapServer server(std::move(options));
    const auto outcome = sync(server, false);
    EXPECT_EQ(outcome.code, 4) << what << outcome.err;
    EXPECT_FALSE(leaked(server)) << what;
  };
  auto options = with("good", false);
  options.starttls_answer = "NO not now";
  attempt("refused", options);
  options.starttls_answer = "BAD what";
  attempt("bad", options);
  options = with("good", false);
  options.greeting = "* PREAUTH welcome\r\n";
  attempt("preauth", options);
  options = with("good", false);
  options.after_starttls = "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n";
  attempt("buffered", options);
}

TEST_F(SyncTrust, AnEndpointThatOfferedTlsOnceIsNeverSpokenToInPlainText) {
  auto options = with("good", false);
  options.login_answer = "OK in";
  int port = 0;
  {
    TlsImapServer server(options);
    port = server.port();
    // The login succeeds and the next command fails: enough for the state to remember the offer.
    const auto outcome = sync(server, false);
    EXPECT_EQ(outcome.code, 4) << outcome.err;
  }
  options.offers_starttls = false;
  TlsImapServer stripped(options);
  // Same endpoint name: the state knows it by HOST:PORT, so the port is moved in the state instead.
  std::string output;
  ASSERT_TRUE(run_shell("python3 -c \"import sqlite3; d=sqlite3.connect('" +
                            (dir / "state" / "s.db").string() +
                            "'); d.execute(\\\"update meta set key='tls:" + kAddress + ":" +
                            std::to_string(stripped.port()) + "' where key='tls:" + kAddress + ":" +
                            std::to_string(port) +
                            "'\\\"); d.commit(); print(d.execute(\\\"select count(*) from meta "
                            "where key like 'tls:%'\\\").fetchone()[0])\"",
                        &output))
      << output;
  EXPECT_EQ(output.substr(0, 1), "1") << output;
  const auto outcome = sync_again(stripped, false);
  EXPECT_EQ(outcome.code, 4) << outcome.err;
  EXPECT_FALSE(leaked(stripped));
}

TEST_F(SyncTrust, ReferralsAreNotFollowed) {
  TlsImapServer elsewhere(with("good", true));
  auto options = with("good", true);
  options.login_answer = "NO [REFERRAL imap://anna@" + elsewhere.address() + ":" +
                         std::to_string(elsewhere.port()) + "/] go there";
  TlsImapServer server(options);
  const auto outcome = sync(server, true);
  EXPECT_EQ(outcome.code, 3) << outcome.err;
  EXPECT_NE(outcome.err.find("never followed"), std::string::npos) << outcome.err;
  EXPECT_EQ(elsewhere.connections(), 0);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(SyncTrust, AServerThatTalksRubbishIsRetriedWithinBoundsAndNamed) {
  TlsImapOptions options;
  options.address = kAddress;
  options.greeting = "SSH-2.0-OpenSSH_9.2\r\n";
  TlsImapServer server(options);
  const auto outcome = sync(server, false);
  EXPECT_EQ(outcome.code, 4) << outcome.err;
  EXPECT_NE(outcome.err.find(std::string(kAddress) + ":" + std::to_string(server.port())),
            std::string::npos)
      << outcome.err;
  EXPECT_GT(server.connections(), 1);
  EXPECT_LE(server.connections(), 6);
}

}  // namespace
}  // namespace mxferry::test
