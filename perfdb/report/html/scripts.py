"""The script and the style of a page: the files of `static/`, joined, and the policy that allows them and no more."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib import resources

MAIN = "main.js"
"""The module that starts the page; what it imports, directly or through others, is all of the script."""
STYLES = ("page.css", "explore.css", "flame.css")

_IMPORT = re.compile(r'^import \{[^}\n]*\} from "\./([\w.-]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=async function |function |const |class )", re.MULTILINE)


def static_text(name: str) -> str:
    """A file of `static/`, lines ended by LF alone: git may have checked it out with CR LF."""
    return resources.files(__package__).joinpath("static", name).read_text(encoding="utf-8").replace("\r\n", "\n")


def modules(name: str = MAIN) -> list[str]:
    """A module with all that it imports, each behind those that it imports from. There are no circles."""
    found: dict[str, None] = {}
    for each in _IMPORT.findall(static_text(name)):
        found |= dict.fromkeys(modules(each))
    return [*found, name]


@cache
def script() -> str:
    """All modules as one: they name each other's functions directly, so that no import is left."""
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", static_text(name))) for name in modules())


@cache
def style() -> str:
    """All styles as one."""
    return "\n".join(static_text(name) for name in STYLES)


@cache
def policy() -> str:
    """The page's Content-Security-Policy: its own script and style, and not one request to anywhere."""
    return (
        f"default-src 'none'; script-src '{_digest(script())}'; style-src '{_digest(style())}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
