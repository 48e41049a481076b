"""Pictures in tables: Parquet, NPZ, CIFAR's files, and pairs in Python, read once and in order."""
