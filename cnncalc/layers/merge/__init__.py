"""Layers that take several tensors and give one."""
