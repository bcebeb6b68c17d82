"""Sentences for people that still know what was filled in, for an interface in another language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping


class Message(str):
    """A finished English sentence, with the template that it was made of.

    Printed, stored, compared or changed it is a text like any other.
    """

    template: str
    """Itself, where nothing was filled in."""
    values: Mapping[str, str]
    """What was filled in, by the names in the template; sentences among them are messages, too."""

    def __new__(cls, text: str, template: str = "", values: Mapping[str, str] | None = None) -> Message:
        made = super().__new__(cls, text)
        made.template = template or str(text)
        made.values = values or {}
        return made

    @classmethod
    def of(cls, text: str) -> Message:
        """A text as a message: one that is one already, or a sentence in which nothing was filled in."""
        return text if isinstance(text, Message) else cls(text)

    def say(self, translation: Callable[[str], str]) -> str:
        """The sentence in another language, and so are the sentences in it.

        :param translation: that of a template; the template itself where there is none.
        """
        if not self.values:
            return translation(self.template)
        return translation(self.template).format(
            **{
                name: value.say(translation) if isinstance(value, Message) else value
                for name, value in self.values.items()
            }
        )

    def change_values(self, change: Callable[[str], str]) -> Message:
        """The same sentence with other values; sentences among them keep their templates."""
        if not self.values:
            return Message(change(self))
        return message(
            self.template,
            **{
                name: value.change_values(change) if isinstance(value, Message) else change(value)
                for name, value in self.values.items()
            },
        )


def message(template: str, /, **values: object) -> Message:
    """A sentence from its template: ``message("There is no job {job}.", job=job)``.

    Templates are looked up in the tables of translations: they have plain names in braces, and what a value
    looks like is settled before, as in ``usd=f"{usd:.2f}"``.
    """
    filled = {name: value if isinstance(value, Message) else str(value) for name, value in values.items()}
    return Message(template.format(**filled) if filled else template, template, filled)


def one_of(names: Iterable[str]) -> Message:
    """Names, at least one, as a sentence lists what can be chosen from."""
    *others, last = names
    return message("{names} or {last}", names=", ".join(others), last=last) if others else Message(last)


def join(*sentences: str) -> Message:
    """Sentences one after the other; empty ones are left out."""
    parts = {f"part{number}": Message.of(text) for number, text in enumerate(filter(None, sentences))}
    if len(parts) == 1:
        return parts["part0"]
    return message(" ".join(f"{{{name}}}" for name in parts), **parts)
