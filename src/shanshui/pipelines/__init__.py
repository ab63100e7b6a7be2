"""RESULTS: networks and pictures put together: what a user calls."""
