"""One HTML file of a network: graph, charts, table and formulas; it asks nobody for anything."""
