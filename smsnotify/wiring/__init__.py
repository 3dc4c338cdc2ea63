"""What is written down in settings, and the objects made from it."""
