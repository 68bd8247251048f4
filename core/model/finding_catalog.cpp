// SPDX-License-Identifier: Apache-2.0
#include "model/finding_catalog.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace mxferry {
namespace {

constexpr std::array kCatalog{
    FindingEntry{
        "AD-01", "block, gate", "Mail arrives at an address that the plan does not serve",
        "The headers of recent mail (Delivered-To, X-Original-To, Envelope-To, To, Cc) name an "
        "address of the domain that is no mailbox, no alias and not ignored: an old alias, a list, "
        "a former colleague. The new MX would refuse it. check, plan and assess look at 90 days, "
        "the gate before the flip at what came since.",
        "Put the address among the aliases of a mailbox in mailboxes.csv, or give it a row; if "
        "nobody needs it, put it into [addresses] ignore with a reason. \"AD-01:ADDRESS\" in "
        "[[accept]] lets one address pass; \"AD-01\" alone accepts nothing."},
    FindingEntry{
        "AD-02", "warning", "The old MX has a catch-all, or may have one",
        "It takes mail for an address that nobody has, so that addresses may be in use which no "
        "recent mail shows; or its answer said nothing (greylisting, a refused prober, no route).",
        "Look at the old side's configuration. Make the catch-all at the new provider too, or "
        "accept the finding with what you found."},
    FindingEntry{
        "AD-03", "warning, info", "Another name of the domain receives mail",
        "A subdomain or a wildcard has an MX and is no [[domain]] of the plan: the addresses there "
        "are not counted and not moved. At a host that the domain leaves this is a warning, "
        "elsewhere it is only told.",
        "Give the name a [[domain]] of its own, or accept \"AD-03:NAME/MX\" with a reason."},
    FindingEntry{"AL-01", "warning", "An alert cannot be sent",
                 "The mail server, webhook or command of [alert] failed three times. The run goes "
                 "on, and the alert is tried again until it is sent; until then nobody was told.",
                 "Read the words, mend [alert] of the plan or what it names. The next try comes by "
                 "itself, and the finding goes with the first that succeeds."},
    FindingEntry{"AP-01", "gate", "The approval is for another plan",
                 "An approval covers exactly the plan whose hash it names, so that nobody approves "
                 "what they have not seen. The plan under way is another one.",
                 "Look at the plan under way with `mxferry status` and `mxferry plan`, then "
                 "approve its hash."},
    FindingEntry{
        "AP-02", "gate", "The flip waits for an approval",
        "approve.flip = 1: a person looks at the plan before MX and client records change.",
        "`mxferry approve FILE --gate flip --plan HASH`, as the sentence says; or set approve.flip "
        "= \"auto\" in a new plan."},
    FindingEntry{
        "CA-01", "info", "CAA says who may certify the policy host",
        "A CAA set (RFC 8659) lists the authorities that may issue certificates. It means nothing "
        "to SMTP, but the host of the MTA-STS policy needs a certificate from one of them.",
        "Make sure that the authority that certifies the host is in the set."},
    FindingEntry{"CL-01", "warning", "A client record leads nowhere",
                 "A SRV record for mail clients (RFC 6186, RFC 8314) names an alias, or a host "
                 "without an address. Clients that look for it fail, or ask their users.",
                 "Name a host that has addresses, or \".\" for what is not offered."},
    FindingEntry{"CL-02", "warning", "autodiscover or autoconfig leads nowhere",
                 "The name is an alias of a host that has no address, often one of a former "
                 "provider: clients wait for it before they go on.",
                 "Point it at the provider's host, or take it out."},
    FindingEntry{
        "CM-01", "block", "Caches could hold a combination that harms mail",
        "Resolvers, receivers and senders keep old answers for a while, each of them on its own. "
        "After a step of the plan, old and new MX, SPF, DKIM, DMARC and MTA-STS may meet in the "
        "combination that the finding names, and mail would bounce or fail its checks.",
        "Mend what the sentence names, such as an SPF record that leaves one side out. Order and "
        "waits are the plan's own: if they are at fault, report it.",
        false},
    FindingEntry{"CN-01", "block", "No mailbox to send a canary to",
                 "Before the flip a real message must reach the new provider and be found by IMAP. "
                 "No mailbox of the domain is in the plan, so nothing could prove it.",
                 "Add a mailbox of the domain to mailboxes.csv, or set domain.canary to one that "
                 "is there."},
    FindingEntry{"CN-02", "gate", "The new MX refuses the canary",
                 "A real message to the mailbox was refused: after the flip, mail would be, too.",
                 "Make the mailbox known to the new MX, then run the same command again."},
    FindingEntry{
        "CN-03", "gate", "The canary did not arrive",
        "The new MX took the message, and it was not found in the mailbox within 15 minutes.",
        "Look at the new server's delivery and its junk filter, then run the same command again."},
    FindingEntry{"DA-01", "gate", "TLSA records of a new MX host do not match",
                 "The host's TLSA records are secure, so senders that check DANE deliver only to a "
                 "certificate that matches them (RFC 7672). Records that exist but cannot be read "
                 "make such senders wait.",
                 "The new provider must mend TLSA or certificate. To flip all the same, accept "
                 "\"DA-01:HOST\" with a reason."},
    FindingEntry{"DC-01", "gate", "A change that is never made",
                 "No plan may change the apex NS or SOA, leave a name without MX where it had one, "
                 "or a delegation without NS, or have two SPF records: each of them loses mail. An "
                 "MX set or a delegation that an apply created goes again by `dns restore` from "
                 "its snapshot.",
                 "Mend the wanted records; the sentence names the RRset."},
    FindingEntry{"DC-02", "gate", "Somebody else changed the zone",
                 "Each write reads first. What stands there is not what the plan was made from, "
                 "and mxferry does not write over the change of another.",
                 "Look with `mxferry dns records`, then make a new plan, or run the same command "
                 "again where it shows the new difference."},
    FindingEntry{"DC-03", "gate", "A write does not stand",
                 "Read back after the write, the zone does not hold all of it.",
                 "Look at the zone with `mxferry dns records` and run the same command again: it "
                 "goes on from what stands."},
    FindingEntry{
        "DC-04", "gate", "A text that nobody named would be dropped",
        "A TXT set holds strings of several parties: verifications, keys, notes. `dns apply "
        "--desired` replaces the set, and one of its strings is neither SPF, nor among the "
        "new ones, nor named in \"delete\". An SPF record that nothing replaces is refused in each "
        "format of what is wanted.",
        "Put the string among the records of the set, or name it in \"delete\"."},
    FindingEntry{"DC-05", "gate", "Sets changed that nobody named",
                 "Between two readings of the zone, sets changed that this change does not name: "
                 "somebody else is at work, or the DNS API replaces more than it was asked to.",
                 "Look at the sets that the command names, then run it again; --max-changes N "
                 "lets that many pass."},
    FindingEntry{"DC-06", "gate", "A CNAME would stand beside other data",
                 "An alias is all that its name may hold (RFC 1034 §3.6.2). Servers refuse it, "
                 "skip it without a word, or answer one or the other.",
                 "Delete the one in the same change, or choose another name."},
    FindingEntry{"DC-07", "gate", "The DNS API takes no such TTL",
                 "The TTL lies below the least that the API stores; it would raise it silently, "
                 "and whoever waits for the smaller one would wait for nothing.",
                 "Write the TTL that the sentence names, or more."},
    FindingEntry{
        "DK-03", "warning, block, info", "A DKIM key cannot be used, or none was found",
        "The record is malformed, its RSA key is shorter than 1024 bits, which verifiers must "
        "refuse, or than the 2048 that they want (RFC 8301), or its parts were not joined rightly.",
        "Publish the record exactly as the signer gives it. Name selectors that are in use with "
        "--selector."},
    FindingEntry{"DK-04", "warning, block, info", "A DKIM key is revoked or in test mode",
                 "An empty p= revokes the key: what is signed with it fails. t=y asks verifiers to "
                 "treat signed mail as unsigned (RFC 6376 §3.6.1).",
                 "Sign with another selector, or take t=y out."},
    FindingEntry{"DK-06", "block", "The DKIM selector is taken",
                 "A record with another key stands at the selector that the new provider wants. "
                 "Replacing it would break signatures of whoever uses it today.",
                 "Ask the new provider for a selector of its own, and put that into domain.dkim."},
    FindingEntry{"DM-01", "warning, block", "No DMARC record applies, or there are several",
                 "Without a record receivers judge by themselves. Several at one name are none: "
                 "RFC 9989 walks on, RFC 7489 stops.",
                 "Publish exactly one record at _dmarc."},
    FindingEntry{
        "DM-03", "info", "RFC 9989 and RFC 7489 read the domain differently",
        "The new RFC finds the organisation by walking up the tree, the old one by the public "
        "suffix list. Receivers follow one or the other, and mail fares differently.",
        "Publish a record at the domain itself that both read alike."},
    FindingEntry{"DM-04", "warning, info",
                 "The DMARC record has parts that receivers pass over, or asks for nothing",
                 "Malformed tags are ignored, pct, rf and ri were removed by RFC 9989, and a "
                 "policy of none changes nothing for mail that fails.",
                 "Mend the tags; go to quarantine and reject when the reports show that all mail "
                 "is aligned."},
    FindingEntry{"DM-05", "warning", "Reports go to a domain that does not say that it takes them",
                 "Reporters look for a record DOMAIN._report._dmarc.DESTINATION before they send "
                 "reports to another organisation (RFC 9990 §4).",
                 "Publish \"v=DMARC1\" there, or a wildcard, in the zone of the address."},
    FindingEntry{"DN-01", "gate", "A signed zone does not validate",
                 "The parent says that the zone is signed. A set without a valid signature at one "
                 "of its name servers is refused by every validating resolver: mail to the domain "
                 "is lost or delayed for all who use one.",
                 "Have the zone signed anew at the server that is named, and run the same command "
                 "again.",
                 false},
    FindingEntry{"DR-01", "warning", "Somebody changed a record that mxferry wrote",
                 "During the watch after the flip, an authoritative server serves other data than "
                 "what the run wrote. Mail may go to a third place, or fail its checks. mxferry "
                 "never writes over another's change.",
                 "Look with `mxferry dns records`, find out who changed it, and put it right by "
                 "hand or with `mxferry dns apply`."},
    FindingEntry{
        "FO-01", "info", "Folders will be called otherwise",
        "The destination has its own name for a special folder, or cannot spell a name: its "
        "delimiter stands in it.",
        "Tell the mailbox's user; nothing is lost."},
    FindingEntry{
        "FO-02", "info", "The account sees folders of others",
        "Other users' and shared folders are no part of a mailbox and are not copied with it.",
        "Give each mailbox that they belong to a row of its own in mailboxes.csv."},
    FindingEntry{"LK-01", "gate", "Another process is at work on this state",
                 "One process acts on a migration; a second one could do things twice.",
                 "Wait for it, or stop it with `kill PID`: it ends within 5 s and the same command "
                 "goes on."},
    FindingEntry{"MB-01", "gate", "A mailbox is not ready for the flip",
                 "The flip waits until every mailbox of the domain is copied, its last delta is "
                 "younger than delta.max_age, and the comparison of both sides is clean.",
                 "Mend the mailbox that the gate names and run the same command again. To flip "
                 "without it, accept \"MB-01:ADDRESS\" with a reason in the plan."},
    FindingEntry{"MB-02", "warning", "A mailbox is parked",
                 "It could not go on (a wrong password, a refused login, a safety rule of the "
                 "copier). It is not tried in a loop, so that no account is locked; the others go "
                 "on.",
                 "Read the server's words, mend the cause, run the same command again: a parked "
                 "mailbox is tried once more at each start."},
    FindingEntry{"MB-03", "warning", "A message was refused",
                 "The destination refused a message for good: too large, malformed in its eyes, or "
                 "a policy. It stays at the source; nothing is dropped silently.",
                 "Read the server's words. Raise the destination's limit and run again, move the "
                 "message by hand, or accept the finding in the plan with a reason."},
    FindingEntry{
        "MB-04", "warning", "The destination altered a message",
        "Read back, the message has other octets than the source's. Some providers rewrite "
        "headers or line ends. Both digests are kept.",
        "Compare the two. If the change is harmless, accept the finding with a reason."},
    FindingEntry{"MB-05", "gate", "The copy of a mailbox stopped for safety",
                 "The source has a new UIDVALIDITY and other content, or the destination rewrites "
                 "what it is given. Going on could double or lose mail.",
                 "Read why, look at both sides, and decide: `mxferry sync` has --adopt-altered, "
                 "--copy and --accept-gone. Then run the same command again."},
    FindingEntry{"MB-06", "gate", "Both sides of a mailbox differ",
                 "The comparison by digest, date and flags found differences that copying again "
                 "did not mend.",
                 "See the report for the list, mend the cause, run the same command again."},
    FindingEntry{"MB-07", "gate", "Too much is gone from the source",
                 "More than half of the known messages, INBOX or every folder is gone at once. A "
                 "server's statement alone destroys nothing.",
                 "Nothing was changed. Look at the source; if it is meant, run `mxferry sync` once "
                 "with --accept-gone."},
    FindingEntry{
        "MB-08", "warning, block", "A mailbox could not be looked at",
        "At the source: its size and the addresses at which its mail arrives are not known. With a "
        "refused password a run would park it (warning); with a server that does not answer "
        "nothing is known (block). At the destination: the account is said to be there, but it "
        "cannot be logged in to (warning). It is tried once, so that nobody is locked out.",
        "Read the server's words, mend the password or the connection, and check again."},
    FindingEntry{
        "MB-09", "warning", "The source does not give a message as it has it",
        "Its INTERNALDATE cannot be read, or it holds NUL, for which the source gives other octets "
        "and which no other command shows whole. It is copied as it is given; without a date the "
        "destination puts the time of arrival.",
        "Look at the message at the source. Where the difference does not matter, accept the "
        "finding with a reason; else move the message by hand."},
    FindingEntry{"MX-01", "block", "An MX record cannot be read",
                 "An MX record is a preference and a host name (RFC 5321 §5.1, RFC 1035 §3.3.9).",
                 "Write each one as \"PREFERENCE HOST.\" with a final dot."},
    FindingEntry{"MX-02", "block", "An MX host is an alias",
                 "The name in an MX record must not be a CNAME (RFC 2181 §10.3); some senders "
                 "refuse it.",
                 "Name the host that the CNAME points to."},
    FindingEntry{"MX-03", "gate, warning", "An MX host cannot be reached",
                 "It has no address, or a loopback address that no sender can reach.",
                 "Mend the host's address records. In a lab, set [resolve] allow_loopback."},
    FindingEntry{"MX-04", "block", "The MX set refuses all mail",
                 "It holds the null MX \".\" (RFC 7505): the domain would take no mail at all.",
                 "Name the new provider's hosts."},
    FindingEntry{"MX-05", "warning", "The domain has no MX today",
                 "Senders use its address record then (RFC 5321 §5.1), often a web server. It may "
                 "be the wrong domain or the wrong zone.",
                 "Make sure that it is the domain you mean; if so, accept the finding."},
    FindingEntry{"MX-07", "warning", "An old host stays among the new MX hosts",
                 "Mail that reaches it after the flip lands on the old side, or is refused there.",
                 "Drop the old host unless both providers take mail for the domain."},
    FindingEntry{"MX-08", "warning, block", "The name servers do not agree",
                 "A server of the zone does not answer for it, has another serial, or serves "
                 "another MX set: senders get one or the other.",
                 "Mend the transfer of the zone, or take the server out of the NS set."},
    FindingEntry{"MX-11", "block", "A CNAME stands where the MX must stand",
                 "A name with a CNAME has no other records (RFC 1034 §3.6.2).",
                 "Replace the CNAME at the domain's own name by address records."},
    FindingEntry{"MX-12", "warning, info", "The name servers of the zone are in doubt",
                 "There is one only, one has no address, or they could not be looked up.",
                 "Mend the NS set, here and at the registrar."},
    FindingEntry{"NO-01", "gate", "A notice cannot be sent",
                 "The plan promises people a mail before and after the flip. Its server cannot be "
                 "reached, refuses us, or takes none of the recipients; the flip does not happen "
                 "behind their backs.",
                 "Mend [notice] or its server and run the same command again. To go on without "
                 "it, accept \"NO-01:notice-before-users\" (the step's name) with a reason, and "
                 "tell them yourself."},
    FindingEntry{"NO-02", "warning", "A notice did not reach somebody",
                 "The server of [notice] refuses this recipient. The others got the notice; the "
                 "run goes on.",
                 "Tell the person in another way, and look whether the mailbox exists."},
    FindingEntry{"NS-01", "warning", "Parent and zone disagree about the name servers",
                 "A server that only one of them names may serve old data. What mxferry sees of it "
                 "counts; what it cannot reach holds the gates.",
                 "Make the parent's delegation and the zone's NS set agree on reachable servers."},
    FindingEntry{
        "OH-01", "block", "A record goes on naming the old side",
        "Its data names an old mail host or one of its addresses, and the plan leaves it "
        "as it is: a subdomain's MX, a wildcard, SRV, an alias or address such as mail. or "
        "imap., SPF of another name. When the old side is switched off, what follows it "
        "breaks.",
        "Plan it (domain.client), or accept \"OH-01:NAME/TYPE\" with a reason."},
    FindingEntry{"OH-02", "block", "The addresses of an old host are not known",
                 "Name servers did not say which addresses the old mail host has, so records that "
                 "name those cannot be looked for.",
                 "Make the name resolve from here and compute the plan again, or accept "
                 "\"OH-02:HOST\" with a reason."},
    FindingEntry{"PL-01", "gate", "A plugin's folder may be written by others",
                 "Plugins run inside mxferry with all that it may do. Whoever may write the file, "
                 "or a folder above it, could put code there.",
                 "Run the command that the sentence names (chown, chmod go-w), or install the "
                 "plugin elsewhere."},
    FindingEntry{"PL-02", "gate", "A plugin is not trusted",
                 "plugins.lock beside the plugins has no line for it, so its code is not loaded.",
                 "If you know where it comes from: `mxferry plugins trust PATH`."},
    FindingEntry{"PL-03", "gate", "A plugin was changed",
                 "The sha256 of its library is not the one in plugins.lock.",
                 "Find out who changed it. If you know: `mxferry plugins trust PATH`."},
    FindingEntry{
        "QU-01", "block, gate", "The mailbox does not fit at the destination",
        "It holds more than the quota that it has there, or that the plan will give it. `mxferry "
        "sync` adds up what is still to be copied and compares it with what the quota leaves, "
        "before it copies anything.",
        "Raise the quota at the destination (or the column quota of mailboxes.csv), or make the "
        "mailbox smaller. `mxferry sync --accept-quota` copies until it is full."},
    FindingEntry{"QU-02", "warning", "The mailbox will be nearly full at the destination",
                 "It will fill more than 90 % of its quota there: new mail may soon be refused.",
                 "Raise the quota at the destination, or accept the finding."},
    FindingEntry{"RB-01", "gate", "The old side is not proven alive",
                 "A rollback sends mail to the old servers again. One that does not answer, log in "
                 "or take mail would lose it.",
                 "Bring the old side back first, then run the rollback again."},
    FindingEntry{
        "RB-02", "gate", "Mail would stay behind on the new side",
        "Messages arrived on the new side since the flip. This version does not carry them back.",
        "Run it again with --strand-new-mail: they stay there and are listed."},
    FindingEntry{"RN-01", "gate", "The plan file is older than its configuration",
                 "plan.toml or mailboxes.csv changed since `mxferry plan -o` wrote it.",
                 "Make it again with `mxferry plan -o`, look at it, and run that."},
    FindingEntry{
        "RN-02", "gate", "The plan differs from the one under way",
        "A run executes the plan that it froze. A changed file is another plan; the difference is "
        "printed.",
        "Put the file back, or take the new plan with --adopt; approvals are asked for again."},
    FindingEntry{"RN-03", "gate", "The plan is blocked",
                 "It has findings of severity block that nobody accepted; they are printed.",
                 "Mend each, or accept it by its id with a reason in the plan."},
    FindingEntry{"RN-04", "gate", "The migration was rolled back",
                 "Going on would flip again what somebody took back.",
                 "Start another migration with an id of its own."},
    FindingEntry{
        "RN-05", "gate", "The plan needs what this version does not know",
        "A step of the plan names something that this version of mxferry cannot do or see.",
        "Go on with the version that made the plan."},
    FindingEntry{
        "SC-01", "gate", "--time-scale outside of a lab",
        "Plan durations may be shortened only where every server of the plan is on this machine.",
        "Leave --time-scale out."},
    FindingEntry{"SPF-01", "block, warning", "The domain has two SPF records, or none",
                 "Receivers answer permerror, which many treat as a failure (RFC 7208 §4.5).",
                 "Remove one of them before the migration."},
    FindingEntry{"SPF-02", "warning, block", "SPF will not cover the new provider",
                 "Either the plan names no SPF record for the new provider, so that its mail may "
                 "fail, or a record needs, with all that it includes, more than the ten lookups "
                 "that receivers do (RFC 7208 §4.6.4).",
                 "Set domain.spf to the record that the new provider asks for; take out terms that "
                 "nobody needs."},
    FindingEntry{"SPF-03", "warning, block", "SPF looks for what is not there",
                 "Receivers stop at the third term whose lookup finds nothing, with permerror (RFC "
                 "7208 §4.6.4).",
                 "Take out terms whose names have no records."},
    FindingEntry{"SPF-04", "warning", "The SPF record is long",
                 "Above 450 octets DNS answers may not fit into one packet everywhere.",
                 "Drop terms that nobody uses any more."},
    FindingEntry{"SPF-05", "warning, block", "SPF lets too much pass, or cannot decide",
                 "+all lets every host pass, a record without all leaves whoever is not named "
                 "neutral, and ptr is slow and should not be used (RFC 7208 §5.5).",
                 "End with ~all or -all; name networks instead of ptr."},
    FindingEntry{"SPF-07", "info", "The old SPF record names the MX",
                 "Its `mx` or `a` means other hosts after the flip, so the record for both names "
                 "the networks that it means today.",
                 "Nothing is to be done."},
    FindingEntry{"SPF-08", "warning", "Old SPF terms stand as networks for a while",
                 "Old and new record together need more than the ten lookups that receivers do, so "
                 "terms of the old one stand as the networks that they mean today. If the old "
                 "provider changes its networks meanwhile, mail that it sends fails.",
                 "Look each day whether the networks are still the same, or take terms out that "
                 "nobody uses."},
    FindingEntry{"SPF-09", "block, info", "What the proof of the SPF record for both says",
                 "The record for the time of both sides is compared, address by address, with the "
                 "old and the new one. `exists`, `ptr` and macros depend on the message: they "
                 "stand in the record as they are, outside of the proof.",
                 "If addresses are lost or new, simplify the negative terms of one side; else "
                 "nothing is to be done."},
    FindingEntry{
        "SPF-12", "warning, block", "SPF leads to an error",
        "A term is malformed, or an included domain has no record, several, or one with an error: "
        "the whole check ends with permerror. A failed lookup ends it with temperror.",
        "Mend the record that the finding names, or take the term out."},
    FindingEntry{"ST-01", "warning, block", "MTA-STS is in mode testing, or has two records",
                 "Senders may still hold an earlier policy in mode enforce and refuse the new MX "
                 "hosts (RFC 8461 §5); the plan stages the policy as if it were enforced. Two TXT "
                 "records at _mta-sts count as none (RFC 8461 §3.1).",
                 "If enforce was never published within max_age, accept it. Remove one of two "
                 "records."},
    FindingEntry{
        "ST-04", "block, gate", "The MTA-STS policy does not list the new hosts, or is not known",
        "Under a policy that they hold, senders deliver to no host that it does not list (RFC 8461 "
        "§5). Before the flip every address of the policy host must serve one that lists old and "
        "new hosts, under the id that the plan gave it. A policy that cannot be read may be "
        "enforced.",
        "Serve the file that the run shows (mxferry plan shows it too), and run the same command "
        "again.",
        false},
    FindingEntry{"ST-05", "warning", "A policy host without a TXT record",
                 "mta-sts.DOMAIN exists, but no record at _mta-sts tells senders about a policy. "
                 "Those that hold an earlier one keep it for its max_age, up to a year, and would "
                 "not fetch one that lists the new hosts.",
                 "Publish the TXT record again, so that the plan stages the policy; or accept it "
                 "if no policy was published within the last year."},
    FindingEntry{
        "ST-06", "gate", "The run waits for a policy file to be served",
        "mxferry cannot write to the policy host. It shows the MTA-STS policy that must be "
        "served before it goes on, and looks for it at every address of the host, at "
        "least each minute.",
        "Serve the file that is shown (mxferry plan --json has it too) at "
        "https://mta-sts.DOMAIN/.well-known/mta-sts.txt."},
    FindingEntry{
        "ST-07", "gate", "A new MX host is not proven for its name",
        "Under an enforced MTA-STS policy senders take a host only with a certificate of a "
        "public CA for the name in the MX record (RFC 8461 §4.2).",
        "The new provider must mend the certificate. To flip all the same, accept "
        "\"ST-07:HOST\" with a reason."},
    FindingEntry{"SY-01", "gate", "Both ends are the same mailbox",
                 "Copying a mailbox into itself doubles it.", "Check --source and --dest."},
    FindingEntry{
        "SZ-01", "warning", "A message is larger than the destination takes",
        "The largest message of the mailbox is above the destination's limit (APPENDLIMIT, or what "
        "the provider's profile says): it will be refused and stay at the source.",
        "Raise the limit, save the message elsewhere, or accept the finding."},
    FindingEntry{"TL-01", "gate", "A new MX host offers no STARTTLS, or its TLS is not known",
                 "Mail would travel in the clear, and senders that demand TLS would not deliver at "
                 "all.",
                 "Ask the new provider. To flip all the same, accept \"TL-01:HOST\" with a "
                 "reason."},
    FindingEntry{"TR-01", "warning, info", "TLS reports",
                 "Without a record at _smtp._tls (RFC 8460) nobody is told when senders cannot "
                 "reach the domain by TLS; several records, or one without rua, count as none.",
                 "Publish one \"v=TLSRPTv1; rua=mailto:ADDRESS\"."},
    FindingEntry{
        "TTL-01", "info", "The DNS API has a floor for TTLs",
        "It gives no TTL as low as ttl.lowered. The plan counts with the floor: caches keep "
        "the old MX that much longer.",
        "Nothing, or raise ttl.lowered to the floor so that the plan says what happens."},
    FindingEntry{"UN-01", "gate", "An undo is not at its end",
                 "`mxferry undo` has begun to remove what a copy had appended and was cut off. A "
                 "copy that ran now could not tell what is removed from what a user removed.",
                 "Run the same `mxferry undo` again; then copy."},
    FindingEntry{
        "UN-02", "gate", "The MX points to where the mail would be taken from",
        "`mxferry undo` of a plan whose flip was begun and not rolled back: mail arrives at "
        "the destination, its users read there, and would miss what is taken back. What "
        "arrived there itself is never removed.",
        "Go back first (`mxferry rollback`), look at `mxferry undo --dry-run`, or say "
        "--accept-moved-mx."},
    FindingEntry{"WC-01", "block", "A new name would hide a wildcard",
                 "A wildcard answers for a name until the name exists; then all types that it "
                 "showed there are gone (RFC 4592 §2.2).",
                 "Plan the hidden types at the new name too, or replace the wildcard by names."},
    FindingEntry{"ZN-01", "gate", "The zone is not the one that the world asks",
                 "The delegation walk from the root finds the name in another zone than [[domain]] "
                 "dns.zone: writing there would change nothing.",
                 "Name the delegated zone in [[domain]] dns.zone."},
};

}  // namespace

