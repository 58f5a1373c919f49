"""Real tensors: run a network in NumPy and hold every actual shape against the inferred one."""
