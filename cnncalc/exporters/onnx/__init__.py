"""A graph as an ONNX model, written without a library: each layer adds its operators."""
