"""The files that are shipped in sites/ are right, and their README says every key."""

import re
from pathlib import Path

import pytest
import yaml

from gateway.config.load import load
from gateway.config.schema import KeyInfo, Kind, json_schema_text, keys

SITES = Path(__file__).parents[2] / "sites"
ROW = re.compile(r"^\| `([^`]+)` \| (.+?) \| (.*?) ?\| (.*?) ?\|$", re.MULTILINE)


def rows(kind: Kind) -> dict[str, tuple[str, str, str]]:
    """Return the README's table: meaning, default and example by key."""
    text = (SITES / "README.md").read_text(encoding="utf-8")
    heading = "## gateway.yaml" if kind == "gateway" else "## <site>.yaml"
    section = text.partition(heading)[2].partition("\n## ")[0]
    return {path: (meaning, default, example) for path, meaning, default, example in
            ROW.findall(section)}  # fmt: skip


def shown_default(kind: Kind, key: KeyInfo) -> str:
    if key.required:
        return "required"
    if kind == "site" and key.path.startswith("scaling."):
        return "the company's"
    return f"`{key.default}`" if key.default else ""


@pytest.mark.parametrize("kind", ["gateway", "site"])
def test_readme_and_schema_have_the_same_keys(kind: Kind) -> None:
    assert list(rows(kind)) == [key.path for key in keys(kind)]


@pytest.mark.parametrize("kind", ["gateway", "site"])
def test_readme_shows_the_schemas_meanings_defaults_and_examples(kind: Kind) -> None:
    written = rows(kind)
    for key in keys(kind):
        example = f"`{key.example}`" if key.example else ""
        assert written[key.path] == (key.description, shown_default(kind, key), example), key.path


@pytest.mark.parametrize("kind", ["gateway", "site"])
def test_every_key_has_one_sentence_and_every_value_an_example(kind: Kind) -> None:
    for key in keys(kind):
        assert key.description.endswith("."), key.path
        assert "\n" not in key.description, key.path
        assert key.example or key.group, key.path


@pytest.mark.parametrize("kind", ["gateway", "site"])
def test_schema_for_editors_is_fresh(kind: Kind) -> None:
    kept = (SITES / "schema" / f"{kind}.json").read_text(encoding="utf-8")
    assert kept == json_schema_text(kind), f"python -m gateway.config.schema {kind} > the file"


def test_shipped_directory_starts_without_a_problem() -> None:
    fleet = load(SITES, {})
    assert fleet.problems == ()
    assert fleet.settled
    assert not fleet.sites


def test_shipped_gateway_file_shows_the_defaults(tmp_path: Path) -> None:
    assert load(SITES, {}).settings == load(tmp_path, {}).settings


def test_example_building_is_copyable(tmp_path: Path) -> None:
    (tmp_path / "gateway.yaml").write_bytes((SITES / "gateway.yaml").read_bytes())
    example = (SITES / "lenina-12.yaml.example").read_bytes()
    (tmp_path / "lenina-12.yaml").write_bytes(example)
    fleet = load(tmp_path, {"CAMERAS_LENINA_12": "planted"})
    assert fleet.problems == ()
    assert len(fleet.sites["lenina-12"].cameras) == 2


def test_commented_keys_of_the_gateway_file_are_right(tmp_path: Path) -> None:
    text = (SITES / "gateway.yaml").read_text(encoding="utf-8")
    lines = [
        re.sub(r"^( *)# (?! )(?=(?:public_url|image|engine|network|limits|tickets|staff_token"
               r"|ice_servers):)|^( *)# (?=  )", r"\1\2", line)
        for line in text.splitlines()
    ]  # fmt: skip
    data = yaml.safe_load("\n".join(lines))
    assert set(data["media_servers"]["network"]) >= {"driver", "parent", "subnet", "ip_range"}
    (tmp_path / "gateway.yaml").write_text("\n".join(lines), encoding="utf-8")
    secrets = {"TICKET_SECRET": "t" * 32, "GATEWAY_STAFF_TOKEN": "s" * 32, "TURN_PASSWORD": "p"}
    fleet = load(tmp_path, secrets)
    assert fleet.problems == ()
    assert fleet.settings.ticket_secret is not None
    assert fleet.settings.ice_servers[0].credential is not None
