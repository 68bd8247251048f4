// SPDX-License-Identifier: Apache-2.0
// DNS plugin `namecheap`: the XML API. domains.dns.setHosts replaces every record of the zone and
// the e-mail type in one call: a change is the hosts that were just read with the sets in question
// exchanged. Errors come with status 200. One operation at a time.
#include <mxferry/http_dns.hpp>
#include <mxferry/xml_answer.hpp>

namespace namecheap {
namespace {

using namespace mxferry::sdk;

// One <host> as it was read: what a write sends back.
struct HostEntry {
  std::string name, type, address, preference, ttl;
};

class Namecheap final : public HttpDns {
 public:
  explicit Namecheap(Host host) : HttpDns(host, 60) {}

  Result<void> start() override {
    MXF_CHECK(HttpDns::start());
    user_ = percent(host().config_or("api_user", ""));
    address_ = percent(host().config_or("client_ip", ""));
    suffix_ = lower(without_dot(host().config_or("suffix", "")));
    switch_email_ = host().config_or("switch_email", "false") == "true";
    return {};
  }

  Result<std::vector<Zone>> list_zones() override {
    std::vector<Zone> out;
    std::size_t total = 0;
    std::size_t number = 1;
    do {
      MXF_TRY(answer, query("the list of domains", "domains.getList",
                            "&PageSize=100&Page=" + std::to_string(number)));
      const auto* list = answer.child("DomainGetListResult");
      const auto* paging = answer.child("Paging");
      const auto all = paging == nullptr ? std::nullopt : paging->text_of("TotalItems");
      if (list == nullptr || !all) return nonsense("no list of domains");
      std::from_chars(all->data(), all->data() + all->size(), total);
      for (const auto& item : list->children) {
        const auto name = item.attribute("Name");
        if (!name) return nonsense("a domain without a name");
        out.push_back({lower(*name) + ".", *name, {}, 60, {}});
      }
      if (list->children.empty() && out.size() < total) return nonsense("a page is missing");
    } while (out.size() < total && ++number < 1000);
    return out;
  }

  Result<std::vector<RRset>> list_records(const std::string& zone) override {
    MXF_CHECK(read(zone));
    std::vector<StoredRecord> records;
    for (const auto& entry : hosts_) {
      StoredRecord record;
      record.name = absolute_name(entry.name, zone);
      record.type = entry.type;
      std::from_chars(entry.ttl.data(), entry.ttl.data() + entry.ttl.size(), record.ttl);
      if (entry.type == "TXT")
        record.rdata = txt_rdata(entry.address);
      else if (entry.type == "MX")
        record.rdata = entry.preference + " " + with_dot(entry.address);
      else
        record.rdata = host_completed(entry.type, entry.address);
      if (!writes(entry.type))
        record.extra = locked_extra("records of this type are sent back as they are");
      records.push_back(std::move(record));
    }
    return grouped(records);
  }

 protected:
  Result<std::vector<Header>> credentials(const HttpRequest&) override {
    return std::vector<Header>{};  // they stand in the body
  }

  // Over the limit the API answers 405.
  Failure explain(const HttpResponse& response, const std::string& what) const override {
    auto why = failure_of(response, what);
    if (response.code == 405) {
      why.status = MXF_RATE_LIMITED;
      why.text = "too many requests";
    }
    return why;
  }

