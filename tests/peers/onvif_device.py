"""An ONVIF camera that can misbehave in all the ways that real ones do, over a real socket."""

import asyncio
import base64
import contextlib
import hashlib
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MEDIA = "http://www.onvif.org/ver10/media/wsdl"
MEDIA2 = "http://www.onvif.org/ver20/media/wsdl"
PASSWORD = "c@mera?Pa55"


@dataclass
class Quirks:
    """How this camera differs from a good one.

    ``body``: hang, drip, drip-head, html, empty, text, redirect, huge instead of every answer.
    ``auth``: wsse, http-digest, none, open-info (tells who it is to anybody).
    ``date``: zero, month13, none, or nothing; ``skew`` moves its clock; ``tolerance``: how far a
    token's time may be off; ``local_as_utc``: tells a shifted time, checks by the true one.
    """

    body: str = ""
    auth: str = "wsse"
    fault_status: int = 400
    date: str = ""
    skew: timedelta = timedelta()
    tolerance: timedelta = timedelta(seconds=5)
    local_as_utc: bool = False
    xaddr_host: str = ""
    make: bytes = b"Acme"
    serial: str = "SN-1"
    mac: str = "a4:14:37:00:00:01"
    lock_after: int = 0
    media2: bool = False
    services: bool = True
    sources: int = 1
    profiles: bool = True
    uri: str = "rtsp://{host}:554/main/{token}"
    refuse: frozenset[str] = field(default_factory=frozenset)
    h264: str = "Baseline Main High"
    gops: str = "1 60"


