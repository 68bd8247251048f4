// SPDX-License-Identifier: Apache-2.0
#include "plugin/provider_adapter.hpp"

#include <limits>

#include "credentials/secret_ref.hpp"

namespace mxferry::plugin {
namespace {

constexpr const char* kAccountSecret = "account_password";

struct Accounts {
  std::vector<Account> items;
  std::string problem;
};

void account_sink(void* ctx, const mxf_account* a) {
  auto& sink = *static_cast<Accounts*>(ctx);
  try {
    if (a == nullptr || !MXF_HAS(a, mxf_account, used_bytes)) {
      sink.problem = "it sent an account structure that is too small";
      return;
    }
    Account account;
    account.address = to_text(a->address);
    account.display_name = to_text(a->display_name);
    account.disabled = a->disabled != 0;
    for (std::size_t i = 0; i < a->alias_count; ++i)
      account.aliases.push_back(to_text(a->aliases[i]));
    if (a->quota_bytes >= 0) account.quota_bytes = static_cast<std::uint64_t>(a->quota_bytes);
    if (a->used_bytes >= 0) account.used_bytes = static_cast<std::uint64_t>(a->used_bytes);
    if (account.address.find('@') == std::string::npos)
      sink.problem = "it sent an account without an address";
    sink.items.push_back(std::move(account));
  } catch (...) {
    sink.problem = "out of memory";
  }
}

/// The C structure over an Account, which outlives it.
class AccountView {
 public:
  explicit AccountView(const Account& account) {
    for (const auto& alias : account.aliases) aliases_.push_back(to_str(alias));
    c_.size = sizeof c_;
    c_.disabled = account.disabled ? 1 : 0;
    c_.address = to_str(account.address);
    c_.display_name = to_str(account.display_name);
    c_.aliases = aliases_.data();
    c_.alias_count = aliases_.size();
    c_.quota_bytes = number(account.quota_bytes);
    c_.used_bytes = number(account.used_bytes);
  }
  AccountView(const AccountView&) = delete;
  AccountView& operator=(const AccountView&) = delete;
  const mxf_account* get() const { return &c_; }

 private:
  static std::int64_t number(const std::optional<std::uint64_t>& value) {
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return value ? static_cast<std::int64_t>(std::min(*value, kMax)) : -1;
  }
  mxf_account c_{};
  std::vector<mxf_str> aliases_;
};

class ProviderAdapter final : public MailProvider {
 public:
  ProviderAdapter(const mxf_provider* table, std::unique_ptr<HostSession> host, void* session)
      : table_(table), host_(std::move(host)), session_(session) {}
  ~ProviderAdapter() override {
    host_->begin("close", {});
    try {
      if (table_->close != nullptr) table_->close(session_);
    } catch (...) {  // a plugin's fault; there is nobody left to tell
    }
  }
  ProviderAdapter(const ProviderAdapter&) = delete;
  ProviderAdapter& operator=(const ProviderAdapter&) = delete;

