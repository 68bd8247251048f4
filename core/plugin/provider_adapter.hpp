// SPDX-License-Identifier: Apache-2.0
// The port MailProvider over a provider plugin's C table. One operation at a time.
#pragma once

#include <mxferry/abi.h>

#include <memory>

#include "plugin/host.hpp"
#include "ports/mail_provider.hpp"

namespace mxferry::plugin {

/// Opens a session; `table` belongs to a library that is never unloaded.
Result<std::unique_ptr<MailProvider>> make_provider_adapter(const mxf_provider* table,
                                                            std::unique_ptr<HostSession> host);

}  // namespace mxferry::plugin
