"""The pinned diffusion prior: find it, check it, run it (spec/prior.md).

``pin`` and ``resolve`` name and check the files and need no torch; ``schedule``, ``noise``,
``text`` and ``engine`` do the arithmetic; ``load`` ties them together as a ``Prior``.
"""
