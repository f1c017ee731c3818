"""Pure building blocks: no Flask, no SQLAlchemy, no feature."""
