"""Figures of one network: what is counted, and the summary of all figures."""
