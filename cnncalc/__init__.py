"""cnncalc: shapes, parameters, MACs and FLOPs of convolutional networks, exact and proven by running."""
