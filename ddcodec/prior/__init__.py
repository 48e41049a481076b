"""The pinned diffusion prior: find it, check it, run it (spec/prior.md).

``pin`` and ``resolve`` name and check the files and need no torch; ``networks`` and
``weight_cache`` read them; ``schedule``, ``noise``, ``text`` and the engines, float and exact, do
the arithmetic; ``load`` ties them together as a ``Prior``.
"""
