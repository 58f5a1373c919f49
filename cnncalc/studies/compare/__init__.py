"""Two networks side by side: their figures, and what changed layer by layer."""
