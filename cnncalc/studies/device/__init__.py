"""Studies for a device: budgets, and changes that save memory on it."""
