"""The command line on the bpy module: ``python -m gpt_image_addon [--online-mode] [--blend FILE] VERB …``."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path


def main(argv: list[str]) -> int:
    """Open the file, set Blender's switch for online access, run the command."""
    own = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    own.add_argument("--online-mode", action="store_true")
    own.add_argument("--blend", type=Path)
    options, rest = _leading(own, argv)
    # Before Blender opens anything: standard streams that are closed must not become its files.
    from .core.common import streams

    streams.open_missing()
    if rest[:1] == ["mcp"]:
        streams.take_output()
    # Blender's own scripts would swallow a KeyboardInterrupt while they are loaded; so the process ends.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    import bpy

    from . import cli

    if options.online_mode:
        bpy.context.preferences.system.use_online_access = True
    if options.blend is not None:
        if not options.blend.is_file():
            return cli.refuse(rest, f"{options.blend} does not exist")
        try:
            bpy.ops.wm.open_mainfile(filepath=str(options.blend.absolute()))
        except RuntimeError as error:
            return cli.refuse(rest, f"{options.blend} can't be opened: {str(error).strip()}")
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
