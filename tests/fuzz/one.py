"""One target in this process, for libFuzzer: ``python -m tests.fuzz.one TARGET [libFuzzer's]``."""

import sys

import atheris

with atheris.instrument_imports(include=["gateway"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Hand over to libFuzzer; it ends the process."""
    name, *rest = sys.argv[1:]
    atheris.Setup([sys.argv[0], *rest], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
