"""From a document to a graph: blocks, loops and conditions are spelled out, and names resolved."""
