"""Films painted frame by frame, steadily, and finished whatever happens in between."""
