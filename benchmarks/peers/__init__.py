"""The libraries that chainrule is compared with, one file each.

Each file offers ``prepare(workload, data, threads)``, which returns a `Session`. It writes the
network as a careful user of that library would, from the given weights, on the given batches.
"""
