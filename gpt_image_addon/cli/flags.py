"""The flags that the table of parameters makes, and the values that were given with them."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from ..core.request.parameters import PARAMETERS, Group, Parameter
from ..core.request.providers import PROVIDERS, list_settings
from ..core.request.targets import TARGETS

TITLES: Mapping[Group, str] = {
    "result": "what becomes of it",
    "maps": "maps and materials",
    "projection": "painting a model",
    "drawing": "curves of a drawing",
    "sprite": "frames of a sprite",
    "world": "a world",
    "decal": "a decal",
    "references": "images to show the model",
    "api": "the API's own parameters",
}
"""Of the groups in a verb's help, in their order."""


def words(text: str) -> list[str]:
    """What is separated by commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


_OWN: Mapping[str, dict[str, Any]] = {
    "target": {"choices": TARGETS, "default": PARAMETERS["target"].default},
    "provider": {"choices": PROVIDERS},
}
"""Options of flags that their rows do not tell."""


def add_request(verb: argparse.ArgumentParser) -> None:
    """The flags of a request and what becomes of its result."""
    for group, title in TITLES.items():
        flags = verb.add_argument_group(title)
        for row in PARAMETERS.values():
            if row.flag is not None and row.flag.group == group:
                add_flag(flags, row)


def add_money(verb: argparse.ArgumentParser, *, can_reuse: bool = False) -> None:
    """Add the flags of a verb that sends, which say what it may cost.

    :param can_reuse: whether stored results of equal requests may be used.
    """
    group = verb.add_argument_group("money")
    group.add_argument(
        "--max-cost",
        type=float,
        metavar="USD",
        help="send nothing if all of it could cost more; default: $GPT_IMAGE_MAX_COST_USD, "
        "or 1.00 for each request in background",
    )
    group.add_argument("--dry-run", action="store_true", help="check and price it; send and write nothing")
    if can_reuse:
        group.add_argument(
            "--reuse",
            action="store_true",
            help="use the stored results of equal requests, or wait for those on their way, unpaid",
        )
    group.add_argument(
        "--retry-unknown",
        action="store_true",
        help="send again what was, or may have been, billed and brought no result",
    )


def add_servers(verb: argparse.ArgumentParser) -> None:
    """Add the flags of a verb that asks a server: where it is, and what else providers are told."""
    group = verb.add_argument_group("servers")
    for setting in list_settings():
        if setting.flag:
            group.add_argument(
                f"--{setting.name.replace('_', '-')}",
                metavar=setting.flag,
                help=f"{setting.variable_help}; overrides ${setting.variable}",
            )


def read_servers(options: argparse.Namespace) -> dict[str, str]:
    """What the flags of `add_servers` set, by the names of settings."""
    found = {setting.name: getattr(options, setting.name, None) for setting in list_settings()}
    return {name: value for name, value in found.items() if value is not None}


def add_flag(group: argparse._ActionsContainer, row: Parameter, **others: Any) -> None:
    """The flag of a parameter.

    :param others: options of the argument in place of those that the row makes.
    """
    assert row.flag is not None
    name = row.flag.name or row.name
    group.add_argument(
        f"--{'no-' if row.default is True else ''}{name.replace('_', '-')}",
        **{"dest": row.name, "help": row.flag.help, **_options(row), **_OWN.get(row.name, {}), **others},
    )


def _options(row: Parameter) -> dict[str, Any]:
    if row.kind is bool:
        return {"action": "store_false" if row.default else "store_true"}
    options: dict[str, Any] = {} if row.flag is None else {"metavar": row.flag.metavar}
    if row.many and not row.is_repeated:
        return options | {"type": words}
    if row.is_repeated:
        options["action"] = "append"
    if row.kind in (int, float):
        options["type"] = row.kind
    if row.choices and not row.model_values:
        options["choices"] = tuple(map(row.kind, row.words))
    return options


def read_given(options: argparse.Namespace) -> dict[str, Any]:
    """The parameters that a command line names, by name.

    :raises InvalidRequestError: one can't be read.
    """
    found = {name: value for name, value in vars(options).items() if name in PARAMETERS and value is not None}
    return {name: _parse(PARAMETERS[name], value) for name, value in found.items()}


def _parse(row: Parameter, value: Any) -> Any:
    return value if row.parse is None else [row.parse(text) for text in value]
