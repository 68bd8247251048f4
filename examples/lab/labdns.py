#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A DNS client of one file (RFC 1035) for the lab: the senders ask their resolver with it, the zone watcher and the
checker ask name servers, the server scripts see whether a server answers. Python's standard library only; it shares
no code with mxferry, so that the checker is a second opinion.

    labdns.py query [--rd] [--tcp] [--timeout S] [--quiet] [--rcode NAME|any] ADDRESS PORT NAME TYPE

prints the answer's records, one a line; exit 0 if the answer has that code (default NOERROR), 1 if not, 4 if none came.
"""

import argparse
import dataclasses
import random
import socket
import struct
import sys
import time

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "OPT": 41,
         "TLSA": 52, "CAA": 257, "ANY": 255, "AXFR": 252}
TYPE_NAMES = {number: name for name, number in TYPES.items()}
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 9: "NOTAUTH"}


class DnsError(Exception):
    """No usable answer: time-out, refused connection, malformed packet."""


@dataclasses.dataclass(frozen=True)
class Record:
    name: str  # lower-case, with the trailing dot
    type: str
    ttl: int
    data: str  # presentation form; names lower-case with the trailing dot; TXT strings joined, each quoted

    def __str__(self):
        return f"{self.name} {self.ttl} IN {self.type} {self.data}"


@dataclasses.dataclass
class Answer:
    rcode: str
    aa: bool
    tc: bool
    ad: bool  # a validating resolver has proven it (RFC 4035 section 3.2.3)
    answer: list
    authority: list
    additional: list


def absolute(name):
    name = name.lower()
    return name if name.endswith(".") else name + "."


def encode_name(name):
    name = name.rstrip(".")
    if not name:
        return b"\0"
    out = b""
    for label in name.encode("idna" if not name.isascii() else "ascii").split(b"."):
        if not 0 < len(label) < 64:
            raise DnsError(f"bad label in {name!r}")
        out += bytes([len(label)]) + label
    return out + b"\0"


def read_name(packet, at):
    labels, end, hops = [], None, 0
    while True:
        length = packet[at]
        if length & 0xC0 == 0xC0:
            if end is None:
                end = at + 2
            at = struct.unpack("!H", packet[at:at + 2])[0] & 0x3FFF
            hops += 1
            if hops > 64:
                raise DnsError("compression loop")
        elif length == 0:
            return ".".join(labels) + ".", (end if end is not None else at + 1)
        else:
            label = packet[at + 1:at + 1 + length]
            labels.append("".join(chr(c) if 33 <= c < 127 and chr(c) not in '.\\"' else f"\\{c:03d}" for c in label).lower())
            at += 1 + length


def quote(raw):
    return '"' + "".join("\\" + chr(c) if chr(c) in '"\\' else chr(c) if 32 <= c < 127 else f"\\{c:03d}" for c in raw) + '"'


def strings_of(raw):
    out, at = [], 0
    while at < len(raw):
        out.append(raw[at + 1:at + 1 + raw[at]])
        at += 1 + raw[at]
    return out


def read_rdata(packet, at, length, kind):
    raw = packet[at:at + length]
    if kind == "A":
        return socket.inet_ntop(socket.AF_INET, raw)
    if kind == "AAAA":
        return socket.inet_ntop(socket.AF_INET6, raw)
    if kind in ("NS", "CNAME", "PTR"):
        return read_name(packet, at)[0]
    if kind == "MX":
        return f"{struct.unpack('!H', raw[:2])[0]} {read_name(packet, at + 2)[0]}"
    if kind == "SRV":
        return "%d %d %d " % struct.unpack("!HHH", raw[:6]) + read_name(packet, at + 6)[0]
    if kind == "SOA":
        primary, at = read_name(packet, at)
        contact, at = read_name(packet, at)
        return f"{primary} {contact} " + "%d %d %d %d %d" % struct.unpack("!IIIII", packet[at:at + 20])
    if kind == "TXT":
        return " ".join(quote(s) for s in strings_of(raw))
    return f"\\# {length} {raw.hex()}"


def parse(packet):
    try:
        number, flags, questions, answers, authorities, additionals = struct.unpack("!HHHHHH", packet[:12])
        at, asked = 12, []
        for _ in range(questions):
            name, at = read_name(packet, at)
            kind, _ = struct.unpack("!HH", packet[at:at + 4])
            asked.append((name, kind))
            at += 4
        sections = []
        for count in (answers, authorities, additionals):
            section = []
            for _ in range(count):
                name, at = read_name(packet, at)
                kind, _, ttl, length = struct.unpack("!HHIH", packet[at:at + 10])
                at += 10
                if at + length > len(packet):
                    raise DnsError("malformed answer: it ends inside a record")
                kind = TYPE_NAMES.get(kind, f"TYPE{kind}")
                if kind != "OPT":
                    section.append(Record(name, kind, ttl, read_rdata(packet, at, length, kind)))
                at += length
            sections.append(section)
    except (IndexError, struct.error, ValueError) as error:
        raise DnsError(f"malformed answer: {error}") from error
    answer = Answer(RCODES.get(flags & 15, str(flags & 15)), bool(flags & 0x0400), bool(flags & 0x0200), bool(flags & 0x0020), *sections)
    return number, bool(flags & 0x8000), asked, answer


def build(name, kind, rd):
    number = random.SystemRandom().randrange(65536)
    return number, struct.pack("!HHHHHH", number, 0x0120 if rd else 0, 1, 0, 0, 0) + encode_name(name) + struct.pack("!HH", TYPES[kind], 1)


def receive_exactly(sock, count):
    data = b""
    while len(data) < count:
        chunk = sock.recv(count - len(data))
        if not chunk:
            raise DnsError("connection closed")
        data += chunk
    return data


def accept_answer(packet, number, name, kind):
    """The answer, if it is one to our question (RFC 5452 section 9.1), else None."""
    got, response, asked, answer = parse(packet)
    if got != number or not response or (asked and asked != [(absolute(name), TYPES[kind])]):
        return None
    return answer


def query(address, port, name, kind, rd=False, tcp=False, timeout=2.0, source=None):
    number, packet = build(name, kind, rd)
    end = time.monotonic() + timeout
    try:
        if not tcp:
            with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as sock:
                if source:
                    sock.bind((source, 0))
                sock.connect((address, port))
                sock.send(packet)
                while True:
                    sock.settimeout(max(0.001, end - time.monotonic()))
                    answer = accept_answer(sock.recv(65535), number, name, kind)
                    if answer is not None:
                        break
                    if time.monotonic() > end:
                        raise DnsError("timed out")
            if not answer.tc:
                return answer
        with socket.create_connection((address, port), timeout=timeout, source_address=(source, 0) if source else None) as sock:
            sock.sendall(struct.pack("!H", len(packet)) + packet)
            answer = accept_answer(receive_exactly(sock, struct.unpack("!H", receive_exactly(sock, 2))[0]), number, name, kind)
            if answer is None:
                raise DnsError("answer to another question")
            return answer
    except OSError as error:
        raise DnsError(f"{address}:{port}: {error or 'timed out'}") from error


def transfer(address, port, zone, timeout=5.0, source=None):
    """All records of a zone by AXFR (RFC 5936), the closing SOA left out."""
    number, packet = build(zone, "AXFR", False)
    records, soas = [], 0
    try:
        with socket.create_connection((address, port), timeout=timeout, source_address=(source, 0) if source else None) as sock:
            sock.sendall(struct.pack("!H", len(packet)) + packet)
            while soas < 2:
                answer = accept_answer(receive_exactly(sock, struct.unpack("!H", receive_exactly(sock, 2))[0]), number, zone, "AXFR")
                if answer is None or answer.rcode != "NOERROR" or not answer.answer:
                    raise DnsError(f"{address}: transfer of {zone}: {answer.rcode if answer else 'another question'}")
                for record in answer.answer:
                    soas += record.type == "SOA"
                    if soas < 2:
                        records.append(record)
    except OSError as error:
        raise DnsError(f"{address}:{port}: {error}") from error
    return records


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    command = parser.add_subparsers(dest="command", required=True).add_parser("query")
    command.add_argument("--rd", action="store_true")
    command.add_argument("--tcp", action="store_true")
    command.add_argument("--quiet", action="store_true")
    command.add_argument("--timeout", type=float, default=2.0)
    command.add_argument("--rcode", default="NOERROR")
    command.add_argument("address")
    command.add_argument("port", type=int)
    command.add_argument("name")
    command.add_argument("type", choices=sorted(TYPES))
    options = parser.parse_args()
    try:
        answer = query(options.address, options.port, options.name, options.type, options.rd, options.tcp, options.timeout)
    except DnsError as error:
        if not options.quiet:
            print(f"labdns.py: {error}", file=sys.stderr)
        return 4
    if not options.quiet:
        for record in answer.answer:
            print(record)
    return 0 if options.rcode in ("any", answer.rcode) else 1


if __name__ == "__main__":
    sys.exit(main())
