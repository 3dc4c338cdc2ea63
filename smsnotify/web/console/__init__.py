"""The console: pages at `/console` for those who run the desk.

A page is one module: it reads what came, asks the engine, and renders a template. `door.py` lets
in and keeps out, `look.py` knows how pages look, `routes.py` lists them. htmx (0BSD, vendored in
`static/`) only saves whole-page loads: every page works without it.
"""
