"""What cheaper forms of a network would save, each rebuilt and measured."""
