"""Values, failures and noise: what a job answers is what the parent gets, and nothing else."""

from __future__ import annotations

import json

import pytest

from inferspeed_magic.errors import WorkerError

JOBS = "worker_jobs"
PATIENCE_S = 30


def failure(worker, call, **arguments):
    with pytest.raises(WorkerError) as caught:
        worker.request(f"{JOBS}:{call}", arguments, PATIENCE_S)
    return caught.value


def test_a_value_comes_back_as_it_is(worker):
    sent = {"text": "Grüße\n\u2028", "none": None, "numbers": [1, 2.5, 10**20], "nested": {"a": [True]}}
    assert worker.request(f"{JOBS}:echo", sent, PATIENCE_S) == sent


def test_a_large_value_comes_back_whole(worker):
    latencies = list(range(300_000))
    assert worker.request(f"{JOBS}:echo", {"latencies": latencies}, PATIENCE_S) == {"latencies": latencies}


def test_the_process_remembers_between_jobs(worker):
    assert [worker.request(f"{JOBS}:count", {}, PATIENCE_S) for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("call", "status", "reason"),
    [
        ("fail", "failed", "ValueError: no luck"),
        ("refuse", "unsupported", "not on this machine"),
        ("leave", "failed", "SystemExit: 3"),
        ("run_out_of_memory", "failed", "out of memory"),
        ("no_such_function", "failed", "AttributeError: module 'worker_jobs' has no attribute 'no_such_function'"),
    ],
)
def test_a_failure_has_a_status_and_a_reason_and_the_worker_lives_on(worker, call, status, reason):
    error = failure(worker, call)
    assert (error.status, error.reason) == (status, reason)
    assert worker.request(f"{JOBS}:echo", {"still": "here"}, PATIENCE_S) == {"still": "here"}


def test_a_value_that_is_no_json_is_a_failure_and_the_worker_lives_on(worker):
    error = failure(worker, "answer_with_no_json")
    assert error.status == "failed"
    assert "not JSON serializable" in error.reason
    assert worker.request(f"{JOBS}:count", {}, PATIENCE_S) == 1


def test_a_long_message_becomes_one_line_that_a_table_can_hold(worker):
    error = failure(worker, "fail", message="first\n   second\t" + "and so on " * 200)
    assert error.reason.startswith("ValueError: first second and so on")
    assert len(error.reason) <= 300
    assert "\n" not in error.reason


def test_what_libraries_print_does_not_garble_replies(worker):
    assert worker.request(f"{JOBS}:chatter", {}, PATIENCE_S) == "the real one"
    assert worker.request(f"{JOBS}:count", {}, PATIENCE_S) == 1
    log = worker.log.read_text(errors="replace")
    assert log.count("forged") == 5
    assert "from C:" in log


@pytest.mark.parametrize(
    "line", ["Warning: something", '{"id": 999, "ok": true, "value": "of another job"}', "[1, 2]", "", "\x00\x01"]
)
def test_a_line_that_is_no_reply_goes_to_the_log(worker, line):
    written = worker.request(f"{JOBS}:write_behind_our_back", {"text": line + "\n"}, PATIENCE_S)
    assert written == len(line) + 1, "the job did not find the pipe: this test tests nothing"
    assert worker.request(f"{JOBS}:echo", {"value": 1}, PATIENCE_S) == {"value": 1}
    assert f"not a reply: {line}" in worker.log.read_text(errors="replace")


def test_jobs_cannot_be_eaten_by_what_reads_standard_input(worker):
    assert worker.request(f"{JOBS}:read_standard_input", {}, 10) == ""
    assert worker.request(f"{JOBS}:count", {}, PATIENCE_S) == 1


def test_a_job_of_another_protocol_is_refused(worker, monkeypatch):
    monkeypatch.setattr("inferspeed_magic.workers.worker.PROTOCOL", 999)
    error = failure(worker, "count")
    assert (error.status, error.reason) == ("failed", "protocol 999")


def test_jobs_are_json_lines(worker):
    # A worker can be on another machine one day: nothing but JSON may travel.
    with pytest.raises(TypeError, match="not JSON serializable"):
        worker.request(f"{JOBS}:echo", {"value": object()}, PATIENCE_S)
    assert json.dumps(worker.request(f"{JOBS}:echo", {"value": 1}, PATIENCE_S))


def test_variables_of_the_environment_are_added_to_ours(start, monkeypatch):
    monkeypatch.setenv("OURS", "kept")
    worker = start(environment={"THEIRS": "new"})
    said = [worker.request(f"{JOBS}:environment", {"name": name}, PATIENCE_S) for name in ("OURS", "THEIRS")]
    assert said == ["kept", "new"]
