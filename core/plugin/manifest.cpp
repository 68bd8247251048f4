// SPDX-License-Identifier: Apache-2.0
#include "plugin/manifest.hpp"

#include <mxferry/abi.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/json_reader.hpp"
#include "net/http.hpp"
#include "plugin/json_places.hpp"

namespace mxferry::plugin {
namespace {

using Names = std::initializer_list<std::string_view>;

std::string joined(Names names) {
  std::string out;
  for (const auto name : names) out += (out.empty() ? "" : ", ") + std::string(name);
  return out;
}
bool in(std::string_view text, Names names) {
  return std::find(names.begin(), names.end(), text) != names.end();
}

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 && text.front() >= 'a' && text.front() <= 'z' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}
bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}
bool is_date(std::string_view text) {
  if (text.size() != 10) return false;
  for (std::size_t i = 0; i < 10; ++i)
    if (i == 4 || i == 7 ? text[i] != '-' : (text[i] < '0' || text[i] > '9')) return false;
  return true;
}

/// Walks the document and keeps the first mistake, with its place. After a mistake everything reads
/// as empty, so that callers stay straight.
class Reader {
 public:
  Reader(std::string_view text, const std::string& file) : places_(text), file_(file) {}

  void wrong(const std::string& pointer, const std::string& what) {
    if (!error_.empty()) return;
    std::string shown;
    if (!pointer.empty()) shown.append("\"").append(pointer, 1).append("\": ");
    error_ = file_ + ":" + places_.at(pointer) + ": " + shown + what;
  }
  const std::string& error() const { return error_; }

  void keys(const Json& object, const std::string& at, Names allowed) {
    if (!object.is_object())
      return wrong(at, std::string("expected an object, found ") + object.type_name());
    for (const auto& [key, value] : object.items())
      if (!in(key, allowed))
        wrong(at + "/" + key, "unknown key; expected one of " + joined(allowed));
  }
  static const Json* find(const Json& object, const std::string& key) {
    if (!object.is_object()) return nullptr;
    const auto it = object.find(key);
    return it == object.end() || it->is_null() ? nullptr : &*it;
  }
  std::string string(const Json& object, const std::string& at, const std::string& key,
                     bool required, std::string fallback = {}) {
    const Json* found = find(object, key);
    if (found == nullptr) {
      if (required) wrong(at, "\"" + key + "\" is missing: expected a string");
      return fallback;
    }
    if (!found->is_string()) {
      wrong(at + "/" + key, std::string("expected a string, found ") + found->type_name());
      return fallback;
    }
    auto text = found->get<std::string>();
    if (required && text.empty()) wrong(at + "/" + key, "must not be empty");
    return text;
  }
  std::string choice(const Json& object, const std::string& at, const std::string& key,
                     Names allowed, std::string fallback) {
    auto text = string(object, at, key, fallback.empty(), fallback);
    if (error_.empty() && !in(text, allowed))
      wrong(at + "/" + key, "expected one of " + joined(allowed) + ", found \"" + text + "\"");
    return text;
  }
  bool boolean(const Json& object, const std::string& at, const std::string& key, bool fallback) {
    const Json* found = find(object, key);
    if (found == nullptr) return fallback;
    if (!found->is_boolean()) {
      wrong(at + "/" + key, std::string("expected true or false, found ") + found->type_name());
      return fallback;
    }
    return found->get<bool>();
  }
  std::uint64_t number(const Json& object, const std::string& at, const std::string& key,
                       std::uint64_t fallback, std::uint64_t max) {
    const Json* found = find(object, key);
    if (found == nullptr) return fallback;
    if (!found->is_number_unsigned() || found->get<std::uint64_t>() > max) {
      wrong(at + "/" + key, "expected an integer from 0 to " + std::to_string(max));
      return fallback;
    }
    return found->get<std::uint64_t>();
  }
  void list(const Json& object, const std::string& at, const std::string& key,
            const std::function<void(const Json&, const std::string&)>& item) {
    const Json* found = find(object, key);
    if (found == nullptr) return;
    const std::string here = at + "/" + key;
    if (!found->is_array())
      return wrong(here, std::string("expected an array, found ") + found->type_name());
    for (std::size_t i = 0; i < found->size(); ++i)
      item((*found)[i], here + "/" + std::to_string(i));
  }
  std::vector<std::string> strings(const Json& object, const std::string& at,
                                   const std::string& key) {
    std::vector<std::string> out;
    list(object, at, key, [&](const Json& item, const std::string& here) {
      if (item.is_string())
        out.push_back(item.get<std::string>());
      else
        wrong(here, std::string("expected a string, found ") + item.type_name());
    });
    return out;
  }

