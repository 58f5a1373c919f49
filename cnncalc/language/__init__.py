"""Specs: read to a document, expanded to a graph, edited, and what may have been meant where they are wrong."""
