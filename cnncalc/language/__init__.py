"""From the text of a spec to a network: origins, limits, expressions, reading, expansion."""
