"""A small GPT in training: chainrule, PyTorch and JAX from the same weights on the same texts."""
