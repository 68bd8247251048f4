// SPDX-License-Identifier: Apache-2.0
// Texts of notices with {{name}} in them. A value is a text or a list; a list stands alone in its
// line and becomes one line an item. In HTML values are escaped. A name that is not known is an
// error with file:line:column, when the plan is read and not when the mail is due. Reading files
// apart, pure; any thread.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace mxferry::config {

struct TemplateValue {
  std::string text{};
  std::vector<std::string> items{};
  bool is_list = false;
  static TemplateValue of(std::string text) { return {std::move(text), {}, false}; }
  static TemplateValue of(std::vector<std::string> items) { return {"", std::move(items), true}; }
};
using TemplateValues = std::map<std::string, TemplateValue>;

/// before-users, before-operators, after-users, after-operators.
std::span<const std::string_view> notice_names();
/// Every {{name}} that may stand in a template.
std::span<const std::string_view> template_names();

/// ErrorCode::config where a name is not known or not closed.
Result<void> check_template(std::string_view text, const std::string& file);

/// `text` with its names replaced; `html`: escaped, items as <li>.
Result<std::string> render_template(std::string_view text, const TemplateValues& values, bool html);

/// NAME.txt (whose first line is `Subject: …`) and NAME.html of the folder, for each notice that
/// it overrides: both or none.
Result<std::map<std::string, std::string>> read_templates(const std::filesystem::path& folder);

}  // namespace mxferry::config