 private:
  JsonPlaces places_;
  std::string file_;
  std::string error_;
};

constexpr std::uint64_t kMax32 = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kMaxBytes = std::numeric_limits<std::int64_t>::max();

std::optional<std::string> value_problem(const Setting& setting, const std::string& value);

void read_config(Reader& r, const Json& root, Manifest& m) {
  r.list(root, "", "config", [&](const Json& item, const std::string& at) {
    r.keys(item, at, {"name", "type", "required", "default", "description"});
    Setting s;
    s.name = r.string(item, at, "name", true);
    if (!is_name(s.name)) r.wrong(at + "/name", "expected lower-case letters, digits and _");
    if (in(s.name, {kCaFile, kPin, kAllowPlaintext}))
      r.wrong(at + "/name", "this name belongs to the host");
    s.type =
        r.choice(item, at, "type",
                 {"string", "integer", "boolean", "url", "server", "file", "program", "imap"}, "");
    s.required = r.boolean(item, at, "required", false);
    s.description = r.string(item, at, "description", true);
    if (Reader::find(item, "default") != nullptr) {
      s.fallback = r.string(item, at, "default", false);
      if (s.required) r.wrong(at + "/default", "a required setting has no default");
      if (const auto problem = value_problem(s, *s.fallback)) r.wrong(at + "/default", *problem);
    }
    for (const auto& other : m.config) {
      if (other.name == s.name) r.wrong(at + "/name", "this setting stands twice");
      if (other.type == "imap" && s.type == "imap")
        r.wrong(at + "/type", "a plugin has one setting of type imap");
    }
    m.config.push_back(std::move(s));
  });
  r.list(root, "", "secrets", [&](const Json& item, const std::string& at) {
    r.keys(item, at, {"name", "env", "required", "description", "field"});
    SecretSetting s;
    s.name = r.string(item, at, "name", true);
    if (!is_name(s.name)) r.wrong(at + "/name", "expected lower-case letters, digits and _");
    s.env = r.string(item, at, "env", false);
    s.required = r.boolean(item, at, "required", true);
    s.description = r.string(item, at, "description", true);
    s.field = r.string(item, at, "field", false);
    for (const auto& other : m.secrets)
      if (other.name == s.name) r.wrong(at + "/name", "this secret stands twice");
    m.secrets.push_back(std::move(s));
  });
}

void read_limits(Reader& r, const Json& root, Manifest& m) {
  const Json* limits = Reader::find(root, "limits");
  if (limits == nullptr) return;
  r.keys(*limits, "/limits",
         {"concurrency", "requests_per_minute", "http_timeout_s", "response_bytes"});
  m.limits.concurrency = static_cast<std::uint32_t>(
      r.number(*limits, "/limits", "concurrency", m.limits.concurrency, 1000));
  m.limits.requests_per_minute =
      static_cast<std::uint32_t>(r.number(*limits, "/limits", "requests_per_minute", 0, 1'000'000));
  m.limits.http_timeout = std::chrono::seconds(
      static_cast<std::int64_t>(r.number(*limits, "/limits", "http_timeout_s", 120, 3600)));
  m.limits.response_bytes =
      r.number(*limits, "/limits", "response_bytes", m.limits.response_bytes, 1ULL << 32);
}

void read_traits(Reader& r, const Json& root, Manifest& m) {
  const Json* traits = Reader::find(root, "traits");
  if (traits == nullptr)
    return r.wrong("", "\"traits\" is missing: a DNS plugin says how its API writes");
  const std::string at = "/traits";
  r.keys(*traits, at, {"write_model", "atomic", "compare_and_swap", "min_ttl", "publish_delay"});
  m.traits.plugin = m.id;
  m.traits.write_model =
      r.choice(*traits, at, "write_model", {"record", "rrset", "zone", "staged", "async"}, "");
  m.traits.atomic = r.choice(*traits, at, "atomic", {"none", "rrset", "batch"}, "");
  m.traits.compare_and_swap = r.boolean(*traits, at, "compare_and_swap", false);
  m.traits.min_ttl = static_cast<std::uint32_t>(r.number(*traits, at, "min_ttl", 0, kMax32));
  m.traits.publish_delay =
      static_cast<std::uint32_t>(r.number(*traits, at, "publish_delay", 0, kMax32));
}

