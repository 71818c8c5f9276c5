"""Images: how an ISO booted, what the stage cache gave, and what is newer by now."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import DATETIME

revision = "0003_images"
down_revision = "0002_queue"

TIME = sa.DateTime(timezone=True).with_variant(DATETIME(fsp=6), "mysql", "mariadb")


def upgrade() -> None:
    op.add_column("tasks", sa.Column("boot_test", sa.Boolean))
    op.add_column("tasks", sa.Column("updates", sa.Text))
    op.add_column("tasks", sa.Column("updates_at", TIME))
    op.add_column("builds", sa.Column("proof", sa.Text))
    op.add_column("builds", sa.Column("stages", sa.Text))
    op.add_column("artifacts", sa.Column("proof", sa.Text))


def downgrade() -> None:
    op.drop_column("artifacts", "proof")
    for column in ("stages", "proof"):
        op.drop_column("builds", column)
    for column in ("updates_at", "updates", "boot_test"):
        op.drop_column("tasks", column)
