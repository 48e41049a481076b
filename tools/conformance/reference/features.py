"""Features of a crop, of which soft labels are a linear function (spec/labels.md, section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from tools.conformance.reference.parameters import Params
from tools.conformance.reference.synthesis import Draw


def monomials(view: Params, degree: int) -> list[tuple[int, ...]]:
    """Section 6: powers of F, X, Y, S, G, R."""
    highest = (
        view["flip"],
        0 if view["kind"] == "identity" else degree,
        0 if view["kind"] == "identity" else degree,
        degree if view["kind"] in ("resized-crop", "stored") else 0,
        1 if "vflip" in view else 0,
        degree if "rotate" in view else 0,
    )
    every = product(*(range(most + 1) for most in highest))
    kept = [powers for powers in every if 1 <= sum(powers) <= degree]
    kept.sort(reverse=True)
    return sorted(kept, key=sum)


def legendre(n: int, x: int) -> int:
    if n == 1:
        return x
    return (3 * x**2 - 65536) >> 9 if n == 2 else (5 * x**3 - 196608 * x) >> 17


def features(
    params: Params, view: Params, size: Sequence[int], shown: Draw, own: Draw, partner: bool
) -> list[int]:
    """Section 6: of a picture ``shown`` in the view of ``own``, whose box divides it."""
    width, height = size
    top, left, rows, columns = shown.crop
    parts, degree = params["parts"], params["degree"]
    first, last, start, end = own.box if own.mixed else (0, 0, 0, 0)
    q = [[0] * parts for _ in range(parts)]
    for i, j in product(range(parts), repeat=2):
        ys = range(i * height // parts, (i + 1) * height // parts)
        xs = range(j * width // parts, (j + 1) * width // parts)
        a = len(ys) * len(xs)
        b = sum(first <= y < last for y in ys) * sum(start <= x < end for x in xs)
        q[i][j] = 256 * (b if partner else a - b) // max(1, a)
    if parts == 1:
        sigma = q[0][0]
        phi = [sigma]
    else:
        if shown.flip:
            q = [row[::-1] for row in q]
        if shown.vflip:
            q.reverse()
        (a, b), (c, d) = q
        sigma = (a + b + c + d) >> 2
        phi = [sigma, (a + c - b - d) >> 1, (a + b - c - d) >> 1, (a + d - b - c) >> 1]
    if view["kind"] == "pad-crop":
        x, y = 256 * left // view["pad"], 256 * top // view["pad"]
    else:
        x = 512 * (2 * left + columns - width) // width
        y = 512 * (2 * top + rows - height) // height
    variables = (
        256 - 512 * shown.flip,
        x,
        y,
        1024 * columns // width - 768,
        256 - 512 * shown.vflip,
        256 * shown.degrees // view.get("rotate", [1])[0],
    )
    for powers in monomials(view, degree):
        u = sigma
        for power, variable in zip(powers, variables, strict=True):
            if power:
                u = (u * legendre(power, variable)) >> 8
        phi.append(u)
    if params["response"]:
        phi.append((sigma * (256 - sigma)) >> 6)
    return phi
