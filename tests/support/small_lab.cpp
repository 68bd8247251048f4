// SPDX-License-Identifier: Apache-2.0
#include "support/small_lab.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "support/mail_account.hpp"

namespace mxferry::test {

SmallLab::SmallLab(SmallLabOptions options) : options_(std::move(options)) {
  if (::getuid() != 0) {
    problem_ = "needs root for ports 53 and 143";
    return;
  }
  const std::string root = address(1);
  const std::string primary = address(2);
  const std::string old_host = address(3);
  const std::string new_host = address(4);
  write("root.zone",
        "$TTL 3600\n. IN SOA ns.test. hostmaster.test. 1 3600 600 604800 10\n. IN NS ns.test.\n"
        "test. IN NS ns.test.\nns.test. IN A " +
            root + "\n");
  write("test.zone",
        "$TTL 300\n$ORIGIN test.\n@ 10 IN SOA ns hostmaster 1 3600 600 604800 10\n@ IN NS ns\n"
        "ns IN A " +
            root + "\nalpha IN NS ns1.dns\nns1.dns IN A " + primary + "\nmx.old IN A " + old_host +
            "\nmx.new IN A " + new_host + "\n");
  write("alpha.zone",
        "$TTL " + std::to_string(options_.ttl) +
            "\n$ORIGIN alpha.test.\n@ 10 IN SOA ns1.dns.test. hostmaster 1 60 10 604800 10\n"
            "@ IN NS ns1.dns.test.\n@ IN MX 10 mx.old.test.\n@ IN TXT \"v=spf1 mx -all\"\n");
  write("dns.key", options_.dns_key);
  write("doveadm.key", options_.doveadm_key);
  write("old-users", std::string(kUser) + ":{PLAIN}" + options_.old_password + "::::::\n");
  write("new-users", "");
  write("plan.toml", R"([migration]
id = "small"
[source]
endpoint = "imap://)" + old_host +
                         R"("
[dest]
endpoint = "imap://)" + new_host +
                         R"("
provider = "dovecot"
set = { url = "http://)" +
                         new_host + R"(:8080", users_file = ")" + (dir_ / "new-users").string() +
                         R"(" }
secret = { api_key = "file:)" +
                         (dir_ / "doveadm.key").string() + R"(" }
[mailboxes]
csv = "boxes.csv"
[[domain]]
name = "alpha.test"
mx = ["10 mx.new.test."]
spf = "v=spf1 ip4:)" + new_host +
                         R"( -all"
dns = { plugin = "powerdns", zone = "alpha.test.", set = { url = "http://)" +
                         primary + R"(:8081" }, secret = { api_key = "env:DNS_KEY" } }
[ttl]
lowered = 5
[delta]
every = "1h"
for = "1h"
[approve]
flip = )" + options_.approve +
                         R"(
[resolve]
root = [")" + root + R"("]
allow_loopback = true
)");
  write("boxes.csv", "source,dest,source_secret,dest_secret\n" + std::string(kUser) + "," + kUser +
                         ",env:OLD_PASSWORD,file:" + (dir_ / "new.password").string() + "\n");
  write("new.password", options_.new_password + "\n");

  if (!start(root_, "knot",
             {"address=" + root, "zone=.:" + (dir_ / "root.zone").string() +
                                     ",test:" + (dir_ / "test.zone").string()}) ||
      !start(primary_, "powerdns",
             {"address=" + primary, "api_key=" + (dir_ / "dns.key").string()}))
    return;
  std::string output;
  if (!primary_->run("zone", {(dir_ / "alpha.zone").string(), "alpha.test"}, &output)) {
    broken_ = true;
    problem_ = output;
    return;
  }
  if (!start(old_, "dovecot",
             {"address=" + old_host, "lmtp_port=0", "doveadm_port=0", "imaps_port=0",
              "users=" + (dir_ / "old-users").string()}) ||
      !start(new_, "dovecot",
             {"address=" + new_host, "lmtp_port=0", "imaps_port=0",
              "doveadm_key=" + (dir_ / "doveadm.key").string(),
              "users=" + (dir_ / "new-users").string()}))
    return;
  MailAccount account(old_host, 143, kUser, options_.old_password);
  for (int i = 0; i < 5; ++i)
    account.append("INBOX", "Subject: " + std::to_string(i) + "\r\n\r\nhello\r\n");
}

std::string SmallLab::address(int n) const {
  return "127.77.64." + std::to_string(10 * options_.number + n);
}

void SmallLab::write(const std::string& name, const std::string& text) const {
  std::ofstream(dir_ / name, std::ios::binary) << text;
  ::chmod((dir_ / name).c_str(), 0600);
}

bool SmallLab::start(std::unique_ptr<LabServer>& server, const char* name,
                     const std::vector<std::string>& options) {
  server = std::make_unique<LabServer>(name, options);
  broken_ = server->broken();
  problem_ = server->problem();
  if (server->available()) problem_.clear();
  return server->available();
}

}  // namespace mxferry::test
