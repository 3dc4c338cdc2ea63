"""Bytes to events: formats, Detrack's variants, and what happened between two snapshots."""
