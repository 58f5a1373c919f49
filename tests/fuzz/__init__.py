"""Random networks, which must run as inferred, and damaged specs, which must be refused: ``python -m tests.fuzz``."""
