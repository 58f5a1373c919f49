"""Numbers about a network.  Nothing here knows how they are shown."""
