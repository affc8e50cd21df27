"""The names of managed methods, spelt slowly: what the reader's slow twin, `etl_walker`, calls a method."""

from __future__ import annotations

import functools
import re


@functools.cache
def method_name(text: bytes) -> str | None:
    """The name of a method whose type, name and signature are in `text`; its types are written without namespaces."""
    strings = []
    for _ in range(3):
        units = [text[at : at + 2] for at in range(0, len(text) - 1, 2)]
        if b"\0\0" not in units:
            return None
        length = 2 * units.index(b"\0\0")
        try:
            strings.append(text[:length].decode("utf-16-le"))
        except UnicodeDecodeError:
            return None
        text = text[length + 2 :]
    type_name, name, signature = strings
    if not name:
        return None
    at = signature.find("  (") + 2 if "  (" in signature else signature.find("(")
    whole = (f"{type_name}.{name}" if type_name else name) + (_short_types(signature[at:]) if at >= 0 else "")
    return "".join(each if each.isprintable() else f"\\u{ord(each):04X}" for each in whole)


def _short_types(arguments: str) -> str:
    """An argument list with its types written shortly, word by word."""
    words = re.split(r"([^\w.]+)", arguments)
    short: list[str] = []
    for word, sign, following in zip(words[::2], [*words[1::2], ""], [*words[2::2], ""], strict=True):
        if short[-2:] == ["pMT", ": "]:
            short[-1:] = [sign]
        elif (word, sign, following) == ("value", " ", "class"):
            continue
        elif word == "class" and sign.startswith(" "):
            short += ["", sign[1:]]
        else:
            *names, last = word.split(".")
            goes_on = last[:1].isalpha() or last[:1] == "_" or (not last and sign[:1] == "<")
            short += [last if names and goes_on else word, sign]
    return "".join(short)
