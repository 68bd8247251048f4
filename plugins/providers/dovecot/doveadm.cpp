// SPDX-License-Identifier: Apache-2.0
#include "doveadm.hpp"

#include <nlohmann/json.hpp>

namespace dovecot {
namespace {

using Json = nlohmann::json;

mxferry::Unexpected<sdk::Failure> nonsense(const std::string& what, const std::string& body) {
  return sdk::fail(MXF_REMOTE, "doveadm's answer makes no sense: " + what, body.substr(0, 2000));
}

}  // namespace

sdk::Result<std::vector<Reply>> call(const sdk::Host& host, const std::string& url,
                                     const Json& commands) {
  Json body = Json::array();
  for (std::size_t i = 0; i < commands.size(); ++i)
    body.push_back({commands[i][0], commands[i][1], "t" + std::to_string(i)});
  sdk::HttpRequest q;
  q.method = "POST";
  q.url = url;
  q.headers = {{"Authorization", "X-Dovecot-API ${secret:api_key|base64}"},
               {"Content-Type", "application/json"}};
  q.body = body.dump(-1, ' ', false, Json::error_handler_t::replace);
  q.idempotent = true;  // every command used here may be repeated without harm
  MXF_TRY(response, host.http(q));
  if (response.code == 401 || response.code == 403)
    return sdk::fail(MXF_AUTH, "doveadm does not accept the API key", response.body.substr(0, 2000),
                     std::to_string(response.code));
  if (response.code == 404)
    return sdk::fail(MXF_INVALID, "there is no doveadm API at this URL",
                     response.body.substr(0, 2000), "404");
  if (response.code != 200)
    return sdk::fail(response.code >= 500 ? MXF_REMOTE : MXF_INVALID, "doveadm refused the request",
                     response.body.substr(0, 2000), std::to_string(response.code));
  const auto json = Json::parse(response.body, nullptr, false);
  if (!json.is_array()) return nonsense("no JSON array", response.body);
  std::vector<Reply> replies;
  for (const auto& item : json) {
    if (!item.is_array() || item.size() != 3 || !item[0].is_string() ||
        item[2] != Json("t" + std::to_string(replies.size())))
      return nonsense("a reply that belongs to no command", response.body);
    Reply reply;
    if (item[0] == "doveadmResponse" && item[1].is_array()) {
      reply.rows = item[1].dump(-1, ' ', false, Json::error_handler_t::replace);
    } else {
      const auto code =
          item[1].is_object() && item[1].contains("exitCode") ? item[1]["exitCode"] : Json();
      if (item[0] != "error" || !code.is_number_integer())
        return nonsense("a reply of an unknown kind", response.body);
      reply.exit_code = code.get<int>();
    }
    replies.push_back(std::move(reply));
  }
  if (replies.size() != commands.size())
    return nonsense("the number of replies is wrong", response.body);
  return replies;
}

sdk::Failure failure(int exit_code, const std::string& what) {
  sdk::Failure why;
  why.native_code = "exit " + std::to_string(exit_code);
  switch (exit_code) {
    case 64:
      why.status = MXF_INVALID;
      why.text = "doveadm refuses the parameters: " + what;
      break;
    case 65:
      why.status = MXF_EXISTS;
      why.text = "it exists already: " + what;
      break;
    case 67:
      why.status = MXF_NOT_FOUND;
      why.text = "no such user: " + what;
      break;
    case 68:
      why.status = MXF_NOT_FOUND;
      why.text = "no such mailbox: " + what;
      break;
    case 77:
      why.status = MXF_DENIED;
      why.text = "not permitted: " + what;
      break;
    default:
      why.status = MXF_REMOTE;
      why.text = "doveadm failed: " + what;
  }
  return why;
}

}  // namespace dovecot
