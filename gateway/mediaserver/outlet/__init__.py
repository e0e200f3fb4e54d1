"""The RTSP output: streams of this server for recorders and for further media servers."""
