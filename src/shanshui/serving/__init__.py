"""PEOPLE: networks where other programs and people reach them."""
