"""Every mistake is told with its file, its line, its key and what to write instead."""

from pathlib import Path

import pytest

from gateway.config.load import load

CAMERA = "- {id: yard, name: Yard, onvif: 10.0.0.1}"
ENV = {"CAMERAS": "planted-1", "LICENSE": "planted-2", "LONG": "t" * 32}

SITE_PROBLEMS = {
    "no name": (f"cameras:\n  {CAMERA}\n", ("1: name: is missing; write for example name: "
                '{ru: "Ленина, 12", en: "Lenina 12"}')),
    "unknown key": ("name: A\ncameras:\n  - {id: a, name: A, rtps: 'rtsp://h/'}\n",
                    "3: cameras[0].rtps: is unknown; did you mean rtsp?"),
    "key of another place": (f"name: A\ncameras:\n  {CAMERA}\naddress: 10.0.0.1\n",
                             "4: address: does not belong here; write it as media_server.address"),
    "dash for underscore": ("name: A\ncameras: []\nmedia-server: {}\n",
                            "3: media-server: is unknown; did you mean media_server?"),
    "key twice": ("name: A\ncameras: []\nname: B\n",
                  "3: name: is written twice (first in line 1); keep one"),
    "tab": ("name: A\ncameras:\n\t- {id: a}\n", "3: file: is indented by a tab; use spaces"),
    "open quote": ('name: "A\ncameras: []\n', "1: file: a quote is opened and never closed"),
    "open bracket": ("name: A\ncameras: [\n",
                     "2: file: lacks a value here, or a bracket above is not closed"),
    "second colon": ("name: A: B\n", "1: file: has a second colon; quote the value"),
    "bad indentation": ("name: A\nviewing:\n  access: ticket\n sound: true\n",
                        "4: file: is indented unlike the lines above it"),
    "no colon": ("name: A\nenabled\n",
                 "2: file: is no key: value; write a colon and a space after the key"),
    "reserved character": ("name: @A\n", ("1: file: begins with a character that needs quotes; "
                           "quote the value")),
    "text only": ("hello\n", "1: file: must be a mapping of keys to values"),
    "empty": ("", "1: file: is empty; write at least name: and cameras:"),
    "comments only": ("# soon\n", "1: file: is empty; write at least name: and cameras:"),
    "two documents": ("name: A\n---\nname: B\n",
                      "2: file: a second document begins with ---; keep one per file"),
    "tag": ("name: !ru A\n", ("1: name: tags (!name) are not understood; quote a text that begins "
            "with !, and write a secret as {env: NAME} or {file: path}")),
    "merge": ("name: A\nviewing: {<<: {}}\n",
              "2: viewing: merging by << is not understood; write the keys out"),
    "enumeration": ("name: A\ncameras: []\nviewing: {access: tickets}\n",
                    "3: viewing.access: must be ticket, public or staff; did you mean ticket?"),
    "on-demand": ("name: A\ncameras:\n  - id: a\n    name: A\n    onvif: h\n    pull: on-demand\n",
                  "6: cameras[0].pull: must be always or on_demand; did you mean on_demand?"),
    "truth": ("name: A\nenabled: maybe\n", "2: enabled: must be true or false"),
    "number": ("name: A\nscaling: {max_servers: two}\n",
               "2: scaling.max_servers: must be a whole number; write for example 4"),
    "number too small": ("name: A\nscaling: {max_servers: 0}\n",
                         "2: scaling.max_servers: must be at least 1; write for example 4"),
    "follow": ("name: A\ndiscovery: {follow: chase}\n",
               "2: discovery.follow: must be tell, play or write"),
    "duration": ("name: A\nviewing: {max_watch: 10}\n", ("2: viewing.max_watch: must be a time "
                 "with its unit (s, m, h, d); write for example 10m")),
    "list": ("name: A\ndiscovery:\n  subnets: 10.0.0.0/24\n",
             "3: discovery.subnets: must be a list; write for example [10.12.0.0/24]"),
    "mapping": ("name: A\nviewing: [ticket]\n",
                "2: viewing: must be a mapping of keys to values"),
    "subnet with host": ("name: A\ndiscovery:\n  subnets: [10.0.0.5/24]\n",
                         ("3: discovery.subnets[0]: is an address inside a network; "
                         "write 10.0.0.0/24")),
    "subnet without size": ("name: A\ndiscovery:\n  subnets: [10.0.0.0]\n",
                            ("3: discovery.subnets[0]: lacks the size of the network; "
                            "write for example 10.12.0.0/24")),
    "whole internet": ("name: A\ndiscovery:\n  subnets: [0.0.0.0/0]\n",
                       ("3: discovery.subnets[0]: holds 4294967296 addresses, more than a survey "
                       "asks (4096); write the cameras' own networks")),
    "id of the file": (f"id: b\nname: A\ncameras:\n  {CAMERA}\n",
                       "1: id: differs from the file's name; write a or rename the file"),
    "id not kebab": ("name: A\ncameras:\n  - {id: Entrance_1, name: A, onvif: h}\n",
                     ("3: cameras[0].id: must be small letters, digits and dashes; "
                     "write entrance-1")),
    "id twice": (
        "name: A\ncameras:\n  - {id: a, name: A, onvif: h}\n  - {id: a, name: B, onvif: i}\n",
        "4: cameras[1].id: a is used twice; give each its own id"),
    "id of a low-resolution stream": (
        "name: A\ncameras:\n  - {id: a, name: A, onvif: h}\n  - {id: a-sub, name: B, onvif: i}\n",
        "4: cameras[1].id: a-sub is the name of the low-resolution stream of a; rename it"),
    "no address": ("name: A\ncameras:\n  - {id: a, name: A}\n", ("3: cameras[0]: a has no address; "
                   "write onvif: 10.12.0.21 or rtsp: rtsp://...")),
    "address twice": (
        ("name: A\ncameras:\n  - {id: a, name: A, rtsp: 'rtsp://H/x'}\n"
        "  - {id: b, name: B, rtsp: 'rtsp://h:554/x'}\n"),
        "4: cameras[1].rtsp: is the same address as that of a (rtsp); each stream has its own"),
    "outside the subnets": (
        ("name: A\ndiscovery: {subnets: [10.0.0.0/24]}\ncameras:\n"
        "  - {id: a, name: A, onvif: 10.0.1.1}\n"),
        ("4: cameras[0].onvif: is outside discovery.subnets, where the gateway contacts nobody; "
        "correct it or add its network there")),
    "password in an address": (
        "name: A\ncameras:\n  - {id: a, name: A, rtsp: 'rtsp://u:hunter2@h/'}\n",
        ("3: cameras[0].rtsp: holds a user or a password in clear; put them under credential: "
        "{username: ..., password: {env: NAME}}, and change the password")),
    "password with slash in an address": (
        "name: A\ncameras:\n  - {id: a, name: A, rtsp: 'rtsp://u:p/hunter2@h/'}\n",
        "3: cameras[0].rtsp: is no address; write for example rtsp://10.12.0.22:554/stream2"),
    "password in a path": (
        "name: A\ncameras:\n  - {id: a, name: A, rtsp: 'rtsp://h/user=a&password=hunter2'}\n",
        ("3: cameras[0].rtsp: holds a password in clear in its path; write the camera's onvif: "
        "address instead, or a path without login, and change the password")),
    "password in clear": (
        "name: A\ndiscovery:\n  credentials:\n    - username: v\n      password: hunter2\n",
        ("5: discovery.credentials[0].password: holds a secret in clear; write {env: NAME} or "
        "{file: path}, and change the secret: it was readable")),
    "secret for its name": (
        "name: A\ndiscovery: {credentials: [{username: v, password: {env: hunter2!}}]}\n",
        ("2: discovery.credentials[0].password: names no environment variable (capital letters, "
        "digits and _ only); write {env: NAME} with the variable's name, never the secret itself")),
    "secret as a key": (
        "name: A\ndiscovery: {credentials: [{username: v, password: {hunter2}}]}\n",
        ("2: discovery.credentials[0].password: is no reference to a secret; write {env: NAME} or "
        "{file: path}")),
    "secret as an alias": (
        "name: A\ndiscovery: {credentials: [{username: v, password: *hunter2 }]}\n",
        ("2: discovery.credentials[0].password: refers by * to something that is not defined "
        "above; quote a text that begins with *")),
    "secret as an anchor": (
        "name: A\nmedia_server:\n  license: &hunter2\n",
        None),
    "variable not set": (
        "name: A\nmedia_server:\n  license: {env: NOWHERE}\n",
        ("3: media_server.license: the environment variable NOWHERE is not set; set it for the "
        "gateway and start it again")),
    "secret file missing": (
        "name: A\nmedia_server:\n  license: {file: no/where}\n",
        "3: media_server.license: the file no/where cannot be read: it does not exist"),
    "user of nobody": (
        "name: A\ncameras:\n  - {id: a, name: A, onvif: h, credential: viewer}\n",
        ("3: cameras[0].credential: names no user of discovery.credentials; add it there or write "
        "{username: ..., password: {env: NAME}}")),
    "every website": ("name: A\nviewing: {allowed_origins: ['*']}\n",
                      ("2: viewing.allowed_origins[0]: names every website; name each one, like "
                      "https://uk.example.ru")),
    "origin with path": ("name: A\nviewing: {allowed_origins: ['https://a.ru/']}\n",
                         ("2: viewing.allowed_origins[0]: must end after the host; "
                         "write https://a.ru")),
    "control character": ('name: "A\\u0007"\n', ("1: name: holds a line break or a control "
                          "character; write it on one line")),
}  # fmt: skip


