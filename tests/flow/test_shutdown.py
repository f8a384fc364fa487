"""A server that is told to end lets open answers end, settles all of them, and exits with 0."""

import signal
import threading
import time

from tests.flow.books import Books
from tests.flow.client import DOORS, Answer, Client
from tests.flow.documents import deployment, document, provider, route
from tests.processes import Server

ONE = document([provider("first")], [deployment("first/one")], [route("one", "first/one")])


def test_open_answers_of_every_door_end_and_are_settled(server: Server) -> None:
    server.apply(ONE)
    with Client(server, server.create_key()) as client:
        answers: dict[str, Answer] = {}

        def ask(door: str, stream: bool) -> None:
            way = client.stream if stream else client.ask
            answers[f"{door} {stream}"] = way(door, "one", "Hi [mock words=30 gap=50 latency=500]")

        waiting = [
            threading.Thread(target=ask, args=(door, stream))
            for door in DOORS
            for stream in (True, False)
        ]
        for thread in waiting:
            thread.start()
        time.sleep(0.3)
        code = server.stop(signal.SIGTERM)
        for thread in waiting:
            thread.join(30)
    assert code == 0
    assert len(answers) == 6
    for asked, answer in answers.items():
        assert answer.status_code == 200, asked
        assert b"word30" in answer.raw, asked
    books = Books(server.database_url)
    assert books.held() == 0
    [row] = books.rows("SELECT count(*) AS n FROM ledger_trace WHERE status = 'succeeded'")
    assert row["n"] == 6
    assert "first/one" in server.manage("explain", answers["native True"].headers["x-trace-id"])


def test_fifty_open_streams_end_and_are_settled(server: Server) -> None:
    server.apply(ONE)
    with Client(server, server.create_key()) as client:
        answers: list[Answer] = []

        def ask() -> None:
            answers.append(client.stream("native", "one", "Hi [mock words=20 gap=100]"))

        streams = [threading.Thread(target=ask) for _ in range(50)]
        for stream in streams:
            stream.start()
        time.sleep(1)
        assert server.stop(signal.SIGTERM) == 0
        for stream in streams:
            stream.join(30)
    assert len(answers) == 50
    assert {answer.names[-1] for answer in answers} == {"done"}
    books = Books(server.database_url)
    assert books.held() == 0
    [row] = books.rows("SELECT count(*) AS n FROM ledger_trace WHERE status = 'succeeded'")
    assert row["n"] == 50
