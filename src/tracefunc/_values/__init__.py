"""Values: how a name is read in a frame, and how a value becomes a short text."""
