"""Studies: questions asked of one network or of several.  Nothing here knows how the answers are shown."""
