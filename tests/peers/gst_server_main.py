"""A GStreamer RTSP server with pretend cameras; runs under Debian's python3, not ours.

Prints one JSON line ``{"port": N}`` when it listens. Arguments: the port (0 takes a free one).
"""

import json
import signal
import sys
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402  # versions come first

RAW = (
    "videotestsrc is-live=true pattern=ball"
    " ! video/x-raw,format=I420,width={w},height={h},framerate={fps}/1 ! "
)
X264 = (
    "x264enc tune=zerolatency speed-preset=superfast dct8x8=true bitrate={rate} key-int-max={gop} "
)
OPENH264 = "openh264enc gop-size={gop} bitrate={rate}000 "
B_FRAMES = "x264enc speed-preset=ultrafast bframes=2 rc-lookahead=0 bitrate=300 key-int-max={gop} "
PAY264 = (
    "! video/x-h264,profile={profile},stream-format=byte-stream ! h264parse"
    " ! rtph264pay name=pay0 pt=96 config-interval={config} mtu={mtu} aggregate-mode=zero-latency "
)
X265 = "x265enc tune=zerolatency speed-preset=ultrafast bitrate={rate} key-int-max={gop} "
PAY265 = "! h265parse ! rtph265pay name=pay0 pt=96 config-interval={config} mtu={mtu} "
TONE = "audiotestsrc is-live=true wave=sine ! audio/x-raw,rate={rate},channels=1 ! "
USUAL: dict[str, Any] = {
    "profile": "high", "w": 320, "h": 240, "fps": 20, "gop": 20, "rate": 300, "config": -1,
    "mtu": 1400,
}  # fmt: skip


def video(template: str = RAW + X264 + PAY264, **changes: Any) -> str:
    """Return a pipeline of one picture track."""
    return template.format(**{**USUAL, **changes})


def pipelines() -> dict[str, str]:
    """Return all mounts: path -> pipeline."""
    tone = TONE.format(rate=8000)
    h265 = RAW + X265 + PAY265
    return {
        "h264": video(),
        "h264-baseline": video(profile="constrained-baseline"),
        "h264-main": video(profile="main"),
        "h264-openh264": video(RAW + OPENH264 + PAY264, profile="constrained-baseline"),
        "h264-bframes": video(RAW + B_FRAMES + PAY264, profile="main"),
        "h264-sdp-only": video(config=0),
        "h264-small-packets": video(mtu=600),
        "h264-slices": video(RAW + X264 + "option-string=slices=4 " + PAY264),
        "h264-large": video(w=1280, h=720, fps=25, gop=50, rate=2000),
        "h264-cropped": video(w=322, h=182),
        "h264-intra-refresh": video(RAW + X264 + "intra-refresh=true " + PAY264),
        "h265": video(h265, fps=15),
        "h265-sdp-only": video(h265, fps=15, config=0, mtu=900),
        "mjpeg": video(RAW + "jpegenc ! rtpjpegpay name=pay0 ", fps=10),
        "h264-pcma": video() + tone + "alawenc ! rtppcmapay name=pay1",
        "h264-pcmu": video() + tone + "mulawenc ! rtppcmupay name=pay1",
        "h264-aac": video() + TONE.format(rate=44100) + "voaacenc ! rtpmp4gpay name=pay1 pt=97",
        "audio-only": tone + "alawenc ! rtppcmapay name=pay0",
        "udp-only": video(),
        "tcp-only": video(),
    }


PROTOCOLS = {
    "udp-only": GstRtsp.RTSPLowerTrans.UDP,
    "tcp-only": GstRtsp.RTSPLowerTrans.TCP,
}


def login(method: Any) -> Any:
    """Return an authentication of user ``viewer`` with password ``p@ss:w/rd``."""
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(method)
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    if method == GstRtsp.RTSPAuthMethod.BASIC:
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic("viewer", "p@ss:w/rd"), token)
    else:
        auth.add_digest("viewer", "p@ss:w/rd", token)
    return auth


def serve(port: int, method: Any) -> Any:
    """Build the server; ``method`` None means that nobody has to log in."""
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(port))
    if method is not None:
        server.set_auth(login(method))
    mounts = server.get_mount_points()
    for path, pipeline in pipelines().items():
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(f"( {pipeline} )")
        factory.set_shared(True)
        if path in PROTOCOLS:
            factory.set_protocols(PROTOCOLS[path])
        if method is not None:
            permissions = GstRtspServer.RTSPPermissions()
            for right in ("media.factory.access", "media.factory.construct"):
                permissions.add_permission_for_role("viewer", right, True)  # noqa: FBT003  # GLib's own signature
            factory.set_permissions(permissions)
        mounts.add_factory("/" + path, factory)
    if not server.attach(None):
        raise SystemExit("cannot listen")
    return server


def main() -> None:
    """Serve until the parent closes our standard input, or a signal comes."""
    Gst.init(None)
    method = {
        "none": None,
        "basic": GstRtsp.RTSPAuthMethod.BASIC,
        "digest": GstRtsp.RTSPAuthMethod.DIGEST,
    }[sys.argv[2]]
    server = serve(int(sys.argv[1]), method)
    loop = GLib.MainLoop()
    GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, loop.quit)
    # The parent holds the other end: when it dies in whatever way, we end too.
    GLib.io_add_watch(0, GLib.PRIORITY_DEFAULT, GLib.IOCondition.HUP, lambda *_: loop.quit())
    print(json.dumps({"port": server.get_bound_port()}), flush=True)
    loop.run()


if __name__ == "__main__":
    main()
