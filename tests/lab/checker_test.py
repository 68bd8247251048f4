#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lab's checker judges waits: histories that are right pass, and each way of being wrong fails with its own check.
No server is started. The corpus is the same for the same seed."""

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest

LAB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples", "lab")
sys.path.insert(0, LAB)
import checker  # noqa: E402
import corpus  # noqa: E402
import labdns  # noqa: E402
import rawimap  # noqa: E402

OLD, NEW = ["10 mx.oldhost.test."], ["10 mx.newhost.test."]
SPF_OLD, SPF_BOTH, FOREIGN = '"v=spf1 mx -all"', '"v=spf1 ip4:127.77.0.20 mx -all"', '"other"'


class Waits(unittest.TestCase):
    def history(self, lowered=100.0, lowered_late=None, flip=145.0, spf=120.0, spf_late=None, foreign=True, key=110.0, old_ttl=40):
        """Two servers, polled each half second from 0 to 200. The TTL falls at `lowered`, SPF of both is there at `spf`, a DKIM
        key at `key`, the flip is at `flip`; *_late is when the second server follows."""
        entries = []
        for number, server in enumerate(("127.77.0.53", "127.77.0.54")):
            def write(name, kind, versions, server=server):
                for (begin, ttl, data), (end, _, _) in zip(versions, versions[1:] + [(200.5, 0, [])]):
                    entries.append({"server": server, "name": name, "type": kind, "rcode": "NOERROR", "ttl": ttl, "data": sorted(data), "from": begin, "to": end - 0.5})
            low = lowered_late if number and lowered_late else lowered
            both = spf_late if number and spf_late else spf
            write("alpha.test.", "MX", [(0, old_ttl, OLD), (low, 10, OLD), (flip, 10, NEW)])
            write("alpha.test.", "SOA", [(0, 10, ["ns1. hostmaster. 1 60 10 3600 10"])])
            write("alpha.test.", "TXT", [(0, 40, [SPF_OLD, FOREIGN]), (80.0, 10, [SPF_OLD, FOREIGN]), (both, 10, [SPF_BOTH] + [FOREIGN] * foreign)])
            write("new._domainkey.alpha.test.", "TXT", [(0, None, []), (key, 40, ['"v=DKIM1"'])])
            write("_dmarc.alpha.test.", "TXT", [(0, 40, ['"v=DMARC1"'])])
        return entries

    def failed(self, entries):
        with tempfile.NamedTemporaryFile("w", suffix=".log") as file:
            file.writelines(json.dumps(entry) + "\n" for entry in entries)
            file.flush()
            verdict = checker.Verdict()
            with contextlib.redirect_stdout(io.StringIO()):
                checker.check_time(verdict, checker.History([file.name]), "alpha.test", 10)
        return [line["claim"] for line in verdict.lines if not line["holds"]]

    def assertFails(self, entries, words):
        failed = self.failed(entries)
        self.assertEqual(len(failed), 1, failed)
        self.assertIn(words, failed[0])

    def test_a_patient_cutover_passes(self):
        self.assertEqual(self.failed(self.history()), [])

    def test_a_flip_before_the_old_ttl_is_over_fails(self):
        self.assertFails(self.history(flip=139.0), "no wait was shorter")

    def test_the_clock_starts_with_the_last_server(self):
        self.assertFails(self.history(lowered_late=110.0), "no wait was shorter")

    def test_a_flip_without_lowering_on_one_server_fails(self):
        self.assertFails(self.history(lowered_late=144.9), "no wait was shorter")

    def test_the_largest_ttl_seen_counts(self):
        self.assertFails(self.history(old_ttl=60), "no wait was shorter")

    def test_a_flip_before_spf_is_visible_fails(self):
        self.assertFails(self.history(spf=140.0), "visible everywhere")

    def test_spf_must_be_visible_on_every_server(self):
        self.assertFails(self.history(spf_late=139.0), "visible everywhere")

    def test_a_new_name_needs_the_negative_ttl(self):
        self.assertFails(self.history(key=140.0), "visible everywhere")

    def test_a_lost_foreign_string_fails(self):
        self.assertFails(self.history(foreign=False), "at all times")

    def test_a_history_without_a_flip_fails(self):
        self.assertFails([entry for entry in self.history() if entry["data"] != NEW], "changed while")


class Policies(unittest.TestCase):
    def failed(self, first=50.0, first_id=52.0, flip=120.0, second=150.0, second_id=152.0, overlap=("old", "new"), late=0.0):
        """Two servers and a policy host, polled each half second from 0 to 200; the second server has each id `late` s later."""
        entries = []

        def write(server, name, kind, versions):
            versions = [version for version in versions if version[0] < 200]
            for (begin, ttl, data), (end, _, _) in zip(versions, versions[1:] + [(200.5, 0, [])]):
                entries.append({"server": server, "name": name, "type": kind, "rcode": "NOERROR", "ttl": ttl, "data": sorted(data), "from": begin, "to": end - 0.5})
        for number, server in enumerate(("127.77.0.53", "127.77.0.54")):
            behind = late if number else 0.0
            write(server, "alpha.test.", "MX", [(0, 10, OLD), (flip, 10, NEW)])
            write(server, "_mta-sts.alpha.test.", "TXT", [(0, 40, ['"v=STSv1; id=1;"']), (first_id + behind, 40, ['"v=STSv1; id=2;"']), (second_id + behind, 40, ['"v=STSv1; id=3;"'])])

        def policy(*sides):
            return ["version: STSv1", "mode: enforce", "max_age: 600", *(f"mx: mx.{side}host.test" for side in sides)]
        write("127.77.0.40", "mta-sts.alpha.test.", "POLICY", [(0, None, policy("old")), (first, None, policy(*overlap)), (second, None, policy("new"))])
        with tempfile.NamedTemporaryFile("w", suffix=".log") as file:
            file.writelines(json.dumps(entry) + "\n" for entry in entries)
            file.flush()
            verdict = checker.Verdict()
            with contextlib.redirect_stdout(io.StringIO()):
                checker.check_policy_time(verdict, checker.History([file.name]), "alpha.test")
        return [line["claim"] for line in verdict.lines if not line["holds"]]

    def assertFails(self, words, **how):
        failed = self.failed(**how)
        self.assertEqual(len(failed), 1, failed)
        self.assertIn(words, failed[0])

    def test_policies_in_their_order_pass(self):
        self.assertEqual(self.failed(), [])

    def test_an_id_before_its_policy_fails(self):
        self.assertFails("served before its id", first=53.0)
        self.assertFails("served before its id", second=153.0)

    def test_a_flip_while_the_first_id_may_be_cached_fails(self):
        self.assertFails("no sender could find", flip=90.0)
        self.assertFails("no sender could find", late=30.0)

    def test_an_overlap_that_lacks_a_side_fails(self):
        self.assertFails("no sender could find", overlap=("old", "third"))

    def test_a_last_policy_while_the_old_mx_may_be_cached_fails(self):
        self.assertFails("no sender could find", second=124.0, second_id=125.0)

    def test_a_policy_that_was_never_replaced_fails(self):
        self.assertFails("replaced twice", second=300.0)


class Proofs(unittest.TestCase):
    def holds(self, *lines):
        with tempfile.NamedTemporaryFile("w", suffix=".log") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
            file.flush()
            verdict = checker.Verdict()
            with contextlib.redirect_stdout(io.StringIO()):
                checker.check_validated_time(verdict, checker.History([file.name]), "alpha.test")
        return verdict.lines[0]["holds"]

    def seen(self, begin, end, rcode="NOERROR", data="secure"):
        return {"server": "127.77.0.62", "name": "alpha.test.", "type": "VALIDATED", "rcode": rcode, "ttl": None, "data": [data], "from": begin, "to": end}

    def test_a_zone_that_is_proven_at_all_times_passes(self):
        self.assertTrue(self.holds(self.seen(0, 100)))

    def test_one_answer_that_is_not_proven_fails(self):
        self.assertFalse(self.holds(self.seen(0, 50), self.seen(50.5, 50.5, data="not proven"), self.seen(51, 100)))
        self.assertFalse(self.holds(self.seen(0, 50), self.seen(50.5, 50.5, rcode="SERVFAIL", data="not proven"), self.seen(51, 100)))

    def test_a_resolver_without_an_answer_fails(self):
        self.assertFalse(self.holds(self.seen(0, 50), {"server": "127.77.0.62", "error": "alpha.test. MX: timed out", "at": 50.5}, self.seen(51, 100)))

    def test_nobody_who_asked_fails(self):
        self.assertFalse(self.holds())


class Mail(unittest.TestCase):
    ACCOUNTS = [{"address": "a@alpha.test", "aliases": ["x@alpha.test"], "quota": "1M"}]

    def failed(self, old, new, rolled_back=False, listed=()):
        entry = {"message_id": "<1@ext.test>", "recipient": "x@alpha.test", "sha256": "body", "time": 0, "address": "127.77.0.10"}
        sent = {"accepted": {"<1@ext.test>": entry}, "refused": [], "given_up": [], "uncertain": set(), "deferred": 0, "old_address": "127.77.0.10"}
        verdict = checker.Verdict()
        with contextlib.redirect_stdout(io.StringIO()):
            checker.check_senders(verdict, sent, self.ACCOUNTS, {"a@alpha.test": {"mail": old}}, {"a@alpha.test": {"mail": new}}, rolled_back,
                                  {"ids": list(listed), "places": []})
        return [line["claim"] for line in verdict.lines if not line["holds"]]

    @staticmethod
    def one(body="body", uid=1):
        return rawimap.Mail("INBOX", uid, "sha", 0, (), "<1@ext.test>", body)

    def test_a_copied_message_passes(self):
        self.assertEqual(self.failed([self.one()], [self.one()]), [])

    def test_a_message_left_behind_fails(self):
        self.assertEqual(len(self.failed([self.one()], [])), 1)

    def test_a_message_copied_twice_fails(self):
        self.assertEqual(self.failed([self.one()], [self.one(), self.one(uid=2)]), ["none of them is there twice"])

    def test_an_altered_body_fails(self):
        self.assertEqual(self.failed([self.one()], [self.one("other")]), ["each has the body that was sent"])

    def test_a_stranded_message_must_be_listed_and_a_listed_one_stranded(self):
        self.assertEqual(self.failed([], [self.one()], True, ["<1@ext.test>"]), [])
        self.assertEqual(len(self.failed([], [self.one()], True)), 1)
        self.assertEqual(len(self.failed([self.one()], [self.one()], True, ["<1@ext.test>"])), 1)


class Parts(unittest.TestCase):
    def test_folder_names_on_the_wire_are_those_on_disk(self):
        for name in ("Entwürfe für später", "A & B", "日本語", "📦 Pakete", "plain"):
            self.assertEqual(rawimap.mutf7(name), corpus.mutf7(name))
        self.assertEqual(rawimap.mutf7("Entwürfe"), "Entw&APw-rfe")

    def test_dns_answers_to_other_questions_are_not_taken(self):
        number, packet = labdns.build("a.test", "A", False)
        response = packet[:2] + b"\x84\x00" + packet[4:]
        self.assertIsNotNone(labdns.accept_answer(response, number, "A.test.", "A"))
        self.assertIsNone(labdns.accept_answer(response, number ^ 1, "a.test", "A"))
        self.assertIsNone(labdns.accept_answer(response, number, "b.test", "A"))
        self.assertIsNone(labdns.accept_answer(packet, number, "a.test", "A"))
        for length in range(12, len(response)):
            with self.assertRaises(labdns.DnsError):
                labdns.parse(response[:length])

    def test_the_same_seed_makes_the_same_corpus(self):
        with tempfile.TemporaryDirectory() as directory:
            digests = []
            for name in ("one", "two"):
                subprocess.run([sys.executable, os.path.join(LAB, "corpus.py"), os.path.join(directory, name), "--messages", "500"],
                               check=True, capture_output=True)
                with open(os.path.join(directory, name, "manifest.jsonl"), "rb") as file:
                    digests.append(file.read())
            self.assertEqual(*digests)
            self.assertGreater(len(digests[0].splitlines()), 500)


if __name__ == "__main__":
    unittest.main()
