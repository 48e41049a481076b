"""The style sheet of a report: system fonts, one accent colour, light and dark."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fcfcfb; --ink: #1b1d1f; --soft: #5d646b; --rule: #dfe2e4; --panel: #f3f4f3;
  --accent: #0b62b8; --other: #8a9096;
  --part0: #0b62b8; --part1: #e08a1e; --part2: #3a9b7a; --part3: #a5549b; --part4: #9aa0a6;
  --part5: #6f6bd0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16181a; --ink: #e9eaeb; --soft: #a1a8ae; --rule: #33383c; --panel: #1f2225;
    --accent: #6bb0f5; --other: #8d959c;
    --part0: #4f9be8; --part1: #e6a04a; --part2: #57b596; --part3: #c07ab6; --part4: #7d848a;
    --part5: #938fe6;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  font-variant-numeric: tabular-nums;
}
main { max-width: 54rem; margin: 0 auto; padding: 3rem 1.5rem 4rem; }
h1 { font-size: 2.1rem; line-height: 1.2; font-weight: 650; letter-spacing: -.015em;
  margin: .2rem 0 .6rem; text-wrap: balance; }
h2 { font-size: 1.2rem; font-weight: 650; margin: 3rem 0 .6rem; }
h3 { font-size: 1rem; font-weight: 600; margin: 1.6rem 0 .4rem; overflow-wrap: anywhere; }
p { margin: .4rem 0 .8rem; max-width: 44rem; }
a { color: var(--accent); }
.kicker { color: var(--soft); font-size: .85rem; margin: 0; }
.lead { font-size: 1.08rem; color: var(--soft); }
.note { color: var(--soft); font-size: .9rem; }
.tiles { display: flex; flex-wrap: wrap; gap: .75rem 2.5rem; margin: 1.6rem 0 0;
  padding: 1.1rem 0; border: solid var(--rule); border-width: 1px 0; }
.tiles div { min-width: 7rem; }
.tiles dt { color: var(--soft); font-size: .85rem; }
.tiles dd { margin: 0; font-size: 1.45rem; font-weight: 600; letter-spacing: -.01em; }
.tiles dd small { font-size: .85rem; font-weight: 400; color: var(--soft); letter-spacing: 0; }
figure { margin: 1rem 0 0; }
figcaption { color: var(--soft); font-size: .9rem; margin-top: .5rem; max-width: 44rem; }
svg { display: block; width: 100%; height: auto; }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: var(--ink); }
svg .tick, svg .name { fill: var(--soft); }
svg .grid { stroke: var(--rule); stroke-width: 1; }
svg .axis, svg .mark { stroke: var(--soft); stroke-width: 1; }
svg .chance { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 4; }
svg circle.artifact { fill: var(--accent); }
svg circle.baseline { fill: var(--paper); stroke: var(--other); stroke-width: 2; }
svg path.error { fill: none; stroke-width: 1.5; }
svg path.artifact { stroke: var(--accent); }
svg path.baseline { stroke: var(--other); }
svg .label.artifact { font-weight: 600; }
svg .label.baseline { fill: var(--soft); }
svg.plot { min-width: 34rem; }
svg.bar { height: 1.6rem; border-radius: 4px; }
.part0 { fill: var(--part0); background: var(--part0); }
.part1 { fill: var(--part1); background: var(--part1); }
.part2 { fill: var(--part2); background: var(--part2); }
.part3 { fill: var(--part3); background: var(--part3); }
.part4 { fill: var(--part4); background: var(--part4); }
.part5 { fill: var(--part5); background: var(--part5); }
.piece { display: inline-block; margin-right: .8em; font-size: .9em; }
.swatch { display: inline-block; width: .75em; height: .75em; border-radius: 2px;
  margin-right: .5em; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; margin: .6rem 0; }
th { text-align: left; font-weight: 500; color: var(--soft); vertical-align: bottom; }
th, td { padding: .4rem .9rem .4rem 0; border-bottom: 1px solid var(--rule); }
td { vertical-align: top; }
.number { text-align: right; white-space: nowrap; }
tr.baseline td { color: var(--soft); }
td.strong { font-weight: 600; }
td.sub { padding-left: 1.4rem; color: var(--soft); }
.gallery { display: grid; gap: .5rem 1rem; grid-template-columns: minmax(5rem, auto) 1fr;
  align-items: center; margin: 1rem 0; }
.gallery .class { font-size: .9rem; color: var(--soft); overflow-wrap: anywhere; }
.gallery .row { display: grid; grid-template-columns: repeat(8, minmax(0, 1fr)); gap: .3rem; }
.gallery img { display: block; width: 100%; border-radius: 3px; background: var(--panel); }
.gallery img.pixels { image-rendering: pixelated; }
dl.facts { display: grid; grid-template-columns: minmax(8rem, auto) 1fr; gap: .25rem 1.2rem;
  font-size: .92rem; margin: .6rem 0; }
dl.facts dt { color: var(--soft); }
dl.facts dd { margin: 0; overflow-wrap: anywhere; }
code { font: .88em ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
details { margin: .6rem 0; }
summary { cursor: pointer; }
footer { margin-top: 4rem; padding-top: 1rem; border-top: 1px solid var(--rule);
  color: var(--soft); font-size: .85rem; }
@media (max-width: 36rem) {
  main { padding: 1.5rem 1rem 3rem; }
  h1 { font-size: 1.6rem; }
  .gallery { grid-template-columns: 1fr; }
  .gallery .row { grid-template-columns: repeat(4, minmax(0, 1fr)); }
}
@media print { details > * { display: block; } body { background: #fff; } }
"""
