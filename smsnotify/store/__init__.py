"""What is remembered: SQLAlchemy Core over SQLite and PostgreSQL."""
