"""The ``info`` texts of Web Call Server's API that this server uses, letter by letter."""

from enum import StrEnum


class Info(StrEnum):
    """Why a stream, a play or a capture is as it is (WCS: ``STREAM_STATUS_INFO``)."""

    STREAM_NOT_FOUND = "Stream not found"
    STOPPED_BY_USER = "Stopped by user"
    STOPPED_BY_PUBLISHER = "Stopped by publisher stop"
    STOPPED_BY_REST = "Stopped by rest /terminate"
    STOPPED_BY_DISCONNECT = "Stopped by session disconnect"
    FAILED = "Failed by error"
    RTP_ACTIVITY = "Failed by RTP activity"
    SESSION_NOT_READY = "Session not ready"
    NO_MEDIA_SESSION_ID = "MediaSessionId is null"
    MEDIA_SESSION_ID_IN_USE = "MediaSessionId is already in use"
    NOT_READY = "Publish stream is not ready"
    NAME_IN_USE = "Stream name is already in use"
    RTSP_UNREACHABLE = "Failed to connect to rtsp stream"
    RTSP_NOT_FOUND = "Rtsp stream not found"
    RTSP_WRONG = "Rtsp has wrong format"
    AGENT_SHUTDOWN = "RtspAgent shutdown"
    NO_COMMON_CODECS = "No common codecs"
    BAD_URI = "Bad URI"
    CDN_NOT_FOUND = "CDN stream not found"
    ORIGIN_FAILED = "Failed to connect to origin stream"
    RESTRICTED = "Restricted access"
