"""Steering a trained generator: what can be measured of a scene, and how a code is moved until the figure changes."""
