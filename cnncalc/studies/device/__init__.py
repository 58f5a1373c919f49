"""What a device allows: its budgets, and changes that save on it."""
