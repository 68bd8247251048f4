// SPDX-License-Identifier: Apache-2.0
#include "plugin/secret_fields.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/escape.hpp"
#include "protocol/sasl/sasl.hpp"

namespace mxferry::plugin {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kOpen = "${secret:";
constexpr std::string_view kForm = "application/x-www-form-urlencoded";

bool asks(std::string_view text) { return text.find(kOpen) != std::string_view::npos; }

std::string percent_encoded(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : bytes) {
    const auto u = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kHex[u >> 4U]);
      out.push_back(kHex[u & 15U]);
    }
  }
  return out;
}

void append(std::string& out, std::string secret) {
  out += secret;
  wipe(secret);
}

Unexpected<Error> misplaced(std::string_view field) {
  return fail(ErrorCode::plugin, "",
              "a request holds ${secret: in " + std::string(field) +
                  ", where plugin.json names no \"field\" of a secret: nothing was sent");
}

}  // namespace

Result<std::string_view> SecretFields::value_of(std::string_view name) const {
  const auto it = secrets_.find(std::string(name));
  if (it == secrets_.end())
    return fail(ErrorCode::config, "", "there is no secret \"" + std::string(name) + "\"");
  return it->second.reveal();
}

// The secret for which `placeholder`, the whole value of `field`, stands.
Result<std::string_view> SecretFields::only_in(std::string_view field,
                                               std::string_view placeholder) const {
  const auto shown = "\"" + escape_line(field) + "\"";
  if (!placeholder.starts_with(kOpen) || placeholder.find('}') != placeholder.size() - 1)
    return misplaced(shown);
  const auto name = placeholder.substr(kOpen.size(), placeholder.size() - kOpen.size() - 1);
  const auto known = std::find_if(manifest_.secrets.begin(), manifest_.secrets.end(),
                                  [&](const SecretSetting& s) { return s.name == name; });
  if (known != manifest_.secrets.end() && (known->field.empty() || known->field != field))
    return misplaced(shown);
  return value_of(name);
}

Result<std::string> SecretFields::header(std::string_view value) const {
  std::string out;
  while (!value.empty()) {
    const auto at = value.find(kOpen);
    out.append(value.substr(0, at));
    if (at == std::string_view::npos) break;
    value.remove_prefix(at + kOpen.size());
    const auto close = value.find('}');
    const auto inside = value.substr(0, close);
    if (close == std::string_view::npos)
      return fail(ErrorCode::plugin, "", "a ${secret: without its }");
    const auto bar = inside.find('|');
    MXF_TRY(secret, value_of(inside.substr(0, bar)));
    if (bar == std::string_view::npos)
      out += secret;
    else if (inside.substr(bar + 1) == "base64")
      append(out, sasl::base64(secret));
    else
      return fail(ErrorCode::plugin, "",
                  "unknown filter \"" + escape_line(inside.substr(bar + 1)) + "\" of a secret");
    value.remove_prefix(close + 1);
  }
  return out;
}

Result<std::string> SecretFields::url(std::string_view url) const {
  if (!asks(url)) return std::string(url);
  const auto query = url.find('?');
  if (asks(url.substr(0, query))) return misplaced("a URL's host or path");
  MXF_TRY(filled, pairs(url.substr(query + 1)));
  return std::string(url.substr(0, query + 1)) + filled;
}

Result<std::string> SecretFields::pairs(std::string_view text) const {
  std::string out;
  for (bool more = true; more;) {
    const auto end = text.find('&');
    const auto pair = text.substr(0, end);
    more = end != std::string_view::npos;
    if (more) text.remove_prefix(end + 1);
    if (asks(pair)) {
      const auto equals = pair.find('=');
      if (equals == std::string_view::npos) return misplaced("a field without a name");
      MXF_TRY(secret, only_in(pair.substr(0, equals), pair.substr(equals + 1)));
      out += pair.substr(0, equals + 1);
      append(out, percent_encoded(secret));
    } else {
      out += pair;
    }
    if (more) out += '&';
  }
  return out;
}

Result<std::string> SecretFields::json(std::string_view text) const {
  auto object = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return misplaced("a body that is neither a form nor a JSON object");
  std::string out = "{";
  for (const auto& [field, value] : object.items()) {
    const Json name = field;
    out += (out.size() == 1 ? "" : ",") + name.dump() + ":";
    const auto plain = value.dump();
    if (asks(field) || (asks(plain) && !value.is_string())) return misplaced("\"" + field + "\"");
    if (!asks(plain)) {
      out += plain;
      continue;
    }
    MXF_TRY(secret, only_in(field, value.get_ref<const std::string&>()));
    if (!is_utf8(secret))
      return fail(ErrorCode::config, "",
                  "the secret for \"" + field + "\" is not UTF-8, which JSON cannot hold");
    Json filled = secret;
    append(out, filled.dump());
    wipe(filled.get_ref<std::string&>());
  }
  return out + "}";
}

Result<std::string> SecretFields::body(std::string_view body, std::string_view content_type) const {
  if (!asks(body)) return std::string(body);
  return content_type.starts_with(kForm) ? pairs(body) : json(body);
}

}  // namespace mxferry::plugin
