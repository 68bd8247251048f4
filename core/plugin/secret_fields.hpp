// SPDX-License-Identifier: Apache-2.0
// Where a request may hold ${secret:NAME}, and what stands there when it leaves: anywhere in a
// header's value, and as the whole value of that one field of the query or the body that the
// manifest names for this secret. Nowhere else, so that no record can carry a secret into a zone.
// Pure; what is returned holds secrets and is wiped by the caller.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "plugin/manifest.hpp"

namespace mxferry::plugin {

class SecretFields {
 public:
  /// Both must outlive it. A secret that the manifest does not know is lent for one operation (an
  /// account's first password) and may be any one field.
  SecretFields(const Manifest& manifest, const Secrets& secrets)
      : manifest_(manifest), secrets_(secrets) {}

  /// ${secret:NAME} or ${secret:NAME|base64}, as often as it stands there.
  Result<std::string> header(std::string_view value) const;
  /// NAME=${secret:…} in the query, percent-encoded (RFC 3986 §2.1).
  Result<std::string> url(std::string_view url) const;
  /// A form (application/x-www-form-urlencoded), or else one JSON object, whose members at the top
  /// count. A body without ${secret: goes as it is.
  Result<std::string> body(std::string_view body, std::string_view content_type) const;

 private:
  Result<std::string_view> value_of(std::string_view name) const;
  Result<std::string> pairs(std::string_view text) const;
  Result<std::string> json(std::string_view text) const;
  Result<std::string_view> only_in(std::string_view field, std::string_view placeholder) const;

  const Manifest& manifest_;
  const Secrets& secrets_;
};

}  // namespace mxferry::plugin
