"""Training of the nets, and their export to ONNX: the only place that imports torch (extra `train`)."""
