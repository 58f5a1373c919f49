"""The figures of very many variants of one network: a grid, what is computed of each place, and which are kept."""
