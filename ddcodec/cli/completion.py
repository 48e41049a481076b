"""Completion of half-typed words beyond what click knows by itself: names of ours."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from ddcodec.errors import RequestError
from ddcodec.evaluation.protocols import PROTOCOLS
from ddcodec.methods import get_method, method_names
from ddcodec.methods.options import options_of

__all__ = [
    "complete_format",
    "complete_licence",
    "complete_method",
    "complete_method_option",
    "complete_protocol",
]


def complete_method(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of methods."""
    return [CompletionItem(name) for name in method_names() if name.startswith(incomplete)]


def complete_method_option(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """``KEY=`` of the method that is named on the line; nothing where none is."""
    try:
        options = options_of(get_method(ctx.meta.get("method") or ""))
    except RequestError:
        return []
    keys = ((f"{one.name}=", one.help) for one in options)
    return [CompletionItem(key, help=text) for key, text in keys if key.startswith(incomplete)]


def complete_format(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of foreign formats."""
    from ddcodec.exchange.importing.formats import FORMATS

    return [CompletionItem(name) for name in FORMATS if name.startswith(incomplete)]


def complete_protocol(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of protocols."""
    return [CompletionItem(one.name) for one in PROTOCOLS if one.name.startswith(incomplete)]


def complete_licence(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Ids of licences."""
    from ddcodec.publishing.licences import LICENCES

    return [CompletionItem(name) for name in LICENCES if name.startswith(incomplete)]
