"""Whatever bytes a file holds, loading answers with a fleet, in time, and repeats no secret."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.load import load
from gateway.config.schema import keys

pytestmark = pytest.mark.slow

words = st.sampled_from([key.path.rpartition(".")[2] for key in keys("site") + keys("gateway")])
leaves: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        ["10.0.0.0/24", "rtsp://h/", "10.0.0.1", "::1", "[::1]:80", "1-2", "a", "0.0.0.0/0", "10m",
         "2g", "http://[", "rtsp://[::1", "turn:h", "192.168.1.5/27"]
    ),
)  # fmt: skip
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(words, st.text(max_size=5)), inner)
    ),
    max_leaves=30,
)


def loads(directory: Path, content: bytes) -> None:
    for name in ("a.yaml", "gateway.yaml"):
        (directory / name).write_bytes(content)
    fleet = load(directory, {"A": "x" * 40})
    assert ("a" in fleet.sites) != ("a" in fleet.unreadable)
    assert ("a" in fleet.unreadable) <= bool(fleet.errors)
    for problem in fleet.problems:
        assert problem.file in ("a.yaml", "gateway.yaml")
        assert problem.line <= content.count(b"\n") + content.count(b"\r") + 10
        assert problem.message
        assert "\n" not in problem.message


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@given(content=st.binary(max_size=300))
def test_any_bytes(content: bytes, directory: Path) -> None:
    loads(directory, content)


@given(content=st.text(alphabet="ab:-{}[]\"'|>&*!%#@, \n\t?é\u2028\ufeff0", max_size=60))
def test_any_text_of_yaml_characters(content: str, directory: Path) -> None:
    loads(directory, content.encode())


@given(data=trees)
def test_any_tree_of_known_words(data: object, directory: Path) -> None:
    loads(directory, yaml.safe_dump(data, allow_unicode=True).encode("utf-8", "replace"))


BOMBS = {
    "depth": b"[" * 500_000,
    "depth of blocks": b"- " * 400_000,
    "width": b"cameras: [" + b"a," * 400_000 + b"]",
    "keys": b"".join(b"k%d:\n" % number for number in range(120_000)),
    "unknown keys": b"".join(b"k%d: 1\n" % number for number in range(10_000)),
    "aliases": b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(
        b"%c: &%c [%s]\n" % (letter + 1, letter + 1, b",".join([b"*%c" % letter] * 9))
        for letter in range(ord("a"), ord("l"))
    ),
    "alias of itself": b"a: &a [*a]\n",
    "text": b"name: " + b"x" * 900_000,
    "quotes": b"name: '" + b"''" * 400_000 + b"'",
    "line breaks": b"\n" * 900_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
@pytest.mark.timeout(20)
def test_bomb_ends_in_a_problem(bomb: str, directory: Path) -> None:
    (directory / "gateway.yaml").unlink(missing_ok=True)
    (directory / "a.yaml").write_bytes(BOMBS[bomb])
    fleet = load(directory, {})
    assert fleet.errors
    assert len(fleet.problems) < 60
    assert all(len(problem.message) < 500 for problem in fleet.problems)


@given(secret=st.text(alphabet="abcXYZ0189!*&%@#:{}[]'\"|>,-? ", min_size=8, max_size=20))
def test_secret_written_in_clear_is_never_repeated(secret: str, directory: Path) -> None:
    marked = f"Pa55{secret}w0rd"
    for where in (
        f"discovery: {{credentials: [{{username: v, password: {marked}}}]}}",
        f"discovery:\n  credentials:\n    - username: v\n      password: {marked}",
        f"media_server: {{license: {marked}}}",
        f"media_server:\n  license: {{env: {marked}}}",
        f"cameras:\n  - {{id: a, name: A, rtsp: rtsp://u:{marked}@h/}}",
        f"cameras:\n  - id: a\n    name: A\n    rtsp: rtsp://u:{marked}@h/x",
    ):
        (directory / "gateway.yaml").unlink(missing_ok=True)
        (directory / "a.yaml").write_text(f"name: A\n{where}\n", encoding="utf-8")
        told = "\n".join(problem.message for problem in load(directory, {}).problems)
        assert secret.strip() not in told or len(secret.strip()) < 4