std::span<const FindingEntry> finding_catalog() { return kCatalog; }

const FindingEntry* find_finding(std::string_view id) {
  const auto same = [](char a, char b) {
    return std::toupper(static_cast<unsigned char>(a)) ==
           std::toupper(static_cast<unsigned char>(b));
  };
  id = id.substr(0, id.find(':'));
  for (const auto& entry : kCatalog)
    if (std::equal(entry.id.begin(), entry.id.end(), id.begin(), id.end(), same)) return &entry;
  return nullptr;
}

std::string finding_catalog_page() {
  std::string out =
      "# Findings\n\n"
      "What `check`, `plan`, `run` and the report may find, and what to do. Written by "
      "`scripts/docs` "
      "from\n`core/model/finding_catalog.cpp`; `mxferry explain ID` prints one.\n\n"
      "- **block**: the plan is refused until it is mended, or accepted (exit 6).\n"
      "- **gate**: a step of a run holds until it is mended (exit 6).\n"
      "- **warning**: the run ends with exit 1 unless the plan accepts it.\n"
      "- **info**: good to know.\n\n"
      "A finding is accepted by name, with a reason that stands in the report:\n\n"
      "```toml\n[[accept]]\nid = \"MX-05\"\nreason = \"a new domain that has no mail yet\"\n```\n";
  for (const auto& entry : kCatalog)
    out += "\n## " + std::string(entry.id) + ": " + std::string(entry.title) + "\n\n*" +
           std::string(entry.severity) + "*: " + std::string(entry.why) +
           "\n\nWhat to do: " + std::string(entry.what_to_do) + "\n" +
           (entry.waivable ? "" : "\nIt cannot be accepted.\n");
  return out;
}

}  // namespace mxferry
