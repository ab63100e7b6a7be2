"""TENSORS: generators, discriminators, encoders and stylizers, in torch alone. Images are (N, 3, H, W) in [-1, 1]."""
