"""Files of the page: as they are served, and as one document that needs no others."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from ddcodec.templates import base_style

__all__ = ["MEDIA_TYPES", "document", "one_script", "page_files"]

MEDIA_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
}

_SCRIPT = '<script type="module" src="app.js"></script>'
_STYLES = '<link rel="stylesheet" href="base.css">\n<link rel="stylesheet" href="style.css">'
_IMPORT = re.compile(r'^import \{([^}]+)\} from "\./([\w/]+\.js)";$', re.M)
_EXPORT = re.compile(r"^export (?=(?:async function|function|class|const) (\w+))", re.M)


@cache
def page_files() -> Mapping[str, str]:
    """Name -> text of each file that the page is made of."""
    found = {
        file.name: file.read_text(encoding="utf-8")
        for file in files("ddcodec.showing").joinpath("page").iterdir()
        if file.name.rpartition(".")[2] in MEDIA_TYPES
    }
    return MappingProxyType(found | {"base.css": base_style()})


def document(data: str) -> str:
    """The page as one HTML file that runs no script but its own and asks nobody for anything.

    Args:
        data: JSON of what it shows.
    """
    pieces = page_files()
    script = one_script("app.js", pieces)
    style = pieces["base.css"] + pieces["style.css"]
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    held = data.replace("<", "\\u003c")  # no text of a file can end the element it stands in
    page = pieces["index.html"]
    for mark, text in (
        ("<head>", f'<head>\n<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        (_STYLES, f"<style>{style}</style>"),
        (
            _SCRIPT,
            f'<script type="application/json" id="data">{held}</script>\n'
            f'<script type="module">{script}</script>',
        ),
    ):
        before, found, after = page.partition(mark)
        if not found:
            raise ValueError(f"index.html lacks {mark}")
        page = before + text + after
    return page


def one_script(entry: str, modules: Mapping[str, str]) -> str:
    """A module and those that it imports as one script, each in a scope of its own.

    Imports are of names, from a module beside: ``import { a, b } from "./c.js";``, a line each.
    Exports are of functions, classes and constants, where they are declared.

    Raises:
        ValueError: a module has another form of import or export, or imports itself.

    >>> print(one_script("a.js", {"a.js": 'import { b } from "./b.js";\\nb();',
    ...                           "b.js": "export function b() {}"}))
    const $b = (() => {
    function b() {}
    return { b };
    })();
    const $a = (() => {
    const { b } = $b;
    b();
    return {  };
    })();
    <BLANKLINE>
    """
    placed: dict[str, str] = {}
    _place(entry, modules, placed, ())
    return "".join(placed.values())


def _place(
    name: str, modules: Mapping[str, str], placed: dict[str, str], inside: tuple[str, ...]
) -> None:
    """Put a module after all that it imports."""
    if name in placed:
        return
    if name in inside:
        raise ValueError(f"{name} imports itself by way of {', '.join(inside)}")
    text = modules[name]
    for _, other in _IMPORT.findall(text):
        _place(other, modules, placed, (*inside, name))
    exported = ", ".join(_EXPORT.findall(text))
    body = _EXPORT.sub("", _IMPORT.sub(lambda m: f"const {{{m[1]}}} = {_scope(m[2])};", text))
    if re.search(r"^(import|export)\b", body, re.M):
        raise ValueError(f"{name} has another form of import or export")
    placed[name] = (
        f"const {_scope(name)} = (() => {{\n{body.strip()}\nreturn {{ {exported} }};\n}})();\n"
    )


def _scope(name: str) -> str:
    """The name of what a module exports."""
    return "$" + re.sub(r"\W", "_", name.removesuffix(".js"))


def _hash(text: str) -> str:
    """A source expression of a content security policy: this text, and no other."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return f"'sha256-{digest}'"
