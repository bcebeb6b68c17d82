"""The command line on the bpy module: ``python -m gpt_image_addon [--online-mode] [--blend FILE] VERB …``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main(argv: list[str]) -> int:
    """Open the file, set Blender's switch for online access, run the command."""
    own = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    own.add_argument("--online-mode", action="store_true")
    own.add_argument("--blend", type=Path)
    options, rest = _leading(own, argv)
    import bpy

    from . import cli
    from .cli.common import PROGRAM
    from .core.errors import ExitCode

    if options.online_mode:
        bpy.context.preferences.system.use_online_access = True
    if options.blend is not None:
        if not options.blend.is_file():
            print(f"{PROGRAM}: {options.blend} does not exist", file=sys.stderr)
            return int(ExitCode.USAGE)
        bpy.ops.wm.open_mainfile(filepath=str(options.blend.absolute()))
    return cli.run(rest)


def _leading(own: argparse.ArgumentParser, argv: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Our flags stand before the verb; what follows belongs to it."""
    taken: list[str] = []
    rest = list(argv)
    while rest and rest[0].split("=")[0] in ("--online-mode", "--blend"):
        count = 2 if rest[0] == "--blend" else 1
        taken += rest[:count]
        rest = rest[count:]
    return own.parse_args(taken), rest


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
