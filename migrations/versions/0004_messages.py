"""The conversation."""

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Filled in with the feature."""


def downgrade() -> None:
    """Filled in with the feature."""
