"""Benchmarks of the PyTorch device."""
