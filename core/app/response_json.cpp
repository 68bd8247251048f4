// SPDX-License-Identifier: Apache-2.0
#include "app/response_json.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/escape.hpp"
#include "base/sha256.hpp"

namespace mxferry::app {
namespace {

using namespace imap;

Json texts(const std::vector<std::string>& names) {
  Json out = Json::array();
  for (const auto& name : names) out.push_back(escape_line(name));
  return out;
}

Json delimiter(const std::optional<char>& value) {
  return value ? Json(escape_line(std::string(1, *value))) : Json(nullptr);
}

// An identifier or a number that the server may leave out.
template <class T>
void put(Json& out, const char* key, const std::optional<T>& value) {
  if (!value) return;
  if constexpr (requires { value->value; }) {
    out[key] = value->value;
  } else {
    out[key] = *value;
  }
}

const char* name_of(Status status) {
  switch (status) {
    case Status::ok:
      return "OK";
    case Status::no:
      return "NO";
    case Status::bad:
      return "BAD";
    case Status::preauth:
      return "PREAUTH";
    case Status::bye:
      return "BYE";
  }
  return "";
}

Json namespaces(const std::vector<Namespace>& list) {
  Json out = Json::array();
  for (const auto& entry : list)
    out.push_back(
        {{"prefix", escape_line(entry.prefix)}, {"delimiter", delimiter(entry.delimiter)}});
  return out;
}

Json structure(const BodyPart& part) {
  Json out = {{"type", escape_line(part.type)}, {"octets", part.octets}};
  if (!part.disposition.empty()) out["disposition"] = escape_line(part.disposition);
  for (const auto& inner : part.parts) out["parts"].push_back(structure(inner));
  return out;
}

struct Describe {
  const ResponseReader& reader;
  std::deque<std::string>& streamed;

