"""Provider adapters: they build requests and parse answers, and do no input or output."""
