"""Benchmarks: each row beside a reference measured in the same run."""
