// SPDX-License-Identifier: Apache-2.0
// One table of a TOML file, read key by key. Only the files that read plan.toml include this
// (toml++ costs seconds a compile). The first problem is kept and reading goes on with defaults, so
// that the code that names the keys stays a plain list; whoever reads returns that problem at the
// end.
#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/escape.hpp"
#include "config/duration.hpp"

namespace mxferry::config {

class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}
  void add(const toml::source_region& where, const std::string& what,
           const std::string& remedy = "") {
    if (first_) return;
    Error error;
    error.code = ErrorCode::config;
    error.operation =
        file_ + ":" + std::to_string(where.begin.line) + ":" + std::to_string(where.begin.column);
    error.text = what;
    error.remedy = remedy;
    first_ = std::move(error);
  }
  const std::optional<Error>& first() const { return first_; }

 private:
  std::string file_;
  std::optional<Error> first_;
};

std::string kind_of(const toml::node& node);

// One table of the file: each key is asked for once; what is left at the end is unknown.
class Section {
 public:
  Section(const toml::table* table, std::string path, Problems& problems)
      : table_(table), path_(std::move(path)), problems_(problems) {}
  ~Section() {
    if (table_ == nullptr) return;
    for (const auto& [key, node] : *table_) {
      if (asked_.contains(std::string(key.str()))) continue;
      std::string known;
      for (const auto& name : asked_) known += (known.empty() ? "" : ", ") + name;
      problems_.add(key.source(), "unknown key \"" + escape_line(key.str()) + "\" in [" + path_ +
                                      "]; known: " + known);
    }
  }
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;

  bool exists() const { return table_ != nullptr; }
  const toml::node* node(const std::string& key) {
    asked_.insert(key);
    return table_ == nullptr ? nullptr : table_->get(key);
  }
  void wrong(const toml::node& found, const std::string& key, const std::string& expected) {
    problems_.add(found.source(),
                  path_ + "." + key + ": expected " + expected + ", found " + kind_of(found));
  }
  void missing(const std::string& key, const std::string& expected,
               const std::string& remedy = "") {
    const toml::source_region nowhere{{1, 1}, {1, 1}, nullptr};
    problems_.add(table_ == nullptr ? nowhere : table_->source(),
                  path_ + "." + key + " is missing: expected " + expected, remedy);
  }
  void text(const std::string& key, std::string& out) {
    const auto* found = node(key);
    if (found == nullptr) return;
    if (const auto value = found->value_exact<std::string>())
      out = *value;
    else
      wrong(*found, key, "a string");
  }
  void need_text(const std::string& key, std::string& out, const std::string& what) {
    text(key, out);
    if (out.empty()) missing(key, what);
  }
  void flag(const std::string& key, bool& out) {
    const auto* found = node(key);
    if (found == nullptr) return;
    if (const auto value = found->value_exact<bool>())
      out = *value;
    else
      wrong(*found, key, "true or false");
  }
  template <class Int>
  void number(const std::string& key, Int& out, std::int64_t least, std::int64_t most) {
    const auto* found = node(key);
    if (found == nullptr) return;
    const auto value = found->value_exact<std::int64_t>();
    const std::string range =
        "an integer from " + std::to_string(least) + " to " + std::to_string(most);
    if (!value)
      wrong(*found, key, range);
    else if (*value < least || *value > most)
      problems_.add(found->source(), path_ + "." + key + ": expected " + range + ", found " +
                                         std::to_string(*value));
    else
      out = static_cast<Int>(*value);
  }
  void duration(const std::string& key, Millis& out) {
    const auto* found = node(key);
    if (found == nullptr) return;
    const auto value = found->value_exact<std::string>();
    const auto parsed = value ? parse_duration(*value) : std::nullopt;
    if (parsed)
      out = *parsed;
    else
      problems_.add(found->source(),
                    path_ + "." + key +
                        ": expected a duration such as \"90s\", \"2h\" or \"7d\", found " +
                        (value ? "\"" + escape_line(*value) + "\"" : kind_of(*found)));
  }
  void texts(const std::string& key, std::vector<std::string>& out) {
    const auto* found = node(key);
    if (found == nullptr) return;
    const auto* array = found->as_array();
    if (array == nullptr) return wrong(*found, key, "an array of strings");
    for (const auto& item : *array) {
      if (const auto value = item.value_exact<std::string>())
        out.push_back(*value);
      else
        return wrong(item, key, "an array of strings");
    }
  }
  // A table of name = "value"; integers and booleans are taken as their spelling.
  void pairs(const std::string& key, std::map<std::string, std::string>& out, bool references) {
    const auto* found = node(key);
    if (found == nullptr) return;
    const auto* table = found->as_table();
    if (table == nullptr) return wrong(*found, key, "a table of name = \"value\"");
    for (const auto& [name, value] : *table) {
      if (const auto v = value.value_exact<std::string>()) {
        const bool reference = v->starts_with("env:") || v->starts_with("file:");
        if (references && !reference)
          problems_.add(value.source(),
                        path_ + "." + key + "." + std::string(name.str()) +
                            ": expected a reference (env:NAME or file:PATH), found a literal value",
                        "put the secret into a file of mode 0600 and write file:PATH here");
        out[std::string(name.str())] = *v;
      } else if (const auto i = value.value_exact<std::int64_t>()) {
        out[std::string(name.str())] = std::to_string(*i);
      } else if (const auto b = value.value_exact<bool>()) {
        out[std::string(name.str())] = *b ? "true" : "false";
      } else {
        return wrong(value, key + "." + std::string(name.str()), "a string");
      }
    }
  }
  const toml::table* table(const std::string& key) {
    const auto* found = node(key);
    if (found == nullptr) return nullptr;
    if (found->as_table() == nullptr) wrong(*found, key, "a table");
    return found->as_table();
  }
  std::vector<const toml::table*> tables(const std::string& key) {
    std::vector<const toml::table*> out;
    const auto* found = node(key);
    if (found == nullptr) return out;
    const auto* array = found->as_array();
    if (array == nullptr) {
      wrong(*found, key, "an array of tables");
      return out;
    }
    for (const auto& item : *array) {
      if (item.as_table() == nullptr) {
        wrong(item, key, "an array of tables");
        return out;
      }
      out.push_back(item.as_table());
    }
    return out;
  }
  Problems& problems() { return problems_; }
  std::string path(const std::string& key) const { return path_ + "." + key; }

 private:
  const toml::table* table_;
  std::string path_;
  Problems& problems_;
  std::set<std::string> asked_;
};

}  // namespace mxferry::config
