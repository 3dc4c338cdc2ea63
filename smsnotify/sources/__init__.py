"""Where jobs are read from besides files: adapters for other systems' APIs, sans-I/O."""
