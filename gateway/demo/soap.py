"""The ONVIF messages of a pretend camera: what is asked, and the answers (ONVIF core, media)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

_ENVELOPE: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
    ' xmlns:tds="http://www.onvif.org/ver10/device/wsdl"'
    ' xmlns:trt="http://www.onvif.org/ver10/media/wsdl"'
    ' xmlns:tt="http://www.onvif.org/ver10/schema"'
    ' xmlns:ter="http://www.onvif.org/ver10/error"><s:Body>{}</s:Body></s:Envelope>'
)
_DEVICE: Final = "http://www.onvif.org/ver10/device/wsdl"
_MEDIA: Final = "http://www.onvif.org/ver10/media/wsdl"


@dataclass(frozen=True, slots=True)
class Profile:
    """One media profile: token, mount path, picture size, frame rate and GOP in frames."""

    token: str
    path: str
    width: int
    height: int
    fps: int
    gop: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What a pretend camera says of itself."""

    name: str
    model: str
    serial: str
    mac: str
    profiles: tuple[Profile, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A request: its name, its texts by element name, and the UsernameToken's by theirs."""

    name: str
    texts: Mapping[str, str]
    token: Mapping[str, str]


def parse(body: bytes) -> Call:
    """Read a SOAP request; raises ValueError for anything else."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError("not XML") from error
    holder = root.find("{*}Body")
    if holder is None or not len(holder):
        raise ValueError("no SOAP body")
    call = holder[0]
    token = root.find("{*}Header/{*}Security/{*}UsernameToken")
    return Call(
        name=etree.QName(call).localname,
        texts=_texts(call),
        token={} if token is None else _texts(token),
    )


def _texts(element: etree._Element) -> dict[str, str]:
    return {
        etree.QName(child).localname: (child.text or "").strip() for child in element.iter("{*}*")
    }


def fault(code: str, reason: str, *, sender: bool = True) -> str:
    """Make a SOAP 1.2 fault with an ONVIF subcode such as ``ter:NotAuthorized``."""
    return _ENVELOPE.format(
        f"<s:Fault><s:Code><s:Value>s:{'Sender' if sender else 'Receiver'}</s:Value>"
        f"<s:Subcode><s:Value>{code}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en">{escape(reason)}</s:Text></s:Reason></s:Fault>'
    )


def answer(call: Call, facts: Facts, *, base: str, rtsp: str, now: datetime) -> str | None:
    """Answer ``call``; None when the camera does not know it.

    ``base`` is the camera's ``http://host:port``, ``rtsp`` its ``rtsp://host:port``.
    """
    match call.name:
        case "GetSystemDateAndTime":
            body = _date_and_time(now)
        case "GetDeviceInformation":
            body = (
                f"<tds:Manufacturer>Camera gateway</tds:Manufacturer>"
                f"<tds:Model>{escape(facts.model)}</tds:Model>"
                f"<tds:FirmwareVersion>1.0</tds:FirmwareVersion>"
                f"<tds:SerialNumber>{escape(facts.serial)}</tds:SerialNumber>"
                f"<tds:HardwareId>demo</tds:HardwareId>"
            )
        case "GetServices":
            body = _service(_DEVICE, f"{base}/onvif/device_service") + _service(
                _MEDIA, f"{base}/onvif/media_service"
            )
        case "GetCapabilities":
            body = _capabilities(base)
        case "GetScopes":
            body = "".join(
                f"<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef><tt:ScopeItem>{escape(scope)}"
                "</tt:ScopeItem></tds:Scopes>"
                for scope in scopes(facts)
            )
        case "GetNetworkInterfaces":
            body = _network_interfaces(facts)
        case "GetProfiles":
            body = "".join(map(_profile, facts.profiles))
        case "GetStreamUri" | "GetSnapshotUri":
            return _uri(call, facts, base=base, rtsp=rtsp)
        case _:
            return None
    prefix = "trt" if call.name == "GetProfiles" else "tds"
    return _ENVELOPE.format(f"<{prefix}:{call.name}Response>{body}</{prefix}:{call.name}Response>")


def scopes(facts: Facts) -> tuple[str, ...]:
    """Return the scopes of GetScopes and of WS-Discovery, percent-encoded."""
    base = "onvif://www.onvif.org"
    return (
        f"{base}/type/video_encoder",
        f"{base}/Profile/Streaming",
        f"{base}/hardware/{facts.model.replace(' ', '%20')}",
        f"{base}/name/{facts.serial}",
        f"{base}/location/demo",
    )


def probe_matches(facts: Facts, *, relates_to: str, message_id: str, xaddr: str) -> bytes:
    """Make the answer to a WS-Discovery probe (WS-Discovery, April 2005, section 5.3)."""
    discovery = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
        ' xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
        f' xmlns:d="{discovery}" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">'
        f"<s:Header><a:MessageID>{message_id}</a:MessageID>"
        f"<a:RelatesTo>{escape(relates_to)}</a:RelatesTo>"
        "<a:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:To>"
        f"<a:Action>{discovery}/ProbeMatches</a:Action></s:Header>"
        "<s:Body><d:ProbeMatches><d:ProbeMatch><a:EndpointReference>"
        f"<a:Address>urn:uuid:{facts.serial}</a:Address></a:EndpointReference>"
        "<d:Types>dn:NetworkVideoTransmitter</d:Types>"
        f"<d:Scopes>{escape(' '.join(scopes(facts)))}</d:Scopes>"
        f"<d:XAddrs>{escape(xaddr)}</d:XAddrs>"
        "<d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></s:Body>"
        "</s:Envelope>"
    ).encode()


def _date_and_time(now: datetime) -> str:
    clock = (
        f"<tt:Time><tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute>"
        f"<tt:Second>{now.second}</tt:Second></tt:Time>"
        f"<tt:Date><tt:Year>{now.year}</tt:Year><tt:Month>{now.month}</tt:Month>"
        f"<tt:Day>{now.day}</tt:Day></tt:Date>"
    )
    return (
        "<tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType>"
        "<tt:DaylightSavings>false</tt:DaylightSavings><tt:TimeZone><tt:TZ>UTC0</tt:TZ>"
        f"</tt:TimeZone><tt:UTCDateTime>{clock}</tt:UTCDateTime></tds:SystemDateAndTime>"
    )


def _service(namespace: str, address: str) -> str:
    return (
        f"<tds:Service><tds:Namespace>{namespace}</tds:Namespace>"
        f"<tds:XAddr>{escape(address)}</tds:XAddr>"
        "<tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version></tds:Service>"
    )


def _capabilities(base: str) -> str:
    return (
        f"<tds:Capabilities><tt:Device><tt:XAddr>{escape(base)}/onvif/device_service</tt:XAddr>"
        f"</tt:Device><tt:Media><tt:XAddr>{escape(base)}/onvif/media_service</tt:XAddr>"
        "<tt:StreamingCapabilities><tt:RTPMulticast>false</tt:RTPMulticast>"
        "<tt:RTP_TCP>true</tt:RTP_TCP><tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP>"
        "</tt:StreamingCapabilities></tt:Media></tds:Capabilities>"
    )


def _network_interfaces(facts: Facts) -> str:
    return (
        '<tds:NetworkInterfaces token="eth0"><tt:Enabled>true</tt:Enabled><tt:Info>'
        f"<tt:Name>eth0</tt:Name><tt:HwAddress>{facts.mac}</tt:HwAddress><tt:MTU>1500</tt:MTU>"
        "</tt:Info></tds:NetworkInterfaces>"
    )


def _profile(profile: Profile) -> str:
    token = quoteattr(profile.token)
    return (
        f'<trt:Profiles token={token} fixed="true"><tt:Name>{escape(profile.token)}</tt:Name>'
        '<tt:VideoSourceConfiguration token="source"><tt:Name>source</tt:Name>'
        "<tt:UseCount>2</tt:UseCount><tt:SourceToken>lens</tt:SourceToken>"
        f'<tt:Bounds x="0" y="0" width="{profile.width}" height="{profile.height}"/>'
        "</tt:VideoSourceConfiguration>"
        f"<tt:VideoEncoderConfiguration token={token}><tt:Name>{escape(profile.token)}</tt:Name>"
        "<tt:UseCount>1</tt:UseCount><tt:Encoding>H264</tt:Encoding>"
        f"<tt:Resolution><tt:Width>{profile.width}</tt:Width>"
        f"<tt:Height>{profile.height}</tt:Height></tt:Resolution><tt:Quality>4</tt:Quality>"
        f"<tt:RateControl><tt:FrameRateLimit>{profile.fps}</tt:FrameRateLimit>"
        "<tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>1024</tt:BitrateLimit>"
        f"</tt:RateControl><tt:H264><tt:GovLength>{profile.gop}</tt:GovLength>"
        "<tt:H264Profile>Baseline</tt:H264Profile></tt:H264><tt:Multicast><tt:Address>"
        "<tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address>"
        "<tt:Port>0</tt:Port><tt:TTL>1</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>"
        "<tt:SessionTimeout>PT60S</tt:SessionTimeout></tt:VideoEncoderConfiguration></trt:Profiles>"
    )


def _uri(call: Call, facts: Facts, *, base: str, rtsp: str) -> str:
    wanted = call.texts.get("ProfileToken", "")
    profile = next((own for own in facts.profiles if own.token == wanted), None)
    if profile is None:
        return fault("ter:InvalidArgVal", f"There is no profile called {wanted!r}")
    uri = f"{base}/snapshot.jpg" if call.name == "GetSnapshotUri" else f"{rtsp}{profile.path}"
    return _ENVELOPE.format(
        f"<trt:{call.name}Response><trt:MediaUri><tt:Uri>{escape(uri)}</tt:Uri>"
        "<tt:InvalidAfterConnect>false</tt:InvalidAfterConnect>"
        "<tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout>"
        f"</trt:MediaUri></trt:{call.name}Response>"
    )
