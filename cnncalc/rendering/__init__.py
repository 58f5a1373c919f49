"""Presentation of results. Nothing here computes a figure."""
