"""Products of tensors, neither of which is a weight."""
