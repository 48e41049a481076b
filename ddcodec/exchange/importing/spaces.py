"""The space in which a source's pictures are: named, known by its code, or asked for."""

from __future__ import annotations

from pathlib import Path

from ddcodec.errors import RequestError
from ddcodec.exchange.importing.base import Found
from ddcodec.exchange.importing.normalisation import (
    KNOWN,
    NONE,
    Normalisation,
    Whitening,
    out_of_range,
    parse_normalisation,
)
from ddcodec.exchange.importing.options import ImportOptions
from ddcodec.exchange.importing.source import StackSource
from ddcodec.exchange.importing.stack import Stack

__all__ = ["chosen_space", "space_findings"]

# More values cut than this, and perhaps the statistics are other ones.
_MANY = 0.05


def chosen_space(
    found: Found, known_order: str | None, options: ImportOptions
) -> Normalisation | Whitening:
    """What brings the pictures of a source back to pixels.

    Args:
        found: whose pictures are a stack.
        known_order: the name of its order of classes, if that is a known one.
        options: of the import.

    Raises:
        RequestError: nothing says by what they are normalised; whitened pictures without what
            undoes it; or pictures that look as if they were not normalised at all.
    """
    assert isinstance(found.pictures, Stack)
    if options.zca is not None:
        return Whitening(Path(options.zca))
    if options.normalisation is not None:
        return parse_normalisation(options.normalisation)
    if found.pictures.is_bytes:
        return NONE
    if found.normalised is not None:
        return found.normalised
    name = found.normalised_as.get("*") or found.normalised_as.get(str(known_order))
    if name == "zca":
        raise RequestError(
            f"{found.files[0]} is ZCA-whitened, and what undoes it is not saved with it: give "
            "images_zca_..., which holds pixels, or zca='FILE' with the mean and inverse"
        )
    if name is None:
        raise RequestError(
            f"nothing says by what the pictures of {found.files[0]} are normalised. Values outside "
            f"of a pixel's range: {_counts(found.pictures)}. Several may look right, and give "
            "other colours: name the one of its code, as normalisation='NAME'"
        )
    if _within_range(found.pictures):
        raise RequestError(
            f"all values of {found.files[0]} are within 0..1, as pixels are that nobody has "
            f"normalised, and its code normalises by {name}: say which, as normalisation='none' or "
            f"normalisation={name!r}"
        )
    return KNOWN[name]


def space_findings(
    found: Found, space: Normalisation | Whitening, source: StackSource
) -> tuple[str, ...]:
    """What to say of values that were cut."""
    assert isinstance(found.pictures, Stack)
    if not source.clipped:
        return ()
    share = source.clipped / source.values
    text = (
        f"{source.clipped:,} of {source.values:,} values ({100 * share:.2g} %) were outside of a "
        "pixel's range and are cut to it"
    )
    certain = space is found.normalised
    if share > _MANY and isinstance(space, Normalisation) and not certain:
        text += f"; is the normalisation {space.name} right? They are {_counts(found.pictures)}"
    return (text,)


def _within_range(stack: Stack) -> bool:
    return out_of_range(stack, NONE)[0] == 0


def _counts(stack: Stack) -> str:
    total = stack.tensor.numel()
    counts = [(name, out_of_range(stack, one)[0]) for name, one in KNOWN.items()]
    return ", ".join(f"{name} {count:,} of {total:,}" for name, count in counts)
