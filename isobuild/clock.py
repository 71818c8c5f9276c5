"""The daemon's clock: APScheduler fires the tick each minute, a nudge fires it at once.

Both only wake one thread, which ticks; so ticks never overlap in a process, and what wakes twice ticks once.
The thread also wakes by itself when the clock has been silent for too long: a step back of the system's time
would silence APScheduler until the old time comes round again.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.schedulers.background import BackgroundScheduler

from isobuild import nudge
from isobuild.errors import IsobuildError
from isobuild.tick import Ticked

logger = logging.getLogger(__name__)

SILENCE = 75.0  # seconds of the monotonic clock without any wake-up, after which the thread ticks anyway


class Clock:
    """Calls `tick(now)` each minute at second 0 and whenever a nudge comes through the pipe, in one thread."""

    def __init__(self, tick: Callable[[datetime], Ticked], pipe: Path) -> None:
        self.tick = tick
        self.pipe = pipe
        self._stop = Event()
        self._failing = False
        self._listener = nudge.Listener(pipe)
        self._thread = Thread(target=self._listen, name="tick", daemon=True)
        self._scheduler = BackgroundScheduler(timezone=UTC)
        self._scheduler.add_job(
            nudge.send, args=[pipe], trigger="cron", second=0, coalesce=True, max_instances=1, misfire_grace_time=None
        )
        self._scheduler.add_listener(self._complain, EVENT_JOB_ERROR | EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)

    def start(self) -> None:
        """Tick now, and from now on."""
        nudge.send(self.pipe)
        self._thread.start()
        self._scheduler.start()

    def stop(self) -> None:
        """Tick no more; a tick in hand is finished."""
        self._scheduler.shutdown(wait=False)
        self._stop.set()
        nudge.send(self.pipe)
        self._thread.join()
        self._listener.close()

    def _listen(self) -> None:
        while not self._stop.is_set():
            self._listener.wait(SILENCE)
            if not self._stop.is_set():
                self._tick()

    def _tick(self) -> None:
        try:
            done = self.tick(datetime.now(UTC))
        except Exception as error:  # whatever it is, it must not end the daemon, nor fill the log each minute
            if not self._failing:
                trace = None if isinstance(error, IsobuildError) else error
                logger.warning("%s The tick goes on trying.", error, exc_info=trace)
            self._failing = True
        else:
            if self._failing:
                logger.warning("The tick works again.")
            self._failing = False
            if not done.idle:
                logger.info("tick: %s", done)

    def _complain(self, event: object) -> None:
        logger.warning("The clock's own job did not run: %s", event)
