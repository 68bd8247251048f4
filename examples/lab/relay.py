#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The operator's own mail server, for notices and alerts: takes messages on loopback, without TLS or login, and sends each
to its recipients' MX as senders.py does: it asks one resolver each time and tries again what is not taken for now.
Python's standard library only.

    relay.py --listen ADDRESS[:PORT] --log FILE --resolver ADDRESS [--ca FILE]

The log is senders.py's, one line a recipient: a message that a notice brought counts like any other. SIGTERM or SIGINT:
what waits is tried once more; exit 0.
"""

import argparse
import hashlib
import re
import signal
import socketserver
import sys
import threading
import time

import senders


class Letter:
    """What senders.Sender delivers: one message for one recipient."""

    def __init__(self, raw, sender, recipient):
        self.raw, self.sender, self.recipient, self.attempts = raw, sender, recipient, 0
        body = raw.split(b"\r\n\r\n", 1)[-1]
        self.sha256 = hashlib.sha256(body).hexdigest()
        found = re.search(rb"(?im)^message-id:\s*(<[^>\r\n]*>)", raw)
        # One message goes to many: the checker knows each by its Message-ID and recipient.
        self.message_id = found.group(1).decode() if found else ""


class Taker(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        self.say("220 relay ESMTP")
        sender, recipients = "", []
        for line in self.rfile:
            verb, _, rest = line.decode(errors="replace").strip().partition(" ")
            address = (re.search(r"<([^>]*)>", rest) or [None, ""])[1]
            verb = verb.upper()
            if verb == "EHLO":
                self.say("250-relay")
                self.say("250 8BITMIME")
            elif verb == "MAIL":
                sender, recipients = address, []
                self.say("250 ok")
            elif verb == "RCPT":
                recipients.append(address)
                self.say("250 ok")
            elif verb == "DATA":
                self.say("354 go on")
                text = b""
                for part in self.rfile:
                    if part == b".\r\n":
                        break
                    text += part[1:] if part.startswith(b".") else part
                self.server.queue([Letter(text, sender, one) for one in recipients])
                self.say("250 queued")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")


class Relay(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, where, sender):
        super().__init__(where, Taker)
        self.sender, self.waiting, self.lock = sender, [], threading.Lock()

    def queue(self, letters):
        with self.lock:
            self.waiting += letters

    def deliver_all(self):
        with self.lock:
            letters, self.waiting = self.waiting, []
        self.queue([letter for letter in letters if not self.sender.attempt(letter)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", required=True, metavar="ADDRESS[:PORT]")
    parser.add_argument("--log", required=True)
    parser.add_argument("--resolver", required=True)
    parser.add_argument("--resolver-port", type=int, default=53)
    parser.add_argument("--ca")
    options = parser.parse_args()
    options.straggler = options.source = None
    options.name, options.sender_domain = "relay", "ext.test"
    address, _, port = options.listen.partition(":")
    ends = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ends.set())
    relay = Relay((address, int(port or 25)), senders.Sender(options))
    threading.Thread(target=relay.serve_forever, daemon=True).start()
    while not ends.wait(0.1):
        relay.deliver_all()
        if relay.waiting:
            time.sleep(1)
    relay.deliver_all()
    return 0


if __name__ == "__main__":
    sys.exit(main())
