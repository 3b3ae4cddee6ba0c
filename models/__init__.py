"""Neural networks: tensors in, tensors out. They know nothing of pools, workers or traces."""
