"""Every input that was ever worth keeping still ends as the parser promises."""

from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_ends_as_promised(name: str) -> None:
    kept = sorted((CORPUS / name).iterdir())
    assert kept
    for path in kept:
        TARGETS[name](path.read_bytes())
    for short in (b"", b"\0", b"\xff" * 3, bytes(range(256))):
        TARGETS[name](short)
