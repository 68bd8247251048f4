// SPDX-License-Identifier: Apache-2.0
// The step that writes to people (NoticeAction). At least once: its Message-ID is always the same;
// intent before, result after; recipients are taken in parts, and a part that was taken is not sent
// again. A notice that cannot be sent holds the run (NO-01): the flip does not happen behind the
// back of those who should know. The run's thread.
#pragma once

#include "pipeline/env.hpp"

namespace mxferry::pipeline {

Task<StepEnd> send_notice(Env& env, const Step& step, const NoticeAction& action);

/// `notice.DIGEST@DOMAIN`, from the migration's id and the step's: what a resumed run sends again
/// is the same message.
std::string notice_message_id(const Plan& plan, const std::string& step, const std::string& from);

}  // namespace mxferry::pipeline
