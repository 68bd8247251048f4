// SPDX-License-Identifier: Apache-2.0
// JSON that came from an API, read with suspicion: depth is bounded, a wrong type or a missing
// member is an answer that makes no sense, never a default. Needs nlohmann/json. Pure, any thread.
#pragma once

#include <mxferry/plugin.hpp>
#include <nlohmann/json.hpp>

namespace mxferry::sdk {

using Json = nlohmann::json;

inline Unexpected<Failure> nonsense(const std::string& what) {
  return fail(MXF_REMOTE, "the API's answer makes no sense: " + what);
}

/// Nothing where it is no JSON or nested deeper than 64.
inline std::optional<Json> json_of(std::string_view text) {
  bool deep = false;
  auto json = Json::parse(
      text,
      [&](int depth, Json::parse_event_t, Json&) {
        deep = deep || depth > 64;
        return !deep;
      },
      false);
  if (deep || json.is_discarded()) return {};
  return json;
}
inline Result<Json> parsed(std::string_view text, const std::string& what) {
  auto json = json_of(text);
  if (!json) return nonsense(what + " is no JSON");
  return *std::move(json);
}

/// Null where the member is absent or `object` is none.
inline const Json* member(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(key);
  return it == object.end() ? nullptr : &*it;
}
inline Result<Json> array_at(const Json& object, const char* key) {
  const auto* found = member(object, key);
  if (found == nullptr || !found->is_array()) return nonsense(std::string("no list ") + key);
  return *found;
}
inline Result<std::string> text_at(const Json& object, const char* key) {
  const auto* found = member(object, key);
  if (found == nullptr || !found->is_string()) return nonsense(std::string("no text ") + key);
  return found->get<std::string>();
}
/// A text or a whole number, as text: ids are both.
inline Result<std::string> id_at(const Json& object, const char* key) {
  const auto* found = member(object, key);
  if (found != nullptr && found->is_string() && !found->get<std::string>().empty())
    return found->get<std::string>();
  if (found != nullptr && found->is_number_unsigned())
    return std::to_string(found->get<std::uint64_t>());
  return nonsense(std::string("no id ") + key);
}
inline Result<std::uint32_t> number_at(const Json& object, const char* key,
                                       std::uint32_t most = 0x7fffffffU) {
  const auto* found = member(object, key);
  if (found == nullptr || !found->is_number_unsigned() || found->get<std::uint64_t>() > most)
    return nonsense(std::string("no number ") + key);
  return static_cast<std::uint32_t>(found->get<std::uint64_t>());
}
inline bool is_true(const Json& object, const char* key) {
  const auto* found = member(object, key);
  return found != nullptr && found->is_boolean() && found->get<bool>();
}

/// The vendor's sentences and codes, wherever errors usually stand in a body.
struct VendorWords {
  std::string text, code;
};
inline void collect_words(const Json& json, VendorWords& out, int depth = 0) {
  if (depth > 8) return;
  if (json.is_array()) {
    for (const auto& item : json) collect_words(item, out, depth + 1);
  } else if (json.is_object()) {
    for (const auto& [key, value] : json.items()) {
      const bool words = key == "message" || key == "detail" || key == "details" ||
                         key == "error" || key == "error_description" || key == "reason" ||
                         key == "title" || key == "messages";
      const bool code = key == "code" || key == "id" || key == "class";
      if (words && value.is_string() && !value.get<std::string>().empty())
        out.text += (out.text.empty() ? "" : "; ") + value.get<std::string>();
      else if (code && out.code.empty() && (value.is_string() || value.is_number()))
        out.code = value.is_string() ? value.get<std::string>() : value.dump();
      else if (value.is_structured())
        collect_words(value, out, depth + 1);
      else if (key == "errors" && value.is_string())
        out.text += (out.text.empty() ? "" : "; ") + value.get<std::string>();
    }
  } else if (json.is_string()) {
    out.text += (out.text.empty() ? "" : "; ") + json.get<std::string>();
  }
}
inline VendorWords words_of(std::string_view body) {
  VendorWords out;
  if (const auto json = json_of(body)) collect_words(*json, out);
  if (out.text.empty()) out.text = std::string(body.substr(0, 2000));
  return out;
}

/// JSON of what must survive a write, as Record::extra carries it; an empty object is no extra.
inline std::string extra_text(const Json& extra) {
  return extra.empty() ? std::string() : extra.dump();
}
inline Json extra_of(std::string_view extra) {
  auto json = extra.empty() ? std::optional<Json>() : json_of(extra);
  return json && json->is_object() ? *std::move(json) : Json::object();
}
/// Marks a record that must be left as it is, with the reason.
inline std::string locked_extra(const std::string& why) { return Json{{"locked", why}}.dump(); }

}  // namespace mxferry::sdk
