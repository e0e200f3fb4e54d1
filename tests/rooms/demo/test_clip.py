"""Access units become RTP payloads and can be put together again."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.demo.clip import Clip, payloads


@given(st.binary(min_size=2, max_size=5000), st.integers(min_value=100, max_value=1400))
def test_fragments_make_the_nal_unit_again(body: bytes, size: int) -> None:
    nal = b"\x65" + body
    parts = payloads(nal, size)
    assert all(len(part) <= size for part in parts)
    if len(parts) == 1:
        assert parts == [nal]
        return
    assert [part[1] & 0xC0 for part in parts] == [0x80, *[0] * (len(parts) - 2), 0x40]
    header = bytes([parts[0][0] & 0xE0 | parts[0][1] & 0x1F])
    assert header + b"".join(part[2:] for part in parts) == nal


def test_the_newest_key_frame_is_found_across_the_seam() -> None:
    clip = Clip(width=2, height=2, fps=1, length=4)
    key = b"\0\0\1\x67sps\0\0\1\x68pps\0\0\1\x65key"
    for frame, unit in enumerate((b"\0\0\1\x41p", key, b"\0\0\1\x41p", b"\0\0\1\x41p")):
        clip.put(frame, unit)
    assert clip.key_before(8) == 5
    assert clip.key_before(5) == 5
    assert (clip.sps, clip.pps) == (b"\x67sps", b"\x68pps")


def test_a_clip_that_is_still_filled_plays_from_what_is_there() -> None:
    clip = Clip(width=2, height=2, fps=1, length=4)
    clip.put(2, b"\0\0\1\x41p")
    assert clip.key_before(2) == 2
    assert clip.picture(3) is None
