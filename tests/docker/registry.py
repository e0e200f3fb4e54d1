"""A registry with one image, on the Docker host itself: the engine trusts those without TLS."""

import gzip
import hashlib
import io
import json
import os
import tarfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar.gzip"


@dataclass(slots=True)
class Registry:
    """``reference`` names its image; ``asked`` counts the paths that were asked for."""

    port: int
    asked: Counter[str] = field(default_factory=Counter)

    @property
    def reference(self) -> str:
        """The image's name, with its version."""
        return f"127.0.0.1:{self.port}/tried:1.0"


@contextmanager
def registry(layer_bytes: int) -> Iterator[Registry]:
    """Serve an image of one layer that cannot be compressed (Docker's image manifest, schema 2)."""
    contents = _contents(layer_bytes)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def _answer(self, *, with_body: bool) -> None:
            name = self.path.rpartition("/")[2]
            one.asked[f"{self.command} {name[:12]}"] += 1
            kind, body = contents.get(name, ("application/json", b"{}"))
            self.send_response(200)
            self.send_header("Docker-Distribution-Api-Version", "registry/2.0")
            self.send_header("Docker-Content-Digest", _digest(body))
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if with_body:
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    one = Registry(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield one
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _contents(layer_bytes: int) -> dict[str, tuple[str, bytes]]:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        entry = tarfile.TarInfo("noise")
        entry.size = layer_bytes
        archive.addfile(entry, io.BytesIO(os.urandom(layer_bytes)))
    layer = gzip.compress(plain.getvalue(), 1)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"User": "10001:10001"},
            "rootfs": {"type": "layers", "diff_ids": [_digest(plain.getvalue())]},
        }
    ).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": {"mediaType": _CONFIG, "size": len(config), "digest": _digest(config)},
            "layers": [{"mediaType": _LAYER, "size": len(layer), "digest": _digest(layer)}],
        }
    ).encode()
    return {
        "1.0": (_MANIFEST, manifest),
        _digest(manifest): (_MANIFEST, manifest),
        _digest(config): (_CONFIG, config),
        _digest(layer): (_LAYER, layer),
    }


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
