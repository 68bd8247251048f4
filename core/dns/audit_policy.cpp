// SPDX-License-Identifier: Apache-2.0
// The audit of what says who may send: SPF, DKIM, DMARC.
#include <algorithm>
#include <array>

#include "base/escape.hpp"
#include "dns/audit_parts.hpp"
#include "protocol/dns/dkim_key.hpp"
#include "protocol/dns/name.hpp"
#include "protocol/dns/rdata.hpp"
#include "protocol/dns/spf_check.hpp"

namespace mxferry::dns {
namespace {

constexpr std::size_t kLongRecord = 450;  // octets that fit beside others in one datagram
constexpr int kHeadroom = 8;              // lookups; above, the next include is one too many
constexpr int kWeakRsa = 2048;
constexpr int kUselessRsa = 1024;  // RFC 8301 §3.2

// What the large providers and the usual packages call their selectors.
constexpr std::array kSelectors = {
    "default",  "dkim",       "mail",        "google",  "selector1", "selector2", "s1",
    "s2",       "k1",         "k2",          "k3",      "key1",      "key2",      "key3",
    "fm1",      "fm2",        "fm3",         "gm1",     "gm2",       "gm3",       "zmail",
    "zoho",     "protonmail", "protonmail2", "sig1",    "mx",        "smtp",      "x",
    "s1-ionos", "s2-ionos",   "mbo0001",     "mbo0002", "titan1",    "20230601"};

void judge_key(AuditState& state, const std::string& selector, const std::string& text,
               bool given) {
  const auto key = parse_dkim_key(text);
  const std::string subject = escape_line(selector) + "._domainkey." + shown(state.request.domain);
  state.out.dkim[selector] = key.revoked ? "revoked" : key.type + " " + std::to_string(key.bits);
  for (const auto& problem : key.problems)
    state.find("DK-03", given ? Severity::block : Severity::warning, problem,
               "Publish the record as the signer gives it, in strings of at most 255 octets.",
               subject);
  if (key.revoked)
    state.find("DK-04", given ? Severity::block : Severity::info,
               "the key is revoked: every signature with it fails",
               "Sign with another selector, or publish the key again.", subject);
  if (key.testing)
    state.find("DK-04", Severity::warning, "t=y: verifiers treat its mail as if it were not signed",
               "Take t=y out.", subject);
  if (key.type != "rsa" || key.bits == 0) return;
  if (key.bits < kUselessRsa)
    state.find("DK-03", Severity::block,
               "an RSA key of " + std::to_string(key.bits) + " bits, which verifiers refuse",
               "Make a key of 2048 bits (RFC 8301 §3.2).", subject);
  else if (key.bits < kWeakRsa)
    state.find("DK-03", Severity::warning, "an RSA key of " + std::to_string(key.bits) + " bits",
               "Make a key of 2048 bits (RFC 8301 §3.2).", subject);
}

// A selector that may not exist is asked of the domain's own servers (RD=0); where it is an alias,
// its end is then asked of the resolver: that name is known to be in use.
void guess(AuditState& state, const std::string& selector) {
  constexpr std::chrono::milliseconds kPatience{500};
  const auto name = canonical_name(selector + "._domainkey." + state.request.domain);
  if (!name || state.authorities.empty()) return;
  const Question question{*name, "TXT"};
  const auto message =
      ask(state.authorities.front(), question, false, false, state.stop, false, kPatience);
  if (!message) return;
  const auto seen = judge(*message, question, state.out.zone);
  if (seen.kind != Seen::Kind::present) return;
  auto rdata = seen.rdata;
  if (rdata.empty()) rdata = state.lookups.ask({seen.alias, "TXT"}).rdata;
  for (const auto& one : rdata)
    if (const auto text = txt_text(one); text && text->find("p=") != std::string::npos)
      judge_key(state, selector, *text, false);
}

void given_selector(AuditState& state, const std::string& selector) {
  const auto name = canonical_name(selector + "._domainkey." + state.request.domain);
  const std::string subject = escape_line(selector) + "._domainkey." + shown(state.request.domain);
  if (!name)
    return state.find("DK-03", Severity::block, "no name can hold this selector",
                      "Look at the s= of a signed message.", subject);
  const auto records = state.texts("DK-03", *name, [](std::string_view) { return true; });
  if (!records) return;
  if (records->size() != 1)
    state.find("DK-03", Severity::block,
               records->empty() ? "there is no key: every signature with it fails"
                                : "there are several keys: verifiers may take any",
               "Publish exactly the record that the signer gives.", subject);
  for (const auto& text : *records) judge_key(state, selector, text, true);
}

// DM-05: RFC 9990 §4: whoever gets reports of another's domain must want them.
void audit_reports(AuditState& state, const DmarcRecord& record) {
  const auto& own = state.out.dmarc->organization;
  auto all = record.rua;
  all.insert(all.end(), record.ruf.begin(), record.ruf.end());
  std::set<std::string> seen;
  for (const auto& uri : all) {
    if (!uri.starts_with("mailto:")) continue;
    const auto at = uri.rfind('@');
    auto host = uri.substr(at == std::string::npos ? uri.size() : at + 1);
    host = host.substr(0, host.find_first_of("!?"));
    const auto name = canonical_name(host);
    if (!name || !seen.insert(*name).second) continue;
    if (is_within(*name, own) || is_within(state.request.domain, *name)) continue;
    const std::string consent = state.request.domain + "_report._dmarc." + *name;
    const auto records = state.texts("DM-05", consent, is_dmarc);
    if (records && records->empty())
      state.find("DM-05", Severity::warning,
                 "reports to " + shown(*name) + " are not sent: it does not say that it takes them",
                 "There, publish \"v=DMARC1\" as TXT at " + shown(consent) + ".");
  }
}

}  // namespace

void audit_spf(AuditState& state) {
  const auto records = state.texts("SPF-01", state.request.domain, is_spf);
  if (!records) return;
  if (records->empty())
    return state.find("SPF-01", Severity::warning, "the domain has no SPF record",
                      "Publish one that names who sends; \"v=spf1 -all\" if nobody does.");
  if (records->size() > 1)
    return state.find("SPF-01", Severity::block,
                      "the domain has " + std::to_string(records->size()) +
                          " SPF records: receivers answer permerror",
                      "Merge them into one (RFC 7208 §4.5).");
  const auto& text = records->front();
  const auto spf = parse_spf(text);
  auto tree = spf_tree(state.request.domain, text, state.lookups);
  if (!spf || !tree)
    return state.find("SPF-12", Severity::block,
                      (spf ? tree.error() : spf.error()).message() + ": receivers answer permerror",
                      "Mend the term.");
  for (const auto& problem : tree->problems)
    state.find("SPF-12", tree->unknown ? Severity::warning : Severity::block, problem,
               "Mend the record that it names, or take the term out.");
  if (tree->lookups > kSpfLookups)
    state.find("SPF-02", Severity::block,
               "it needs " + std::to_string(tree->lookups) + " lookups: receivers stop at 10",
               "Take out what nobody sends by; name networks instead of hosts.");
  else if (tree->lookups > kHeadroom)
    state.find("SPF-02", Severity::warning,
               "it needs " + std::to_string(tree->lookups) + " of 10 lookups",
               "Leave room: an include of others may grow.");
  if (tree->voids > kSpfVoids)
    state.find("SPF-03", Severity::block,
               std::to_string(tree->voids) + " terms look for what is not there: two are allowed",
               "Take out terms whose names have no records.");
  else if (tree->voids > 0)
    state.find("SPF-03", Severity::warning,
               std::to_string(tree->voids) + " of 2 terms that may look for what is not there",
               "Take out terms whose names have no records.");
  if (text.size() > kLongRecord)
    state.find("SPF-04", Severity::warning,
               "it has " + std::to_string(text.size()) + " octets; above 450 answers get long",
               "Drop terms that nobody uses.");
  if (spf->all == '+')
    state.find("SPF-05", Severity::block, "+all lets every host of the net pass",
               "End with ~all or -all.");
  if (!spf->all && spf->redirect.empty())
    state.find("SPF-05", Severity::warning, "it ends without all: whoever is not named is neutral",
               "End with ~all or -all.");
  if (std::any_of(spf->terms.begin(), spf->terms.end(),
                  [](const SpfTerm& term) { return term.mechanism == "ptr"; }))
    state.find("SPF-05", Severity::warning, "ptr is slow, fails often and should not be used",
               "Name the networks (RFC 7208 §5.5).");
  state.out.spf = *std::move(tree);
}

void audit_dkim(AuditState& state) {
  for (const auto& selector : state.request.selectors) given_selector(state, selector);
  for (const char* selector : kSelectors)
    if (!state.out.dkim.contains(selector)) guess(state, selector);
  if (!state.out.dkim.empty()) return;
  state.find("DK-03", Severity::info,
             state.authorities.empty()
                 ? "no DKIM selector was looked for: none was given, and guesses are asked of the "
                   "domain's own name servers, which did not answer"
                 : "none of the usual DKIM selectors exists",
             "Name those in use with --selector: the s= of a signed message.");
}

void audit_dmarc(AuditState& state) {
  DmarcRequest request;
  request.author = state.request.domain;
  const auto verdict = check_dmarc(request, state.lookups);
  state.out.dmarc = verdict;
  const auto records = state.texts("DM-01", "_dmarc." + state.request.domain, is_dmarc);
  if (records && records->size() > 1)
    state.find("DM-01", Severity::block, "there are several DMARC records: receivers use none",
               "Leave one.");
  for (const auto& problem : verdict.problems)
    state.find("DM-04", Severity::warning, problem,
               "Mend the record; `mxferry dmarc check` shows what it comes to.");
  if (verdict.record.empty() && verdict.result == DmarcResult::none)
    state.find("DM-01", Severity::warning, "no DMARC record applies to the domain",
               "Publish \"v=DMARC1; p=none; rua=mailto:...\" at _dmarc first.");
  if (!verdict.record.empty() && verdict.policy == DmarcPolicy::none)
    state.find("DM-04", Severity::info, "the policy is none: failing mail is delivered",
               "Go to quarantine and reject when reports show that all of the domain's mail is "
               "aligned.");
  if (state.request.suffixes != nullptr) {
    const auto before = check_dmarc_7489(request, *state.request.suffixes, state.lookups);
    for (const auto& difference : dmarc_differences(verdict, before))
      state.find("DM-03", Severity::info, difference,
                 "Receivers follow one or the other: publish a record that both read alike.");
  }
  if (const auto record = parse_dmarc(verdict.record)) audit_reports(state, *record);
}

}  // namespace mxferry::dns