class OnvifCamera:
    """One camera on ``host``; use it as an async context manager."""

    def __init__(self, quirks: Quirks | None = None, *, host: str = "127.0.0.1") -> None:
        self.quirks = quirks or Quirks()
        self.host = host
        self.port = 0
        self.asked: list[str] = []
        self.wrong_passwords = 0
        self.encoder = {"codec": "H265", "profile": "Main", "gop": "100"}
        self.on_set: Callable[[], Awaitable[None]] | None = None
        self._server: asyncio.Server
        self._tasks: set[asyncio.Task[None]] = set()
        self._nonce = secrets.token_hex(8)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/onvif/device_service"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
        body = await reader.readexactly(int(length[1]) if length else 0)
        action = re.search(rb"Body[^>]*>\s*<(?:\w+:)?(\w+)", body)
        name = action[1].decode() if action else ""
        self.asked.append(name)
        if await self._misbehave(writer):
            return False
        status, extra, text = self._answer(name, head, body)
        if name == "SetVideoEncoderConfiguration" and status == 200 and self.on_set:
            await self.on_set()
        writer.write(
            f"HTTP/1.1 {status} X\r\nContent-Type: application/soap+xml\r\n{extra}"
            f"Content-Length: {len(text)}\r\n\r\n".encode()
            + text
        )
        await writer.drain()
        return True

    async def _misbehave(self, writer: asyncio.StreamWriter) -> bool:
        head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\n\r\n"
        plain = {
            "html": b"<html><body><h1>It works</h1></body></html>",
            "text": b"Not Found",
            "empty": b"",
        }
        mode = self.quirks.body
        if mode in plain:
            writer.write(head.format(len(plain[mode])).encode() + plain[mode])
            await writer.drain()
        elif mode == "redirect":
            writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://127.9.9.9/\r\n")
            writer.write(b"Content-Length: 0\r\n\r\n")
            await writer.drain()
        elif mode == "huge":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            with contextlib.suppress(OSError):
                for _ in range(200):
                    writer.write(b"<a>" * 20_000)
                    await writer.drain()
        elif mode in {"drip", "drip-head", "hang"}:
            if mode != "hang":
                start = head.format(100_000)
                writer.write(start.encode() if mode == "drip" else b"HTTP/1.1 200 OK\r\nX-")
            await self._drip(writer, silent=mode == "hang")
        return bool(mode)

    async def _drip(self, writer: asyncio.StreamWriter, *, silent: bool) -> None:
        while not writer.is_closing():
            if not silent:
                writer.write(b"X")
                await writer.drain()
            await asyncio.sleep(0.1)

    def _answer(self, name: str, head: str, body: bytes) -> tuple[int, str, bytes]:
        quirks = self.quirks
        if quirks.lock_after and self.wrong_passwords >= quirks.lock_after:
            return 400, "", self._fault("NotAuthorized", "Account locked, too many attempts")
        free = {"GetSystemDateAndTime"}
        free |= {"GetDeviceInformation"} if quirks.auth == "open-info" else set()
        if quirks.auth != "none" and name not in free:
            if quirks.auth == "http-digest":
                if not self._digest_ok(head):
                    return 401, self._challenge(), b""
            elif not self._token_ok(body):
                text = "Sender not Authorized"
                return quirks.fault_status, "", self._fault("NotAuthorized", text)
        if name in quirks.refuse:
            return 500, "", self._fault("ActionNotSupported", "TypeError: x is undefined")
        maker = getattr(self, f"_{name}", None)
        if maker is None:
            return 500, "", self._fault("ActionNotSupported", "Optional Action Not Implemented")
        media2 = MEDIA2.encode() in body
        return 200, "", self._envelope(maker(media2=media2, body=body.decode("utf-8", "replace")))

    def _token_ok(self, body: bytes) -> bool:
        def part(name: str) -> bytes:
            found = re.search(rf"<\w*:?{name}(?:\s[^>]*)?>([^<]*)<".encode(), body)
            return found[1] if found else b""

        if not part("Username"):
            return False
        created = part("Created")
        nonce = base64.b64decode(part("Nonce"))
        digest = hashlib.sha1(nonce + created + PASSWORD.encode())  # noqa: S324  # the standard
        if base64.b64encode(digest.digest()) != part("Password"):
            self.wrong_passwords += 1
            return False
        assert created.endswith(b"Z"), created
        told = datetime.strptime(created.decode()[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
        here = datetime.now(UTC) + (timedelta() if self.quirks.local_as_utc else self.quirks.skew)
        return abs(told - here) <= self.quirks.tolerance

    def _challenge(self) -> str:
        return f'WWW-Authenticate: Digest realm="cam", qop="auth", nonce="{self._nonce}"\r\n'

    def _digest_ok(self, head: str) -> bool:
        line = re.search(r"^authorization: digest (.*)$", head, re.IGNORECASE | re.MULTILINE)
        if line is None:
            return False
        parts = dict(re.findall(r'(\w+)="?([^",\r]+)"?', line[1]))

        def md5(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()  # noqa: S324  # RFC 7616

        first = md5(f"viewer:cam:{PASSWORD}")
        second = md5(f"POST:{parts['uri']}")
        middle = f"{self._nonce}:{parts['nc']}:{parts['cnonce']}:auth"
        good = parts["response"] == md5(f"{first}:{middle}:{second}")
        self.wrong_passwords += not good
        return good

    def _fault(self, code: str, text: str) -> bytes:
        return self._envelope(
            "<e:Fault><e:Code><e:Value>e:Sender</e:Value><e:Subcode>"
            f'<e:Value xmlns:ter="http://www.onvif.org/ver10/error">ter:{code}</e:Value>'
            f'</e:Subcode></e:Code><e:Reason><e:Text xml:lang="en">{text}</e:Text></e:Reason>'
            "</e:Fault>"
        )

    def _envelope(self, inner: str) -> bytes:
        text = (
            '<?xml version="1.0" encoding="UTF-8"?><e:Envelope'
            ' xmlns:e="http://www.w3.org/2003/05/soap-envelope"'
            f' xmlns:tds="{DEVICE}" xmlns:trt="{MEDIA}" xmlns:tr2="{MEDIA2}"'
            ' xmlns:tt="http://www.onvif.org/ver10/schema">'
            f"<e:Body>{inner}</e:Body></e:Envelope>"
        )
        return text.encode().replace(b"@MAKE@", self.quirks.make)

    def _GetSystemDateAndTime(self, **_: object) -> str:  # noqa: N802
        now = datetime.now(UTC) + self.quirks.skew
        date = f"<tt:Year>{now.year}</tt:Year><tt:Month>{now.month}</tt:Month>"
        date += f"<tt:Day>{now.day}</tt:Day>"
        if self.quirks.date == "zero":
            date = "<tt:Year>0</tt:Year><tt:Month>0</tt:Month><tt:Day>0</tt:Day>"
        if self.quirks.date == "month13":
            date = date.replace(f"<tt:Month>{now.month}<", "<tt:Month>13<")
        utc = (
            f"<tt:UTCDateTime><tt:Time><tt:Hour>{now.hour}</tt:Hour>"
            f"<tt:Minute>{now.minute}</tt:Minute><tt:Second>{now.second}</tt:Second></tt:Time>"
            f"<tt:Date>{date}</tt:Date></tt:UTCDateTime>"
        )
        return (
            "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime>"
            "<tt:DateTimeType>NTP</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings>"
            "<tt:TimeZone><tt:TZ>UTC+0</tt:TZ></tt:TimeZone>"
            f"{'' if self.quirks.date == 'none' else utc}"
            "</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
        )

    def _GetDeviceInformation(self, **_: object) -> str:  # noqa: N802
        return (
            "<tds:GetDeviceInformationResponse><tds:Manufacturer>@MAKE@</tds:Manufacturer>"
            "<tds:Model>Dome 2</tds:Model><tds:FirmwareVersion>1.2</tds:FirmwareVersion>"
            f"<tds:SerialNumber>{self.quirks.serial}</tds:SerialNumber>"
            "<tds:HardwareId>1</tds:HardwareId></tds:GetDeviceInformationResponse>"
        )

    def _service_url(self, path: str) -> str:
        host = self.quirks.xaddr_host or f"{self.host}:{self.port}"
        return f"http://{host}/onvif/{path}"

    def _GetServices(self, **_: object) -> str:  # noqa: N802
        if not self.quirks.services:
            return "<tds:GetServicesResponse/>"
        names = [(DEVICE, "device_service"), (MEDIA, "media")]
        names += [(MEDIA2, "media2")] if self.quirks.media2 else []
        return (
            "<tds:GetServicesResponse>"
            + "".join(
                f"<tds:Service><tds:Namespace>{namespace}</tds:Namespace>"
                f"<tds:XAddr>{self._service_url(path)}</tds:XAddr>"
                "<tds:Version><tt:Major>2</tt:Major><tt:Minor>6</tt:Minor></tds:Version>"
                "</tds:Service>"
                for namespace, path in names
            )
            + "</tds:GetServicesResponse>"
        )

    def _GetCapabilities(self, **_: object) -> str:  # noqa: N802
        return (
            "<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Media>"
            f"<tt:XAddr>{self._service_url('media')}</tt:XAddr></tt:Media>"
            "</tds:Capabilities></tds:GetCapabilitiesResponse>"
        )

    def _GetNetworkInterfaces(self, **_: object) -> str:  # noqa: N802
        return (
            '<tds:GetNetworkInterfacesResponse><tds:NetworkInterfaces token="eth0">'
            "<tt:Enabled>true</tt:Enabled><tt:Info><tt:Name>eth0</tt:Name>"
            f"<tt:HwAddress>{self.quirks.mac}</tt:HwAddress></tt:Info>"
            "</tds:NetworkInterfaces></tds:GetNetworkInterfacesResponse>"
        )

    def _GetProfiles(self, *, media2: bool, body: str) -> str:  # noqa: N802
        if media2:
            assert "<m:Type>All" not in body
        prefix = "tr2" if media2 else "trt"
        made = []
        for source in range(self.quirks.sources if self.quirks.profiles else 0):
            sizes = (("main", 1920, 1080, 25), ("sub", 640, 360, 15))
            for name, width, height, fps in sizes:
                make = self._profile2 if media2 else self._profile1
                made.append(make(f"{name}{source}", f"source{source}", width, height, fps))
        return f"<{prefix}:GetProfilesResponse>{''.join(made)}</{prefix}:GetProfilesResponse>"

    def _profile1(self, token: str, source: str, width: int, height: int, fps: int) -> str:
        return (
            f'<trt:Profiles token="{token}" fixed="true"><tt:Name>{token}</tt:Name>'
            f'<tt:VideoSourceConfiguration token="v"><tt:Name>v</tt:Name>'
            f"<tt:UseCount>1</tt:UseCount><tt:SourceToken>{source}</tt:SourceToken>"
            '<tt:Bounds x="0" y="0" width="1" height="1"/></tt:VideoSourceConfiguration>'
            f'<tt:VideoEncoderConfiguration token="e{token}"><tt:Name>e</tt:Name>'
            "<tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding>"
            f"<tt:Resolution><tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height>"
            "</tt:Resolution><tt:Quality>4</tt:Quality><tt:RateControl>"
            f"<tt:FrameRateLimit>{fps}</tt:FrameRateLimit>"
            "<tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>2048</tt:BitrateLimit>"
            "</tt:RateControl><tt:H264><tt:GovLength>50</tt:GovLength>"
            "<tt:H264Profile>Main</tt:H264Profile></tt:H264>"
            "</tt:VideoEncoderConfiguration></trt:Profiles>"
        )

    def _profile2(self, token: str, source: str, width: int, height: int, fps: int) -> str:
        codec = "H265" if token.startswith("main") else "H264"
        return (
            f'<tr2:Profiles token="{token}" fixed="true"><tr2:Name>{token}</tr2:Name>'
            '<tr2:Configurations><tr2:VideoSource token="v"><tt:Name>v</tt:Name>'
            f"<tt:SourceToken>{source}</tt:SourceToken></tr2:VideoSource>"
            f'<tr2:VideoEncoder token="e{token}" GovLength="50" Profile="Main">'
            f"<tt:Encoding>{codec}</tt:Encoding><tt:Resolution><tt:Width>{width}</tt:Width>"
            f"<tt:Height>{height}</tt:Height></tt:Resolution><tt:RateControl>"
            f"<tt:FrameRateLimit>{fps}</tt:FrameRateLimit>"
            "<tt:BitrateLimit>2048</tt:BitrateLimit></tt:RateControl></tr2:VideoEncoder>"
            "</tr2:Configurations></tr2:Profiles>"
        )

    def _configuration(self, *, media2: bool) -> str:
        set_to = self.encoder
        inner = (
            "<tt:Name>e</tt:Name><tt:UseCount>1</tt:UseCount>"
            f"<tt:Encoding>{set_to['codec']}</tt:Encoding><tt:Resolution><tt:Width>1920</tt:Width>"
            "<tt:Height>1080</tt:Height></tt:Resolution><tt:Quality>4</tt:Quality>"
            "<tt:RateControl><tt:FrameRateLimit>25</tt:FrameRateLimit>"
            "<tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>2048</tt:BitrateLimit>"
            "</tt:RateControl>"
        )
        if media2:
            return (
                f'<tr2:Configurations token="emain0" GovLength="{set_to["gop"]}"'
                f' Profile="{set_to["profile"]}">{inner}</tr2:Configurations>'
            )
        h264 = (
            f"<tt:H264><tt:GovLength>{set_to['gop']}</tt:GovLength>"
            f"<tt:H264Profile>{set_to['profile']}</tt:H264Profile></tt:H264>"
        )
        h264 = h264 if set_to["codec"] == "H264" else ""
        multicast = "<tt:Multicast><tt:TTL>3</tt:TTL></tt:Multicast>"
        return f'<trt:Configuration token="emain0">{inner}{h264}{multicast}</trt:Configuration>'

    def _GetVideoEncoderConfiguration(self, **_: object) -> str:  # noqa: N802
        return (
            "<trt:GetVideoEncoderConfigurationResponse>"
            f"{self._configuration(media2=False)}</trt:GetVideoEncoderConfigurationResponse>"
        )

    def _GetVideoEncoderConfigurations(self, **_: object) -> str:  # noqa: N802
        return (
            "<tr2:GetVideoEncoderConfigurationsResponse>"
            f"{self._configuration(media2=True)}</tr2:GetVideoEncoderConfigurationsResponse>"
        )

    def _GetVideoEncoderConfigurationOptions(self, *, media2: bool, body: str) -> str:  # noqa: N802
        del body
        sizes = "".join(
            f"<tt:ResolutionsAvailable><tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height>"
            "</tt:ResolutionsAvailable>"
            for width, height in ((1280, 720), (640, 360))
        )
        least, most = self.quirks.gops.split()
        if media2:
            options = (
                f'<tr2:Options GovLengthRange="{self.quirks.gops}" ProfilesSupported="Main">'
                f"<tt:Encoding>H265</tt:Encoding>{sizes}</tr2:Options>"
            )
            if self.quirks.h264:
                options += (
                    f'<tr2:Options GovLengthRange="{self.quirks.gops}"'
                    f' ProfilesSupported="{self.quirks.h264}">'
                    f"<tt:Encoding>H264</tt:Encoding>{sizes}</tr2:Options>"
                )
            name = "tr2:GetVideoEncoderConfigurationOptionsResponse"
            return f"<{name}>{options}</{name}>"
        profiles = "".join(
            f"<tt:H264ProfilesSupported>{one}</tt:H264ProfilesSupported>"
            for one in self.quirks.h264.split()
        )
        h264 = (
            f"<tt:H264>{sizes}<tt:GovLengthRange><tt:Min>{least}</tt:Min><tt:Max>{most}</tt:Max>"
            f"</tt:GovLengthRange>{profiles}</tt:H264>"
        )
        name = "trt:GetVideoEncoderConfigurationOptionsResponse"
        return f"<{name}><trt:Options>{h264 if profiles else ''}</trt:Options></{name}>"

    def _SetVideoEncoderConfiguration(self, *, media2: bool, body: str) -> str:  # noqa: N802
        def said(pattern: str) -> str:
            found = re.search(pattern, body)
            return found[1] if found else ""

        # What a camera did not name must come back as it was: a strict one would refuse the rest.
        assert "BitrateLimit>2048<" in body
        assert media2 or ("ForcePersistence" in body and "TTL>3<" in body)
        self.encoder = {
            "codec": said(r"Encoding>(\w+)<"),
            "profile": said(r'Profile="(\w+)"' if media2 else r"H264Profile>(\w+)<"),
            "gop": said(r'GovLength="(\d+)"' if media2 else r"GovLength>(\d+)<"),
            "width": said(r"Width>(\d+)<"),
        }
        prefix = "tr2" if media2 else "trt"
        return f"<{prefix}:SetVideoEncoderConfigurationResponse/>"

    def _GetStreamUri(self, *, media2: bool, body: str) -> str:  # noqa: N802
        token = re.search(r"ProfileToken>([^<]+)<", body)
        assert token
        uri = self.quirks.uri.format(
            host=self.quirks.xaddr_host.split(":")[0] or self.host, token=token[1]
        )
        if media2:
            return f"<tr2:GetStreamUriResponse><tr2:Uri>{uri}</tr2:Uri></tr2:GetStreamUriResponse>"
        return (
            f"<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>{uri}</tt:Uri>"
            "<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect>"
            "<tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout>"
            "</trt:MediaUri></trt:GetStreamUriResponse>"
        )
