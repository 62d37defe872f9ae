"""Speed and accuracy beside the peers, in one run: ``python -m benchmarks``.

This package imports nothing heavy by itself: the number of threads has to be set before any
numerical library is loaded. What is measured, and how, is told in ``docs/benchmarks.md``.
"""
