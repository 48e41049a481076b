"""What holds the package to its specification: second implementations, vectors, a fuzzer."""
