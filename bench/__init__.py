"""Benchmarks: each module measures one budget of the design and prints JSON."""