@pytest.mark.parametrize("case", SITE_PROBLEMS)
def test_problem_of_a_site(case: str, tmp_path: Path) -> None:
    text, expected = SITE_PROBLEMS[case]
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    fleet = load(tmp_path, ENV)
    told = [str(problem) for problem in fleet.errors]
    assert told == ([] if expected is None else [f"a.yaml:{expected}"])
    assert "hunter2" not in str(fleet)
    assert ("a" in fleet.unreadable) == (expected is not None)


LAN = """\
media_servers:
  runtime: docker
  image: wcs:1
  network:
    parent: eth0
    subnet: 192.168.23.0/24
    gateway: 192.168.23.1
    ip_range: {ip_range}
    {more}
"""
RANGE = "8: media_servers.network.ip_range: "


def lan(ip_range: str = "192.168.23.96/27", more: str = "") -> str:
    return LAN.format(ip_range=ip_range, more=more)


COMPANY_PROBLEMS = {
    "misaligned range": (
        lan("192.168.23.100/27"),
        [RANGE + "192.168.23.100/27 does not begin at its boundary, and Docker takes "
         "192.168.23.96-192.168.23.127; write 192.168.23.96/27 (192.168.23.96-192.168.23.127) or "
         "192.168.23.128/27 (192.168.23.128-192.168.23.159)"]),
    "range outside": (
        lan("192.168.24.0/27"),
        [RANGE + "(192.168.24.0-192.168.24.31) is not inside subnet 192.168.23.0/24"]),
    "router inside the range": (
        lan("192.168.23.0/27"),
        [("7: media_servers.network.gateway: is inside ip_range (192.168.23.0-192.168.23.31): a "
         "media server would get the same address; choose a range without it")]),
    "machine inside the range": (
        lan() + "listen: 192.168.23.100:8080\n",
        [RANGE + "(192.168.23.96-192.168.23.127) holds 192.168.23.100, this machine's own address: "
         "a media server would get the same address; choose a range without it"]),
    "DHCP overlap": (
        lan(more="dhcp_range: 192.168.23.50-192.168.23.99"),
        [RANGE + "(192.168.23.96-192.168.23.127, as Docker takes it) overlaps dhcp_range "
         "192.168.23.50-192.168.23.99: two devices would get one address; write a range that the "
         "DHCP server does not use"]),
    "no parent, no subnet, no image": (
        "media_servers: {runtime: docker}\n",
        [("1: media_servers.image: is missing for docker; write image: "
         "flashphoner/webcallserver:5.2.2124"),
         "1: media_servers.network.parent: is missing for ipvlan; write parent: enp0s3",
         "1: media_servers.network.subnet: is missing for ipvlan; write subnet: 192.168.23.0/24"]),
    "image without version": (
        lan().replace("wcs:1", "registry:5000/wcs"),
        [("3: media_servers.image: names no fixed version, so a restart may bring another "
         "one; write its tag")]),
    "published ports": (
        "media_servers:\n  runtime: docker\n  image: wcs:1\n  network: {driver: bridge}\n",
        [("1: media_servers.media_ports: warning: bridge publishes 1000 ports of a WCS one by "
         "one (one of an embedded server), about 20 s per start (20 ms a port); write "
         "at most 300 ports, for example 31001-31300, or driver: ipvlan")]),
    "host network and our port": (
        "media_servers:\n  runtime: docker\n  image: wcs:1\n  network: {driver: host}\n",
        [("1: listen: port 8080 is also one of a media server on the host's network; write another "
         "one, for example 8090")]),
    "listen": ("listen: 8080\n", [("1: listen: is no address to listen on; write host:port, for "
                                  "example 0.0.0.0:8080 or [::]:8080")]),
    "ports": ("media_servers: {media_ports: 32000-31001}\n",
              [("1: media_servers.media_ports: must go up and stay within 1024-65535; "
               "write for example 31001-32000")]),
    "memory": ("media_servers: {limits: {memory: 2048}}\n",
               [("1: media_servers.limits.memory: must be a size with its unit (k, m, g); "
                "write for example 2g")]),
    "short key": ("tickets: {secret: {env: CAMERAS}}\n",
                  [("1: tickets.secret: env:CAMERAS is shorter than 32 bytes; make one by "
                   "`openssl rand -hex 32`")]),
    "probing": ("probing: {every: 10m}\n",
                [("1: probing.every: must be never or a time of an hour at least; "
                 "write for example 24h")]),
    "TURN without user": ("ice_servers: [{urls: 'turn:h:3478'}]\n",
                          ["1: ice_servers[0]: a TURN server needs username: and credential:"]),
    "several at once": (
        "listen: x\ndata: y\nstaff_token: hunter2\n",
        ["1: listen: lacks the port; write host:port, for example 0.0.0.0:8080 or [::]:8080",
         "2: data: is unknown; did you mean data_dir?",
         ("3: staff_token: holds a secret in clear; write {env: NAME} or {file: path}, and change "
         "the secret: it was readable")]),
}  # fmt: skip


