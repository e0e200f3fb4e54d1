"""An RTSP client of few parts, written apart from ours: it sends what it is told."""

import asyncio
import hashlib
import re
from dataclasses import dataclass, field


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Raw:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    url: str
    packets: list[tuple[int, bytes]] = field(default_factory=list)
    nonce: str = ""
    _cseq: int = 0

    @classmethod
    async def connect(cls, port: int, url: str) -> "Raw":
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        return cls(reader, writer, url)

    async def ask(
        self,
        method: str,
        url: str | None = None,
        *,
        login: tuple[str, str] | None = None,
        **more: str,
    ) -> Reply:
        self._cseq += 1
        target = url or self.url
        lines = [f"{method} {target} RTSP/1.0", f"CSeq: {self._cseq}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
        if login is not None:
            lines.append(self._proof(method, target, *login))
        self.writer.write("\r\n".join([*lines, "", ""]).encode())
        return await self.reply()

    def _proof(self, method: str, target: str, user: str, password: str) -> str:
        def md5(text: str) -> str:
            return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

        realm = "camera-gateway"
        response = md5(
            f"{md5(f'{user}:{realm}:{password}')}:{self.nonce}:{md5(f'{method}:{target}')}"
        )
        return (
            f'Authorization: Digest username="{user}", realm="{realm}", nonce="{self.nonce}", '
            f'uri="{target}", response="{response}"'
        )

    async def reply(self) -> Reply:
        async with asyncio.timeout(10):
            while True:
                first = await self.reader.readexactly(1)
                if first != b"$":
                    break
                await self._packet()
            head = first + await self.reader.readuntil(b"\r\n\r\n")
            lines = head.decode().split("\r\n")
            headers = {
                name.strip().lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines[1:] if line)
            }
            if found := re.search('nonce="([^"]+)"', headers.get("www-authenticate", "")):
                self.nonce = found[1]
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
            return Reply(int(lines[0].split()[1]), headers, body)

    async def take(self, count: int) -> list[tuple[int, bytes]]:
        """Read until ``count`` packets have come."""
        async with asyncio.timeout(10):
            while len(self.packets) < count:
                assert await self.reader.readexactly(1) == b"$"
                await self._packet()
        return self.packets

    async def drain(self) -> None:
        """Read for as long as something comes."""
        while await self.reader.read(1 << 16):
            pass

    async def _packet(self) -> None:
        head = await self.reader.readexactly(3)
        self.packets.append(
            (head[0], await self.reader.readexactly(int.from_bytes(head[1:], "big")))
        )

    async def closed(self) -> None:
        """Return when the server has hung up."""
        async with asyncio.timeout(10):
            try:
                while await self.reader.read(65536):
                    pass
            except ConnectionError:
                return

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            return
