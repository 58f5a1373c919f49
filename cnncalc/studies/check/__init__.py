"""Published figures, budgets and lint rules."""
