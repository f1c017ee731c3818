from __future__ import annotations

import gevent
import pytest
from flask import Flask

from app.backends.gather import BATCH_MAX, Gather
from app.backends.transaction import reading
from app.core.errors import AppError


class Oracle:
    """Answers slowly, so that others ask meanwhile: twice the number, or why not."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    def ask(self, questions: list[int]) -> dict[int, int | Exception]:
        self.batches.append(questions)
        gevent.sleep(0)
        if 13 in questions:
            raise AppError("database_unavailable")
        return {number: number * 2 if number >= 0 else AppError("room_not_found") for number in questions}


def ask_all(gather: Gather[int, int], numbers: list[int]) -> list[object]:
    """What each asker got: the answer, or the code of the error."""

    def attempt(number: int) -> object:
        try:
            return gather(number)
        except AppError as why:
            return why.code

    askers = [gevent.spawn(attempt, number) for number in numbers]
    gevent.joinall(askers, timeout=5, raise_error=True)
    return [asker.value for asker in askers]


@pytest.fixture
def oracle() -> Oracle:
    return Oracle()


@pytest.fixture
def gather(oracle: Oracle) -> Gather[int, int]:
    return Gather(oracle.ask)


def test_those_who_ask_meanwhile_are_answered_together_and_each_the_own_answer(
    oracle: Oracle, gather: Gather[int, int]
) -> None:
    first = gevent.spawn(gather, 1)
    while not oracle.batches:
        gevent.sleep(0)
    assert ask_all(gather, [2, 3, 4]) == [4, 6, 8]
    assert first.get() == 2
    assert oracle.batches == [[1], [2, 3, 4]]


def test_a_question_asked_while_it_is_being_answered_is_asked_again(oracle: Oracle, gather: Gather[int, int]) -> None:
    first = gevent.spawn(gather, 1)
    while not oracle.batches:
        gevent.sleep(0)
    assert gather(1) == first.get() == 2
    assert oracle.batches == [[1], [1]]


def test_the_same_question_is_asked_once_in_a_batch(oracle: Oracle, gather: Gather[int, int]) -> None:
    assert ask_all(gather, [5, 5, 5]) == [10, 10, 10]
    assert oracle.batches == [[5]]


def test_an_error_is_the_one_who_caused_its(oracle: Oracle, gather: Gather[int, int]) -> None:
    assert ask_all(gather, [1, -1, 2]) == [2, "room_not_found", 4]


def test_a_failed_read_fails_its_batch_and_not_the_next(oracle: Oracle, gather: Gather[int, int]) -> None:
    assert ask_all(gather, [1, 13]) == ["database_unavailable", "database_unavailable"]
    assert ask_all(gather, [1]) == [2]


def test_a_storm_is_answered_in_batches_in_the_order_of_asking(oracle: Oracle, gather: Gather[int, int]) -> None:
    count = 2 * BATCH_MAX + 20
    assert ask_all(gather, list(range(100, 100 + count))) == [2 * n for n in range(100, 100 + count)]
    assert [number for batch in oracle.batches for number in batch] == list(range(100, 100 + count))
    assert max(map(len, oracle.batches)) == BATCH_MAX


def test_inside_a_snapshot_the_question_is_answered_by_it(app: Flask, gather: Gather[int, int]) -> None:
    asked_in: list[object] = []

    def ask(questions: list[int]) -> dict[int, int]:
        with reading() as session:
            asked_in.append(session)
        return dict.fromkeys(questions, 0)

    with reading() as session:
        Gather(ask)(1)
    assert asked_in == [session]
