"""Arrays in files: read by their headers first, and written whole."""
