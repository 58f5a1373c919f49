"""Products of tensors with tensors, where neither is a weight."""
