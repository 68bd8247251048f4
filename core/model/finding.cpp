// SPDX-License-Identifier: Apache-2.0
#include "model/finding.hpp"

namespace mxferry {

std::string to_string(Severity severity) {
  switch (severity) {
    case Severity::info:
      return "info";
    case Severity::warning:
      return "warning";
    case Severity::block:
      return "block";
  }
  return "block";
}

std::string to_string(Assertion::Verdict verdict) {
  switch (verdict) {
    case Assertion::Verdict::pass:
      return "pass";
    case Assertion::Verdict::not_before:
      return "not_before";
    case Assertion::Verdict::fail:
      return "fail";
    case Assertion::Verdict::unknown:
      return "unknown";
  }
  return "unknown";
}

}  // namespace mxferry
