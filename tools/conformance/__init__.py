"""Proof that the package keeps to its specification: second implementations, vectors, a fuzzer."""
