#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The web server of the customers' MTA-STS policies (RFC 8461 section 3.3): HTTPS, one path, a file for each domain, read
anew for each request, so that a file that is replaced is served at once. Python's standard library only.

    policy.py --listen ADDRESS[:PORT] --cert FILE --key FILE --files DIR

https://mta-sts.DOMAIN/.well-known/mta-sts.txt is DIR/DOMAIN.txt, text/plain; everything else is 404. A line on stderr for each
request. Ends on SIGTERM.
"""

import argparse
import http.server
import os
import re
import ssl
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"
    timeout = 10  # seconds for each read, the handshake's too

    def setup(self):
        # Here and not at accept: who connects and says nothing holds up nobody else.
        self.request.settimeout(self.timeout)
        self.request.do_handshake()
        super().setup()

    def do_GET(self):
        host = re.fullmatch(r"mta-sts\.([a-z0-9-]+(?:\.[a-z0-9-]+)*)\.?(?::\d+)?", self.headers.get("Host", "").lower())
        try:
            if not host or self.path != "/.well-known/mta-sts.txt":
                raise FileNotFoundError
            with open(os.path.join(self.server.files, host.group(1) + ".txt"), "rb") as file:
                body = file.read()
        except FileNotFoundError:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        print(f"{client_address[0]}: {sys.exc_info()[1]}", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", required=True)
    parser.add_argument("--cert", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--files", required=True)
    options = parser.parse_args()
    address, _, port = options.listen.partition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.cert, options.key)
    server = Server((address, int(port or 443)), Handler)
    server.files = options.files
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
