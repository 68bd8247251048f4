#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The world outside: a small mail server that sends to a domain's mailboxes at a steady rate. It asks one resolver for MX
and address at each attempt and keeps no cache of its own, so it follows a cutover exactly as that resolver's TTLs let it;
what is refused for now (4xx, no connection, no DNS answer) is tried again. Python's standard library only.

    senders.py --domain D --recipients FILE --log FILE --resolver ADDRESS [--rate N] [--count N] [--seed N] [--name NAME] [--ca FILE]
    senders.py --straggler ADDRESS ...      to that host whatever DNS says: a sender that still has the old MX cached

SIGTERM or SIGINT: no new messages; what waits is tried for --drain seconds more; exit 0. FILE of --recipients has an
address a line. The log gets a JSON object a line, written through before the next message:

    {"event": "accepted", "time", "message_id", "sha256", "size", "recipient", "sender", "mx", "address", "resolver", "tls", "attempts"}
        the host answered 250 to the whole message; sha256 is of the body as sent (CRLF, behind the empty line)
    "deferred"    the same, with "reason": not taken, tried again later
    "refused"     5xx: never taken; "reason"
    "uncertain"   the connection broke between the message's end and its answer: it may arrive, is sent again, may arrive twice
    "given_up"    still waiting when the drain time was over
