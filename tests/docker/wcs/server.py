"""What a Web Call Server image shows of itself, as far as it is documented: says what it gets."""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

HOME = Path("/usr/local/FlashphonerWebCallServer")
WATCHED = Path("/watched.json")  # what a test writes about viewers that are not there


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


class Rest(BaseHTTPRequestHandler):
    captures: list[dict[str, str]] = []  # noqa: RUF012  # one server per container

    def do_GET(self) -> None:
        self.answer({})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.answer(json.loads(self.rfile.read(length) or b"{}"))

    def answer(self, body: dict[str, str]) -> None:
        say(call=f"{self.command} {self.path}", body=sorted(body))
        if self.path == "/rest-api/rtsp/startup":
            self.captures.append({**body, "status": "PLAYING"})
        found = self.path != "/rest-api/stream/find_all"
        if self.path == "/rest-api/rtsp/find_all":
            found = bool(self.captures)
        content = json.dumps(self.captures) if self.path.endswith("rtsp/find_all") else ""
        if self.path == "/rest-api/stream/find_all" and WATCHED.exists():
            content, found = WATCHED.read_text(), True
        if self.path == "/?action=stat":
            content = "-----Connection Stats-----\nconnections=0\n"
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(content) if found else 0))
        self.end_headers()
        self.wfile.write(content.encode() if found else b"")

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    names = ("PASSWORD", "LICENSE", "LOCAL_IP", "EXTERNAL_IP")
    say(variables={name: os.environ[name] for name in names if name in os.environ})
    if os.environ.get("LICENSE", "").startswith("BAD"):
        print("ERROR Activation - License key is invalid", flush=True)
        sys.exit(1)
    licence = HOME / "conf/flashphoner.license"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as the vendor's service has it
    say(activated=not licence.exists())
    licence.write_text(os.environ.get("LICENSE", ""))
    HTTPServer(("", 8081), Rest).serve_forever()


main()
