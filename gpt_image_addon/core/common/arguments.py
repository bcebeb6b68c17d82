"""The one door for what scripts pass: each argument is what its annotation says, or an error names it.

A value that is meant is taken though it is of a neighbouring type: numpy's numbers and texts, a list for a
tuple, one text for a list of texts, a text for a path. What may be a mistake is not: ``"no"`` is no truth
value, ``"2"`` no number, and bytes are no text.
"""

from __future__ import annotations

import builtins
import dataclasses
import enum
import functools
import inspect
import math
import numbers
import os
import types
import typing
from collections import abc
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

from ..errors import InvalidRequestError
from ..text.names import suggestion

P = ParamSpec("P")
R = TypeVar("R")

PATH = "path"
PathText = Annotated[str, PATH]
"""A path as text; other kinds of paths become one."""

SHOWN = 40  # characters of a wrong value that an error repeats
LARGEST = 2**63  # no parameter has a use for more, and sqlite can't store it
WORDS: Mapping[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a finite number",
    str: "a text",
    Path: "a path",
    type(None): "None",
    abc.Callable: "a function",
    abc.Mapping: "a dictionary",
}
SEQUENCES = (tuple, list, abc.Sequence, abc.Collection)


class _WrongType(Exception):  # noqa: N818 - becomes an error of ours before anybody sees it
    pass


def check_types(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function be called only with arguments that fit its annotations.

    None stands for the default of a parameter that has one. What does not fit is an `InvalidRequestError`.
    """

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        signature, kinds = _signature(function)
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise _misfit(function.__name__, signature, args, kwargs, str(error)) from None
        for name, value in bound.arguments.items():
            parameter = signature.parameters[name]
            if parameter.kind is parameter.VAR_KEYWORD:
                typed = {key: convert(key, given, kinds[name]) for key, given in value.items()}
                bound.arguments[name] = typed
            elif value is None and parameter.default is not parameter.empty:
                bound.arguments[name] = parameter.default
            else:
                bound.arguments[name] = convert(name, value, kinds[name])
        return function(*bound.args, **bound.kwargs)

    return checked


def typed(kinds: Mapping[str, Any], values: Mapping[str, Any], what: str = "parameter") -> dict[str, Any]:
    """Values by name, each of its own kind.

    :param kinds: the annotation of each name that there is.
    :param what: the names are.
    :raises InvalidRequestError: a name that there is not, or a value of another type.
    """
    for name in values:
        if name not in kinds:
            raise unknown_name(name, kinds, what)
    return {name: convert(name, value, kinds[name]) for name, value in values.items()}


@functools.cache
def kinds_of(cls: type) -> Mapping[str, Any]:
    """The annotations of a dataclass by name."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def unknown_name(
    name: str, known: Iterable[str], what: str = "parameter", param: str = ""
) -> InvalidRequestError:
    """The error for a name that there is not, with the one that was probably meant.

    :param what: the names are.
    :param param: the parameter at fault, where it is not that name itself.
    """
    message = f"There is no {what} '{name}'."
    return InvalidRequestError(
        message, code=f"unknown_{what}", param=param or name, next_step=suggestion(name, known)
    )


def convert(name: str, value: Any, kind: Any) -> Any:
    """A value as its annotation wants it.

    :raises InvalidRequestError: it is of another type.
    """
    try:
        return _convert_value(value, kind)
    except _WrongType:
        raise InvalidRequestError(
            f"{name} must be {_describe(kind)}, not {_show(value)}.", code="invalid_value", param=name
        ) from None


def _convert_value(value: Any, kind: Any) -> Any:
    value = _make_plain(value)
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any or isinstance(kind, TypeVar):
        return value
    if origin in (typing.Union, types.UnionType):
        return _convert_to_one_of(value, inner)
    if origin is Annotated:
        return str(_path(value))
    if origin is typing.Literal:
        return _accept(value, value in inner)
    if origin in SEQUENCES:
        return _sequence(value, origin, inner)
    if origin is not None:
        return _accept(value, callable(value) if origin is abc.Callable else isinstance(value, origin))
    return _simple(value, kind)


def _make_plain(value: Any) -> Any:
    """One of numpy's numbers, texts or truth values as Python's own."""
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        return value.item()
    return value


def _accept(value: Any, fits: bool) -> Any:
    if not fits:
        raise _WrongType
    return value


def _convert_to_one_of(value: Any, kinds: tuple[Any, ...]) -> Any:
    for kind in kinds:
        if isinstance(kind, type) and type(value) is kind:
            return _convert_value(value, kind)
    for kind in kinds:
        try:
            return _convert_value(value, kind)
        except _WrongType:
            continue
    raise _WrongType


