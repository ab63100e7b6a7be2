"""Films that exist already: read frame by frame, made anew frame by frame, and everything else about them kept."""
