"""Studies of one network or of several. Nothing here depends on how the results are shown."""
