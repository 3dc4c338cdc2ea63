"""The only floor where rules, store and network meet."""
