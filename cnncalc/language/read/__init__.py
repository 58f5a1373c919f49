"""From bytes to a document: everything is checked, nothing is expanded."""