  Json operator()(const StatusResponse& data) const {
    Json out = {{"response", name_of(data.status)}};
    if (!data.code.name.empty()) {
      Json code = {{"name", escape_line(data.code.name)}};
      if (!data.code.args.empty()) code["args"] = escape_line(data.code.args);
      put(code, "number", data.code.number);
      if (!data.code.words.empty()) code["words"] = texts(data.code.words);
      put(code, "uid_validity", data.code.uid_validity);
      if (!data.code.first.empty()) code["uids"] = data.code.first.text();
      if (!data.code.second.empty()) code["uids_at_destination"] = data.code.second.text();
      out["code"] = std::move(code);
    }
    out["text"] = escape_line(data.text);
    return out;
  }
  Json operator()(const CapabilityData& data) const { return named("CAPABILITY", data.names); }
  Json operator()(const EnabledData& data) const { return named("ENABLED", data.names); }
  Json operator()(const FlagsData& data) const { return named("FLAGS", data.names); }
  Json operator()(const ExistsData& data) const {
    return {{"response", "EXISTS"}, {"number", data.count}};
  }
  Json operator()(const RecentData& data) const {
    return {{"response", "RECENT"}, {"number", data.count}};
  }
  Json operator()(const ExpungeData& data) const {
    return {{"response", "EXPUNGE"}, {"number", data.sequence}};
  }
  Json operator()(const VanishedData& data) const {
    return {{"response", "VANISHED"}, {"earlier", data.earlier}, {"uids", data.uids.text()}};
  }
  Json operator()(const ListData& data) const {
    Json out = {{"response", data.lsub ? "LSUB" : "LIST"},
                {"attributes", texts(data.attributes)},
                {"delimiter", delimiter(data.delimiter)},
                {"name", escape_line(data.name)}};
    if (!data.child_info.empty()) out["child_info"] = texts(data.child_info);
    if (!data.old_name.empty()) out["old_name"] = escape_line(data.old_name);
    return out;
  }
  Json operator()(const StatusData& data) const {
    Json out = {{"response", "STATUS"}, {"name", escape_line(data.name)}};
    put(out, "messages", data.messages);
    put(out, "uid_next", data.uid_next);
    put(out, "uid_validity", data.uid_validity);
    put(out, "unseen", data.unseen);
    put(out, "size", data.size);
    put(out, "highest_modseq", data.highest_modseq);
    return out;
  }
  Json operator()(const SearchData& data) const {
    return {{"response", "SEARCH"}, {"numbers", data.numbers}};
  }
  Json operator()(const ESearchData& data) const {
    Json out = {{"response", "ESEARCH"}, {"correlator", escape_line(data.tag)}, {"uid", data.uid}};
    if (data.all) out["all"] = data.all->text();
    put(out, "min", data.min);
    put(out, "max", data.max);
    put(out, "count", data.count);
    put(out, "modseq", data.modseq);
    return out;
  }
  Json operator()(const NamespaceData& data) const {
    return {{"response", "NAMESPACE"},
            {"personal", namespaces(data.personal)},
            {"other_users", namespaces(data.other_users)},
            {"shared", namespaces(data.shared)}};
  }
  Json operator()(const QuotaData& data) const {
    Json out = {
        {"response", "QUOTA"}, {"root", escape_line(data.root)}, {"resources", Json::array()}};
    for (const auto& resource : data.resources)
      out["resources"].push_back({{"name", escape_line(resource.name)},
                                  {"usage", resource.usage},
                                  {"limit", resource.limit}});
    return out;
  }
  Json operator()(const QuotaRootData& data) const {
    return {{"response", "QUOTAROOT"},
            {"name", escape_line(data.mailbox)},
            {"roots", texts(data.roots)}};
  }
  Json operator()(const FetchData& data) const {
    Json out = {{"response", "FETCH"}, {"number", data.sequence}};
    put(out, "uid", data.uid);
    if (data.flags) out["flags"] = texts(data.flags->names());
    if (data.internal_date) out["internal_date"] = format_internal_date(*data.internal_date);
    put(out, "size", data.size);
    put(out, "modseq", data.modseq);
    if (data.email_id) out["email_id"] = escape_line(*data.email_id);
    if (data.structure) out["structure"] = structure(*data.structure);
    for (const auto& body : data.bodies) {
      Json item = {{"section", escape_line(body.section)}};
      put(item, "origin", body.origin);
      if (body.streamed || body.inline_text) {
        item["octets"] = body.size;
        item["sha256"] = body.streamed ? next() : sha256_hex(*body.inline_text);
      } else {
        item["octets"] = nullptr;  // NIL
      }
      out["bodies"].push_back(std::move(item));
    }
    return out;
  }
  // What mxferry has no use for: the words as they stand, literals by size and digest.
  Json operator()(const OtherData& data) const {
    Json out = {{"response", escape_line(data.name)}};
    std::string text;
    std::size_t literal = 0;
    for (const char c : data.rest) {
      const auto& literals = reader.response_literals();
      if (c == '\0' && literal < literals.size()) {
        text += "{" + std::to_string(literals[literal].size) + "}";
        out["literals"].push_back({{"octets", literals[literal].size},
                                   {"sha256", sha256_hex(literals[literal].content)}});
        ++literal;
      } else {
        text += c;
      }
    }
    out["text"] = escape_line(text);
    return out;
  }

 private:
  static Json named(const char* response, const std::vector<std::string>& names) {
    return {{"response", response}, {"names", texts(names)}};
  }
  std::string next() const {
    if (streamed.empty()) return "";
    auto out = std::move(streamed.front());
    streamed.pop_front();
    return out;
  }
};

}  // namespace

Json response_json(const Event& event, const ResponseReader& reader,
                   std::deque<std::string> streamed) {
  const Describe describe{reader, streamed};
  if (const auto* more = std::get_if<Continuation>(&event))
    return {{"kind", "continuation"}, {"text", escape_line(more->text)}};
  Json out;
  if (const auto* tagged = std::get_if<Tagged>(&event)) {
    out = describe(tagged->response);
    out["kind"] = "tagged";
    out["tag"] = escape_line(tagged->tag);
  } else if (const auto* data = std::get_if<Untagged>(&event)) {
    out = std::visit(describe, *data);
    out["kind"] = "untagged";
  }
  return out;
}

}  // namespace mxferry::app
