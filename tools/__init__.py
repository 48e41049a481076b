"""Programs of this repository that users do not install: checks, measurements and training.

Run them from the root of the repository, as in ``python -m tools.conformance.vectors --check``:

- ``conformance``: second implementations of the specification, the makers of its vectors, the
  fuzzer, and checks that every way of computing gives the same bits;
- ``bench``: measurements of speed, memory, bytes and accuracy;
- ``training``: the training of the tiny prior that the package contains;
- ``networks``: the neural networks that ``conformance`` and ``bench`` execute.
"""
