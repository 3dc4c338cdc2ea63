"""Words and numbers: templates, phone numbers, encodings and segments."""