void read_profile_limits(Reader& r, const Json& profile, Profile& p) {
  const Json* limits = Reader::find(profile, "limits");
  if (limits == nullptr) return;
  const std::string at = "/profile/limits";
  r.keys(*limits, at,
         {"message_bytes", "connections", "download_bytes_per_day", "upload_bytes_per_day",
          "folders", "folder_name_bytes", "folder_depth"});
  const auto read = [&](const char* key, std::optional<std::uint64_t>& out) {
    if (Reader::find(*limits, key) != nullptr) out = r.number(*limits, at, key, 0, kMaxBytes);
  };
  read("message_bytes", p.limits.message_bytes);
  read("connections", p.limits.connections);
  read("download_bytes_per_day", p.limits.download_bytes_per_day);
  read("upload_bytes_per_day", p.limits.upload_bytes_per_day);
  read("folders", p.limits.folders);
  read("folder_name_bytes", p.limits.folder_name_bytes);
  read("folder_depth", p.limits.folder_depth);
}

void read_profile(Reader& r, const Json& root, Manifest& m) {
  const Json* found = Reader::find(root, "profile");
  if (found == nullptr)
    return r.wrong("", "\"profile\" is missing: a provider says what it is like");
  const Json& profile = *found;
  const std::string at = "/profile";
  r.keys(profile, at,
         {"endpoints", "auth", "username", "delimiter", "prefix", "special", "views",
          "forbidden_characters", "limits", "errors", "dns", "not_moved"});
  Profile p;
  p.id = m.id;
  p.name = m.name;
  r.list(profile, at, "endpoints", [&](const Json& item, const std::string& here) {
    r.keys(item, here, {"protocol", "host", "port", "security"});
    ProfileEndpoint e;
    e.protocol = r.choice(item, here, "protocol",
                          {"imap", "submission", "smtp", "lmtp", "pop3", "sieve"}, "");
    e.host = r.string(item, here, "host", false);
    e.port = static_cast<std::uint16_t>(r.number(item, here, "port", 0, 65535));
    if (e.port == 0) r.wrong(here, "\"port\": expected an integer from 1 to 65535");
    e.security = r.choice(item, here, "security", {"tls", "starttls", "plain"}, "");
    p.endpoints.push_back(std::move(e));
  });
  p.auth = r.strings(profile, at, "auth");
  p.username = r.string(profile, at, "username", false, p.username);
  p.delimiter = r.string(profile, at, "delimiter", false);
  if (Reader::find(profile, "prefix") != nullptr) p.prefix = r.string(profile, at, "prefix", false);
  if (const Json* special = Reader::find(profile, "special")) {
    r.keys(*special, at + "/special", {"sent", "drafts", "trash", "junk", "archive"});
    if (special->is_object())
      for (const auto& [use, names] : special->items())
        p.special[use] = r.strings(*special, at + "/special", use);
  }
  p.views = r.strings(profile, at, "views");
  p.not_moved = r.strings(profile, at, "not_moved");
  p.forbidden_characters = r.string(profile, at, "forbidden_characters", false);
  read_profile_limits(r, profile, p);
  r.list(profile, at, "errors", [&](const Json& item, const std::string& here) {
    r.keys(item, here, {"contains", "means", "wait_s"});
    ProfileErrorPattern e;
    e.contains = r.string(item, here, "contains", true);
    e.means = r.choice(
        item, here, "means",
        {"throttled", "busy", "auth", "quota", "too_large", "denied", "gone", "retry"}, "");
    e.wait = std::chrono::seconds(
        static_cast<std::int64_t>(r.number(item, here, "wait_s", 0, 7 * 86400)));
    p.errors.push_back(std::move(e));
  });
  r.list(profile, at, "dns", [&](const Json& item, const std::string& here) {
    r.keys(item, here, {"purpose", "name", "type", "rdata"});
    ProfileDnsRecord d;
    d.purpose = r.choice(item, here, "purpose",
                         {"mx", "spf", "dkim", "dmarc", "client", "verification"}, "");
    d.name = r.string(item, here, "name", true);
    d.type = r.string(item, here, "type", true);
    d.rdata = r.string(item, here, "rdata", true);
    p.dns.push_back(std::move(d));
  });
  m.profile = std::move(p);
}

