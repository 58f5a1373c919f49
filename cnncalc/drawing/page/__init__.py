"""One HTML file of a network: graph, charts, table and formulas; it loads nothing from elsewhere."""
