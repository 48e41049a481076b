"""Makers of the vectors in spec/vectors and of the normative tables, one module for each part.

    python -m tools.conformance.vectors              write all of them
    python -m tools.conformance.vectors --check      exit code 1 if any file differs

Every part does the same alone, as in ``python -m tools.conformance.vectors.labels --check``.
Expected values come from the second implementations in ``tools.conformance.reference``, and tests
hold ``ddcodec`` to them; only ``images`` pins what the package itself makes.

- ``container``, ``artifacts``: whole files to accept and to refuse;
- ``heads``: heads to accept and to refuse;
- ``codecs``, ``entropy``, ``exact``, ``labels``, ``synthesis``, ``teacher``: known answers of the
  pages of these names;
- ``datasets``: whole artifacts, with digests of every image and label;
- ``images``: digests of whole pictures of the tiny prior;
- ``tables``: the normative tables in the package;
- ``mosaics``, with ``avif``, ``png`` and ``webp``: pictures for ``codecs``;
- ``files``, ``numbers``, ``maker``: what several of these need.
"""
