"""A crew: one works while the others stand still, and nothing is left when it is over."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import Future, wait
from pathlib import Path

import psutil
import pytest
from process_watch import gone, wait_until

from inferspeed_magic.errors import WorkerError
from inferspeed_magic.workers.crew import Crew

JOBS = "worker_jobs"
PATIENCE_S = 30


def stands_still(worker):
    return psutil.Process(worker.pid).status() == psutil.STATUS_STOPPED


def standing(workers):
    # The kernel stops all threads of a process in its own time.
    time.sleep(0.05)
    return [stands_still(worker) for worker in workers]


def started(crew, count):
    workers = [crew.start(f"worker/{number}") for number in range(count)]
    for worker in workers:
        worker.request(f"{JOBS}:count", {}, PATIENCE_S)
    return workers


@pytest.fixture
def crew():
    with Crew() as crew:
        yield crew


def test_alone_stops_everybody_else(crew):
    first, second, third = started(crew, 3)
    with crew.alone(second):
        assert standing([first, second, third]) == [True, False, True]
        assert second.request(f"{JOBS}:count", {}, PATIENCE_S) == 2
    assert standing([first, second, third]) == [False] * 3


def test_alone_lets_everybody_go_on_after_a_failure(crew):
    workers = started(crew, 2)
    with pytest.raises(WorkerError), crew.alone(workers[0]):
        workers[0].request(f"{JOBS}:fail", {}, PATIENCE_S)
    assert standing(workers) == [False, False]


def test_between_turns_all_stand_still_and_in_a_turn_one_runs(crew):
    workers = started(crew, 3)
    with crew.turns():
        assert standing(workers) == [True] * 3
        for chosen in workers:
            with crew.turn(chosen):
                assert standing(workers) == [worker is not chosen for worker in workers]
            assert standing(workers) == [True] * 3
    assert standing(workers) == [False] * 3


def test_alone_within_turns_leaves_the_others_stopped(crew):
    workers = started(crew, 2)
    with crew.turns():
        with crew.alone(workers[0]):
            assert standing(workers) == [False, True]
        assert standing(workers) == [True, True]


def test_who_is_started_between_turns_stands_still_too(crew):
    # A neighbour's crash has candidates opened again in a new process in the middle of measuring.
    started(crew, 1)
    with crew.turns():
        late = crew.start("late")
        with crew.alone(late):
            assert late.request(f"{JOBS}:count", {}, PATIENCE_S) == 1
        assert standing([late]) == [True]
        with crew.turn(late):
            assert late.request(f"{JOBS}:count", {}, PATIENCE_S) == 2
        assert standing([late]) == [True]
    assert standing([late]) == [False]


def test_awake_lets_one_work_between_turns_and_changes_nothing_else(crew):
    workers = started(crew, 2)
    with crew.awake(workers[0]):
        assert standing(workers) == [False, False]
    assert standing(workers) == [False, False]
    with crew.turns():
        with crew.awake(workers[0]):
            assert standing(workers) == [False, True]
        assert standing(workers) == [True, True]


def test_a_dead_worker_disturbs_nobody(crew):
    first, second = started(crew, 2)
    psutil.Process(first.pid).kill()
    assert wait_until(lambda: not first.alive, 5)
    with crew.turns(), crew.turn(second):
        assert second.request(f"{JOBS}:count", {}, PATIENCE_S) == 2
    with crew.alone(second):
        assert second.request(f"{JOBS}:count", {}, PATIENCE_S) == 3


def test_pids_are_those_who_live(crew):
    first, second = started(crew, 2)
    assert crew.pids() == {first.pid, second.pid}
    crew.dismiss(first)
    assert crew.pids() == {second.pid}
    assert gone(first.pid)


def test_dismissing_twice_is_no_mistake(crew):
    (worker,) = started(crew, 1)
    crew.dismiss(worker)
    crew.dismiss(worker)


def test_temporary_files_of_libraries_go_with_the_folder(crew):
    # TensorFlow's autograph leaves its files to an exit handler, which nobody who is killed ever reaches.
    (worker,) = started(crew, 1)
    assert Path(worker.request(f"{JOBS}:make_temporary_file", {}, PATIENCE_S)).is_relative_to(crew.folder)


def hung(worker):
    def wait():
        with pytest.raises(WorkerError):  # it is killed while we wait
            worker.request(f"{JOBS}:hang", {"how": "holding the GIL"}, PATIENCE_S)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


@pytest.mark.parametrize("ending", [None, ValueError, KeyboardInterrupt, SystemExit])
def test_nothing_is_left_however_it_ends(ending):
    everybody, thread = [], None

    def run():
        nonlocal thread
        with Crew() as crew:
            idle, stopped, busy, dead = started(crew, 4)
            everybody.extend([crew.folder, *(worker.pid for worker in (idle, stopped, busy, dead))])
            everybody.append(idle.request(f"{JOBS}:start_grandchild", {}, PATIENCE_S))
            everybody.append(stopped.request(f"{JOBS}:start_grandchild", {}, PATIENCE_S))
            stopped.pause()
            psutil.Process(dead.pid).kill()
            thread = hung(busy)
            time.sleep(0.3)
            if ending is not None:
                raise ending

    begin = time.monotonic()
    if ending is None:
        run()
    else:
        with pytest.raises(ending):
            run()
    assert time.monotonic() - begin < 8
    folder, *pids = everybody
    assert len(pids) == 6
    assert wait_until(lambda: all(gone(pid) for pid in pids), 2)
    assert not folder.exists()
    thread.join(5)
    assert not thread.is_alive()


def test_who_is_interrupted_while_starting_somebody_leaves_nobody(monkeypatch):
    def interrupted(future, timeout=None):
        wait([future])
        pids.append(result(future).pid)
        monkeypatch.undo()
        raise KeyboardInterrupt

    pids, result = [], Future.result

    def run():
        with Crew() as crew:
            monkeypatch.setattr(Future, "result", interrupted)
            crew.start("worker")

    with pytest.raises(KeyboardInterrupt):
        run()
    assert [gone(pid) for pid in pids] == [True]


def test_a_second_interrupt_does_not_stop_the_burial():
    code = """