@pytest.mark.parametrize("case", COMPANY_PROBLEMS)
def test_problem_of_the_company(case: str, tmp_path: Path) -> None:
    text, expected = COMPANY_PROBLEMS[case]
    (tmp_path / "gateway.yaml").write_text(text, encoding="utf-8")
    fleet = load(tmp_path, ENV)
    assert [str(problem) for problem in fleet.problems] == [f"gateway.yaml:{e}" for e in expected]
    assert "hunter2" not in str(fleet)
    assert fleet.settled == all(": warning: " in line for line in expected)


def site(address: str = "", licence: str = "", camera: str = "", more: str = "") -> str:
    lines = ["name: A", "media_server:"]
    lines += [f"  address: {address}"] if address else []
    lines += [f"  license: {{env: {licence}}}"] if licence else []
    return "\n".join([*lines, "cameras:", f"  - {camera or '{id: x, name: X, onvif: h}'}", more])


FLEET_PROBLEMS = {
    "address outside the subnet": (
        {"gateway": lan(), "a": site("10.0.0.1")},
        [("a.yaml:3: media_server.address: is not inside the media servers' subnet "
         "192.168.23.0/24")]),
    "address outside the range": (
        {"gateway": lan(), "a": site("192.168.23.95")},
        [("a.yaml:3: media_server.address: is not inside ip_range (192.168.23.96-192.168.23.127); "
         "write one of these")]),
    "address of the router": (
        {"gateway": lan(), "a": site("192.168.23.1")},
        ["a.yaml:3: media_server.address: is the address of the network's router; write another"]),
    "address twice": (
        {"gateway": lan(), "a": site("192.168.23.100"), "b": site("192.168.23.100", camera="{id: y"
         ", name: Y, onvif: i}")},
        [("b.yaml:3: media_server.address: 192.168.23.100 is also the address of a.yaml; give this "
         "site a free one")]),
    "one licence, two names for it": (
        {"a": site(licence="LICENSE"), "b": site(licence="SAME", camera="{id: y, name: Y, "
         "onvif: i}")},
        [("b.yaml:3: media_server.license: is the same licence key as that of a.yaml; every "
         "building needs a key of its own")]),
    "one stream name": (
        {"a": site(camera="{id: b-c, name: X, onvif: h}"), "a-b": site(camera="{id: c, name: Y, "
         "onvif: i}")},
        ["a-b.yaml:4: cameras[0].id: its stream a-b-c is also one of a.yaml; rename this camera",
         ("a-b.yaml:4: cameras[0].id: its stream a-b-c-sub is also one of a.yaml; rename this "
         "camera")]),
    "one camera in two buildings": (
        {"a": site(), "b": site()},
        [("b.yaml:4: cameras[0].onvif: warning: is also a camera of a.yaml; remove it from one of "
         "the two")]),
    "networks overlap": (
        {"a": site(more="discovery: {subnets: [10.0.0.0/24]}"),
         "b": site(camera="{id: y, name: Y, onvif: i}",
                   more="discovery: {subnets: [10.1.0.0/24, 10.0.0.128/25]}")},
        [("b.yaml:5: discovery.subnets[1]: warning: overlaps a network of a.yaml on the same "
         "interface")]),
    "too few ports": (
        {"gateway": "media_servers: {media_ports: 31001-31001}\n", "a": site(),
         "b": site(camera="{id: y, name: Y, onvif: i}")},
        [("gateway.yaml:1: media_servers.media_ports: warning: holds 1 ports and the sites may "
         "need 2, one per media server")]),
    "host network, two buildings": (
        {"gateway": "listen: 127.0.0.1:8090\nmedia_servers:\n  runtime: docker\n  image: w:1\n"
         "  network: {driver: host}\n", "a": site(), "b": site(camera="{id: y, name: Y, onvif: i}"
         )},
        [("gateway.yaml:5: media_servers.network.driver: warning: on the host's network 2 WCS "
         "servers want the same command-line port (2001) and their control ports are open to the "
         "LAN (the embedded server's are not); write driver: ipvlan")]),
    "no camera": (
        {"a": "name: A\ncameras: []\n"},
        ["a.yaml:2: cameras: warning: the site has no camera yet; register one"]),
}  # fmt: skip


