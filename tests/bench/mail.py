#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The mail of the benchmarks: seeded, the same octets each time, put into a server by APPEND.

    mail.py HOST USER PASSWORD WORKLOAD

A process of its own: what a parent holds counts as peak memory of its later children."""

import random
import socket
import sys


def say(text):
    print(text, file=sys.stderr, flush=True)


class Imap:
    """Just enough of a client to fill a mailbox."""

    def __init__(self, host, user, password):
        self.socket = socket.create_connection((host, 143))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        self.file.readline()
        self.command(f'LOGIN "{user}" "{password}"')

    def answer(self, tag=b"T "):
        lines = []
        while True:
            line = self.file.readline()
            if not line:
                raise RuntimeError("the server closed the connection")
            if line.startswith(tag):
                if not line.startswith(tag + b"OK"):
                    raise RuntimeError(line.decode())
                return lines
            lines.append(line)

    def command(self, text):
        self.socket.sendall(b"T " + text.encode() + b"\r\n")
        return self.answer()

    def append(self, folder, messages):
        """messages: (flags, date, octets); one MULTIAPPEND for each 200 of them."""
        for at in range(0, len(messages), 200):
            parts = [f'T APPEND "{folder}"'.encode()]
            for flags, date, body in messages[at:at + 200]:
                parts.append(f' ({flags}) "{date}" {{{len(body)}+}}\r\n'.encode())
                parts.append(body)
            parts.append(b"\r\n")
            self.socket.sendall(b"".join(parts))
            self.answer()

    def close(self):
        self.socket.close()


def message(rng, number, size):
    head = (f"Message-ID: <{number}.{rng.getrandbits(48):x}@bench.test>\r\nDate: Mon, 1 Jan 2024 10:00:00 +0000\r\n"
            f"From: a@bench.test\r\nTo: b@bench.test\r\nSubject: number {number}\r\n\r\n").encode()
    line = b"%072d\r\n" % rng.getrandbits(200)
    return head + line * max(1, (size - len(head)) // len(line))


FLAGS = ["", "\\Seen", "\\Seen \\Answered", "\\Seen $Label1", "\\Flagged"]


def date_of(rng):
    return "%02d-%s-20%02d %02d:%02d:%02d +0100" % (
        rng.randint(1, 28), rng.choice("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()), rng.randint(10, 24),
        rng.randint(0, 23), rng.randint(0, 59), rng.randint(0, 59))


def fill(imap, workload):
    """Makes the source's mail over `imap`."""
    rng = random.Random(7)
    batch = []

    def one(number, size):
        batch.append((rng.choice(FLAGS), date_of(rng), message(rng, number, size)))

    def folder(name, count, size_of):
        if name != "INBOX":
            imap.command(f'CREATE "{name}"')
        for number in range(count):
            one(number, size_of(number))
            if sum(len(body) for _, _, body in batch[-50:]) > 32_000_000:
                imap.append(name, batch)
                batch.clear()
        imap.append(name, batch)
        batch.clear()

    def little(_):
        return int(rng.lognormvariate(8.3, 0.9))

    if workload == "small":
        for number in range(30):
            folder("INBOX" if number == 0 else f"Folder {number // 6}/Sub {number}",
                   20000 // 30 + (number < 20000 % 30), little)
    elif workload == "mixed":
        for number in range(5):
            folder("INBOX" if number == 0 else f"Mixed {number}", 1000,
                   lambda n: rng.randint(5_000_000, 25_000_000) if n % 100 == 7 else int(rng.lognormvariate(10.2, 1.2)))
    elif workload == "few":
        for number in range(12):
            folder("INBOX" if number == 0 else f"Few {number}", 25, little)
    elif workload == "large":
        one(1, 100_000_000)
        imap.append("INBOX", batch)
    elif workload == "folders":
        for number in range(2000):
            folder(f"Group {number // 50}/Folder {number}", 5, lambda _: 4000)
    elif workload == "million":
        for number in range(1_000_000):
            one(number, 600)
            if len(batch) == 5000:
                imap.append("INBOX", batch)
                batch.clear()
                if number % 100_000 == 99_999:
                    say(f"  {number + 1} messages made")


if __name__ == "__main__":
    connection = Imap(*sys.argv[1:4])
    fill(connection, sys.argv[4])
    connection.close()
