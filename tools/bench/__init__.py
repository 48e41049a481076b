"""Measurements of speed, memory, bytes and accuracy; docs/benchmarks has what they found.

Numbers depend on the machine and its load: quote ratios from one run. Each module says in its
first lines what it measures and how it is called.
"""
