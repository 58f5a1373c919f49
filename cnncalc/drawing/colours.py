"""One tint and border for each kind of layer, in every picture."""

from __future__ import annotations

COLOURS = {
    "conv": ("#d0e2f6", "#3f78b3"), "fc": ("#fad9b8", "#b06a26"),
    "matmul": ("#cdeceb", "#1f7f7c"), "recurrent": ("#f7ecb5", "#8a6d00"), "norm": ("#e4e5e9", "#6d7280"),
    "pool": ("#f8d0d4", "#b94a57"), "activation": ("#dcefc9", "#5d8f2f"), "merge": ("#e4d9f4", "#7d58b0"),
    "shape": ("#ebe7dc", "#857a58"), "other": ("#ebe7dc", "#857a58"), "input": ("#ffffff", "#6d7280"),
    "output": ("#ffffff", "#6d7280"), "note": ("#ffffff", "#6d7280"), "box": ("#ffffff", "#6d7280"),
    "fault": ("#fde4e1", "#b3261e"),
}  # fmt: skip
"""Tint and border of each kind, by day."""

DARK = {
    "conv": ("#1d3850", "#6aa3d8"), "fc": ("#4a3115", "#d89a55"),
    "matmul": ("#123a3a", "#5fbdb8"), "recurrent": ("#3d350f", "#d1b544"), "norm": ("#34373d", "#969ba6"),
    "pool": ("#4c2429", "#e08a94"), "activation": ("#2c4017", "#93c262"), "merge": ("#3a2a54", "#b294e0"),
    "shape": ("#3a372b", "#b3a67d"), "other": ("#3a372b", "#b3a67d"), "input": ("#16191d", "#969ba6"),
    "output": ("#16191d", "#969ba6"), "note": ("#16191d", "#969ba6"), "box": ("#1d2126", "#969ba6"),
    "fault": ("#4f1613", "#f2867e"),
}  # fmt: skip

INK, MUTED, LINE, SKIP, BAR, FRAME_LINE = (
    "#16191d", "#555b66", "#6d7684", "#7d4fc0", "#c2410c", "#aab2bd"
)  # fmt: skip

MARKS = {"changed": "#b45309", "added": "#15803d", "removed": "#b91c1c"}
"""The outline of what is not the same in another network."""
