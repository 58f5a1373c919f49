"""From a document to a graph: expand blocks, loops and conditions, and resolve names."""
