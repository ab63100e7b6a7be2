"""Figures for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector
from starlette.types import Scope

from shanshui.serving.jobs.job import Job
from shanshui.serving.jobs.service import Service

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Metrics:
    """Counts requests and jobs of one service."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "shanshui_requests", "Requests answered.", ["method", "path", "status"], registry=self._registry
        )
        self._jobs = Counter("shanshui_jobs", "Jobs by their end.", ["kind", "state"], registry=self._registry)
        self._work = Histogram(
            "shanshui_job_seconds",
            "From a job's beginning to its end.",
            ["kind"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._wait = Histogram(
            "shanshui_wait_seconds",
            "From an order to its beginning.",
            ["kind"],
            buckets=_SECONDS,
            registry=self._registry,
        )

    def watch(self, service: Service) -> None:
        """Show the queue of `service`."""
        for name, words, value in (
            ("shanshui_waiting_jobs", "Jobs that wait.", lambda: service.load[0]),
            ("shanshui_running_jobs", "Jobs under way.", lambda: service.load[1]),
            ("shanshui_workers_lost", "Working processes that ended unasked.", lambda: service.lost),
        ):
            Gauge(name, words, registry=self._registry).set_function(value)

    def seen(self, job: Job) -> None:
        """Count a job whose state has changed."""
        if job.state == "running" and job.started is not None:
            self._wait.labels(job.kind).observe(max(0.0, job.started - job.created))
        if job.ended is not None:
            self._jobs.labels(job.kind, job.state).inc()
            if job.started is not None:
                self._work.labels(job.kind).observe(max(0.0, job.ended - job.started))

    def answered(self, scope: Scope, status: int) -> None:
        """Count a response; addresses that are none of ours count as one."""
        path = getattr(scope.get("route"), "path", "other")
        self._requests.labels(scope["method"], path, str(status)).inc()

    def text(self) -> bytes:
        """All figures, as Prometheus reads them."""
        return generate_latest(self._registry)
