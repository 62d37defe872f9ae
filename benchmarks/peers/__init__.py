"""The libraries that chainrule is compared with, one file each.

Each file writes the network as a careful user of that library would, from the given weights, on
the given batches; `benchmarks.session` says what it offers.
"""
