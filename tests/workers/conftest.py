"""Workers that find ``worker_jobs``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from inferspeed_magic.workers.worker import Worker

HERE = Path(__file__).parent


@pytest.fixture
def start(tmp_path):
    """Start workers that find ``worker_jobs``; whatever a test leaves is killed."""
    workers = []

    def begin(name="worker", **options):
        worker = Worker(name, tmp_path, **{"search_path": [*sys.path, str(HERE)], **options})
        workers.append(worker)
        return worker

    yield begin
    for worker in workers:
        worker.kill()


@pytest.fixture
def worker(start):
    return start()
