"""Models of other formats as graphs of layers."""
