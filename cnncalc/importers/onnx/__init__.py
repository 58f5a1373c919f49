"""ONNX: a model file is read without touching its weights, and its operators become layers."""
