"""Command line: ``python -m benchmarks COMMAND``.

A command is a module of this package with `add_arguments(parser)` and `run(args)`;
list it in `COMMANDS`.
"""

import argparse
import sys

from . import classifier_defaults, evidence, l21, reml, sharing, speed

COMMANDS = {
    "classifier_defaults": classifier_defaults,
    "evidence": evidence,
    "l21": l21,
    "reml": reml,
    "sharing": sharing,
    "speed": speed,
}


def main(argv: list[str] | None = None) -> int:
    """Parse the command line and run the command.

    Parameters
    ----------
    argv : list of str, default=None
        Arguments; None takes those of the process.

    Returns
    -------
    int
        Exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in COMMANDS.items():
        summary = module.__doc__.splitlines()[0]
        module.add_arguments(
            commands.add_parser(name, help=summary, description=summary)
        )
    args = parser.parse_args(argv)
    return COMMANDS[args.command].run(args)


if __name__ == "__main__":
    sys.exit(main())
