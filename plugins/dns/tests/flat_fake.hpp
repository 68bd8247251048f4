// SPDX-License-Identifier: Apache-2.0
// FlatFake: the records of the fake zone as flat JSON objects, for the fakes of APIs of that kind.
// Written against the vendors' documents, not against the kit.
#pragma once

#include "protocol/dns/rdata.hpp"
#include "support/fake_zone.hpp"

namespace mxferry::test {

struct FlatSpelling {
  std::string id = "id", name = "name", type = "type", data = "content", ttl = "ttl",
              priority = "priority";
  bool relative = true;
  std::string apex;
  bool as_text = false;  // numbers, and the id
  bool id_number = true;
  bool quoted = false;  // TXT in one pair of quotes
};

class FlatFake : public FakeDnsApi {
 public:
  explicit FlatFake(FlatSpelling spelling) : s(std::move(spelling)) {}

 protected:
  nlohmann::json shown(const FakeRecord& record) const {
    nlohmann::json out;
    const auto number = [&](unsigned value) {
      return s.as_text ? nlohmann::json(std::to_string(value)) : nlohmann::json(value);
    };
    out[s.id] = s.id_number ? nlohmann::json(std::stoi(record.id)) : nlohmann::json(record.id);
    out[s.name] =
        s.relative ? relative_to(record.name, zone.name(), s.apex) : undotted(record.name);
    out[s.type] = record.type;
    out[s.ttl] = number(record.ttl);
    const auto [preference, rest] = preference_of(record);
    if (record.type == "MX" || record.type == "SRV")
      out[s.priority] = number(preference);
    else
      out[s.priority] = nullptr;
    if (record.type == "TXT") {
      const auto text = *dns::txt_text(record.rdata);
      out[s.data] = s.quoted ? "\"" + text + "\"" : text;
    } else {
      out[s.data] = undotted(rest);
    }
    out.update(record.extra);
    return out;
  }
  FakeRecord record_of(const nlohmann::json& json, const FakeRecord& old = {}) const {
    FakeRecord out = old;
    const auto number = [](const nlohmann::json& value) {
      return value.is_string() ? static_cast<unsigned>(std::stoul(value.get<std::string>()))
                               : value.get<unsigned>();
    };
    if (json.contains(s.name)) {
      const std::string name = json[s.name];
      out.name = s.relative ? in_zone(name, zone.name()) : name + ".";
    }
    if (json.contains(s.type)) out.type = json[s.type];
    out.ttl = number(json.at(s.ttl));
    auto data = json.at(s.data).get<std::string>();
    if (out.type == "TXT") {
      out.rdata = dns::txt_rdata(s.quoted ? *dns::txt_text(data) : data);
    } else if (out.type == "A") {
      out.rdata = data;
    } else {
      out.rdata = undotted(data) + ".";
      if (out.type == "MX" || out.type == "SRV")
        out.rdata = std::to_string(number(json.at(s.priority))) + " " + out.rdata;
    }
    return out;
  }
  std::vector<nlohmann::json> all() const {
    std::vector<nlohmann::json> out;
    for (const auto& record : zone.records()) out.push_back(shown(record));
    return out;
  }
  bool change(const std::string& id, const nlohmann::json& json) {
    auto* found = zone.find(id);
    if (found == nullptr) return false;
    *found = record_of(json, *found);
    found->id = id;
    return true;
  }
  FlatSpelling s;
};

}  // namespace mxferry::test
