"""What everything stands on: errors and their places, bounds, printing that is safe, whole-file writing."""
