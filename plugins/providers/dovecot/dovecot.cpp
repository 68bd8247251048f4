// SPDX-License-Identifier: Apache-2.0
// Provider plugin `dovecot`. doveadm cannot create users, so accounts and quota rules are lines of
// the passwd-file that its userdb reads anew at each login; everything else goes through doveadm's
// HTTP API. One operation at a time. verified 2026-11-24 on 2.3.19
#include <crypt.h>

#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>

#include "doveadm.hpp"
#include "users_file.hpp"

namespace dovecot {
namespace {

using Json = nlohmann::json;
constexpr int kExists = 65;
constexpr int kNoUser = 67;

// A batch of one. nlohmann would take {{"name", {…}}} for an object.
Json one(const char* name, Json parameters) {
  return Json::array({Json::array({name, std::move(parameters)})});
}

class Dovecot final : public sdk::ProviderPlugin {
 public:
  using ProviderPlugin::ProviderPlugin;

  sdk::Result<void> start() override {
    url_ = host().config_or("url", "");
    while (url_.ends_with('/')) url_.pop_back();
    if (!url_.ends_with("/doveadm/v1")) url_ += "/doveadm/v1";
    users_file_ = host().config_or("users_file", "");
    return {};
  }

  sdk::Result<std::vector<sdk::Account>> list_accounts(const std::string& domain) override {
    MXF_CHECK(need_users_file());
    MXF_TRY(file, host().read_file(users_file_));
    std::vector<sdk::Account> accounts;
    for (const auto& user : users_in(file, domain)) {
      sdk::Account account;
      account.address = user.address;
      account.disabled = user.disabled;
      if (user.quota_bytes) account.quota_bytes = static_cast<std::int64_t>(*user.quota_bytes);
      accounts.push_back(std::move(account));
    }
    constexpr std::size_t kBatch = 50;
    for (std::size_t from = 0; from < accounts.size(); from += kBatch) {
      const auto to = std::min(accounts.size(), from + kBatch);
      Json commands = Json::array();
      for (std::size_t i = from; i < to; ++i)
        commands.push_back({"quotaGet", {{"user", accounts[i].address}}});
      MXF_TRY(replies, call(host(), url_, commands));
      for (std::size_t i = from; i < to; ++i) read_usage(replies[i - from], accounts[i]);
      host().progress(to, accounts.size());
    }
    return accounts;
  }

  sdk::Result<void> ensure_account(const sdk::Account& wanted,
                                   const std::string& secret_name) override {
    MXF_CHECK(need_users_file());
    if (!is_plain_address(wanted.address))
      return sdk::fail(MXF_INVALID, "the address cannot stand in a passwd-file", wanted.address);
    std::string password = "{CRYPT}!";  // matches nothing
    if (!wanted.disabled) {
      if (secret_name.empty()) return sdk::fail(MXF_INVALID, "an account needs a first password");
      MXF_TRY(hashed, hash(secret_name));
      password = std::move(hashed);
    }
    std::optional<std::uint64_t> quota;
    if (wanted.quota_bytes) quota = static_cast<std::uint64_t>(*wanted.quota_bytes);
    return host().edit_file(users_file_, [&](std::string_view file) -> std::optional<std::string> {
      if (find_user(file, wanted.address)) return {};
      return with_user(file, wanted.address, password, quota);
    });
  }

  sdk::Result<void> ensure_aliases(const sdk::Account& wanted) override {
    if (wanted.aliases.empty()) return {};
    return sdk::fail(MXF_UNSUPPORTED,
                     "Dovecot knows no aliases: they are the mail transfer agent's");
  }

  sdk::Result<void> ensure_quota(const sdk::Account& wanted) override {
    MXF_CHECK(need_users_file());
    if (!wanted.quota_bytes) return {};
    const auto bytes = static_cast<std::uint64_t>(*wanted.quota_bytes);
    bool found = true;
    bool changed = false;
    MXF_CHECK(
        host().edit_file(users_file_, [&](std::string_view file) -> std::optional<std::string> {
          const auto user = find_user(file, wanted.address);
          found = user.has_value();
          // Never lower: a larger rule of the operator stays.
          if (!user || (user->quota_bytes && *user->quota_bytes >= bytes)) return {};
          changed = true;
          return with_quota(file, wanted.address, bytes);
        }));
    if (!found)
      return sdk::fail(MXF_NOT_FOUND, "the account is not in the passwd-file", wanted.address);
    if (changed) forget_cached(wanted.address);
    return {};
  }