  Result<void> storable(const RRset& set, const Record& record) override {
    if (set.ttl > 60'000) return fail(MXF_INVALID, "the TTL is above 60,000 s");
    MXF_TRY(entry, entry_of("", set, record));
    return {};
  }
  bool swaps_atomically() const override { return true; }

  Result<void> write(const std::string& zone, const std::vector<Change>& changes,
                     const std::vector<RRset>&) override {
    if (inactive_)
      return fail(MXF_UNSUPPORTED,
                  "the zone holds inactive records, which a write through the API would activate: "
                  "delete or activate them first");
    auto next = hosts_;
    auto email = email_type_;
    for (const auto& change : changes) {
      const auto& any = change.any();
      std::erase_if(next, [&](const HostEntry& entry) {
        return entry.type == any.type && absolute_name(entry.name, zone) == any.name;
      });
      if (!change.after) continue;
      for (const auto& record : change.after->records) {
        MXF_TRY(entry, entry_of(zone, *change.after, record));
        next.push_back(std::move(entry));
      }
      if (any.type == "MX") email = "MX";
    }
    if (email != email_type_ && !switch_email_)
      return fail(MXF_DENIED, "the domain's e-mail type is " + email_type_ +
                                  ": own MX records would end that service; say "
                                  "switch_email=true if that is meant");
    std::string form = "&EmailType=" + percent(email);
    std::size_t number = 0;
    for (const auto& entry : next) {
      const auto n = std::to_string(++number);
      form += "&HostName" + n + "=" + percent(entry.name) + "&RecordType" + n + "=" + entry.type +
              "&Address" + n + "=" + percent(entry.address) + "&MXPref" + n + "=" +
              percent(entry.preference) + "&TTL" + n + "=" + entry.ttl;
    }
    MXF_TRY(domain, domain_of(zone));
    const auto what = "the change of " + zone;
    MXF_TRY(response, change(what, "POST", "", body_of("domains.dns.setHosts", domain + form),
                             {{"Content-Type", kForm}}));
    auto answer = command_response(response, what);
    if (!answer) {
      if (answer.error().status != MXF_REMOTE) not_done();
      return fail(answer.error());
    }
    const auto* result = answer->child("DomainDNSSetHostsResult");
    if (result == nullptr || result->attribute("IsSuccess") != "true")
      return nonsense("it does not say that the hosts are set");
    done_one();
    return {};
  }

 private:
  static constexpr const char* kForm = "application/x-www-form-urlencoded";

  static bool writes(std::string_view type) {
    return type == "A" || type == "AAAA" || type == "CNAME" || type == "MX" || type == "TXT" ||
           type == "NS";
  }

  std::string body_of(const std::string& command, const std::string& more) const {
    return "ApiUser=" + user_ + "&ApiKey=${secret:api_key}&UserName=" + user_ +
           "&ClientIp=" + address_ + "&Command=namecheap." + command + more;
  }

  Result<std::string> domain_of(const std::string& zone) const {
    const auto name = without_dot(zone);
    const auto suffix = suffix_.empty() ? name.substr(name.rfind('.') + 1) : suffix_;
    if (name.size() <= suffix.size() + 1 || !name.ends_with("." + suffix))
      return fail(MXF_NOT_FOUND, zone + " is no domain below ." + suffix);
    const auto label = name.substr(0, name.size() - suffix.size() - 1);
    if (label.find('.') != std::string::npos)
      return fail(MXF_NOT_FOUND, zone + " has more than one label before ." + suffix +
                                     "; the setting suffix names another public suffix");
    return "&SLD=" + percent(label) + "&TLD=" + percent(suffix);
  }

  Result<XmlElement> query(const std::string& what, const std::string& command,
                           const std::string& more) {
    MXF_TRY(response, ask(what, "", "POST", body_of(command, more), {{"Content-Type", kForm}}));
    return command_response(response, what);
  }

  static Result<XmlElement> command_response(const HttpResponse& response,
                                             const std::string& what) {
    const auto root = xml_of(response.body);
    if (!root || root->name != "ApiResponse") return nonsense(what + " is no ApiResponse");
    const auto status = root->attribute("Status");
    if (status == "ERROR") {
      const auto* errors = root->child("Errors");
      const auto* first = errors == nullptr ? nullptr : errors->child("Error");
      if (first == nullptr) return nonsense("an error without a reason");
      const auto number = first->attribute("Number").value_or("");
      const auto is = [&](std::initializer_list<std::string_view> numbers) {
        return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
      };
      Failure why;
      why.native_code = number;
      why.remote = first->text;
      why.status = MXF_INVALID;
      why.text = "the API refuses " + what;
      if (is({"1011102", "1010102", "1030408", "1011150"})) {
        why.status = MXF_AUTH;
        why.text = "the API user, its key or the address of this machine is not accepted";
      } else if (is({"2019166", "2016166", "2030166", "2030288"})) {
        why.status = MXF_NOT_FOUND;
        why.text = what + ": the account has no such domain on Namecheap's name servers";
      } else if (is({"500000"})) {
        why.status = MXF_RATE_LIMITED;
        why.text = "too many requests";
      }
      return fail(std::move(why));
    }
    const auto* inner = root->child("CommandResponse");
    if (status != "OK" || inner == nullptr) return nonsense(what + " has no status OK");
    return *inner;
  }

  Result<void> read(const std::string& zone) {
    MXF_TRY(domain, domain_of(zone));
    MXF_TRY(answer, query("the records of " + zone, "domains.dns.getHosts", domain));
    const auto* result = answer.child("DomainDNSGetHostsResult");
    if (result == nullptr) return nonsense("no hosts");
    const auto named = result->attribute("Domain");
    const auto ours = result->attribute("IsUsingOurDNS");
    const auto email = result->attribute("EmailType");
    if (!named || lower(*named) + "." != zone || !ours || !email)
      return nonsense("hosts of another domain, or without e-mail type");
    if (*ours != "true")
      return fail(MXF_INVALID, "zone " + zone +
                                   " is not served by Namecheap's name servers: a change would "
                                   "not be seen");
    email_type_ = *email;
    inactive_ = false;
    hosts_.clear();
    for (const auto& item : result->children) {
      const auto name = item.attribute("Name");
      const auto type = item.attribute("Type");
      const auto address = item.attribute("Address");
      const auto preference = item.attribute("MXPref");
      const auto ttl = item.attribute("TTL");
      const auto active = item.attribute("IsActive");
      if (item.name != "host" || !name || !type || !address || !preference || !ttl || !active ||
          ttl->empty() || ttl->find_first_not_of("0123456789") != std::string::npos)
        return nonsense("a host without name, type, address or TTL");
      inactive_ = inactive_ || *active != "true";
      hosts_.push_back({*name, *type, *address, *preference, *ttl});
    }
    return {};
  }

  static Result<HostEntry> entry_of(const std::string& zone, const RRset& set,
                                    const Record& record) {
    HostEntry out{relative_name(set.name, zone, "@"), set.type, record.rdata, "10",
                  std::to_string(set.ttl)};
    if (!writes(set.type))
      return fail(MXF_UNSUPPORTED, "this API does not write records of this type");
    if (set.type == "TXT") {
      TxtRules rules;
      rules.most = 2500;
      rules.forbidden = "\"\\";
      MXF_TRY(text, plain_txt(record.rdata, rules));
      out.address = text;
    } else if (set.type == "MX") {
      const auto words = fields_of(record.rdata);
      if (words.size() != 2 || words[1] == ".")
        return fail(MXF_INVALID, "this API stores no null MX");
      out.preference = words[0];
      out.address = words[1];
    }
    return out;
  }

  std::string user_, address_, suffix_;
  bool switch_email_ = false;
  // The zone as it was read last.
  std::vector<HostEntry> hosts_;
  std::string email_type_;
  bool inactive_ = false;
};

}  // namespace
}  // namespace namecheap

MXF_DNS_PLUGIN("namecheap", namecheap::Namecheap)
