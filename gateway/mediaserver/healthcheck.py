"""Ask the server of this folder whether it answers: a container's HEALTHCHECK; exit 0 or 1."""

import base64
import http.client
import json
import os
import sys
from pathlib import Path
from typing import Final

_SERVER_FILE: Final = Path("run/server.json")
_WITHIN_S: Final = 3.0
_OK: Final = 200


def main() -> int:
    """Return 0 when the statistics are answered, else say why not and return 1."""
    try:
        server = json.loads(_SERVER_FILE.read_text(encoding="utf-8"))
        host = str(server["control_address"])
        status = _ask("127.0.0.1" if host in ("0.0.0.0", "::") else host, int(server["http_port"]))  # noqa: S104  # compared, not bound
    except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
        sys.stderr.write(f"the media server does not answer: {error}\n")
        return 1
    if status != _OK:
        sys.stderr.write(f"the media server answered {status}\n")
    return 0 if status == _OK else 1


def _ask(host: str, port: int) -> int:
    connection = http.client.HTTPConnection(host, port, timeout=_WITHIN_S)
    try:
        user = base64.b64encode(f"admin:{os.environ.get('PASSWORD', '')}".encode()).decode()
        connection.request("GET", "/?action=stat", headers={"Authorization": f"Basic {user}"})
        return connection.getresponse().status
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
