"""The formulas of one layer's figures."""
