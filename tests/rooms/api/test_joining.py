"""The scripts that pages begin with, joined to one."""

import asyncio
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.api.assets import Assets
from gateway.api.joining import ENTRIES, joined

WEB = Path(__file__).parents[3] / "web"


def run(files: dict[str, str], entry: str = "js/a.js") -> str:
    """Join modules and run them; return what they say."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    source = joined(entry, files.__getitem__)
    done = subprocess.run(
        [node, "--input-type=module", "-"],
        input=source,
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    return done.stdout.strip()


def test_modules_keep_their_own_names() -> None:
    files = {
        "js/a.js": (
            'import { one as first, Two } from "./b.js";\n'
            'import {\n  one,\n} from "./deep/c.js";\n'
            'import "./side.js";\n'
            "const kept = 1;\n"
            "console.log(kept, first(), new Two().name, one());\n"
        ),
        "js/b.js": (
            'import { KEPT } from "./deep/c.js";\n'
            "/** Says `export function none` to its reader. */\n"
            "const kept = KEPT + 1;\n"
            "export function one() { return kept; }\n"
            'export class Two { name = "two"; }\n'
        ),
        "js/deep/c.js": (
            "export const KEPT = await Promise.resolve(40);\nexport async function one() {}\n"
        ),
        "js/side.js": 'console.log("a side effect");\n',
    }
    assert run(files) == "a side effect\n1 41 two Promise { undefined }"


def test_addresses_are_those_of_the_modules() -> None:
    files = {
        "player.js": 'import { own, more } from "./js/deep/c.js";\n',
        "js/deep/c.js": (
            "export const own = import.meta.url;\n"
            'export const more = () => import("../later.js");\n'
        ),
    }
    source = joined("player.js", files.__getitem__)
    assert 'new URL("./js/deep/c.js", import.meta.url).href' in source
    assert 'import("./js/later.js")' in source


@pytest.mark.parametrize(
    "source",
    [
        'import all from "./b.js";\n',
        'import * as all from "./b.js";\n',
        'import { x } from "https://elsewhere.example/x.js";\n',
        'export { x } from "./b.js";\n',
        "export default 1;\n",
        'import "./a.js";\n',
    ],
)
def test_what_is_not_understood_is_not_joined(source: str) -> None:
    with pytest.raises(ValueError, match=r"js/a\.js"):
        joined("js/a.js", {"js/a.js": source, "js/b.js": ""}.__getitem__)


def test_every_beginning_is_joined() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in WEB.glob("*.html"))
    named = set(re.findall(r'<script type="module" src="/assets/([^"]+)"', pages))
    for path in WEB.rglob("*.js"):
        for later in re.findall(r'\bimport\("(\.[^"]+\.js)"\)\.?;?', path.read_text("utf-8")):
            source = path.read_text("utf-8")
            if f'await import("{later}")' in source or f'void import("{later}")' in source:
                named.add(os.path.relpath(path.parent / later, WEB))
    assert named | {"player.js"} == ENTRIES
    for entry in ENTRIES:
        body = asyncio.run(Assets(WEB).get(entry)).body.decode()
        assert not re.search(r"^import\b", body, re.MULTILINE), entry
        exported = re.compile(r"^export (?:async )?(?:class|function|const) (\w+)", re.MULTILINE)
        assert exported.findall(body) == exported.findall((WEB / entry).read_text("utf-8"))


async def test_a_change_of_any_part_is_served(tmp_path: Path) -> None:
    (tmp_path / "js").mkdir()
    main, part = tmp_path / "js/watch.js", tmp_path / "js/part.js"
    main.write_text('import { x } from "./part.js";\nconsole.log(x);\n')
    part.write_text("export const x = 1;\n")
    assets = Assets(tmp_path)
    first = await assets.get("js/watch.js")
    assert await assets.get("js/watch.js") is first
    part.write_text("export const x = 1 + 1;\n")
    second = await assets.get("js/watch.js")
    assert b"1 + 1" in second.body
    assert first.tag != second.tag
    part.unlink()
    assert (await assets.get("js/watch.js")).body == main.read_bytes(), "the browser tells more"
