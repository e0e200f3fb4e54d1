"""Captures and streams in the words of the REST API: WCS's fields first, our extras behind them."""

from collections.abc import Sequence
from typing import Any

from gateway.mediaserver.ingest.capture import CaptureStatus
from gateway.mediaserver.ports import Engine, StreamInfo, VideoFormat, ViewerInfo
from gateway.mediaserver.registry import Agent


def agent(entry: Agent) -> dict[str, Any]:
    """Return a capture as ``/rtsp/find_all`` shows it; ``uri`` is the key, as it was given."""
    state = entry.state
    return {
        "uri": entry.uri.reveal(),
        "status": str(state.status),
        **({"toStream": entry.stream} if entry.named else {}),
        "info": state.info,
        "reason": state.reason,
        "hint": state.hint,
        "kind": state.kind,
        "since": entry.since().isoformat(),
        "reconnects": state.reconnects,
    }


def streams(
    engine: Engine, pulled: Sequence[Agent], *, provider: str, metrics: bool
) -> list[dict[str, Any]]:
    """Return every ingest and every viewer as ``/stream/find_all`` shows them.

    ``provider`` is where the ingests come from: ``RTSP``, or ``CDN`` on an edge.
    """
    published = {stream.name: stream for stream in engine.streams()}
    agents = {entry.stream: entry for entry in pulled}
    items = [
        {**_ingest(stream, agents[name], metrics=metrics), "mediaProvider": provider}
        for name, stream in published.items()
        if name in agents
    ]
    items += [
        _viewer(viewer, published.get(viewer.stream), metrics=metrics)
        for viewer in engine.viewers()
    ]
    return items


def _ingest(stream: StreamInfo, entry: Agent, *, metrics: bool) -> dict[str, Any]:
    state = entry.state
    live = stream.live and state.status is CaptureStatus.PLAYING
    numbers = {**_size(stream.video), "FRAMES": state.frames, "VIDEO_LOST": state.lost}
    return {
        **_common(stream),
        "mediaSessionId": entry.media_session_id,
        "name": stream.name,
        "published": True,
        "status": "PUBLISHING" if live else "PENDING",
        "info": state.info,
        "reason": state.reason,
        "mediaType": "publish",
        "viewers": stream.viewers,
        **({"metrics": numbers} if metrics else {}),
    }


def _viewer(viewer: ViewerInfo, stream: StreamInfo | None, *, metrics: bool) -> dict[str, Any]:
    counters = {
        **_size(stream.video if stream else None),
        "VIDEO_NACK": viewer.nacks,
        "PACKETS": viewer.packets,
        "BYTES": viewer.bytes,
    }
    return {
        **_common(stream),
        "mediaSessionId": viewer.media_session_id,
        "name": viewer.stream,
        "published": False,
        "status": "PLAYING",
        "info": "",
        "mediaProvider": "WebRTC",
        "mediaType": "play",
        "connected": viewer.connected,
        "address": viewer.address,
        **({"metrics": counters} if metrics else {}),
    }


def _common(stream: StreamInfo | None) -> dict[str, Any]:
    video = stream.video if stream else None
    audio = stream.audio if stream else None
    return {
        "nodeId": None,
        "appKey": "defaultApp",
        "hasVideo": video is not None,
        "hasAudio": audio is not None,
        "record": False,
        "width": video.width if video else 0,
        "height": video.height if video else 0,
        "bitrate": 0,
        "quality": 0,
        "videoCodec": str(video.codec) if video else None,
        "audioCodec": str(audio) if audio else None,
    }


def _size(video: VideoFormat | None) -> dict[str, Any]:
    return {
        "VIDEO_WIDTH": video.width if video else 0,
        "VIDEO_HEIGHT": video.height if video else 0,
    }
