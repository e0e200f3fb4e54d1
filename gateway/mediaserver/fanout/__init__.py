"""One camera's packets, prepared once, sent to all its viewers."""