def _simple(value: Any, kind: Any) -> Any:
    converters: dict[Any, Callable[[Any], Any]] = {bool: _truth, int: _whole, float: _finite, str: _text}
    if kind in converters:
        return converters[kind](value)
    if kind is Path:
        return Path(_path(value))
    if not isinstance(kind, type):
        return value
    if issubclass(kind, _Unloaded):
        return _accept(value, kind.__name__ in (base.__name__ for base in type(value).__mro__))
    if issubclass(kind, enum.Enum):
        value = next((item for item in kind if item.value == value), value)
    return _accept(value, isinstance(value, kind))


def _truth(value: Any) -> bool:
    return bool(_accept(value, isinstance(value, int) and value in (0, 1)))


def _whole(value: Any) -> int:
    is_whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST
    return int(_accept(value, is_whole))


def _finite(value: Any) -> float:
    _accept(value, isinstance(value, numbers.Number) and not isinstance(value, bool | complex))
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise _WrongType from None
    return float(_accept(number, math.isfinite(number)))


def _text(value: Any) -> str:
    return str.__str__(_accept(value, isinstance(value, str)))


def _path(value: Any) -> str:
    path = os.fspath(value) if isinstance(value, os.PathLike) else value
    return _text(_accept(path, isinstance(path, str) and path.strip() != "" and "\0" not in path))


def _sequence(value: Any, origin: Any, inner: tuple[Any, ...]) -> tuple[Any, ...]:
    item = inner[0] if inner else Any
    if isinstance(value, str | os.PathLike):
        return (_convert_value(value, _accept(item, item is str or typing.get_origin(item) is Annotated)),)
    is_listed = isinstance(value, abc.Iterable) and not isinstance(value, bytes | bytearray | abc.Mapping)
    values = tuple(sorted(value, key=str) if isinstance(value, abc.Set) else _accept(value, is_listed))
    if origin is tuple and inner[1:] != (...,):
        _accept(values, len(values) == len(inner))
        return tuple(map(_convert_value, values, inner))
    return tuple(_convert_value(each, item) for each in values)


def _describe(kind: Any) -> str:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_describe(each) for each in inner if each is not type(None)))
    if origin is Annotated:
        return WORDS[Path]
    if origin is tuple and inner[1:] != (...,):
        return f"{len(inner)} values"
    if origin in SEQUENCES:
        words = _describe(inner[0]) if inner else ""
        return f"a list whose items are each {words}" if words else "a list"
    return WORDS.get(origin or kind) or f"a {getattr(origin or kind, '__name__', kind)}"


def _show(value: Any) -> str:
    """A wrong value, or only its type where it is long or might say too much."""
    if isinstance(value, str | int | float) and not isinstance(value, enum.Enum):
        try:
            text = repr(_make_plain(value))
        except ValueError:  # a number with thousands of digits
            text = ""
        if 0 < len(text) <= SHOWN:
            return text
    return "None" if value is None else f"a value of the type {type(value).__name__}"


class _Unloaded:
    """Base of stand-ins for classes whose modules only type checkers read; their names tell them."""


class _Names(dict[str, Any]):
    """What annotations of a function may name."""

    def __init__(self, module: Mapping[str, Any]) -> None:
        super().__init__()
        self.module = module

    def __missing__(self, name: str) -> Any:
        if name in self.module:
            return self.module[name]
        if name.startswith("__"):  # asked for by those who look into frames, not by an annotation
            raise KeyError(name)
        return getattr(builtins, name, None) or type(name, (_Unloaded,), {})


@functools.cache
def _signature(function: Any) -> tuple[inspect.Signature, Mapping[str, Any]]:
    """A function's signature, and the annotations of its parameters."""
    signature = inspect.signature(function)
    names = _Names(inspect.unwrap(function).__globals__)

    def resolved(annotation: Any) -> Any:
        if annotation is inspect.Parameter.empty:
            return Any
        if isinstance(annotation, str):  # as all are that wait for their evaluation
            return resolved(eval(annotation, {"__builtins__": {}}, names))
        return type(None) if annotation is None else annotation

    return signature, {name: resolved(found.annotation) for name, found in signature.parameters.items()}


def _misfit(
    function: str,
    signature: inspect.Signature,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    problem: str,
) -> InvalidRequestError:
    """The error for arguments that do not fit a function's parameters."""
    parameters = signature.parameters.values()
    named = [found.name for found in parameters if found.kind is not found.VAR_KEYWORD]
    is_open = len(named) < len(parameters)
    for name in kwargs:
        if name not in named and not is_open:
            return unknown_name(name, named)
    for number, found in enumerate(parameters):
        is_given = found.name in kwargs or (number < len(args) and found.kind is not found.KEYWORD_ONLY)
        if found.default is found.empty and found.name in named and not is_given:
            return InvalidRequestError(
                f"{function} needs the parameter {found.name}.", code="missing_parameter", param=found.name
            )
    return InvalidRequestError(f"{function} can't be called like that: {problem}.", code="wrong_arguments")