Manifest read_all(Reader& r, const Json& root, const std::filesystem::path& file) {
  Manifest m;
  m.file = file;
  r.keys(root, "",
         {"schema", "id", "kind", "abi", "name", "description", "version", "config", "secrets",
          "hosts", "limits", "traits", "profile", "links", "verified", "sunset", "privileges",
          "notes", "evidence"});
  if (r.number(root, "", "schema", 0, kMax32) != 1) r.wrong("/schema", "expected 1");
  m.id = r.string(root, "", "id", true);
  if (!is_id(m.id))
    r.wrong("/id", "expected lower-case letters, digits and -, beginning with a letter");
  m.kind = r.choice(root, "", "kind", {"dns", "provider"}, "") == "provider" ? Kind::provider
                                                                             : Kind::dns;
  m.abi = r.string(root, "", "abi", false);
  if (m.kind == Kind::dns && m.abi.empty())
    r.wrong("", "\"abi\" is missing: a DNS plugin has a library");
  m.name = r.string(root, "", "name", true);
  m.description = r.string(root, "", "description", true);
  m.version = r.string(root, "", "version", false);
  read_config(r, root, m);
  m.hosts = r.strings(root, "", "hosts");
  m.privileges = r.strings(root, "", "privileges");
  m.notes = r.strings(root, "", "notes");
  m.evidence = r.strings(root, "", "evidence");
  read_limits(r, root, m);
  if (m.kind == Kind::dns) {
    read_traits(r, root, m);
    if (Reader::find(root, "profile") != nullptr) r.wrong("/profile", "only a provider has one");
  } else {
    read_profile(r, root, m);
    if (Reader::find(root, "traits") != nullptr) r.wrong("/traits", "only a DNS plugin has them");
  }
  r.list(root, "", "links", [&](const Json& item, const std::string& at) {
    r.keys(item, at, {"title", "url"});
    m.links.emplace_back(r.string(item, at, "title", true), r.string(item, at, "url", true));
  });
  // What nobody has tried against the real thing says what it rests on instead.
  m.verified = r.string(root, "", "verified", m.evidence.empty());
  m.sunset = r.string(root, "", "sunset", false);
  for (const auto& [at, day] : {std::pair("/verified", m.verified), {"/sunset", m.sunset}})
    if (!day.empty() && !is_date(day)) r.wrong(at, "expected a date, YYYY-MM-DD");
  return m;
}

// "line 3, column 7" inside a parser's sentence as "3:7"; empty if there is none.
std::string place_in(const std::string& words) {
  const auto number_behind = [&](std::string_view word, std::size_t from, std::size_t& end) {
    const auto at = words.find(word, from);
    if (at == std::string::npos) return std::string();
    std::size_t i = at + word.size();
    std::string digits;
    while (i < words.size() && words[i] >= '0' && words[i] <= '9') digits.push_back(words[i++]);
    end = i;
    return digits;
  };
  std::size_t end = 0;
  const auto line = number_behind("line ", 0, end);
  const auto column = number_behind("column ", end, end);
  return line.empty() || column.empty() ? std::string() : line + ":" + column;
}

// RFC 3986 authority of a name server: host or [v6], with an optional port.
bool is_server(std::string_view text) {
  if (text.empty() || text.size() > 300) return false;
  if (text.front() == '[') {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return false;
    text = text.substr(close + 1);
    if (text.empty()) return true;
    if (text.front() != ':') return false;
    text.remove_prefix(1);
  } else {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return true;
    if (colon == 0) return false;
    text = text.substr(colon + 1);
  }
  return !text.empty() && text.size() <= 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }) &&
         std::stoul(std::string(text)) <= 65535;
}

std::optional<std::string> value_problem(const Setting& setting, const std::string& value) {
  if (std::any_of(value.begin(), value.end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x20; }))
    return "must not hold control characters";
  if (setting.type == "integer") {
    const bool digits =
        !value.empty() && value.size() <= 18 &&
        std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!digits) return "expected an integer, found \"" + value + "\"";
  } else if (setting.type == "boolean") {
    if (value != "true" && value != "false")
      return "expected true or false, found \"" + value + "\"";
  } else if (setting.type == "url") {
    if (auto url = net::parse_http_url(value); !url)
      return "expected an http or https URL: " + url.error().text;
  } else if (setting.type == "server") {
    if (!is_server(value)) return "expected ADDRESS[:PORT] or [IPV6]:PORT, found \"" + value + "\"";
  } else if (setting.type == "imap") {
    if ((!value.starts_with("imaps://") && !value.starts_with("imap://")) ||
        value.find('@') == std::string::npos)
      return "expected imaps://USER@HOST[:PORT], found \"" + value + "\"";
  } else if (setting.type == "file" || setting.type == "program") {
    if (value.empty() || value.front() != '/')
      return "expected an absolute path, found \"" + value + "\"";
  }
  return std::nullopt;
}

}  // namespace

