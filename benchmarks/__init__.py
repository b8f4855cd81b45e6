"""Timings of pymtl beside its peers. Run ``python -m benchmarks --help``."""
