"""Networks for the command line: from a description in words, or a Python file, to modules.

================  ==================================================================
file              idea
================  ==================================================================
``words``         a description, taken apart
``layers``        words -> layers, and what is put between them
``python_file``   a function in a file of the user's
``networks``      the network for examples of a kind
================  ==================================================================
"""

from chainrule.app.training.architecture.networks import build_network, usual_network

__all__ = ["build_network", "usual_network"]
