"""Networks that say which part of a photograph is what."""
