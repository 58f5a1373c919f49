"""How the figures of one layer come about."""
