"""Holes of pictures filled: a guess by a network, then patches of the picture itself."""
