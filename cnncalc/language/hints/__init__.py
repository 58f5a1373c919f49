"""What may have been meant: near names, other frameworks' words, other kinds of files."""