  sdk::Result<void> ensure_folders(const std::string& address,
                                   const std::vector<std::string>& paths, bool subscribe) override {
    constexpr std::size_t kBatch = 100;
    for (std::size_t from = 0; from < paths.size(); from += kBatch) {
      const auto to = std::min(paths.size(), from + kBatch);
      // One command per folder: the exit code of many would not tell which one existed.
      Json commands = Json::array();
      for (std::size_t i = from; i < to; ++i)
        commands.push_back({"mailboxCreate", {{"user", address}, {"mailbox", {paths[i]}}}});
      if (subscribe)
        for (std::size_t i = from; i < to; ++i)
          commands.push_back({"mailboxSubscribe", {{"user", address}, {"mailbox", {paths[i]}}}});
      MXF_TRY(replies, call(host(), url_, commands));
      for (std::size_t i = 0; i < replies.size(); ++i) {
        const bool creating = i < to - from;
        const int code = replies[i].exit_code;
        if (code == 0 || (creating && code == kExists)) continue;
        auto why = failure(code, creating ? "create a folder" : "subscribe to a folder");
        why.remote = paths[from + i % (to - from)];
        return sdk::fail(std::move(why));
      }
      host().progress(to, paths.size());
    }
    return {};
  }

  sdk::Result<void> ensure_acl(const std::string& address, const std::string& path,
                               const std::vector<sdk::AclEntry>& entries) override {
    if (entries.empty()) return {};
    Json commands = Json::array();
    for (const auto& entry : entries) {
      MXF_TRY(id, dovecot_id(entry.identifier));
      MXF_TRY(rights, dovecot_rights(entry.rights));
      // `aclAdd`, not `aclSet`: rights that are there stay.
      commands.push_back(
          {"aclAdd", {{"user", address}, {"mailbox", path}, {"id", id}, {"right", rights}}});
    }
    MXF_TRY(replies, call(host(), url_, commands));
    for (const auto& reply : replies)
      if (reply.exit_code != 0) return sdk::fail(failure(reply.exit_code, "set an access list"));
    return {};
  }

  // The user can be looked up and its INBOX be opened: what a login and a delivery need.
  sdk::Result<bool> ready(const std::string& address) override {
    const Json commands = one(
        "mailboxStatus", {{"user", address}, {"mailboxMask", {"INBOX"}}, {"field", {"messages"}}});
    MXF_TRY(replies, call(host(), url_, commands));
    if (replies[0].exit_code == kNoUser) return false;
    if (replies[0].exit_code != 0)
      return sdk::fail(failure(replies[0].exit_code, "status of the INBOX"));
    return Json::parse(replies[0].rows, nullptr, false).size() == 1;
  }

  sdk::Result<void> remove_account(const std::string& address) override {
    MXF_CHECK(need_users_file());
    std::optional<User> user;
    MXF_CHECK(
        host().edit_file(users_file_, [&](std::string_view file) -> std::optional<std::string> {
          user = find_user(file, address);
          if (!user || !user->ours) return {};
          return without_user(file, address);
        }));
    if (user && !user->ours)
      return sdk::fail(MXF_DENIED, "this account was not created by mxferry: it stays");
    if (user) forget_cached(address);
    return {};
  }

 private:
  sdk::Result<void> need_users_file() const {
    if (users_file_.empty())
      return sdk::fail(
          MXF_UNSUPPORTED,
          "without the setting users_file accounts and quotas cannot be read or written");
    return {};
  }

