"""Work that is asked for and done later: kept on disk, done by a process that may crash, watched while it runs."""
