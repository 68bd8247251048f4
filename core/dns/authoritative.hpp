// SPDX-License-Identifier: Apache-2.0
// Rounds: every authoritative server of a zone asked every question, directly and without
// recursion; and what a round proves. A round that opens a gate is confirmed over TCP on three
// connections per address, because a pool behind one address may hold one stale server. Blocking;
// one thread.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "dns/asker.hpp"
#include "dns/delegation.hpp"
#include "model/finding.hpp"

namespace mxferry::dns {

struct View {
  std::string server;  // the NS name
  DnsServer address;
  Question question;
  Seen seen;
};

struct Round {
  std::vector<View> views;
  std::vector<std::string> silent{};  // servers that have no address to ask
};

struct Expected {
  Question question;
  std::vector<std::string> rdata{};         // as a set; empty: must be absent
  bool data_matters = true;                 // false: only the TTL is looked at
  std::optional<std::uint32_t> most_ttl{};  // every server's TTL is at most this
  std::optional<std::uint32_t> ttl{};       // every server's TTL is this
};

/// How many rounds over TCP confirm one that opens a gate: a pool behind one address may hold one
/// stale server.
inline constexpr int kConfirmations = 3;

Round ask_all(const Delegation& delegation, const std::vector<Question>& questions, bool tcp,
              std::stop_token stop);

/// Does every server serve all of it? unknown where one did not answer, fail where one serves
/// something else.
Assertion check(const Round& round, const std::vector<Expected>& expected);
/// Record data for people, on one line; "nothing" where there is none.
std::string data_text(const std::vector<std::string>& rdata);
/// What one server's answer says of it. Pure.
Assertion check_view(const View& view, const Expected& expected);

/// One UDP round and, if it passes, three TCP rounds: the verdict of the worst.
Assertion confirmed(const Delegation& delegation, const std::vector<Expected>& expected,
                    std::stop_token stop);

/// The largest TTL that any server gives for the question (its alias counts too); nothing where
/// nobody has the set.
std::optional<std::uint32_t> largest_ttl(const Round& round, const Question& question);

/// min(SOA TTL, SOA MINIMUM) of the zone, the largest over its servers.
Result<std::uint32_t> negative_ttl(const Delegation& delegation, std::stop_token stop);

}  // namespace mxferry::dns
