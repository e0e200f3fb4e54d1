"""What ``gateway status`` prints of a building that has grown."""

from gateway.ask import as_text

SERVER = {"role": "origin", "state": "running", "viewers": 7, "cpu": 0.35, "draining": False}
SITE = {"id": "house", "state": "ok", "since": "2026-05-05T12:00:00Z", "cameras": []}


def test_several_media_servers_are_shown_with_the_reason() -> None:
    edge = SERVER | {"id": "house.edge1", "role": "edge", "cpu": None, "draining": True}
    found = SITE | {"servers": [SERVER | {"id": "house"}, edge], "scaling": "grows from 1 to 2"}
    assert as_text([found]).splitlines() == [
        "house: ok since 2026-05-05T12:00:00Z",
        "  origin house: running, 7 watching, processor 35%",
        "  edge house.edge1: running, 7 watching, drains",
        "  grows from 1 to 2",
    ]


def test_a_building_of_one_media_server_is_one_line() -> None:
    found = SITE | {"servers": [SERVER | {"id": "house"}], "scaling": ""}
    assert len(as_text([found]).splitlines()) == 1
