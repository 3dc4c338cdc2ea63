"""The door for programs: webhooks, events by HTTP, health and figures. Routes only."""
