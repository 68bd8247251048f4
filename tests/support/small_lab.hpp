// SPDX-License-Identifier: Apache-2.0
// SmallLab: the least of real servers that `mxferry run` needs up to the flip: a root and a zone
// (Knot, PowerDNS), an old and a new Dovecot with one mailbox, and a plan for them. It has no MX
// hosts. Addresses 127.77.64.10*n+1 … +4, so that tests run side by side. Root is needed.
#pragma once

#include <memory>
#include <string>

#include "support/lab_server.hpp"
#include "support/temp_dir.hpp"

namespace mxferry::test {

struct SmallLabOptions {
  int number = 1;             // of the addresses, 1-24
  std::uint32_t ttl = 3600;   // of the zone today: so long does a run wait at its TTL gate
  std::string approve = "1";  // "\"auto\"" or 1
  std::string old_password = "old-pass-word";
  std::string new_password = "new-pass-word";
  std::string dns_key = "dns-key-1234";
  std::string doveadm_key = "doveadm-key-1234";
};

class SmallLab {
 public:
  explicit SmallLab(SmallLabOptions options);

  /// Empty, or why the test is skipped (no packages) or fails (broken()).
  const std::string& problem() const { return problem_; }
  bool broken() const { return broken_; }
  std::string address(int n) const;  // 1 Knot, 2 PowerDNS, 3 old, 4 new
  std::filesystem::path plan() const { return dir_ / "plan.toml"; }
  std::filesystem::path dir() const { return dir_.path(); }
  const LabServer& new_host() const { return *new_; }

  static constexpr const char* kUser = "anna@alpha.test";

 private:
  void write(const std::string& name, const std::string& text) const;
  bool start(std::unique_ptr<LabServer>& server, const char* name,
             const std::vector<std::string>& options);
  TempDir dir_;
  SmallLabOptions options_;
  bool broken_ = false;
  std::string problem_;
  std::unique_ptr<LabServer> root_, primary_, old_, new_;
};

}  // namespace mxferry::test

/// In a test body, as MXF_NEED_SERVER.
#define MXF_NEED_LAB(lab)                        \
  if ((lab).broken()) FAIL() << (lab).problem(); \
  if (!(lab).problem().empty()) GTEST_SKIP() << (lab).problem()
