"""Which engines there are, and where each site's servers belong, by the files alone."""

from pathlib import Path

from gateway.model.company import EngineSettings, Fleet, MediaServers, RuntimeKind, Settings
from gateway.model.site import MediaServerSettings, Site
from gateway.model.text import LocalText
from gateway.runtime.places import Place, Places
from gateway.runtimes import engines, homes

NORTH = EngineSettings(name="north", url="ssh://gw@192.0.2.1")


def fleet(folder: Path, *, engine: str | None = None, **sites: str | None) -> Fleet:
    servers = MediaServers(runtime=RuntimeKind.DOCKER, engine=engine, engines=(NORTH,))
    return Fleet(
        Settings(data_dir=folder, media_servers=servers),
        {
            name: Site(name, LocalText.of(name), (), MediaServerSettings(engine=home))
            for name, home in sites.items()
        },
    )


def test_a_site_is_where_its_file_says_else_on_the_companys_engine(tmp_path: Path) -> None:
    assert homes(fleet(tmp_path, a="north", b=None)) == {"a": "north", "b": ""}
    assert homes(fleet(tmp_path, engine="north", a=None)) == {"a": "north"}
    assert homes(fleet(tmp_path, a="gone")) == {"a": "gone"}


def test_the_local_engine_is_asked_only_if_somebody_needs_it(tmp_path: Path) -> None:
    assert [one.name for one in engines(fleet(tmp_path, a="north"))] == ["north"]
    assert [one.name for one in engines(fleet(tmp_path, a="north", b=None))] == ["", "north"]
    assert [one.name for one in engines(fleet(tmp_path, engine="north", b=None))] == ["north"]
    local = fleet(tmp_path, engine="unix:///run/d.sock", a="north")
    assert [one.url for one in engines(local)] == ["unix:///run/d.sock", NORTH.url]


def test_what_moved_away_while_the_gateway_was_down_is_still_looked_for(tmp_path: Path) -> None:
    Places(tmp_path / "docker" / "places.json").put("a", Place("192.168.23.97"))
    assert [one.name for one in engines(fleet(tmp_path, a="north"))] == ["", "north"]
