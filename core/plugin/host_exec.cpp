// SPDX-License-Identifier: Apache-2.0
// The host service `exec`: a program that a setting of type program names, without a shell and with
// an empty environment.
#include <algorithm>

#include "base/subprocess.hpp"
#include "plugin/host.hpp"

namespace mxferry::plugin {
namespace {
constexpr std::chrono::milliseconds kMaxTime = std::chrono::minutes(10);
}

mxf_status HostSession::exec(const mxf_str* argv, std::size_t argc, mxf_str input,
                             std::uint32_t timeout_ms, mxf_exec_result* r) {
  if (argv == nullptr || argc == 0 || r == nullptr || !MXF_HAS(r, mxf_exec_result, errors))
    return record(MXF_PLUGIN_BUG,
                  Error{ErrorCode::plugin, "", "exec: no arguments, or a structure is too small"});
  std::vector<std::string> arguments;
  for (std::size_t i = 0; i < argc; ++i) {
    arguments.push_back(to_text(argv[i]));
    if (arguments.back().find('\0') != std::string::npos)
      return record(MXF_PLUGIN_BUG, Error{ErrorCode::plugin, "", "exec: an argument holds NUL"});
    // An argument list is for everyone to read.
    for (const auto& [name, secret] : secrets_)
      if (!secret.reveal().empty() && arguments.back().find(secret.reveal()) != std::string::npos)
        return record(MXF_PLUGIN_BUG,
                      Error{ErrorCode::plugin, "",
                            "exec: the secret \"" + name +
                                "\" stands in an argument; give it on standard input"});
  }
  if (!is_setting_of("program", arguments[0]))
    return record(MXF_PLUGIN_BUG,
                  Error{ErrorCode::plugin, "", "it asked for a program that no setting names"});
  SubprocessOptions options;
  options.limit = std::clamp<std::chrono::milliseconds>(std::chrono::milliseconds(timeout_ms),
                                                        std::chrono::milliseconds(1), kMaxTime);
  options.output_bytes = manifest_.limits.response_bytes;
  auto done = run_program(arguments, {input.data, input.len}, options, stop_);
  if (!done) {
    const auto status =
        done.error().code == ErrorCode::cancelled ? MXF_CANCELLED : status_of(done.error().code);
    return record(status, std::move(done).error());
  }
  r->exit_code = done->exit_code;
  r->output = keep(std::move(done->output));
  r->errors = keep(std::move(done->errors));
  return MXF_OK;
}

}  // namespace mxferry::plugin
