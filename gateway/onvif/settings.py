"""The one setting that the gateway changes in a camera, when a person asks for it: its encoder.

H.264 without B-frames and a key frame every two seconds, within what the camera offers (ONVIF Media
and Media2 Service Specifications, VideoEncoderConfiguration). The camera's own words are edited and
sent back, so all that is not named here stays as it was, and the old ones can be put back.
"""

import copy
from dataclasses import dataclass, replace
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree

from gateway.model.device import DeviceFailureKind, Profile
from gateway.model.encoder import Encoder, EncoderChange
from gateway.onvif import media2
from gateway.onvif.failures import bad_answer, failed
from gateway.onvif.soap import SCHEMA, Questions

MEDIA1: Final = "http://www.onvif.org/ver10/media/wsdl"
GOP_S: Final = 2.0
"""The distance of key frames that lets a newcomer see a picture soon and costs little."""

_UNKNOWN_FPS: Final = 25.0
_PLAIN: Final = ("Main", "Baseline", "ConstrainedBaseline")
"""Profiles of H.264 without B-frames in cameras' hands, the better one first."""


@dataclass(frozen=True, slots=True)
class Offered:
    """What H.264 can be set to: profiles (empty: not told), GOP range, picture sizes."""

    profiles: tuple[str, ...] = ()
    least_gop: int = 1
    most_gop: int = 1000
    sizes: tuple[tuple[int, int], ...] = ()


def propose(questions: Questions, profile: Profile) -> EncoderChange:
    """Return the present setting and the wanted one; raises DeviceError when there is none."""
    token = escape(profile.encoder or "")
    second = questions.namespace == media2.NAMESPACE
    name = "GetVideoEncoderConfigurations" if second else "GetVideoEncoderConfiguration"
    answer = questions.ask(
        f"<m:{name}><m:ConfigurationToken>{token}</m:ConfigurationToken></m:{name}>"
    )
    found = answer.find(f".//{{{questions.namespace}}}Configuration{'s' if second else ''}")
    if found is None:
        raise bad_answer()
    name = "GetVideoEncoderConfigurationOptions"
    answer = questions.ask(
        f"<m:{name}><m:ConfigurationToken>{token}</m:ConfigurationToken>"
        f"<m:ProfileToken>{escape(profile.token)}</m:ProfileToken></m:{name}>"
    )
    offered = offered_media2(answer) if second else offered_media1(answer)
    if offered is None:
        raise _not_offered()
    before = read(found)
    after = wanted(before, offered)
    return EncoderChange(
        before,
        after,
        questions.namespace,
        _words(found),
        _words(edited(found, after, second=second)),
    )


