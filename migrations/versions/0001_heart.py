"""The heart: users, tasks, builds, artifacts."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import DATETIME

revision = "0001_heart"
down_revision = None

TIME = sa.DateTime(timezone=True).with_variant(DATETIME(fsp=6), "mysql", "mariadb")
TABLE: dict[str, Any] = {
    "sqlite_autoincrement": True,
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
}


def upgrade() -> None:
    users()
    tasks()
    builds()
    artifacts()


def users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("name", name="uq_users_name"),
        **TABLE,
    )


def tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("iso", sa.String(80), nullable=False),
        sa.Column("recipe", sa.String(64), nullable=False),
        sa.Column("options", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("queue", sa.String(32), nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("not_before", TIME, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("max_attempts", sa.Integer, nullable=False),
        sa.Column("retry_delay", sa.Double, nullable=False),
        sa.Column("time_limit", sa.Double, nullable=False),
        sa.Column("cause", sa.String(16)),
        sa.Column("error", sa.Text),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("finished_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_tasks_user_id"),
        sa.UniqueConstraint("user_id", "name", name="uq_tasks_user_id_name"),
        **TABLE,
    )
    op.create_index("ix_tasks_ready", "tasks", ["state", "not_before", "queue", "rank", "created_at", "id"])


def builds() -> None:
    op.create_table(
        "builds",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("task_id", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("host", sa.String(64), nullable=False),
        sa.Column("slot", sa.Integer, nullable=False),
        sa.Column("open_task", sa.Integer),
        sa.Column("open_slot", sa.String(80)),
        sa.Column("token", sa.String(64)),
        sa.Column("leased_until", TIME, nullable=False),
        sa.Column("pid", sa.Integer),
        sa.Column("pid_start", sa.String(80)),
        sa.Column("stop", sa.String(16)),
        sa.Column("percent", sa.Double, nullable=False),
        sa.Column("step", sa.String(64)),
        sa.Column("cause", sa.String(16)),
        sa.Column("error", sa.Text),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("started_at", TIME),
        sa.Column("finished_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_builds"),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name="fk_builds_task_id", ondelete="CASCADE"),
        sa.UniqueConstraint("open_task", name="uq_builds_open_task"),
        sa.UniqueConstraint("open_slot", name="uq_builds_open_slot"),
        **TABLE,
    )
    op.create_index("ix_builds_state_host", "builds", ["state", "host"])
    op.create_index("ix_builds_task_id_id", "builds", ["task_id", "id"])


def artifacts() -> None:
    op.create_table(
        "artifacts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("task_id", sa.Integer, nullable=False),
        sa.Column("build_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_artifacts"),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name="fk_artifacts_task_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["build_id"], ["builds.id"], name="fk_artifacts_build_id", ondelete="CASCADE"),
        sa.UniqueConstraint("build_id", name="uq_artifacts_build_id"),
        **TABLE,
    )
    op.create_index("ix_artifacts_task_id", "artifacts", ["task_id"])
    op.create_index("ix_artifacts_created_at", "artifacts", ["created_at"])


def downgrade() -> None:
    for table in ("artifacts", "builds", "tasks", "users"):
        op.drop_table(table)
