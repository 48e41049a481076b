"""Neural networks that checks and measurements execute: random ones, and the tiny prior.

Random weights and inputs are Philox words (spec/codecs.md, "Randomness") times powers of two and
correctly rounded factors, so that they, and digests of what exact execution makes of them, are the
same on every machine.

- ``unets``: U-Nets of any size, Stable Diffusion's among them, float or exact;
- ``families``: one small network of every supported family;
- ``engines``: the tiny prior, executed in a chosen way;
- ``environment``: what a result was made with.
"""
