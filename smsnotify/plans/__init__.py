"""Automation plans: the language that they are written in, and the engine that walks them."""
