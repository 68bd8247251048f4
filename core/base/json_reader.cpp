// SPDX-License-Identifier: Apache-2.0
#include "base/json_reader.hpp"

#include <limits>
#include <nlohmann/json.hpp>
#include <set>

namespace mxferry {
namespace {

// Builds the document while watching depth and duplicate keys, which nlohmann's own DOM builder
// does not.
class CheckedBuilder {
 public:
  using number_integer_t = Json::number_integer_t;
  using number_unsigned_t = Json::number_unsigned_t;
  using number_float_t = Json::number_float_t;
  using string_t = Json::string_t;
  using binary_t = Json::binary_t;

  Json root;
  std::string problem;
  std::size_t offset = 0;

  bool null() { return put(nullptr); }
  bool boolean(bool v) { return put(v); }
  bool number_integer(number_integer_t v) { return put(v); }
  bool number_unsigned(number_unsigned_t v) { return put(v); }
  bool number_float(number_float_t v, const string_t&) { return put(v); }
  bool string(string_t& v) { return put(std::move(v)); }
  bool binary(binary_t&) { return false; }
  bool start_object(std::size_t) { return open(Json::object()); }
  bool start_array(std::size_t) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(string_t& k) {
    if (stack_.back()->contains(k)) {
      problem = "the key \"" + k + "\" stands twice in one object";
      return false;
    }
    key_ = k;
    return true;
  }
  bool parse_error(std::size_t at, const std::string&, const nlohmann::detail::exception& e) {
    offset = at;
    problem = e.what();
    return false;
  }

 private:
  Json* place(Json value) {
    if (stack_.empty()) {
      root = std::move(value);
      return &root;
    }
    Json& top = *stack_.back();
    if (top.is_array()) {
      top.push_back(std::move(value));
      return &top.back();
    }
    return &(top[key_] = std::move(value));
  }
  template <class V>
  bool put(V&& v) {
    place(Json(std::forward<V>(v)));
    return true;
  }
  bool open(Json value) {
    if (stack_.size() >= static_cast<std::size_t>(kJsonDepth)) {
      problem = "nested deeper than " + std::to_string(kJsonDepth);
      return false;
    }
    stack_.push_back(place(std::move(value)));
    return true;
  }
  bool close() {
    stack_.pop_back();
    return true;
  }
  // Pointers stay valid: a child is finished before its array grows or its object gets another key.
  std::vector<Json*> stack_;
  std::string key_;
};

Unexpected<Error> wrong(std::string_view where, std::string_view key, std::string_view expected,
                        const Json* found) {
  std::string text = "\"" + std::string(key) + "\": expected " + std::string(expected);
  text += found == nullptr ? ", but it is missing" : std::string(", found ") + found->type_name();
  return fail(ErrorCode::protocol, std::string(where), text);
}

const Json* find(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(std::string(key));
  return it == object.end() ? nullptr : &*it;
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view where) {
  CheckedBuilder builder;
  if (!Json::sax_parse(text, &builder)) {
    std::string what = builder.problem.empty() ? "not JSON" : builder.problem;
    // nlohmann prefixes "[json.exception…] "; its sentence behind it names line and column.
    if (const auto end = what.find("] "); what.starts_with("[json") && end != std::string::npos)
      what = what.substr(end + 2);
    return fail(ErrorCode::protocol, std::string(where), what);
  }
  return std::move(builder.root);
}

std::string canonical_json(const Json& value) {
  return value.dump(-1, ' ', false,
                    Json::error_handler_t::replace);  // nlohmann::json keeps keys sorted
}

Result<std::string> json_string(const Json& object, std::string_view key, std::string_view where) {
  const Json* found = find(object, key);
  if (found == nullptr || !found->is_string()) return wrong(where, key, "a string", found);
  return found->get<std::string>();
}

Result<std::int64_t> json_int(const Json& object, std::string_view key, std::string_view where) {
  const Json* found = find(object, key);
  if (found == nullptr || !found->is_number_integer())
    return wrong(where, key, "an integer", found);
  if (found->is_number_unsigned() &&
      found->get<std::uint64_t>() >
          static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return wrong(where, key, "an integer below 2^63", found);
  }
  return found->get<std::int64_t>();
}

Result<bool> json_bool(const Json& object, std::string_view key, std::string_view where) {
  const Json* found = find(object, key);
  if (found == nullptr || !found->is_boolean()) return wrong(where, key, "true or false", found);
  return found->get<bool>();
}

Result<std::vector<std::string>> json_strings(const Json& object, std::string_view key,
                                              std::string_view where) {
  const Json* found = find(object, key);
  if (found == nullptr || !found->is_array())
    return wrong(where, key, "an array of strings", found);
  std::vector<std::string> out;
  for (const auto& item : *found) {
    if (!item.is_string()) return wrong(where, key, "an array of strings", &item);
    out.push_back(item.get<std::string>());
  }
  return out;
}

Result<std::string> json_string_or(const Json& object, std::string_view key, std::string fallback,
                                   std::string_view where) {
  const Json* found = find(object, key);
  if (found == nullptr || found->is_null()) return fallback;
  return json_string(object, key, where);
}

Result<std::int64_t> json_int_or(const Json& object, std::string_view key, std::int64_t fallback,
                                 std::string_view where) {
  const Json* found = find(object, key);
  if (found == nullptr || found->is_null()) return fallback;
  return json_int(object, key, where);
}

Result<bool> json_bool_or(const Json& object, std::string_view key, bool fallback,
                          std::string_view where) {
  const Json* found = find(object, key);
  if (found == nullptr || found->is_null()) return fallback;
  return json_bool(object, key, where);
}

}  // namespace mxferry
