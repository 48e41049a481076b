"""Files of the page: as they are served, as one document, and as a site that reads files itself."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from ddcodec.errors import EncodeError, RequestError
from ddcodec.files import whole_folder
from ddcodec.templates import base_style

if TYPE_CHECKING:
    from ddcodec.artifact import Artifact

__all__ = ["MEDIA_TYPES", "document", "one_script", "page_files", "write_site"]

MEDIA_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
}

_SCRIPT = '<script type="module" src="main.js"></script>'
_FILE_SCRIPT = _SCRIPT.replace("main.js", "file.js")
# Pictures are made in the page; what it may fetch is the file that its address names.
_FILE_POLICY = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'self'; "
    "style-src 'self'; img-src blob: data:; connect-src 'self' https: http:; base-uri 'none'; "
    "form-action 'none'\">"
)
# An artifact in the folder has this name, whatever it is called: no server needs to escape it.
_SHOWN = "shown.ddz"
_SHOWN_FIRST = f'\n<meta name="shown" content="{_SHOWN}">'
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
    script = one_script("main.js", pieces)
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


def write_site(out: Path, artifact: Artifact | None = None) -> None:
    """Write the page as a folder for any web server, which shows an artifact or what is dropped.

    It reads files itself, in the browser: nothing is sent to the server. A file that the page's
    address names as ``?file=URL`` is fetched from there, by range requests.

    Args:
        out: the folder to write, whole or not at all; none is replaced.
        artifact: copied into the folder and shown first; without one, the page asks for a file.

    Raises:
        RequestError: there is something at ``out``.
        EncodeError: it cannot be written.
        FormatError, DecodeError: the artifact cannot be read.
    """
    if out.exists():
        raise RequestError(f"{out} exists: choose a new folder, or remove it")
    try:
        with whole_folder(out) as folder:
            _write_files(folder, "" if artifact is None else _SHOWN_FIRST)
            if artifact is not None:
                artifact.reader.copy_to(folder / _SHOWN)
    except OSError as error:
        raise EncodeError(
            f"cannot write {out} ({error.strerror}): free space or choose another folder"
        ) from error


def _write_files(folder: Path, head: str) -> None:
    """Everything that the page is made of, with more lines for the head of its index."""
    page = files("ddcodec.showing").joinpath("page")
    for name, text in page_files().items():
        folder.joinpath(name).write_text(text, encoding="utf-8")
    for part in ("file", "reader"):
        _copy(page.joinpath(part), folder / part)
    dictionary = files("ddcodec.container").joinpath("header_dictionary.bin")
    folder.joinpath(dictionary.name).write_bytes(dictionary.read_bytes())
    index = page_files()["index.html"].replace(_SCRIPT, _FILE_SCRIPT)
    index = index.replace("<head>", f"<head>\n{_FILE_POLICY}{head}")
    folder.joinpath("index.html").write_text(index, encoding="utf-8")


def _copy(source: Traversable, target: Path) -> None:
    """The modules in a folder, and in those below it."""
    target.mkdir()
    for one in source.iterdir():
        if one.is_dir():
            _copy(one, target / one.name)
        elif one.name.endswith(".js"):
            target.joinpath(one.name).write_bytes(one.read_bytes())


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
