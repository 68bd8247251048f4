// SPDX-License-Identifier: Apache-2.0
// MailProvider: accounts, folders and readiness at a mail provider through its admin API. Blocking,
// for worker threads; one operation at a time per object. ensure_*() may be repeated without harm
// and never lowers or removes anything.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "model/account.hpp"

namespace mxferry {

class MailProvider {
 public:
  virtual ~MailProvider() = default;
  virtual Result<std::vector<Account>> list_accounts(const std::string& domain,
                                                     std::stop_token stop) = 0;
  /// `secret_name` is the reference (env:…, file:…) of the account's first password; the plugin
  /// asks the host for its value.
  virtual Result<void> ensure_account(const Account& wanted, const std::string& secret_name,
                                      std::stop_token stop) = 0;
  virtual Result<void> ensure_aliases(const Account& wanted, std::stop_token stop) = 0;
  virtual Result<void> ensure_quota(const Account& wanted, std::stop_token stop) = 0;
  virtual Result<void> ensure_folders(const std::string& address,
                                      const std::vector<std::string>& utf8_paths, bool subscribe,
                                      std::stop_token stop) = 0;
  virtual Result<void> ensure_acl(const std::string& address, const std::string& utf8_path,
                                  const std::vector<AclEntry>& acl, std::stop_token stop) = 0;
  /// True once the account can log in and receive: the host asks again later otherwise.
  virtual Result<bool> ready(const std::string& address, std::stop_token stop) = 0;
  /// Undo of ensure_account: only an account that it created.
  virtual Result<void> remove_account(const std::string& address, std::stop_token stop) = 0;
};

}  // namespace mxferry
