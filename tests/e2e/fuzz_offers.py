"""Teaches schemathesis what an SDP offer looks like, whole and broken; it imports this itself."""

import schemathesis
from hypothesis import strategies as st

_FINGERPRINT = ":".join(["AB"] * 32)
LINES = (
    "v=0",
    "o=- 4611731400430051336 2 IN IP4 127.0.0.1",
    "s=-",
    "t=0 0",
    "a=group:BUNDLE 0",
    "m=video 9 UDP/TLS/RTP/SAVPF 102",
    "c=IN IP4 0.0.0.0",
    "a=rtcp-mux",
    "a=ice-ufrag:abcd",
    "a=ice-pwd:0123456789abcdef01234567",
    f"a=fingerprint:sha-256 {_FINGERPRINT}",
    "a=setup:actpass",
    "a=mid:0",
    "a=recvonly",
    "a=rtpmap:102 H264/90000",
    "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
)


@st.composite
def offers(draw: st.DrawFn) -> bytes:
    """Return an offer of which lines are missing, doubled, or something else."""
    lines = [line for line in LINES for _ in range(draw(st.sampled_from((1, 1, 1, 1, 0, 2))))]
    if lines and draw(st.booleans()):
        lines[draw(st.integers(0, len(lines) - 1))] = draw(st.text(max_size=60))
    return ("\r\n".join(lines) + "\r\n").encode(errors="replace")


schemathesis.openapi.media_type("application/sdp", st.one_of(offers(), st.binary(max_size=200)))