def apply(questions: Questions, words: bytes) -> None:
    """Send a configuration; raises DeviceError when the camera refuses it."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    found = etree.fromstring(words, parser)
    # Plain prefixes, declared once: some cameras read XML by the letters.
    prefixes = {"m": questions.namespace, "tt": SCHEMA}
    name = f"{{{questions.namespace}}}Configuration"
    sent = etree.Element(name, dict(found.attrib), nsmap=prefixes)
    sent.extend(copy.deepcopy(list(found)))
    etree.cleanup_namespaces(sent, top_nsmap=prefixes)
    persist = "" if questions.namespace == media2.NAMESPACE else (
        "<m:ForcePersistence>true</m:ForcePersistence>"
    )  # fmt: skip
    name = "SetVideoEncoderConfiguration"
    questions.ask(f"<m:{name}>{etree.tostring(sent, encoding='unicode')}{persist}</m:{name}>")


def wanted(now: Encoder, offered: Offered) -> Encoder:
    """Return the setting that plays everywhere; raises DeviceError when it is not offered (pure).

    An H.264 picture keeps its size; one of another codec gets the next smaller one that H.264 has.
    """
    plain = [one for one in _PLAIN if not offered.profiles or one in offered.profiles]
    if not plain:
        raise _not_offered()
    gop = round(GOP_S * (now.fps or _UNKNOWN_FPS))
    size = now.width, now.height
    if now.codec != "H264" and offered.sizes and size not in offered.sizes:
        size = _nearest(size, offered.sizes)
    return replace(
        now,
        codec="H264",
        profile=now.profile if now.codec == "H264" and now.profile in plain else plain[0],
        gop=min(max(gop, offered.least_gop), offered.most_gop),
        width=size[0],
        height=size[1],
    )


def read(element: "etree._Element") -> Encoder:
    """Read a configuration of Media1 or Media2."""
    return Encoder(
        token=element.get("token") or "",
        codec=_text(element, "Encoding").upper(),
        profile=element.get("Profile") or _text(element, "H264/H264Profile"),
        gop=int(_number(element.get("GovLength") or _text(element, "H264/GovLength"))),
        fps=_number(_text(element, "RateControl/FrameRateLimit")),
        width=int(_number(_text(element, "Resolution/Width"))),
        height=int(_number(_text(element, "Resolution/Height"))),
    )


def edited(element: "etree._Element", to: Encoder, *, second: bool) -> "etree._Element":
    """Return a copy of the camera's words that say ``to``; ``second``: they are Media2's."""
    made = copy.deepcopy(element)
    _set(made, "Encoding", to.codec)
    _set(made, "Resolution/Width", str(to.width))
    _set(made, "Resolution/Height", str(to.height))
    if second:
        made.set("GovLength", str(to.gop))
        made.set("Profile", to.profile)
        return made
    for other in made.findall(f"{{{SCHEMA}}}MPEG4"):
        made.remove(other)
    detail = made.find(f"{{{SCHEMA}}}H264")
    if detail is None:
        detail = etree.Element(f"{{{SCHEMA}}}H264")
        etree.SubElement(detail, f"{{{SCHEMA}}}GovLength")
        etree.SubElement(detail, f"{{{SCHEMA}}}H264Profile")
        behind = made.find(f"{{{SCHEMA}}}Multicast")
        made.insert(len(made) if behind is None else list(made).index(behind), detail)
    _set(made, "H264/GovLength", str(to.gop))
    _set(made, "H264/H264Profile", to.profile)
    return made


def offered_media1(answer: "etree._Element") -> Offered | None:
    """Read Media1's options; ``None`` when H.264 is not among them."""
    found = answer.find(f".//{{{SCHEMA}}}H264")
    if found is None:
        return None
    profiles = found.findall(f"{{{SCHEMA}}}H264ProfilesSupported")
    return Offered(
        tuple((one.text or "").strip() for one in profiles),
        int(_number(_text(found, "GovLengthRange/Min"))) or 1,
        int(_number(_text(found, "GovLengthRange/Max"))) or 1000,
        _sizes(found),
    )


def offered_media2(answer: "etree._Element") -> Offered | None:
    """Read Media2's options; ``None`` when H.264 is not among them."""
    for found in answer.iter(f"{{{media2.NAMESPACE}}}Options"):
        if _text(found, "Encoding").upper() != "H264":
            continue
        gop = [int(_number(one)) for one in (found.get("GovLengthRange") or "").split()]
        return Offered(
            tuple((found.get("ProfilesSupported") or "").split()),
            (gop[0] if gop else 0) or 1,
            (gop[-1] if gop else 0) or 1000,
            _sizes(found),
        )
    return None


def _sizes(found: "etree._Element") -> tuple[tuple[int, int], ...]:
    sizes = [
        (int(_number(_text(one, "Width"))), int(_number(_text(one, "Height"))))
        for one in found.findall(f"{{{SCHEMA}}}ResolutionsAvailable")
    ]
    return tuple(size for size in sizes if min(size) > 0)


def _nearest(size: tuple[int, int], sizes: tuple[tuple[int, int], ...]) -> tuple[int, int]:
    """Return the largest size that is not larger, else the smallest."""
    smaller = [one for one in sizes if one[0] * one[1] <= size[0] * size[1]]
    return max(smaller, key=_area) if smaller else min(sizes, key=_area)


def _area(size: tuple[int, int]) -> int:
    return size[0] * size[1]


def _find(element: "etree._Element", path: str) -> "etree._Element | None":
    return element.find("/".join(f"{{{SCHEMA}}}{name}" for name in path.split("/")))


def _text(element: "etree._Element", path: str) -> str:
    found = _find(element, path)
    return "" if found is None or found.text is None else str(found.text).strip()[:64]


def _set(element: "etree._Element", path: str, text: str) -> None:
    found = _find(element, path)
    if found is not None:
        found.text = text


def _number(text: str) -> float:
    try:
        value = float(text or 0)
    except ValueError:
        return 0
    return value if 0 < value < 1 << 31 else 0  # also leaves out what is no number


def _words(element: "etree._Element") -> bytes:
    return bytes(etree.tostring(element))


def _not_offered() -> Exception:
    return failed(
        DeviceFailureKind.NOT_OFFERED,
        "the camera does not offer H.264 without B-frames for this stream",
        "use another stream of the camera, or look for a newer firmware",
    )
