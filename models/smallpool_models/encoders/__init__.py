"""Serving of trained nets by ONNX Runtime: the only place that imports it."""
