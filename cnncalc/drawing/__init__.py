"""Pictures of networks: a tree of series and branches, its geometry, and SVG, HTML, Mermaid and DOT made of it."""
