"""Joins the scripts that a page begins with to one, as they are served.

On a phone's network each request costs a sixth of a second and, over HTTP/1.1, waits for one of
six connections; twenty small modules are four such waits. The sources stay as they are: plain
modules that a browser also loads one by one. A module becomes a function that returns what it
exports, in the order in which the imports ask for it.

Only what our own modules use is understood: ``import {...} from``, ``import "..."`` and exported
declarations. Anything else raises ValueError, and the module is served as it stands.
"""

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

ENTRIES: Final = frozenset(
    {
        "player.js",
        "js/embed.js",
        "js/index.js",
        "js/watch.js",
        "js/demo.js",
        "js/player/large.js",
        "js/console/main.js",
        "js/developer/docs.js",
        "js/developer/preview.js",
    }
)
"""The scripts that pages name, and those that are loaded when somebody first needs them."""

_IMPORT: Final = re.compile(
    r'^import\s+(?:\{([^}]*)\}\s+from\s+)?"([^"]+)";[^\S\n]*\n', re.MULTILINE
)
_EXPORT: Final = re.compile(
    r"^export (?=(?:async function|function|class|const) +([A-Za-z_$][\w$]*))", re.MULTILINE
)
_LATER: Final = re.compile(r'\bimport\("([^"]+)"\)')
_LEFT: Final = re.compile(r"^(?:import|export)\b", re.MULTILINE)
_WAITS: Final = re.compile(r"^\S.*\bawait\b", re.MULTILINE)
_COMMENT: Final = re.compile(r"^[ \t]*(?:/\*\*(?:[^*]|\*(?!/))*\*/|//[^\n]*)[ \t]*\n", re.MULTILINE)


@dataclass(slots=True)
class _Joined:
    entry: str
    read: Callable[[str], str]
    numbers: dict[str, int] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    def add(self, name: str) -> int:
        """Add a module after what it imports; return its number."""
        if name in self.open:
            raise ValueError(f"{name} imports itself")
        if name not in self.numbers:
            self.open.append(name)
            piece = self._function(name)
            self.open.pop()
            self.numbers[name] = len(self.pieces)
            self.pieces.append(piece)
        return self.numbers[name]

    def _function(self, name: str) -> str:
        source = _COMMENT.sub("", self.read(name))
        names: list[str] = _EXPORT.findall(source)
        source = _IMPORT.sub(lambda found: self._imported(name, found), source)
        bare = _EXPORT.sub("", source)
        if _LEFT.search(bare):
            raise ValueError(f"{name} imports or exports in a way that is not known")
        # What the entry exports is for whoever loads it later.
        source = source if name == self.entry else bare
        source = _LATER.sub(lambda found: f'import("{self._from_entry(name, found[1])}")', source)
        own = f'{{ url: new URL("{self._from_entry(name)}", import.meta.url).href }}'
        source = source.replace("import.meta", f"({own})") if "import.meta" in source else source
        if name == self.entry:
            return source
        begin = "await (async () => {" if _WAITS.search(source) else "(() => {"
        end = "return { " + ", ".join(names) + " };\n})();\n"
        return f"const $0 = {begin}\n{source}{end}"

    def _imported(self, name: str, found: re.Match[str]) -> str:
        number = self.add(_resolved(name, found[2]))
        if found[1] is None:
            return ""
        names = re.sub(r"\s+as\s+", ": ", found[1].strip().rstrip(","))
        return f"const {{ {names} }} = $module{number};\n"

    def _from_entry(self, name: str, path: str = "") -> str:
        """Return the address of what a module calls ``path`` (itself), as the entry has to."""
        target = _resolved(name, path) if path else name
        return "./" + posixpath.relpath(target, posixpath.dirname(self.entry) or ".")


def joined(entry: str, read: Callable[[str], str]) -> str:
    """Return one module that does what ``entry`` and all that it imports do.

    ``read`` gives the source of a module by its name below the web directory. Raises ValueError
    for what is not understood, and whatever ``read`` raises.
    """
    whole = _Joined(entry, read)
    whole.add(entry)
    return "".join(
        piece.replace("const $0 = ", f"const $module{number} = ", 1)
        for number, piece in enumerate(whole.pieces)
    )


def _resolved(name: str, path: str) -> str:
    """Return the name of what a module imports as ``./x.js`` or ``../x.js``."""
    if not path.startswith(("./", "../")):
        raise ValueError(f"{name} imports {path}, which is none of ours")
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
