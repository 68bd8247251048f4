// SPDX-License-Identifier: Apache-2.0
#include "app/spot_check.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "base/escape.hpp"
#include "plan/assess.hpp"
#include "protocol/imap/mailbox_name.hpp"
#include "protocol/mime/fingerprint.hpp"

namespace mxferry::app {
namespace {

std::string path_of(const std::vector<FolderInfo>& folders, const std::string& wire) {
  for (const auto& folder : folders) {
    if (folder.wire != wire) continue;
    std::string out;
    for (const auto& part : folder.path) out += (out.empty() ? "" : "/") + part;
    return out;
  }
  return imap::display_name(wire);
}

std::optional<std::uint64_t> messages_in(const std::vector<FolderInfo>& folders,
                                         const std::string& wire) {
  for (const auto& folder : folders)
    if (folder.wire == wire && folder.state) return folder.state->messages;
  return std::nullopt;
}

std::vector<imap::BodyPart> attachments_of(const imap::Glance& glance) {
  return glance.structure ? imap::attachments(*glance.structure) : std::vector<imap::BodyPart>();
}

bool same_attachments(const imap::Glance& a, const imap::Glance& b) {
  const auto left = attachments_of(a);
  const auto right = attachments_of(b);
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](const imap::BodyPart& x, const imap::BodyPart& y) {
                      return x.name == y.name && x.octets == y.octets && x.type == y.type;
                    });
}

// Glances of one side's folder, by UID.
Task<Result<std::map<std::uint32_t, imap::Glance>>> look(imap::Client& client, std::string wire,
                                                         imap::UidSet uids, bool header) {
  std::map<std::uint32_t, imap::Glance> out;
  MXF_CO_CHECK(co_await client.open_folder(wire));
  MXF_CO_TRY(glances, co_await imap::glance(client, uids, header));
  for (auto& glance : glances) out[glance.uid.value] = std::move(glance);
  co_return out;
}

std::string side_text(const std::optional<imap::Glance>& glance) {
  if (!glance) return "not there";
  std::string out =
      (glance->date ? imap::format_internal_date(*glance->date) : std::string("no date")) + ", " +
      (glance->flags.contains("\\Seen") ? "read" : "unread") + ", " +
      plan::print_bytes(glance->size);
  for (const auto& part : attachments_of(*glance))
    out += "\n      " + (part.name.empty() ? "(no name)" : escape_line(part.name)) + "  " +
           escape_line(part.type) + ", " + plan::print_bytes(part.octets);
  return out;
}

Json side_json(const std::optional<imap::Glance>& glance) {
  if (!glance) return Json();
  Json list = Json::array();
  for (const auto& part : attachments_of(*glance))
    list.push_back({{"name", escape_bytes(part.name)},
                    {"type", escape_bytes(part.type)},
                    {"octets", part.octets}});
  return {{"date", glance->date ? Json(imap::format_internal_date(*glance->date)) : Json()},
          {"read", glance->flags.contains("\\Seen")},
          {"size", glance->size},
          {"attachments", std::move(list)}};
}

std::string count_text(const std::optional<std::uint64_t>& n) {
  return n ? std::to_string(*n) : std::string("?");
}

}  // namespace

bool SpotReport::differs() const {
  return std::any_of(messages.begin(), messages.end(),
                     [](const SpotMessage& m) { return !m.differs.empty(); });
}

std::vector<std::uint64_t> draw(std::uint64_t total, std::uint64_t count, std::uint64_t seed) {
  // Floyd's sampling; the engine's numbers are fixed by the standard, its distributions are not.
  std::mt19937_64 random(seed);
  std::set<std::uint64_t> out;
  count = std::min(count, total);
  for (std::uint64_t j = total - count; j < total; ++j) {
    const auto pick = random() % (j + 1);
    if (!out.insert(pick).second) out.insert(j);
  }
  return {out.begin(), out.end()};
}

std::vector<std::string> differences(const SpotMessage& message) {
  std::vector<std::string> out;
  if (!message.source) return out;
  if (!message.destination) return {"destination"};
  const auto& a = *message.source;
  const auto& b = *message.destination;
  if (a.date != b.date) out.emplace_back("date");
  if (a.flags.contains("\\Seen") != b.flags.contains("\\Seen")) out.emplace_back("read");
  if (!same_attachments(a, b)) out.emplace_back("attachments");
  return out;
}

