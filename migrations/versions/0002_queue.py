"""The queue: history, runners, dependencies, tags, pauses, schedules, last executions, buckets."""

import json
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import DATETIME

revision = "0002_queue"
down_revision = "0001_heart"

TIME = sa.DateTime(timezone=True).with_variant(DATETIME(fsp=6), "mysql", "mariadb")
TABLE: dict[str, Any] = {
    "sqlite_autoincrement": True,
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
}

BEGIN = "INSERT INTO history (task_id, build_id, at, who, old, new, why)"
FACTS = "created_at, 'upgrade', NULL, state, 'as it was when the history began'"


def upgrade() -> None:
    change_users_and_tasks()
    change_builds()
    change_artifacts()
    runners()
    history()
    dependencies_and_tags()
    schedules()
    limits()


def change_users_and_tasks() -> None:
    op.add_column("users", sa.Column("load", sa.Double, nullable=False, server_default="0"))
    op.add_column("users", sa.Column("load_at", TIME))
    flag: dict[str, Any] = {"nullable": False, "server_default": sa.false()}
    for column in (
        sa.Column("not_after", TIME),
        sa.Column("waits", sa.Integer, nullable=False, server_default="0"),
        sa.Column("on_dependency_failure", sa.String(16), nullable=False, server_default="fail"),
        sa.Column("key", sa.String(64)),
        sa.Column("without_overlapping", sa.Boolean, **flag),
        sa.Column("open_key", sa.String(64)),
        sa.Column("fingerprint", sa.String(64)),
        sa.Column("follows", sa.Integer),
        sa.Column("soft_limit", sa.Double),
        sa.Column("ttl", sa.Double),
        sa.Column("pinned", sa.Boolean, **flag),
        sa.Column("expires_at", TIME),
        sa.Column("write_last_exec", sa.Boolean, **flag),
        sa.Column("signal", sa.String(16)),
        sa.Column("weight", sa.Integer, nullable=False, server_default="0"),
        sa.Column("promised_from", TIME),
        sa.Column("promised_until", TIME),
        sa.Column("instance", sa.String(64)),
    ):
        op.add_column("tasks", column)
    add_keys()
    for name, columns in TASK_INDEXES.items():
        op.create_index(name, "tasks", columns, unique=name.startswith("uq"))


def add_keys() -> None:
    """What isobuild/domain/keys.py makes of an order: without it, nothing would overlap with a task of before."""
    tasks = sa.table("tasks", *(sa.column(name) for name in ("id", "recipe", "options", "key")))
    rows = op.get_bind().execute(sa.select(tasks.c.id, tasks.c.recipe, tasks.c.options)).all()
    keys = [{"number": row.id, "made": _key(row.recipe, row.options)} for row in rows]
    if keys:
        made = sa.update(tasks).where(tasks.c.id == sa.bindparam("number")).values(key=sa.bindparam("made"))
        op.get_bind().execute(made, keys)


def _key(recipe: str, options: str) -> str:
    canonical = json.dumps([recipe, json.loads(options)], sort_keys=True, separators=(",", ":"))
    return sha256(canonical.encode()).hexdigest()


TASK_INDEXES = {
    "ix_tasks_fair": ["state", "not_before", "queue", "rank", "user_id", "created_at", "id"],
    "ix_tasks_state_not_after": ["state", "not_after"],
    "ix_tasks_state_pinned_expires_at_finished_at": ["state", "pinned", "expires_at", "finished_at"],
    "ix_tasks_key": ["key"],
    "uq_tasks_open_key": ["open_key"],
    "ix_tasks_fingerprint_state_id": ["fingerprint", "state", "id"],
    "ix_tasks_follows": ["follows"],
    "ix_tasks_signal": ["signal"],
}
BUILD_INDEXES = {
    "ix_builds_recipe_state_id": ["recipe", "state", "id"],
    "uq_builds_open_limit": ["open_limit"],
    "ix_builds_runner_id": ["runner_id"],
}