"""

import argparse
import hashlib
import heapq
import json
import os
import random
import signal
import smtplib
import socket
import ssl
import sys
import time

import labdns

WORDS = "order delivery question meeting invoice thanks tomorrow project answer draft price visit call team report".split()


class NotNow(Exception):
    """Temporary: try again."""


class Never(Exception):
    """Permanent: the message is refused."""


class Uncertain(Exception):
    """The answer to the whole message was lost."""


class Message:
    def __init__(self, number, name, rng, domain_from, recipient):
        self.recipient, self.sender, self.attempts = recipient, f"{name}@{domain_from}", 0
        self.message_id = f"<{number}.{rng.getrandbits(80):020x}@{name}.{domain_from}>"
        size = min(60_000, int(rng.lognormvariate(6.8, 1.2)))
        lines, length = [], 0
        while length < size:
            line = " ".join(rng.choices(WORDS, k=rng.randint(3, 11))) + rng.choice((".", "!", "", " – Grüße"))
            lines.append(line if rng.random() > 0.02 else "." + line)
            length += len(line) + 2
        self.body = ("\r\n".join(lines) + "\r\n").encode()
        self.sha256 = hashlib.sha256(self.body).hexdigest()
        stamp = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime())
        self.raw = (f"From: {name} <{self.sender}>\r\nTo: <{recipient}>\r\nSubject: lab {number} {rng.choice(WORDS)}\r\nDate: {stamp}\r\n"
                    f"Message-ID: {self.message_id}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                    f"Content-Transfer-Encoding: 8bit\r\n\r\n").encode() + self.body


class Sender:
    def __init__(self, options):
        self.options, self.log = options, open(options.log, "a", encoding="utf-8")
        self.context = ssl.create_default_context(cafile=options.ca) if options.ca else ssl._create_unverified_context()

    def write(self, event, message, **more):
        entry = {"event": event, "time": time.time(), "message_id": message.message_id, "sha256": message.sha256,
                 "size": len(message.raw), "recipient": message.recipient, "sender": self.options.name,
                 "resolver": self.options.resolver, "attempts": message.attempts, **more}
        self.log.write(json.dumps(entry) + "\n")
        self.log.flush()

    def ask(self, name, kind):
        try:
            answer = labdns.query(self.options.resolver, self.options.resolver_port, name, kind, rd=True, timeout=5)
        except labdns.DnsError as error:
            raise NotNow(f"DNS: {error}") from error
        if answer.rcode == "NXDOMAIN":
            raise Never(f"DNS: no such name {name}")
        if answer.rcode != "NOERROR":
            raise NotNow(f"DNS: {answer.rcode} for {name}")
        return [record.data for record in answer.answer if record.type == kind]

    def targets(self, domain):
        """(host name, address) by preference, equal ones in random order (RFC 5321 section 5.1)."""
        if self.options.straggler:
            return [("", self.options.straggler)]
        hosts = sorted((int(data.split()[0]), random.random(), data.split()[1]) for data in self.ask(domain, "MX"))
        if not hosts:
            raise NotNow(f"DNS: no MX for {domain}")
        return [(host, address) for _, _, host in hosts for address in self.ask(host, "A")]

    def deliver(self, message):
        """The host that took it, or one of the exceptions."""
        problem = NotNow("no address")
        for host, address in self.targets(message.recipient.split("@")[1]):
            try:
                return self.deliver_to(message, host.rstrip("."), address)
            except (NotNow, OSError, smtplib.SMTPException) as error:
                problem = error if isinstance(error, NotNow) else NotNow(f"{address}: {error}")
        raise problem

    def deliver_to(self, message, host, address):
        def step(reply, wanted):
            code, words = reply
            if code // 100 == 5:
                raise Never(f"{address}: {code} {words.decode(errors='replace')}")
            if code != wanted:
                raise NotNow(f"{address}: {code} {words.decode(errors='replace')}")
        smtp = smtplib.SMTP(local_hostname=f"{self.options.name}.{self.options.sender_domain}", timeout=15,
                            source_address=(self.options.source, 0) if self.options.source else None)
        try:
            step(smtp.connect(address, 25), 220)
            step(smtp.ehlo(), 250)
            tls = "none"
            if smtp.has_extn("starttls"):
                smtp._host = host or address  # the name that the certificate must carry
                step(smtp.starttls(context=self.context), 220)
                tls = "verified" if self.options.ca else "unverified"
                step(smtp.ehlo(), 250)
            step(smtp.mail(message.sender), 250)
            step(smtp.rcpt(message.recipient), 250)
            try:
                step(smtp.data(message.raw), 250)
            except (OSError, smtplib.SMTPServerDisconnected) as error:
                raise Uncertain(f"{address}: {error}") from error
            return {"mx": host, "address": address, "tls": tls}
        finally:
            smtp.close()

    def attempt(self, message):
        """True when nothing remains to be done with it."""
        message.attempts += 1
        try:
            self.write("accepted", message, **self.deliver(message))
            return True
        except Never as error:
            self.write("refused", message, reason=str(error))
            return True
        except NotNow as error:
            self.write("deferred", message, reason=str(error))
        except Uncertain as error:
            self.write("uncertain", message, reason=str(error))
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipients", required=True)
    parser.add_argument("--domain", help="only the file's addresses of this domain")
    parser.add_argument("--log", required=True)
    parser.add_argument("--resolver", default="127.77.0.61")
    parser.add_argument("--resolver-port", type=int, default=53)
    parser.add_argument("--straggler", metavar="ADDRESS")
    parser.add_argument("--rate", type=float, default=2.0, help="messages a second")
    parser.add_argument("--count", type=int, help="end after so many")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--name", default="sender1", help="local part and host name of the sender; one for each process")
    parser.add_argument("--sender-domain", default="ext.test")
    parser.add_argument("--source", help="own address of the connections")
    parser.add_argument("--ca", help="verify the hosts' certificates against it")
    parser.add_argument("--retry", type=float, default=2.0, help="seconds until a deferred message is tried again")
    parser.add_argument("--drain", type=float, default=30.0)
    options = parser.parse_args()
    with open(options.recipients, encoding="utf-8") as file:
        recipients = [line.strip() for line in file if "@" in line]
    if options.domain:
        recipients = [address for address in recipients if address.endswith("@" + options.domain)]
    if not recipients:
        parser.error("no recipient")
    stopping = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.append(True))
    rng, sender, waiting, made = random.Random(f"{options.seed} {options.name} {os.getpid()}"), Sender(options), [], 0
    start = time.monotonic()
    while not stopping and (options.count is None or made < options.count or waiting):
        now = time.monotonic()
        if waiting and waiting[0][0] <= now:
            _, _, message = heapq.heappop(waiting)
        elif (options.count is None or made < options.count) and now >= start + made / options.rate:
            made += 1
            message = Message(made, options.name, rng, options.sender_domain, recipients[(made - 1) % len(recipients)])
        else:
            due = min(waiting[0][0] if waiting else now + 1, start + made / options.rate if options.count is None or made < options.count else now + 1)
            time.sleep(min(0.2, max(0.005, due - now)))
            continue
        if not sender.attempt(message):
            heapq.heappush(waiting, (time.monotonic() + options.retry, made + random.random(), message))
    end = time.monotonic() + options.drain
    while waiting:
        due, order, message = heapq.heappop(waiting)
        if time.monotonic() > end:
            sender.write("given_up", message)
        elif due > time.monotonic() + 0.05 and len(stopping) < 2:
            time.sleep(0.05)
            heapq.heappush(waiting, (due, order, message))
        elif not sender.attempt(message):
            heapq.heappush(waiting, (time.monotonic() + options.retry, order, message))
    sender.log.close()
    return 0


if __name__ == "__main__":
    socket.setdefaulttimeout(15)
    sys.exit(main())
