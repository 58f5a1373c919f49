"""One file per command: its page, and its objects and rows for scripts, combined in a view."""
