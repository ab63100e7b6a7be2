"""Networks as tensors in, tensors out: nothing here reads files, logs or knows how it is trained."""
