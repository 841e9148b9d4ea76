"""`python -m compiler` and `amlc`: the same program. `--version` answers before anything else is loaded."""

from __future__ import annotations

import sys


def main() -> int:
    if sys.argv[1:] in (["--version"], ["-V"]):
        from compiler.version import VERSION

        sys.stdout.write(f"amlc {VERSION}\n")
        return 0
    import gc

    gc.disable()  # what a short command makes, it needs to the end; `run`, which goes on, turns it on again
    from compiler.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
