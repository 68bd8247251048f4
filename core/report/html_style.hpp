// SPDX-License-Identifier: Apache-2.0
// The style sheet of report.html: inline, system fonts, light and dark by the reader's setting,
// readable on paper. A constant; any thread.
#pragma once

namespace mxferry::report {

extern const char* const kStyle;

}  // namespace mxferry::report
