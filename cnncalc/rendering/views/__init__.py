"""One file per command: its page, and the objects and rows that scripts rely on, gathered into a view."""
