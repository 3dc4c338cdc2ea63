"""The notification desk of a delivery firm: job events in, rules in YAML, texts out."""

__version__ = "0.1.0"
