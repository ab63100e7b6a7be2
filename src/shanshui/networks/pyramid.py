"""How many sizes a network works at, and how many channels each has."""

WIDEST = 8
COARSEST = 4


def channels_by_size(width: int, sizes: int) -> tuple[int, ...]:
    """Channels of `sizes` maps from the finest to the coarsest: doubled at each halving, up to eight times `width`.

    With `width` 128 and four sizes these are the 128, 256, 512 and 1024 channels of the DCGAN paper.
    """
    return tuple(width * min(2**k, WIDEST) for k in range(sizes))


def halvings(height: int, width: int) -> int:
    """How often an image of at least 4 x 4 can be halved, rounding down, until its shorter side is below 8."""
    return (min(height, width) // COARSEST).bit_length() - 1
