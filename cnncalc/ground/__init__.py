"""The base of all rooms: errors and their places, bounds, safe printing, atomic file writes."""
