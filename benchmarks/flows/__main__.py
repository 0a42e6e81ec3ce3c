"""``python -m benchmarks.flows``: what resolved sessions teach."""

from __future__ import annotations

import argparse

from benchmarks.flows import budget, crash, dialogues, scenarios

PARTS = {"scenarios": scenarios, "dialogues": dialogues, "budget": budget, "crash": crash}


def main() -> None:
    """Run one measurement."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flows", description=__doc__)
    parts = parser.add_subparsers(dest="part", required=True)
    for name, part in PARTS.items():
        part.add_arguments(parts.add_parser(name, help=part.__doc__))
    arguments = parser.parse_args()
    PARTS[arguments.part].main(arguments)


if __name__ == "__main__":
    main()
