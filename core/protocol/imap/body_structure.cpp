// SPDX-License-Identifier: Apache-2.0
#include "protocol/imap/body_structure.hpp"

#include <charconv>

#include "protocol/imap/flags.hpp"
#include "protocol/imap/limits.hpp"

namespace mxferry::imap {
namespace {

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

const Value* at(const Value& list, std::size_t i) {
  return i < list.items.size() ? &list.items[i] : nullptr;
}

std::string text_of(const Value* value) {
  return value != nullptr && value->kind == Value::Kind::text ? value->text : std::string();
}

std::uint64_t number_of(const Value* value) {
  const std::string text = text_of(value);
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  return error == std::errc() && end == text.data() + text.size() ? n : 0;
}

// RFC 2231 §3, §4: name*0="a", name*1*=utf-8''%41: joined in their order, %XX decoded where marked.
std::string parameter(const Value* params, std::string_view name) {
  if (params == nullptr || params->kind != Value::Kind::list) return "";
  std::vector<std::string> pieces;
  for (std::size_t i = 0; i + 1 < params->items.size(); i += 2) {
    std::string key = lower(text_of(&params->items[i]));
    std::string value = text_of(&params->items[i + 1]);
    if (!key.starts_with(name)) continue;
    key.erase(0, name.size());
    if (key.empty()) return value;
    const bool encoded = key.ends_with('*');
    if (encoded) key.pop_back();
    std::size_t number = 0;
    if (!key.empty()) {
      if (key.front() != '*') continue;  // "filenames"
      const auto [end, error] = std::from_chars(key.data() + 1, key.data() + key.size(), number);
      if (error != std::errc() || end != key.data() + key.size() || number >= 100) continue;
    }
    if (encoded) {
      if (number == 0) {
        const auto charset = value.find('\'');
        const auto language =
            charset == std::string::npos ? charset : value.find('\'', charset + 1);
        if (language != std::string::npos) value.erase(0, language + 1);
      }
      std::string decoded;
      for (std::size_t k = 0; k < value.size(); ++k) {
        unsigned byte = 0;
        if (value[k] == '%' && k + 2 < value.size()) {
          const auto [end, error] =
              std::from_chars(value.data() + k + 1, value.data() + k + 3, byte, 16);
          if (error == std::errc() && end == value.data() + k + 3) {
            decoded += static_cast<char>(byte);
            k += 2;
            continue;
          }
        }
        decoded += value[k];
      }
      value = std::move(decoded);
    }
    if (pieces.size() <= number) pieces.resize(number + 1);
    pieces[number] = std::move(value);
  }
  std::string out;
  for (const auto& piece : pieces) out += piece;
  return out;
}

// body-fld-dsp = "(" string params ")" / NIL
void take_disposition(const Value* value, BodyPart& part) {
  if (value == nullptr || value->kind != Value::Kind::list) return;
  part.disposition = lower(text_of(at(*value, 0)));
  const auto name = parameter(at(*value, 1), "filename");
  if (!name.empty()) part.name = name;
}

std::optional<BodyPart> read(const Value& value, int depth) {
  if (depth > kMaxDepth || value.kind != Value::Kind::list || value.items.empty())
    return std::nullopt;
  BodyPart part;
  std::size_t i = 0;
  if (value.items.front().kind == Value::Kind::list) {
    while (i < value.items.size() && value.items[i].kind == Value::Kind::list) {
      if (auto inner = read(value.items[i], depth + 1)) part.parts.push_back(std::move(*inner));
      ++i;
    }
    part.type = "multipart/" + lower(text_of(at(value, i)));
    take_disposition(at(value, i + 2), part);
    return part;
  }
  part.type = lower(text_of(at(value, 0))) + "/" + lower(text_of(at(value, 1)));
  part.name = parameter(at(value, 2), "name");
  part.octets = number_of(at(value, 6));
  i = 7;
  if (part.type == "message/rfc822" || part.type == "message/global") {
    if (const auto* inner = at(value, 8); inner != nullptr) {
      if (auto body = read(*inner, depth + 1)) part.parts.push_back(std::move(*body));
    }
    i = 10;
  } else if (part.type.starts_with("text/")) {
    i = 8;
  }
  take_disposition(at(value, i + 1), part);  // behind body-fld-md5
  return part;
}

void collect(const BodyPart& part, std::vector<BodyPart>& out) {
  const bool multipart = part.type.starts_with("multipart/");
  if (!multipart && (!part.name.empty() || part.disposition == "attachment")) {
    BodyPart leaf = part;
    leaf.parts.clear();
    out.push_back(std::move(leaf));
    return;  // what is inside an attached message belongs to it
  }
  for (const auto& inner : part.parts) collect(inner, out);
}

}  // namespace

std::optional<BodyPart> body_structure(const Value& value) { return read(value, 0); }

std::vector<BodyPart> attachments(const BodyPart& body) {
  std::vector<BodyPart> out;
  collect(body, out);
  return out;
}

}  // namespace mxferry::imap
