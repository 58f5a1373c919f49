"""PyTorch source: a module class for each block of the network."""
