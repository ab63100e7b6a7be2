"""The page for people: the same jobs as over HTTP."""
