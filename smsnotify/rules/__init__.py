"""Rules in YAML: schema, loading with positions, compiling, explaining."""
