"""Networks that turn a photograph into a stylised one of the same size."""
