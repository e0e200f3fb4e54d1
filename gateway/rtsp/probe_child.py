"""The child process in which OpenCV looks at a camera; it can be killed at any moment.

``VideoCapture.open`` holds a lock of the whole process and may hang past its time-outs, so
OpenCV never runs inside the gateway. Requests are JSON lines on standard input (never process
arguments: the URL holds a password), followed by ``size`` bytes of video when it is only to be
decoded; each answer is a JSON text and a JPEG, both preceded by their length (4 bytes, big endian).
"""

import itertools
import json
import os
import resource
import struct
import sys
import time
from typing import Any, BinaryIO, Final

_WIDEST_PICTURE: Final = 960
_MOST_BYTES: Final = 48 << 20
_DISTANCES: Final = 2
_MOST_DECODED: Final = 60
_QUALITY: Final = 82
_SPS: Final = 7


def main() -> None:
    """Answer requests until standard input ends."""
    # FFmpeg prints URLs with passwords when it is asked to be verbose.
    os.environ["OPENCV_LOG_LEVEL"] = "OFF"
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"
    os.environ.pop("OPENCV_FFMPEG_DEBUG", None)
    # FFmpeg dies of strange streams now and then, with the camera's password in its memory.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin.buffer:
        facts, picture = _answer(json.loads(line))
        _send(sys.stdout.buffer, json.dumps(facts).encode())
        _send(sys.stdout.buffer, picture)
        sys.stdout.buffer.flush()


def _send(out: BinaryIO, data: bytes) -> None:
    out.write(struct.pack(">I", len(data)) + data)


def _answer(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    data = sys.stdin.buffer.read(request["size"]) if "size" in request else None
    try:
        if data is not None:
            import cv2

            cv2.setNumThreads(1)
            return _decode(cv2, [(0.0, True, data)], request["codec"])
        return _look(request)
    except Exception as error:  # noqa: BLE001  # a strange stream must not end the child
        return {"error": type(error).__name__}, b""


def _look(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Take the encoded pictures of one RTSP session, then decode some of them.

    One session only: many cameras allow no more, and the encoded pictures tell bitrate and key
    frames, the decoded ones their types.
    """
    import cv2

    cv2.setNumThreads(1)
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = (
        f"rtsp_transport;{request['transport']}|analyzeduration;1000000"
    )
    camera = cv2.VideoCapture(
        request["url"],
        cv2.CAP_FFMPEG,
        [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, int(request["open_s"] * 1000),
            cv2.CAP_PROP_READ_TIMEOUT_MSEC, int(request["read_s"] * 1000),
            cv2.CAP_PROP_N_THREADS, 1,
        ],
    )  # fmt: skip
    try:
        if not camera.isOpened():
            return {"opened": False}, b""
        fourcc = int(camera.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little").decode("latin-1")
        camera.set(cv2.CAP_PROP_FORMAT, -1)
        packets = _collect(cv2, camera, float(request["window_s"]))
    finally:
        camera.release()
    facts: dict[str, Any] = {"opened": True, "codec": fourcc.strip("\0 ").lower()}
    if packets:
        facts |= _rates(packets)
        decoded, picture = _decode(cv2, packets, facts["codec"])
        facts |= decoded
        return facts, picture
    return facts, b""


def _collect(cv2: Any, camera: Any, window_s: float) -> list[tuple[float, bool, bytes]]:
    """Return (milliseconds, key frame, bytes) of each picture of ``window_s`` seconds.

    Ends early when two whole distances of key frames have been seen.
    """
    packets: list[tuple[float, bool, bytes]] = []
    size = keys = 0
    until = time.monotonic() + window_s
    while time.monotonic() < until and size < _MOST_BYTES and keys <= _DISTANCES:
        read, data = camera.read()
        if not read:
            break
        packet = data.tobytes()
        key = bool(camera.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME))
        keys += key and len(packets) > 1
        size += len(packet)
        packets.append((float(camera.get(cv2.CAP_PROP_POS_MSEC)), key, packet))
    return packets


def _rates(packets: list[tuple[float, bool, bytes]]) -> dict[str, Any]:
    times = [at for at, _, _ in packets]
    span = (max(times) - min(times)) / 1000
    keys = [at / 1000 for at, key, _ in packets[1:] if key]
    keys = [times[0] / 1000, *keys] if packets[0][1] else keys
    gaps = [later - earlier for earlier, later in itertools.pairwise(keys)]
    return {
        "pictures": len(packets),
        "span_s": span,
        "fps": (len(set(times)) - 1) / span if span > 0 else None,
        "bitrate": 8 * sum(len(data) for _, _, data in packets) / span if span > 0 else None,
        "gaps_s": gaps,
        "tail_s": times[-1] / 1000 - keys[-1] if keys else span,
        "sps": _sps(packets[0][2]),
    }


def _sps(data: bytes) -> str:
    """Return profile, constraints and level (six hex digits) of the first H.264 SPS."""
    at = data.find(b"\x00\x00\x01")
    while 0 <= at < len(data) - 6:
        if data[at + 3] & 0x1F == _SPS and not data[at + 3] & 0x80:
            return data[at + 4 : at + 7].hex()
        at = data.find(b"\x00\x00\x01", at + 3)
    return ""


def _decode(
    cv2: Any, packets: list[tuple[float, bool, bytes]], codec: str
) -> tuple[dict[str, Any], bytes]:
    """Decode from memory: the first whole picture as JPEG, and the pictures' types."""
    import numpy as np

    if codec == "mjpg":
        image = cv2.imdecode(np.frombuffer(packets[0][2], np.uint8), cv2.IMREAD_COLOR)
        return ({"width": image.shape[1], "height": image.shape[0]}, _jpeg(cv2, image))
    memory = os.memfd_create("probe")
    try:
        for _, _, data in packets[:_MOST_DECODED]:
            os.write(memory, data)
        reader = cv2.VideoCapture(
            f"/proc/self/fd/{memory}", cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1]
        )
        types, first = "", None
        while (frame := reader.read())[0]:
            types += chr(int(reader.get(cv2.CAP_PROP_FRAME_TYPE)) or ord("?"))
            first = frame[1] if first is None else first
        reader.release()
    finally:
        os.close(memory)
    if first is None:
        return {"types": ""}, b""
    size = {"width": first.shape[1], "height": first.shape[0], "types": types}
    return size, _jpeg(cv2, first)


def _jpeg(cv2: Any, image: Any) -> bytes:
    height, width = image.shape[:2]
    if width > _WIDEST_PICTURE:
        size = (_WIDEST_PICTURE, round(height * _WIDEST_PICTURE / width))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return bytes(data.tobytes()) if done else b""


if __name__ == "__main__":
    main()
