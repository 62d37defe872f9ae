"""The version of this library, which every room may name in what it writes."""

__version__ = "0.1.0"