def change_builds() -> None:
    for column in (
        sa.Column("recipe", sa.String(64), nullable=False, server_default=""),
        sa.Column("weight", sa.Integer, nullable=False, server_default="0"),
        sa.Column("open_limit", sa.String(80)),
        sa.Column("runner_id", sa.Integer),
        sa.Column("exit_status", sa.Integer),
        sa.Column("tail", sa.Text),
        sa.Column("results", sa.Text),
    ):
        op.add_column("builds", column)
    op.drop_column("builds", "pid")
    op.drop_column("builds", "pid_start")
    op.execute("UPDATE builds SET recipe = (SELECT recipe FROM tasks WHERE tasks.id = builds.task_id)")
    for name, columns in BUILD_INDEXES.items():
        op.create_index(name, "builds", columns, unique=name.startswith("uq"))


def change_artifacts() -> None:
    with op.batch_alter_table("artifacts", table_kwargs=TABLE) as artifacts:
        artifacts.add_column(sa.Column("kind", sa.String(16), nullable=False, server_default="iso"))
        artifacts.add_column(sa.Column("file", sa.String(80), nullable=False, server_default=""))
        artifacts.drop_constraint("fk_artifacts_build_id", type_="foreignkey")
        artifacts.drop_constraint("uq_artifacts_build_id", type_="unique")
        artifacts.create_unique_constraint("uq_artifacts_task_id_name", ["task_id", "name"])
    op.execute("UPDATE artifacts SET file = name")
    op.create_index("ix_artifacts_build_id", "artifacts", ["build_id"])
    op.drop_index("ix_artifacts_task_id", "artifacts")
    op.drop_index("ix_artifacts_created_at", "artifacts")


