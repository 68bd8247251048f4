// SPDX-License-Identifier: Apache-2.0
// The host service `imap`: commands of an administrator on a connection of the host's own, to the
// server and as the user that the one setting of type imap names, with the secret of the same name.
#include <algorithm>

#include "plugin/host.hpp"

namespace mxferry::plugin {

mxf_status HostSession::imap_command(const mxf_str* parts, std::size_t count,
                                     void (*line)(void*, mxf_str), void* ctx) {
  const auto run = [&]() -> Result<std::vector<std::string>> {
    if (!imap_) {
      const auto setting = std::find_if(manifest_.config.begin(), manifest_.config.end(),
                                        [](const Setting& s) { return s.type == "imap"; });
      if (setting == manifest_.config.end() || config_value(setting->name).empty())
        return fail(ErrorCode::plugin, "", "it asked for imap, which no setting names");
      const auto secret = secrets_.find(setting->name);
      if (secret == secrets_.end())
        return fail(ErrorCode::config, "", "there is no secret \"" + setting->name + "\"");
      ImapAdminTarget target;
      target.url = config_value(setting->name);
      target.password = secret->second;
      target.ca_file = config_value(kCaFile);
      target.pin = config_value(kPin);
      target.allow_plaintext = config_value(kAllowPlaintext);
      MXF_TRY(opened, options_.imap(target));
      imap_ = std::move(opened);
    }
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < count; ++i) texts.push_back(to_text(parts[i]));
    MXF_CHECK(pace());
    return imap_->command(texts, stop_);
  };
  if (parts == nullptr && count > 0)
    return record(MXF_PLUGIN_BUG, Error{ErrorCode::plugin, "", "imap: no parts"});
  auto lines = run();
  if (!lines) return record(status_of(lines.error().code), std::move(lines).error());
  if (line != nullptr)
    for (const auto& text : *lines) line(ctx, to_str(text));
  return MXF_OK;
}

}  // namespace mxferry::plugin
