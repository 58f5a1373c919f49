"""Specs: read into a document, expanded to a graph, edited, and hints for mistakes."""
