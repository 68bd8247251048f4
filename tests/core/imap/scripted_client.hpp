// SPDX-License-Identifier: Apache-2.0
// A Client whose server is a script: the conversation up to the login, and a run of some work
// behind it. One thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "imap/client.hpp"
#include "support/run_task.hpp"
#include "support/scripted_imap.hpp"

namespace mxferry::imap {

using test::Script;
using test::ScriptedConnector;
using test::Step;

inline const std::string kSecret = "s3cret-Marker";
inline const std::string kSecret64 = "AGFubmEAczNjcmV0LU1hcmtlcg==";  // NUL anna NUL s3cret-Marker

inline net::Endpoint endpoint(net::Security security) {
  net::Endpoint out;
  out.host = "mail.example";
  out.port = 143;
  out.security = security;
  return out;
}

inline Credentials anna() {
  Credentials out;
  out.user = "anna";
  out.secret = Secret(kSecret);
  return out;
}

inline ConnectionOptions quick() {
  ConnectionOptions out;
  out.idle = std::chrono::milliseconds(50);
  out.greeting = std::chrono::milliseconds(50);
  return out;
}

inline std::shared_ptr<Script> script(std::vector<Step> steps) {
  auto out = std::make_shared<Script>();
  out->steps = std::move(steps);
  return out;
}

inline std::vector<Step> logged_in(const std::string& capabilities,
                                   const std::string& name_space = "") {
  std::vector<Step> out = {
      {"<TLS>", ""},
      {"", "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hello\r\n"},
      {"A1 AUTHENTICATE PLAIN " + kSecret64 + "\r\n",
       "A1 OK [CAPABILITY IMAP4rev1 " + capabilities + "] in\r\n"},
  };
  if (name_space.empty()) {
    out.push_back({"A2 LIST \"\" \"\"\r\n", "* LIST (\\Noselect) \"/\" \"\"\r\nA2 OK\r\n"});
  } else {
    out.push_back({"A2 NAMESPACE\r\n", "* NAMESPACE " + name_space + "\r\nA2 OK\r\n"});
  }
  return out;
}

struct Outcome {
  Result<void> done;
  std::string text;
};

template <class Work>
Task<Outcome> with_client(std::shared_ptr<Script> s, MailboxRole role, Work work) {
  ScriptedConnector connector(s);
  Outcome out;
  auto client =
      co_await Client::open(connector, endpoint(net::Security::tls), anna(), role, quick());
  if (!client) {
    out.done = fail(std::move(client).error());
    co_return out;
  }
  co_await work(**client, out);
  (*client)->close();
  co_return out;
}

}  // namespace mxferry::imap
