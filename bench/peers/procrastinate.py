"""procrastinate on PostgreSQL."""

from collections.abc import Callable

from procrastinate import App, PsycopgConnector, sql
from sqlalchemy import make_url

from bench.figures import timed
from bench.peers.base import job_of

#: what it would have written itself, sooner than it would: its own triggers are silent meanwhile
FILL = """
SET session_replication_role = replica;
INSERT INTO procrastinate_jobs (queue_name, task_name, status)
  SELECT 'default', 'job', CASE WHEN n <= {past} THEN 'succeeded' ELSE 'todo' END::procrastinate_job_status
  FROM generate_series(1, {jobs}) n;
INSERT INTO procrastinate_events (job_id, type)
  SELECT id, kind::procrastinate_job_event_type FROM procrastinate_jobs,
    unnest(CASE WHEN status = 'todo' THEN ARRAY['deferred'] ELSE ARRAY['deferred', 'started', 'succeeded'] END) kind;
SET session_replication_role = DEFAULT;
"""


class Procrastinate:
    """procrastinate with its defaults: one job at a time, woken by NOTIFY."""

    def __init__(self, url: str, note: Callable[[], None]) -> None:
        self.app = App(connector=PsycopgConnector(conninfo=_conninfo(url)))
        self.job = self.app.task(name="job", queue="default")(job_of(note))
        self.worker: int | None = None

    def prepare(self) -> None:
        self.app.open()
        self.app.schema_manager.apply_schema()

    def order(self) -> None:
        self.job.defer()

    def order_many(self, count: int) -> bool:
        self.job.batch_defer(*({} for _ in range(count)))
        return True

    def work(self) -> None:
        self.app.run_worker()

    def fill(self, jobs: int) -> None:
        self.app.connector.get_sync_connector().execute_query(FILL.format(jobs=jobs, past=jobs * 4 // 5))

    def claim(self) -> float:
        connector = self.app.connector.get_sync_connector()
        if self.worker is None:
            self.worker = connector.execute_query_one(sql.queries["register_worker"])["worker_id"]
        fetch = sql.queries["fetch_job"]
        took, row = timed(lambda: connector.execute_query_one(fetch, queues=None, worker_id=self.worker))
        if row["id"] is None:
            return float("nan")
        connector.execute_query(sql.queries["finish_job"], status="succeeded", job_id=row["id"], delete_job=False)
        return took

    def close(self) -> None:
        self.app.close()


def _conninfo(url: str) -> str:
    place = make_url(url)
    return f"host={place.query['host']} user={place.username} dbname={place.database}"