def runners() -> None:
    op.create_table(
        "runners",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("host", sa.String(64), nullable=False),
        sa.Column("instance", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("pid_start", sa.String(80)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("seat", sa.String(80)),
        sa.Column("leased_until", TIME, nullable=False),
        sa.Column("memory", sa.BigInteger),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("finished_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_runners"),
        sa.UniqueConstraint("seat", name="uq_runners_seat"),
        **TABLE,
    )
    op.create_index("ix_runners_state_host", "runners", ["state", "host"])
    op.create_index("ix_runners_finished_at", "runners", ["finished_at"])


def history() -> None:
    op.create_table(
        "history",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("task_id", sa.Integer, nullable=False),
        sa.Column("build_id", sa.Integer),
        sa.Column("at", TIME, nullable=False),
        sa.Column("who", sa.String(80), nullable=False),
        sa.Column("old", sa.String(16)),
        sa.Column("new", sa.String(16), nullable=False),
        sa.Column("why", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_history"),
        **TABLE,
    )
    op.create_index("ix_history_task_id_id", "history", ["task_id", "id"])
    op.create_index("ix_history_at", "history", ["at"])
    op.execute(f"{BEGIN} SELECT id, NULL, {FACTS} FROM tasks ORDER BY id")  # noqa: S608 (constants)
    op.execute(f"{BEGIN} SELECT task_id, id, {FACTS} FROM builds ORDER BY id")  # noqa: S608


def dependencies_and_tags() -> None:
    op.create_table(
        "dependencies",
        sa.Column("task_id", sa.Integer, nullable=False),
        sa.Column("on_id", sa.Integer, nullable=False),
        sa.Column("met", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("task_id", "on_id", name="pk_dependencies"),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name="fk_dependencies_task_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["on_id"], ["tasks.id"], name="fk_dependencies_on_id", ondelete="CASCADE"),
        **TABLE,
    )
    op.create_index("ix_dependencies_on_id", "dependencies", ["on_id"])
    op.create_table(
        "tags",
        sa.Column("task_id", sa.Integer, nullable=False),
        sa.Column("tag", sa.String(64), nullable=False),
        sa.Column("value", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("task_id", "tag", name="pk_tags"),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name="fk_tags_task_id", ondelete="CASCADE"),
        **TABLE,
    )
    op.create_index("ix_tags_tag_value_task_id", "tags", ["tag", "value", "task_id"])


def schedules() -> None:
    op.create_table(
        "schedules",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("cron", sa.String(120), nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("grace", sa.Double, nullable=False),
        sa.Column("wish", sa.Text, nullable=False),
        sa.Column("paused_at", TIME),
        sa.Column("reason", sa.String(400)),
        sa.Column("since", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("next_at", TIME),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_schedules"),
        sa.UniqueConstraint("name", name="uq_schedules_name"),
        **TABLE,
    )
    op.create_index("ix_schedules_next_at", "schedules", ["next_at"])
    op.create_index("ix_schedules_seen_at", "schedules", ["seen_at"])
    op.create_table(
        "fires",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("schedule_id", sa.Integer, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("fired_at", TIME, nullable=False),
        sa.Column("task_id", sa.Integer),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_fires"),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedules.id"], name="fk_fires_schedule_id", ondelete="CASCADE"),
        sa.UniqueConstraint("schedule_id", "at", name="uq_fires_schedule_id_at"),
        **TABLE,
    )
    op.create_index("ix_fires_at", "fires", ["at"])


def limits() -> None:
    op.create_table(
        "pauses",
        sa.Column("queue", sa.String(32), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("who", sa.String(80), nullable=False),
        sa.Column("reason", sa.String(400), nullable=False),
        sa.PrimaryKeyConstraint("queue", name="pk_pauses"),
        **TABLE,
    )
    op.create_table(
        "last_executions",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("job", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("instance", sa.String(64), nullable=False),
        sa.Column("task_id", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_last_executions"),
        **TABLE,
    )
    op.create_table(
        "buckets",
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("tokens", sa.Double, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_buckets"),
        **TABLE,
    )


def downgrade() -> None:
    for table in ("buckets", "last_executions", "pauses", "fires", "schedules", "tags", "dependencies", "history"):
        op.drop_table(table)
    op.drop_table("runners")
    restore_artifacts()
    restore_builds()
    restore_states()
    restore_users_and_tasks()


def restore_artifacts() -> None:
    op.create_index("ix_artifacts_task_id", "artifacts", ["task_id"])
    op.create_index("ix_artifacts_created_at", "artifacts", ["created_at"])
    op.drop_index("ix_artifacts_build_id", "artifacts")
    op.execute(
        "DELETE FROM artifacts WHERE kind <> 'iso' OR NOT EXISTS (SELECT 1 FROM builds"
        " WHERE builds.id = artifacts.build_id AND builds.task_id = artifacts.task_id)"
    )
    with op.batch_alter_table("artifacts", table_kwargs=TABLE) as artifacts:
        artifacts.drop_constraint("uq_artifacts_task_id_name", type_="unique")
        artifacts.create_unique_constraint("uq_artifacts_build_id", ["build_id"])
        artifacts.create_foreign_key("fk_artifacts_build_id", "builds", ["build_id"], ["id"], ondelete="CASCADE")
        artifacts.drop_column("file")
        artifacts.drop_column("kind")


def restore_builds() -> None:
    for name in BUILD_INDEXES:
        op.drop_index(name, "builds")
    for column in ("recipe", "weight", "open_limit", "runner_id", "exit_status", "tail", "results"):
        op.drop_column("builds", column)
    op.add_column("builds", sa.Column("pid", sa.Integer))
    op.add_column("builds", sa.Column("pid_start", sa.String(80)))


def restore_states() -> None:
    """What waited for another task has nothing to wait for any more, and a shared ISO is its builder's alone."""
    op.execute("UPDATE tasks SET state = 'pending' WHERE state = 'blocked'")
    has_files = "EXISTS (SELECT 1 FROM artifacts WHERE artifacts.task_id = tasks.id)"
    op.execute(f"UPDATE tasks SET state = 'expired' WHERE state = 'ready' AND NOT {has_files}")  # noqa: S608 (constant)


def restore_users_and_tasks() -> None:
    for name in TASK_INDEXES:
        op.drop_index(name, "tasks")
    for column in (
        "not_after", "waits", "on_dependency_failure", "key", "without_overlapping", "open_key", "fingerprint",
        "follows", "soft_limit", "ttl", "pinned", "expires_at", "write_last_exec", "signal", "weight", "promised_from",
        "promised_until", "instance",
    ):  # fmt: skip
        op.drop_column("tasks", column)
    op.drop_column("users", "load_at")
    op.drop_column("users", "load")
