"""How results are shown.  Nothing here computes a figure."""