std::string to_string(Kind kind) { return kind == Kind::dns ? "dns" : "provider"; }

Result<Manifest> parse_manifest(std::string_view text, const std::filesystem::path& file) {
  const std::string shown = file.string();
  auto root = parse_json(text, shown);
  if (!root) {
    const auto place = place_in(root.error().text);
    return fail(ErrorCode::config, "plugin manifest",
                shown + ":" + (place.empty() ? "1:1" : place) + ": " + root.error().text);
  }
  Reader reader(text, shown);
  Manifest manifest = read_all(reader, *root, file);
  if (!reader.error().empty()) return fail(ErrorCode::config, "plugin manifest", reader.error());
  return manifest;
}

Result<Manifest> read_manifest(const std::filesystem::path& file) {
  constexpr std::uintmax_t kMaxManifest = 1U << 20U;
  std::error_code ec;
  const auto size = std::filesystem::file_size(file, ec);
  if (ec) return fail(ErrorCode::config, "plugin manifest", file.string() + ": " + ec.message());
  if (size > kMaxManifest)
    return fail(ErrorCode::config, "plugin manifest", file.string() + ": larger than 1 MiB");
  std::ifstream in(file, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) return fail(ErrorCode::config, "plugin manifest", file.string() + ": cannot be read");
  MXF_TRY(manifest, parse_manifest(text.str(), file));
  const auto folder = file.parent_path().filename().string();
  if (!folder.empty() && folder != manifest.id)
    return fail(ErrorCode::config, "plugin manifest",
                file.string() + ": the folder is named \"" + folder + "\" but the id is \"" +
                    manifest.id + "\"");
  return manifest;
}

Result<Config> check_config(const Manifest& manifest, const Config& given) {
  const std::string operation = "settings of plugin " + manifest.id;
  const auto known = [&](const std::string& name) {
    return std::find_if(manifest.config.begin(), manifest.config.end(),
                        [&](const Setting& s) { return s.name == name; });
  };
  for (const auto& [name, value] : given) {
    if (name == kCaFile || name == kPin || name == kAllowPlaintext) continue;
    if (known(name) != manifest.config.end()) continue;
    std::string names;
    for (const auto& s : manifest.config) names += (names.empty() ? "" : ", ") + s.name;
    return fail(ErrorCode::config, operation,
                "there is no setting \"" + name + "\"; it has: " + names);
  }
  Config out = given;
  for (const auto& setting : manifest.config) {
    const auto it = out.find(setting.name);
    if (it == out.end()) {
      if (setting.required)
        return fail(
            ErrorCode::config, operation,
            "\"" + setting.name + "\" is missing (" + setting.type + "): " + setting.description);
      if (setting.fallback) out[setting.name] = *setting.fallback;
      continue;
    }
    if (const auto problem = value_problem(setting, it->second))
      return fail(ErrorCode::config, operation, "\"" + setting.name + "\": " + *problem);
  }
  if (const auto it = out.find(kAllowPlaintext); it != out.end() && !is_server(it->second))
    return fail(ErrorCode::config, operation, "\"allow_plaintext\": expected HOST:PORT");
  return out;
}

Result<void> check_secrets(const Manifest& manifest, const Secrets& given) {
  const std::string operation = "secrets of plugin " + manifest.id;
  for (const auto& [name, value] : given) {
    const bool known = std::any_of(manifest.secrets.begin(), manifest.secrets.end(),
                                   [&](const SecretSetting& s) { return s.name == name; });
    if (!known) return fail(ErrorCode::config, operation, "there is no secret \"" + name + "\"");
  }
  for (const auto& secret : manifest.secrets) {
    const auto it = given.find(secret.name);
    if (!secret.required || (it != given.end() && !it->second.empty())) continue;
    Error error{ErrorCode::config, operation,
                "\"" + secret.name + "\" is missing: " + secret.description};
    return fail(std::move(error.with_remedy("--secret " + secret.name +
                                            "=env:" + (secret.env.empty() ? "NAME" : secret.env))));
  }
  return {};
}

}  // namespace mxferry::plugin
