"""What Prometheus is told. Names of repositories are no labels: there is no end of them, and some are private."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cpipe_bot.jobs.engine import Engine
from cpipe_bot.jobs.work import Done, Work

# A check takes a second when it is static, and minutes when it runs.
_BUCKETS = (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800)


class Metrics:
    """Counts of this process (a `Recorder`), and the depth of the queue by the database."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._deliveries = Counter(
            "cpipe_deliveries", "Deliveries of the webhook.", ["outcome"], registry=self._registry
        )
        self._accepted = Counter("cpipe_jobs_accepted", "Jobs that were accepted.", registry=self._registry)
        self._retries = Counter("cpipe_job_retries", "Jobs put back to be tried again.", registry=self._registry)
        self._deaths = Counter("cpipe_jobs_dead", "Jobs that were given up.", registry=self._registry)
        self._seconds = Histogram(
            "cpipe_job_seconds", "How long a job took.", ["conclusion"], buckets=_BUCKETS, registry=self._registry
        )

    def delivered(self, outcome: str) -> None:
        """Count a delivery."""
        self._deliveries.labels(outcome).inc()

    def watch(self, engine: Engine) -> None:
        """Show the engine's queue, too."""
        self._registry.register(_Queue(engine))

    def text(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self._registry)

    def queued(self, works: Sequence[Work]) -> None:
        self._accepted.inc(len(works))

    def running(self, work: Work) -> None:
        pass

    def finished(self, work: Work, done: Done, seconds: float) -> None:  # noqa: ARG002
        self._seconds.labels("superseded" if done.superseded else done.conclusion).observe(seconds)

    def retrying(self, work: Work, why: str) -> None:  # noqa: ARG002
        self._retries.inc()

    def dead(self, work: Work, why: str) -> None:  # noqa: ARG002
        self._deaths.inc()


class _Queue(Collector):
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterable[Metric]:
        jobs = GaugeMetricFamily("cpipe_jobs", "Jobs by state, of all processes on the database.", labels=["state"])
        counts = self._engine.counts()
        for state in ("queued", "running", "finished", "superseded", "dead"):
            jobs.add_metric([state], counts.get(state, 0))
        yield jobs
