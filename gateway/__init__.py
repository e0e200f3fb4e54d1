"""The camera gateway: one building, one media server, video in any browser."""