  Result<std::vector<Account>> list_accounts(const std::string& domain,
                                             std::stop_token stop) override {
    host_->begin("list accounts of " + domain, std::move(stop));
    if (table_->list_accounts == nullptr) return unsupported();
    Accounts sink;
    std::uint64_t count = std::numeric_limits<std::uint64_t>::max();
    MXF_CHECK(call([&] {
      return table_->list_accounts(session_, to_str(domain), account_sink, &sink, &count);
    }));
    if (!sink.problem.empty()) return fail(host_->bug(sink.problem));
    if (count != sink.items.size())
      return fail(host_->bug("it sent " + std::to_string(sink.items.size()) +
                             " accounts and announced another number: the list is not complete"));
    return std::move(sink.items);
  }
  Result<void> ensure_account(const Account& wanted, const std::string& secret_name,
                              std::stop_token stop) override {
    host_->begin("create account " + wanted.address, std::move(stop));
    if (table_->ensure_account == nullptr) return unsupported();
    std::string name;
    if (!secret_name.empty()) {
      MXF_TRY(secret, resolve_secret(secret_name));
      host_->lend_secret(kAccountSecret, std::move(secret));
      name = kAccountSecret;
    }
    const AccountView account(wanted);
    auto done = call([&] { return table_->ensure_account(session_, account.get(), to_str(name)); });
    host_->return_secret(kAccountSecret);
    return done;
  }
  Result<void> ensure_aliases(const Account& wanted, std::stop_token stop) override {
    host_->begin("set aliases of " + wanted.address, std::move(stop));
    if (table_->ensure_aliases == nullptr) return unsupported();
    const AccountView account(wanted);
    return call([&] { return table_->ensure_aliases(session_, account.get()); });
  }
  Result<void> ensure_quota(const Account& wanted, std::stop_token stop) override {
    host_->begin("set quota of " + wanted.address, std::move(stop));
    if (table_->ensure_quota == nullptr) return unsupported();
    const AccountView account(wanted);
    return call([&] { return table_->ensure_quota(session_, account.get()); });
  }
  Result<void> ensure_folders(const std::string& address,
                              const std::vector<std::string>& utf8_paths, bool subscribe,
                              std::stop_token stop) override {
    host_->begin("create folders of " + address, std::move(stop));
    if (table_->ensure_folders == nullptr) return unsupported();
    std::vector<mxf_str> paths;
    for (const auto& path : utf8_paths) paths.push_back(to_str(path));
    return call([&] {
      return table_->ensure_folders(session_, to_str(address), paths.data(), paths.size(),
                                    subscribe ? 1 : 0);
    });
  }
  Result<void> ensure_acl(const std::string& address, const std::string& utf8_path,
                          const std::vector<AclEntry>& acl, std::stop_token stop) override {
    host_->begin("set access to a folder of " + address, std::move(stop));
    if (table_->ensure_acl == nullptr) return unsupported();
    std::vector<mxf_acl> entries;
    for (const auto& entry : acl)
      entries.push_back({to_str(entry.identifier), to_str(entry.rights)});
    return call([&] {
      return table_->ensure_acl(session_, to_str(address), to_str(utf8_path), entries.data(),
                                entries.size());
    });
  }
  Result<bool> ready(const std::string& address, std::stop_token stop) override {
    host_->begin("readiness of " + address, std::move(stop));
    if (table_->readiness == nullptr) return unsupported();
    std::int32_t is_ready = -1;
    MXF_CHECK(call([&] { return table_->readiness(session_, to_str(address), &is_ready); }));
    if (is_ready != 0 && is_ready != 1)
      return fail(host_->bug("it did not say whether the account is ready"));
    return is_ready == 1;
  }
  Result<void> remove_account(const std::string& address, std::stop_token stop) override {
    host_->begin("remove account " + address, std::move(stop));
    if (table_->remove_account == nullptr) return unsupported();
    return call([&] { return table_->remove_account(session_, to_str(address)); });
  }

 private:
  template <class Body>
  Result<void> call(Body body) {
    try {
      const mxf_status status = body();
      if (status == MXF_OK) return {};
      return fail(host_->error_for(status));
    } catch (...) {
      return fail(host_->bug("an exception came out of it"));
    }
  }
  Unexpected<Error> unsupported() { return fail(host_->error_for(MXF_UNSUPPORTED)); }

  const mxf_provider* table_;
  std::unique_ptr<HostSession> host_;
  void* session_;
};

}  // namespace

Result<std::unique_ptr<MailProvider>> make_provider_adapter(const mxf_provider* table,
                                                            std::unique_ptr<HostSession> host) {
  host->begin("open", {});
  void* session = nullptr;
  try {
    // Everything up to remove_account was there in 0.1; what comes later is asked for with MXF_HAS.
    if (!MXF_HAS(table, mxf_provider, remove_account) || table->open == nullptr)
      return fail(host->bug("it has no open()"));
    if (const auto status = table->open(host->abi(), &session); status != MXF_OK) {
      auto error = host->error_for(status);
      if (error.code == ErrorCode::refused) error.code = ErrorCode::config;
      return fail(std::move(error));
    }
  } catch (...) {
    return fail(host->bug("an exception came out of it"));
  }
  std::unique_ptr<MailProvider> adapter =
      std::make_unique<ProviderAdapter>(table, std::move(host), session);
  return adapter;
}

}  // namespace mxferry::plugin
