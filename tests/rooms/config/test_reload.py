"""Files change while the gateway runs; the last good version of each stays in force."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.config.load import Loader
from gateway.config.watch import changes
from gateway.model.company import Fleet
from tests.waiting import until

GOOD = "name: {name}\ncameras:\n  - {{id: x, name: X, onvif: {host}}}\n"


def good(name: str, host: str | None = None) -> str:
    return GOOD.format(name=name, host=host or name.lower())


def save(path: Path, text: str) -> None:
    """Save as careful editors do: a new file takes the old one's name."""
    temporary = path.with_name(f".{path.name}.swp")
    temporary.write_text(text)
    temporary.replace(path)


def titles(fleet: Fleet) -> dict[str, str]:
    return {name: site.name.pick("") for name, site in fleet.sites.items()}


class TestLoader:
    def test_broken_version_keeps_the_last_good_one(self, tmp_path: Path) -> None:
        file = tmp_path / "a.yaml"
        loader = Loader(tmp_path, {})
        for broken in ("name: [", "", "nome: B\n", "name: B\nmedia_server: {license: {env: NO}}\n"):
            file.write_text(good("A"))
            assert not loader.load().errors
            file.write_text(broken)
            fleet = loader.load()
            assert titles(fleet) == {"a": "A"}
            assert fleet.errors
            assert not fleet.unreadable
        file.write_text(good("B"))
        assert titles(loader.load()) == {"a": "B"}

    def test_file_that_never_was_good_is_unreadable_not_removed(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_text("name: [")
        loader = Loader(tmp_path, {})
        assert loader.load().unreadable == {"a"}
        (tmp_path / "a.yaml").unlink()
        assert loader.load().unreadable == frozenset()

    def test_removed_file_removes_the_site(self, tmp_path: Path) -> None:
        (tmp_path / "gateway.yaml").write_text("listen: 127.0.0.1:1\n")
        (tmp_path / "a.yaml").write_text(good("A"))
        loader = Loader(tmp_path, {})
        loader.load()
        (tmp_path / "a.yaml").unlink()
        assert titles(loader.load()) == {}
        assert loader.load().problems == ()

    def test_lost_directory_removes_nothing(self, tmp_path: Path) -> None:
        sites = tmp_path / "sites"
        sites.mkdir()
        (sites / "gateway.yaml").write_text("listen: 127.0.0.1:1\n")
        (sites / "a.yaml").write_text(good("A"))
        loader = Loader(sites, {})
        before = loader.load()
        for file in list(sites.iterdir()):
            file.unlink()
        emptied = loader.load()
        sites.rmdir()
        gone = loader.load()
        for fleet in (emptied, gone, loader.load()):
            assert fleet.sites == before.sites
            assert fleet.settings == before.settings
            assert fleet.settled
            assert fleet.errors

    def test_broken_settings_keep_the_last_good_ones(self, tmp_path: Path) -> None:
        file = tmp_path / "gateway.yaml"
        file.write_text("listen: 127.0.0.1:[")
        loader = Loader(tmp_path, {})
        assert not loader.load().settled
        file.write_text("listen: 127.0.0.1:81\n")
        assert loader.load().settled
        file.write_text("listen: 127.0.0.1:82\nbogus: 1\n")
        fleet = loader.load()
        assert (fleet.settled, fleet.settings.listen_port) == (True, 81)

    def test_newcomer_waits_for_what_another_site_has(self, tmp_path: Path) -> None:
        text = "name: {}\nmedia_server: {{address: 10.0.0.9}}\n"
        (tmp_path / "b.yaml").write_text(text.format("B"))
        loader = Loader(tmp_path, {})
        loader.load()
        (tmp_path / "a.yaml").write_text(text.format("A"))
        fleet = loader.load()
        assert (titles(fleet), fleet.unreadable) == ({"b": "B"}, {"a"})
        assert [problem.file for problem in fleet.errors] == ["a.yaml"]
        (tmp_path / "b.yaml").unlink()
        assert titles(loader.load()) == {"a": "A"}

    def test_changed_site_falls_back_when_it_wants_what_another_has(self, tmp_path: Path) -> None:
        text = "name: {}\nmedia_server: {{address: 10.0.0.{}}}\n"
        (tmp_path / "a.yaml").write_text(text.format("A", 1))
        (tmp_path / "b.yaml").write_text(text.format("B", 2))
        loader = Loader(tmp_path, {})
        loader.load()
        (tmp_path / "a.yaml").write_text(text.format("A2", 2))
        fleet = loader.load()
        assert titles(fleet) == {"a": "A", "b": "B"}
        assert [problem.key for problem in fleet.errors] == ["media_server.address"]
        (tmp_path / "b.yaml").write_text(text.format("B2", 1))
        swapped = loader.load()
        assert (titles(swapped), swapped.errors) == ({"a": "A2", "b": "B2"}, ())

    def test_company_default_reaches_the_sites(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_text(good("A") + "scaling: {max_servers: 3}\n")
        loader = Loader(tmp_path, {})
        assert loader.load().sites["a"].scaling.viewers_per_server == 200
        (tmp_path / "gateway.yaml").write_text("scaling: {viewers_per_server: 50}\n")
        scaling = loader.load().sites["a"].scaling
        assert (scaling.max_servers, scaling.viewers_per_server) == (3, 50)

    def test_five_hundred_buildings(self, tmp_path: Path) -> None:
        for number in range(500):
            (tmp_path / f"s-{number}.yaml").write_text(good(f"S{number}"))
        loader = Loader(tmp_path, {})
        first = loader.load()
        assert len(first.sites) == 500
        assert loader.load() == first


class Follower:
    """Collects the fleets of a running watcher."""

    def __init__(self, loader: Loader, reread_s: float) -> None:
        self.fleets: list[Fleet] = []
        self.stop = asyncio.Event()
        self._task = asyncio.create_task(self._run(loader, reread_s))

    async def _run(self, loader: Loader, reread_s: float) -> None:
        async for fleet in changes(loader, self.stop, settle_s=0.05, reread_s=reread_s):
            self.fleets.append(fleet)

    async def sees(self, condition: Callable[[Fleet], bool]) -> Fleet:
        await until(lambda: self.fleets and condition(self.fleets[-1]), within=15)
        return self.fleets[-1]

    async def close(self) -> None:
        self.stop.set()
        await asyncio.wait_for(self._task, 10)


Follow = Callable[..., Follower]


@pytest.fixture
async def follow() -> AsyncIterator[Follow]:
    followers: list[Follower] = []

    def start(directory: Path, env: dict[str, str] | None = None, reread_s: float = 60) -> Follower:
        followers.append(Follower(Loader(directory, env or {}), reread_s))
        return followers[-1]

    yield start
    for follower in followers:
        await follower.close()


class TestWatching:
    async def test_first_fleet_comes_at_once_then_only_real_changes(
        self, tmp_path: Path, follow: Follow
    ) -> None:
        save(tmp_path / "a.yaml", good("A"))
        follower = follow(tmp_path)
        await follower.sees(lambda fleet: titles(fleet) == {"a": "A"})
        save(tmp_path / "a.yaml", good("A"))
        (tmp_path / "a.yaml").touch()
        (tmp_path / ".a.yaml.swp").write_text("x")
        (tmp_path / "a.yaml~").write_text("x")
        save(tmp_path / "a.yaml", good("A") + "# a comment changes nothing\n")
        save(tmp_path / "a.yaml", good("B"))
        await follower.sees(lambda fleet: titles(fleet) == {"a": "B"})
        assert [titles(fleet)["a"] for fleet in follower.fleets] == ["A", "B"]

    async def test_every_way_to_save(self, tmp_path: Path, follow: Follow) -> None:
        file = tmp_path / "a.yaml"
        follower = follow(tmp_path)
        await follower.sees(lambda fleet: not fleet.sites)
        file.write_text(good("New"))
        await follower.sees(lambda fleet: titles(fleet) == {"a": "New"})
        file.write_text(good("Inplace"))
        await follower.sees(lambda fleet: titles(fleet) == {"a": "Inplace"})
        file.rename(tmp_path / "a.yaml~")
        file.write_text(good("Backup"))
        await follower.sees(lambda fleet: titles(fleet) == {"a": "Backup"})
        save(file, good("Rename"))
        await follower.sees(lambda fleet: titles(fleet) == {"a": "Rename"})
        file.rename(tmp_path / "b.yaml")
        await follower.sees(lambda fleet: titles(fleet) == {"b": "Rename"})
        (tmp_path / "b.yaml").unlink()
        await follower.sees(lambda fleet: not fleet.sites)

    async def test_broken_file_is_told_and_forgotten(self, tmp_path: Path, follow: Follow) -> None:
        save(tmp_path / "a.yaml", good("A"))
        follower = follow(tmp_path)
        await follower.sees(lambda fleet: not fleet.problems)
        save(tmp_path / "a.yaml", "name: [")
        broken = await follower.sees(lambda fleet: bool(fleet.errors))
        assert titles(broken) == {"a": "A"}
        save(tmp_path / "a.yaml", good("A"))
        await follower.sees(lambda fleet: not fleet.problems)

    async def test_half_written_file_is_read_again(self, tmp_path: Path, follow: Follow) -> None:
        """A writer that pauses between its halves must not bring the half into force for long."""
        save(tmp_path / "a.yaml", good("A"))
        follower = follow(tmp_path)
        await follower.sees(lambda fleet: bool(fleet.sites))
        whole = good("Whole").encode()
        with (tmp_path / "a.yaml").open("wb") as file:
            for part in (whole[:20], whole[20:40], whole[40:]):
                file.write(part)
                file.flush()
                os.fsync(file.fileno())
        await follower.sees(lambda fleet: titles(fleet) == {"a": "Whole"} and not fleet.problems)
        assert all(fleet.sites for fleet in follower.fleets)

    async def test_swapped_links_of_a_mounted_volume(self, tmp_path: Path, follow: Follow) -> None:
        """As Kubernetes does it: ..data leads to a directory and is replaced by renaming."""
        mount = tmp_path / "mount"
        mount.mkdir()

        def swap(version: str) -> None:
            (mount / f"..{version}").mkdir()
            (mount / f"..{version}" / "a.yaml").write_text(good(version))
            (mount / "..data_tmp").symlink_to(f"..{version}")
            (mount / "..data_tmp").rename(mount / "..data")

        swap("V1")
        (mount / "a.yaml").symlink_to("..data/a.yaml")
        follower = follow(mount)
        for version in ("V1", "V2", "V3"):
            if version != "V1":
                swap(version)
            await follower.sees(lambda fleet, version=version: titles(fleet) == {"a": version})

    async def test_swapped_directory(self, tmp_path: Path, follow: Follow) -> None:
        """As releases are switched: the directory itself is a link."""
        for version in ("r1", "r2", "r3"):
            (tmp_path / version).mkdir()
            (tmp_path / version / "a.yaml").write_text(good(version))
        (tmp_path / "sites").symlink_to("r1")
        follower = follow(tmp_path / "sites")
        await follower.sees(lambda fleet: titles(fleet) == {"a": "r1"})
        for version in ("r2", "r3"):
            (tmp_path / "next").symlink_to(version)
            (tmp_path / "next").replace(tmp_path / "sites")
            await follower.sees(lambda fleet, version=version: titles(fleet) == {"a": version})
        save(tmp_path / "r3" / "a.yaml", good("later"))
        await follower.sees(lambda fleet: titles(fleet) == {"a": "later"})

    async def test_secret_files_are_followed(self, tmp_path: Path, follow: Follow) -> None:
        sites, secrets = tmp_path / "sites", tmp_path / "secrets"
        sites.mkdir()
        secrets.mkdir()
        (secrets / "key").write_text("one")
        save(sites / "a.yaml", good("A") + "media_server: {license: {file: ../secrets/key}}\n")
        follower = follow(sites)

        def key(fleet: Fleet) -> str:
            found = fleet.sites["a"].media_server.license
            return found.reveal() if found else ""

        await follower.sees(lambda fleet: key(fleet) == "one")
        save(secrets / "key", "two\n")
        await follower.sees(lambda fleet: key(fleet) == "two")
        (secrets / "key").unlink()
        broken = await follower.sees(lambda fleet: bool(fleet.errors))
        assert key(broken) == "two"
        (secrets / "key").write_text("three")
        await follower.sees(lambda fleet: key(fleet) == "three" and not fleet.errors)

    async def test_directory_may_come_later(self, tmp_path: Path, follow: Follow) -> None:
        follower = follow(tmp_path / "sites")
        await follower.sees(lambda fleet: bool(fleet.errors))
        (tmp_path / "sites").mkdir()
        save(tmp_path / "sites" / "a.yaml", good("A"))
        await follower.sees(lambda fleet: titles(fleet) == {"a": "A"} and not fleet.errors)

    async def test_what_the_kernel_does_not_tell_is_found(
        self, tmp_path: Path, follow: Follow
    ) -> None:
        """A variable has no file to watch: only the regular reading finds it."""
        env = {"KEY": "one"}
        save(tmp_path / "a.yaml", good("A") + "media_server: {license: {env: KEY}}\n")
        loader_env = env
        follower = follow(tmp_path, loader_env, reread_s=0.2)
        await follower.sees(lambda fleet: not fleet.errors)
        env["KEY"] = "two"
        await follower.sees(
            lambda fleet: (
                (found := fleet.sites["a"].media_server.license) is not None
                and found.reveal() == "two"
            )
        )

    async def test_many_writers_end_in_the_last_state(self, tmp_path: Path, follow: Follow) -> None:
        follower = follow(tmp_path)
        await follower.sees(lambda fleet: not fleet.sites)

        def write(worker: int) -> None:
            for number in range(20):
                save(tmp_path / f"w-{worker}.yaml", good(f"N{worker}x{number}"))

        threads = [threading.Thread(target=write, args=(worker,)) for worker in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            await asyncio.to_thread(thread.join)
        wanted = {f"w-{worker}": f"N{worker}x19" for worker in range(5)}
        await follower.sees(lambda fleet: titles(fleet) == wanted)