@pytest.mark.parametrize("case", FLEET_PROBLEMS)
def test_problem_between_files(case: str, tmp_path: Path) -> None:
    files, expected = FLEET_PROBLEMS[case]
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    fleet = load(tmp_path, {**ENV, "SAME": ENV["LICENSE"]})
    assert [str(problem) for problem in fleet.problems] == expected
    assert "planted" not in str(fleet)
    refused = {line.partition(".")[0] for line in expected if ": warning: " not in line}
    assert fleet.unreadable == refused
    assert set(fleet.sites) == set(files) - refused - {"gateway"}


def test_same_camera_address_behind_different_interfaces_is_another_camera(tmp_path: Path) -> None:
    for name, interface in (("a", "eth1.12"), ("b", "eth1.13")):
        text = site(more=f"discovery: {{interface: {interface}, subnets: [10.0.0.0/24]}}")
        (tmp_path / f"{name}.yaml").write_text(text)
    assert load(tmp_path, {}).problems == ()


def test_files_that_are_no_configuration(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"name: \xff\n")
    (tmp_path / "b.yaml").write_bytes("name: A\n".encode("utf-16"))
    (tmp_path / "c.yaml").write_bytes(b"# " + b"x" * 1_000_001)
    (tmp_path / "d.yaml").symlink_to("d.yaml")
    (tmp_path / "e.yaml").mkdir()
    (tmp_path / "f.yml").write_text("name: A\n")
    (tmp_path / "Lenina 12.yaml").write_text("name: A\n")
    for ignored in (".g.yaml", "h.yaml~", "i.yaml.swp", "README.md", "#j.yaml#"):
        (tmp_path / ignored).write_text("{")
    fleet = load(tmp_path, {})
    assert [str(problem) for problem in fleet.problems] == [
        (
            "Lenina 12.yaml: is not read, because a site's file is named by small letters, "
            "digits and dashes; rename it to lenina-12.yaml"
        ),
        (
            "f.yml: warning: is not read, because a site's file is named by small letters, "
            "digits and dashes; rename it to f.yaml"
        ),
        "a.yaml:1: file: is not UTF-8 text; save it as UTF-8",
        "b.yaml:1: file: is UTF-16; save it as UTF-8",
        "c.yaml: cannot be read: it is too large",
        "d.yaml: cannot be read: it is a link that leads back to itself",
        "e.yaml: cannot be read: it is a directory",
    ]


def test_secrets_come_from_variables_and_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file\n")
    (tmp_path / "a.yaml").write_text(
        "name: A\nmedia_server: {license: {file: secret}}\ndiscovery:\n"
        "  credentials: [{username: v, password: {env: CAMERAS}}]\n"
        "cameras:\n  - {id: x, name: X, onvif: h}\n"
    )
    loaded = load(tmp_path, ENV).sites["a"]
    assert loaded.media_server.license is not None
    assert loaded.media_server.license.reveal() == "from a file"
    credential = loaded.cameras[0].credential
    assert credential is not None
    assert (credential.reference, credential.password.reveal()) == ("env:CAMERAS", "planted-1")


def test_directory_that_is_not_there(tmp_path: Path) -> None:
    fleet = load(tmp_path / "nowhere", {})
    assert [str(problem) for problem in fleet.problems] == [
        "nowhere: the directory cannot be read: it does not exist"
    ]
    assert not fleet.settled
