"""Alembic's entry: runs the migrations on the connection that `isobuild.schema` passes."""

from alembic import context

from isobuild.domain.tables import Task

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Task.metadata,
    render_as_batch=connection.dialect.name == "sqlite",  # it can't alter a table
    transactional_ddl=connection.dialect.name == "postgresql",
)
with context.begin_transaction():
    context.run_migrations()
