// SPDX-License-Identifier: Apache-2.0
// What a notice says: the built-in templates, or the plan's own, filled with what this plan and
// this moment know. Pure but for what it is given; any thread.
#pragma once

#include <string>

#include "config/notice_template.hpp"
#include "config/plan_file.hpp"
#include "model/plan.hpp"

namespace mxferry::pipeline {

struct NoticeText {
  std::string subject, text, html;
};

/// {{name}} -> value, for notices about `domain`. Third parties and secrets are in none.
Result<config::TemplateValues> notice_values(const config::PlanFile& file, const Plan& plan,
                                             const std::string& domain);

/// `name`: before-users, …
Result<NoticeText> notice_text(const config::PlanFile& file, const Plan& plan,
                               const std::string& name, const std::string& domain);

/// The built-in template `before-users.txt`, …; empty where there is none of the name.
std::string builtin_template(const std::string& file_name);

}  // namespace mxferry::pipeline
