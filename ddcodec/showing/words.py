"""A recipe, and the views of a picture, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from ddcodec import codecs
from ddcodec.artifact import Artifact
from ddcodec.artifact.summary import describe_labels
from ddcodec.codecs.mosaic import Mosaic
from ddcodec.recipe import profiles
from ddcodec.recipe.head import Recipe
from ddcodec.recipe.synthesis import Generated, Image2Image, Stored, Text2Image
from ddcodec.recipe.view import View
from ddcodec.synthesis.view_draw import ViewDraw

__all__ = ["recipe_sentences", "view_words"]

_OF_ONE = 1 << 16  # input statistics are in units of 1 / 65536
_PICTURE_CODECS = {"mosaic-webp": "WebP", "mosaic-avif": "AVIF", "mosaic-png": "PNG"}


def recipe_sentences(artifact: Artifact) -> Iterator[tuple[str, str]]:
    """(topic, a sentence) of all that a decoder and a student do; some topics have several."""
    recipe = artifact.recipe
    for sentence in _pictures(artifact):
        yield "pictures", sentence
    for sentence in _views(recipe):
        yield "views", sentence
    for text in describe_labels(artifact.table):
        yield "labels", _sentence(text)
    mean, std = (
        ", ".join(f"{value / _OF_ONE:.3f}" for value in values)
        for values in (recipe.evaluation.mean, recipe.evaluation.std)
    )
    yield "students", f"Students train under protocol {recipe.evaluation.protocol}."
    yield "students", f"They see R, G and B from 0 to 1, less {mean}, divided by {std}."
    for text in artifact.support().describe():
        yield "support", f"Kept besides the rows: {text}."


def view_words(recipe: Recipe, drawn: ViewDraw) -> list[str]:
    """Each change that the one drawn view makes to its picture, partners aside; [] for none.

    Args:
        recipe: for the size of a picture.
        drawn: of one image.
    """
    height, width = recipe.height, recipe.width
    top, left, rows, columns = (
        int(v[0]) for v in (drawn.top, drawn.left, drawn.rows, drawn.columns)
    )
    words = []
    if (rows, columns) != (height, width):
        share = 100 * rows * columns / (height * width)
        words.append(
            f"{columns} x {rows} px from ({left}, {top}), {share:.0f} % of the area, enlarged"
        )
    else:
        ways = ((left, "left", "right"), (top, "up", "down"))
        moved = [f"{abs(by)} px {one if by > 0 else other}" for by, one, other in ways if by]
        words += [f"moved {' and '.join(moved)}"] if moved else []
    return words + list(_changes(drawn))


def _changes(drawn: ViewDraw) -> Iterator[str]:
    if drawn.flip[0]:
        yield "mirrored"
    if drawn.vflip[0]:
        yield "upside down"
    degrees = int(drawn.degrees[0])
    if degrees:
        yield f"turned {abs(degrees)}\N{DEGREE SIGN} to the {'left' if degrees > 0 else 'right'}"
    for name, percent in (("contrast", drawn.contrast[0]), ("brightness", drawn.brightness[0])):
        if percent:
            yield f"{name} {percent:+d} %"
    if drawn.gamma[0] != 100:
        yield f"gamma {drawn.gamma[0] / 100:g}"


def _pictures(artifact: Artifact) -> Iterator[str]:
    recipe = artifact.recipe
    if isinstance(recipe.synthesis, Stored):
        yield f"Every pixel is stored, {_patches(artifact)}."
    else:
        yield from _drawn(artifact, recipe.synthesis)
    if recipe.layout.kind == "collage":
        grid = recipe.layout.grid
        yield f"A picture is {grid} x {grid} patches, side by side."
    if recipe.variations > 1:
        yield f"A slot has {recipe.variations} pictures, which its views show in turn."


def _patches(artifact: Artifact) -> str:
    """Size and codec of the stored patches; those of artifacts that were merged may differ."""
    found = dict.fromkeys(s.codec for s in artifact.table.sections("patches"))
    forms = {
        f"{codec.width} x {codec.height} px in {_PICTURE_CODECS.get(codec.name, codec.name)}": None
        for codec in map(codecs.get, found)
        if isinstance(codec, Mosaic)
    }
    return f"as patches of {', or of '.join(forms)}"


def _drawn(artifact: Artifact, synthesis: Generated) -> Iterator[str]:
    name = "A prior" if artifact.head.prior is None else f"Prior {artifact.head.prior.describe()}"
    width, height = synthesis.size
    if isinstance(synthesis, Image2Image):
        base = _patches(artifact) if synthesis.base == "patches" else "as latents"
        yield f"Pictures are stored small, {base}."
        if synthesis.share != (1, 1):
            share = float(Fraction(*synthesis.share))
            yield f"Each is {100 * share:.0f} % itself and the rest another of its class."
        yield f"{name} redraws them at {width} x {height} px."
    else:
        yield "Nothing is stored of a picture but its seed."
        yield f"{name} draws it from there, {width} x {height} px at a time."
    if isinstance(synthesis, Text2Image) and synthesis.grid > 1:
        yield f"What it draws is cut into {synthesis.grid} x {synthesis.grid} patches."
    count = synthesis.vectors_per_class
    learned = "a learned token vector" if count == 1 else f"{count} learned token vectors"
    yield f"The prompt is {synthesis.prompt!r}: {{}} is {learned if count else 'a text'} per class."
    if synthesis.guidance != (1, 1):
        away = f", away from {synthesis.negative!r}" if synthesis.negative else ""
        yield f"Guidance is {float(Fraction(*synthesis.guidance)):g}{away}."
    exact = synthesis.profile in profiles.EXACT
    where = "on every machine" if exact else "in an equal environment"
    yield f"Executed in profile {synthesis.profile}: the same bytes {where}."


def _views(recipe: Recipe) -> Iterator[str]:
    view = recipe.view
    if view.stored:
        yield f"A picture has {recipe.views} views, each as the file says."
        return
    if recipe.views == 1 or view == View():
        yield "Pictures are shown as they are."
        return
    yield f"A picture has {recipe.views} views; view 0 is the picture itself."
    if view.kind == "pad-crop":
        yield f"The others are moved by up to {view.pad} px each way, mirrored at the edges."
    if view.kind == "resized-crop":
        least, most = (100 * part / view.scale[2] for part in view.scale[:2])
        yield f"The others show {least:.0f} to {most:.0f} % of its area, enlarged."
    yield from (_sentence(words) for words in _chances(view))
    if view.cutmix:
        of = f"one of {view.partners} neighbouring classes" if view.partners else "any class"
        yield f"Into a box of each, a view of a partner from {of} is pasted (CutMix)."


def _chances(view: View) -> Iterator[str]:
    if view.flip:
        yield f"{view.flip_percent} % of them are mirrored left to right"
    if view.vflip:
        yield f"{view.vflip} % are mirrored top to bottom"
    degrees, percent = view.rotate
    if percent:
        yield f"{percent} % are turned by up to {degrees}\N{DEGREE SIGN} either way"
    brightness, contrast, percent = view.brightness
    if percent:
        yield f"{percent} % change contrast by up to {contrast} and brightness by {brightness} %"
    least, most, percent = view.gamma
    if percent:
        yield f"{percent} % have a gamma of {least / 100:g} to {most / 100:g}"


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
