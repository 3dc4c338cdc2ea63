"""Rule files: read them, say what is wrong with them, and find the rules that an event meets."""
