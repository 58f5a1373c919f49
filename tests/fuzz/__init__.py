"""Random networks that must run as inferred, and damaged specs that must be refused: ``python -m tests.fuzz``."""