import os, signal, sys, threading, time
from inferspeed_magic.workers.crew import Crew
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.append(sys.argv[1])
def interrupt_again_and_again():
    for _ in range(20):
        time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)
try:
    with Crew() as crew:
        worker = crew.start("deaf")
        def wait():
            try:
                worker.request("worker_jobs:hang", {"how": "deaf to SIGTERM"}, 60)
            except Exception:
                pass
        threading.Thread(target=wait, daemon=True).start()
        time.sleep(0.5)
        print(worker.pid, crew.folder, flush=True)
        threading.Thread(target=interrupt_again_and_again).start()
        raise ValueError
except KeyboardInterrupt:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print("interrupted", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(Path(__file__).parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        pid, folder = process.stdout.readline().split()
        assert process.stdout.readline() == "interrupted\n"
        assert gone(int(pid))
        assert not Path(folder).exists()
        process.stdin.close()


def test_nobody_is_started_when_it_is_over():
    with Crew() as crew:
        pass
    with pytest.raises(RuntimeError, match="the run is over"):
        crew.start("late")


def test_nobody_slips_through_while_it_ends():
    """The converter's thread may be starting its process while the main thread leaves."""
    for _ in range(5):
        late = []
        with Crew() as crew:
            started(crew, 1)

            def keep_starting(crew=crew, late=late):
                try:
                    while True:
                        late.append(crew.start(f"late_{len(late)}"))
                except RuntimeError:
                    pass

            thread = threading.Thread(target=keep_starting)
            thread.start()
            time.sleep(0.05)
        thread.join(10)
        assert not thread.is_alive()
        assert late
        assert [worker.pid for worker in late if not gone(worker.pid)] == []
        assert not crew.folder.exists()


def test_folders_of_killed_runs_are_swept(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left_behind, others = tmp_path / "inferspeed_x", tmp_path / "inferspeed_notes"
    for folder in (left_behind, others):
        folder.mkdir()
    (left_behind / "in_use.lock").touch()
    with Crew() as first, Crew() as second:
        assert {first.folder.parent, second.folder.parent} == {tmp_path}
        assert first.folder.exists()
        assert not left_behind.exists()
        assert others.exists()
