# SPDX-License-Identifier: Apache-2.0
"""An IMAP server to read from that keeps nothing back: mail with NUL, bare LF, no octet at all, folder names of any kind,
flags and dates as given. IMAP4rev1 and NAMESPACE, nothing more. Python's standard library only.

    server = OddSource("127.77.70.20", 143, user, password, {"INBOX": [Message(raw, flags, date)]})
    server.close()
"""

import collections
import re
import socketserver
import threading

Message = collections.namedtuple("Message", "raw flags date")
# As RFC 9051 section 9 has them; the name of a mailbox may be a quoted string, a literal, or an atom.
FETCHABLE = re.compile(rb"FLAGS|INTERNALDATE|RFC822\.SIZE|BODY\.PEEK\[\]|BODY\.PEEK\[HEADER\.FIELDS \([^)]*\)\]|UID")


class Session(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def line(self):
        """One command with its literals: (tag, NAME, arguments as octet strings)."""
        words, text = [], b""
        while True:
            piece = self.rfile.readline()
            if not piece.endswith(b"\n"):
                return None
            piece = piece.rstrip(b"\r\n")
            literal = re.search(rb"\{(\d+)(\+?)\}$", piece)
            text += piece[:literal.start()] if literal else piece
            words += [re.sub(rb"\\(.)", rb"\1", quoted) if is_quoted else bare for is_quoted, quoted, bare in
                      re.findall(rb'(")((?:[^"\\]|\\.)*)"|([^\s"]+)', text)]
            if not literal:
                return words, text
            text = b""
            if not literal.group(2):
                self.wfile.write(b"+ go on\r\n")
                self.wfile.flush()
            words.append(self.rfile.read(int(literal.group(1))))

    def handle(self):
        server, folder = self.server, None
        self.wfile.write(b"* OK ready\r\n")
        while True:
            self.wfile.flush()
            command = self.line()
            if command is None:
                return
            words, text = command
            tag, name, arguments = words[0], words[1].upper(), words[2:]
            if name == b"CAPABILITY":
                self.wfile.write(b"* CAPABILITY IMAP4rev1 NAMESPACE\r\n")
            elif name == b"LOGIN":
                if arguments != [server.user.encode(), server.password.encode()]:
                    self.wfile.write(tag + b" NO wrong\r\n")
                    continue
            elif name == b"NAMESPACE":
                self.wfile.write(b'* NAMESPACE (("" "%s")) NIL NIL\r\n' % server.delimiter)
            elif name in (b"LIST", b"LSUB"):
                for one in server.folders:
                    self.wfile.write(b'* %s () "%s" {%d}\r\n%s\r\n' % (name, server.delimiter, len(one), one))
            elif name in (b"STATUS", b"EXAMINE") and arguments[0] in server.folders:
                count = len(server.folders[arguments[0]])
                if name == b"STATUS":
                    self.wfile.write(b"* STATUS {%d}\r\n%s (MESSAGES %d UIDNEXT %d UIDVALIDITY 7)\r\n" % (len(arguments[0]), arguments[0], count, count + 1))
                else:
                    folder = server.folders[arguments[0]]
                    self.wfile.write(b"* %d EXISTS\r\n* FLAGS ()\r\n* OK [UIDVALIDITY 7] \r\n* OK [UIDNEXT %d] \r\n" % (count, count + 1))
            elif name == b"UID" and folder is not None:
                self.fetch(folder, arguments[1].decode(), text)
            elif name in (b"NOOP", b"UNSELECT"):
                pass
            else:
                self.wfile.write(tag + (b" OK bye\r\n" if name == b"LOGOUT" else b" NO there is no such thing\r\n"))
                if name == b"LOGOUT":
                    return
                continue
            self.wfile.write(tag + b" OK done\r\n")

    def fetch(self, folder, ranges, text):
        wanted = FETCHABLE.findall(text[text.index(b"("):])
        for piece in ranges.split(","):
            first, _, last = piece.partition(":")
            last = len(folder) if last == "*" else int(last or first)
            for uid in range(int(first), min(last, len(folder)) + 1):
                message = folder[uid - 1]
                parts = []
                for item in wanted:
                    if item == b"UID":
                        parts.append(b"UID %d" % uid)
                    elif item == b"FLAGS":
                        parts.append(b"FLAGS (%s)" % " ".join(message.flags).encode())
                    elif item == b"INTERNALDATE":
                        parts.append(b'INTERNALDATE "%s"' % message.date.encode())
                    elif item == b"RFC822.SIZE":
                        parts.append(b"RFC822.SIZE %d" % len(message.raw))
                    elif item == b"BODY.PEEK[]":
                        parts.append(b"BODY[] {%d}\r\n%s" % (len(message.raw), message.raw))
                    else:
                        head = self.fields(message.raw, item)
                        parts.append(item.replace(b".PEEK", b"") + b" {%d}\r\n%s" % (len(head), head))
                self.wfile.write(b"* %d FETCH (%s)\r\n" % (uid, b" ".join(parts)))

    @staticmethod
    def fields(raw, item):
        names = re.search(rb"\(([^)]*)\)", item).group(1).lower().replace(b'"', b"").split()
        head = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0] + b"\r\n"
        kept = [line for line in re.findall(rb"[^\r\n][^\n]*\n(?:[ \t][^\n]*\n)*", head) if line.split(b":")[0].strip().lower() in names]
        return b"".join(kept) + b"\r\n"


class OddSource(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address, port, user, password, folders, delimiter="/"):
        self.user, self.password, self.delimiter = user, password, delimiter.encode()
        self.folders = {name.encode("latin-1"): mail for name, mail in folders.items()}
        super().__init__((address, port), Session)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()