  // {SHA512-CRYPT}, crypt(5), with a salt of the host's randomness. crypt_rn, not crypt_r: the
  // address sanitizer replaces the latter with a pointer that is null in a library loaded later.
  sdk::Result<std::string> hash(const std::string& secret_name) {
    MXF_TRY(password, host().secret(secret_name));
    MXF_TRY(bytes, host().random(16));
    static constexpr std::string_view kAlphabet =
        "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    std::string setting = "$6$";
    for (const char c : bytes) setting.push_back(kAlphabet[static_cast<unsigned char>(c) & 63U]);
    const auto data = std::make_unique<crypt_data>();
    const char* hashed = ::crypt_rn(password.c_str(), (setting + "$").c_str(), data.get(),
                                    static_cast<int>(sizeof *data));
    std::fill(password.begin(), password.end(), '\0');
    if (hashed == nullptr || !std::string_view(hashed).starts_with("$6$"))
      return sdk::fail(MXF_REMOTE, "crypt(3) failed");
    return "{SHA512-CRYPT}" + std::string(hashed);
  }

  // auth_cache_size may keep the old line for an hour; not every server has a cache.
  void forget_cached(const std::string& address) {
    const Json commands = one("authCacheFlush", {{"user", {address}}});
    const auto replies = call(host(), url_, commands);
    if (!replies || (*replies)[0].exit_code != 0)
      host().log(
          MXF_LOG_WARN,
          "Dovecot's auth cache could not be flushed; the change shows when its entry expires");
  }

  // Rows {"root","type":"STORAGE"|"MESSAGE","value","limit"} with numbers as text, storage in KiB.
  static void read_usage(const Reply& reply, sdk::Account& account) {
    const auto number = [](const Json& row, const char* key) -> std::optional<std::int64_t> {
      if (!row.is_object() || !row.contains(key) || !row[key].is_string()) return {};
      const auto text = row[key].get<std::string>();
      if (text.empty() || text.size() > 15 ||
          !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }))
        return {};
      return std::stoll(text) * 1024;
    };
    const auto rows = Json::parse(reply.rows, nullptr, false);
    if (reply.exit_code != 0 || !rows.is_array()) return;
    for (const auto& row : rows) {
      if (!row.is_object() || !row.contains("type") || row["type"] != "STORAGE") continue;
      if (const auto used = number(row, "value")) account.used_bytes = *used;
      if (const auto limit = number(row, "limit"); limit && *limit > 0 && !account.quota_bytes)
        account.quota_bytes = *limit;
    }
  }

  // RFC 4314 identifiers as IMAP shows them -> doveadm's.
  static sdk::Result<std::string> dovecot_id(const std::string& identifier) {
    if (identifier.empty())
      return sdk::fail(MXF_INVALID, "an access list entry without an identifier");
    if (identifier.front() == '-') return sdk::fail(MXF_UNSUPPORTED, "negative rights are not set");
    if (identifier == "anyone" || identifier == "authenticated" || identifier == "owner")
      return identifier;
    if (identifier.front() == '$') return "group=" + identifier.substr(1);
    return "user=" + identifier;
  }

  // RFC 4314 §2.1; c and d are the obsolete ones of §2.1.1.
  static sdk::Result<std::vector<std::string>> dovecot_rights(const std::string& letters) {
    static const std::array<std::pair<char, std::vector<std::string>>, 13> kRights{
        {{'l', {"lookup"}},
         {'r', {"read"}},
         {'s', {"write-seen"}},
         {'w', {"write"}},
         {'i', {"insert"}},
         {'p', {"post"}},
         {'k', {"create"}},
         {'x', {"delete"}},
         {'t', {"write-deleted"}},
         {'e', {"expunge"}},
         {'a', {"admin"}},
         {'c', {"create"}},
         {'d', {"write-deleted", "expunge", "delete"}}}};
    std::vector<std::string> out;
    for (const char letter : letters) {
      const auto it = std::find_if(kRights.begin(), kRights.end(),
                                   [&](const auto& r) { return r.first == letter; });
      if (it == kRights.end())
        return sdk::fail(MXF_INVALID, std::string("unknown right '") + letter + "'");
      for (const auto& right : it->second)
        if (std::find(out.begin(), out.end(), right) == out.end()) out.push_back(right);
    }
    if (out.empty()) return sdk::fail(MXF_INVALID, "an access list entry without rights");
    return out;
  }

  std::string url_;
  std::string users_file_;
};

}  // namespace
}  // namespace dovecot

MXF_PROVIDER_PLUGIN("dovecot", dovecot::Dovecot)