Task<Result<SpotReport>> spot_check(imap::Client& source, imap::Client& destination,
                                    copy::SyncState& state, std::uint64_t count, std::uint64_t seed,
                                    bool subjects) {
  SpotReport out;
  out.seed = seed;
  MXF_CO_TRY(records, state.folders());
  MXF_CO_TRY(from, co_await source.list_folders());
  MXF_CO_TRY(to, co_await destination.list_folders());
  std::uint64_t total = 0;
  for (const auto& record : records) {
    SpotFolder folder;
    folder.source = path_of(from, record.src_name);
    folder.destination = path_of(to, record.dst_name);
    folder.source_messages = messages_in(from, record.src_name);
    folder.destination_messages = messages_in(to, record.dst_name);
    MXF_CO_TRY(known, state.count_messages(record));
    folder.copied = known;
    total += known;
    out.folders.push_back(std::move(folder));
  }
  const auto picks = draw(total, count, seed);
  std::uint64_t first = 0;
  auto pick = picks.begin();
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto end = first + out.folders[i].copied;
    if (pick == picks.end()) break;
    if (*pick >= end) {
      first = end;
      continue;
    }
    MXF_CO_TRY(messages, state.messages(records[i]));
    std::vector<SpotMessage> chosen;
    imap::UidSet left;
    imap::UidSet right;
    for (; pick != picks.end() && *pick < end; ++pick) {
      const auto at = static_cast<std::size_t>(*pick - first);
      if (at >= messages.size()) continue;
      SpotMessage message;
      message.folder = out.folders[i].source;
      message.src = messages[at].src;
      message.dst = messages[at].dst;
      left.add(message.src);
      right.add(message.dst);
      chosen.push_back(std::move(message));
    }
    first = end;
    MXF_CO_TRY(there, co_await look(source, records[i].src_name, left, subjects));
    MXF_CO_TRY(here, co_await look(destination, records[i].dst_name, right, subjects));
    for (auto& message : chosen) {
      if (const auto it = there.find(message.src.value); it != there.end())
        message.source = std::move(it->second);
      if (const auto it = here.find(message.dst.value); it != here.end())
        message.destination = std::move(it->second);
      message.differs = differences(message);
      out.messages.push_back(std::move(message));
    }
  }
  co_return out;
}

std::string print(const SpotReport& report, bool subjects) {
  std::string out = "folders (source, destination, copied by mxferry):\n";
  for (const auto& folder : report.folders) {
    out += "  " + escape_line(folder.source) +
           (folder.source == folder.destination ? "" : " -> " + escape_line(folder.destination)) +
           ": " + count_text(folder.source_messages) + ", " +
           count_text(folder.destination_messages) + ", " + std::to_string(folder.copied) + "\n";
  }
  out += std::to_string(report.messages.size()) + " messages (seed " + std::to_string(report.seed) +
         "):\n";
  for (const auto& m : report.messages) {
    out += "  " + escape_line(m.folder) + " UID " + std::to_string(m.src.value) + " -> UID " +
           std::to_string(m.dst.value);
    if (subjects && m.source)
      out += "  " + escape_line(mime::header_field(m.source->header, "Subject").value_or("")) +
             "  (" + escape_line(mime::header_field(m.source->header, "From").value_or("")) + ")";
    out += "\n    source:      " + side_text(m.source) +
           "\n    destination: " + side_text(m.destination) + "\n";
    if (!m.differs.empty()) {
      out += "    DIFFERS:";
      for (const auto& what : m.differs) out += " " + what;
      out += "\n";
    }
  }
  return out;
}

Json to_json(const SpotReport& report, bool subjects) {
  const auto number = [](const std::optional<std::uint64_t>& n) { return n ? Json(*n) : Json(); };
  Json folders = Json::array();
  for (const auto& folder : report.folders)
    folders.push_back({{"source", escape_bytes(folder.source)},
                       {"destination", escape_bytes(folder.destination)},
                       {"source_messages", number(folder.source_messages)},
                       {"destination_messages", number(folder.destination_messages)},
                       {"copied", folder.copied}});
  Json messages = Json::array();
  for (const auto& m : report.messages) {
    Json item = {{"folder", escape_bytes(m.folder)},        {"source_uid", m.src.value},
                 {"destination_uid", m.dst.value},          {"source", side_json(m.source)},
                 {"destination", side_json(m.destination)}, {"differs", m.differs}};
    if (subjects && m.source)
      for (const auto& [key, field] :
           {std::pair("subject", "Subject"), std::pair("from", "From"), std::pair("sent", "Date")})
        item[key] = escape_bytes(mime::header_field(m.source->header, field).value_or(""));
    messages.push_back(std::move(item));
  }
  return {
      {"seed", report.seed}, {"folders", std::move(folders)}, {"messages", std::move(messages)}};
}

}  // namespace mxferry::app
