from infra.contracts.base import new_id
from infra.contracts.candidates import RankGroup
from infra.db.tables import PolicyRow
from infra.queues.messaging import Task


def test_messages_leave_after_the_commit_in_their_order(suite):
    messages = [RankGroup(group_id=new_id()) for _ in range(3)]

    with suite.work() as work:
        for message in messages:
            work.send_after_commit(Task.RANK_GROUP, message)
        assert suite.outbox.sent == []

    assert suite.outbox.of(Task.RANK_GROUP) == messages


def test_what_is_read_without_a_unit_of_work_is_never_written(suite):
    with suite.database.reading() as session:
        session.add(PolicyRow(name="lost"))
        session.flush()

    assert suite.all(PolicyRow) == []


def test_a_broker_that_is_away_is_asked_once_and_the_rows_stay(suite):
    asked = []
    suite.outbox.send = lambda task, message: asked.append(message) or False

    with suite.work() as work:
        work.session.add(PolicyRow(name="kept"))
        for _ in range(3):
            work.send_after_commit(Task.RANK_GROUP, RankGroup(group_id=new_id()))

    assert len(asked) == 1
    assert [row.name for row in suite.all(PolicyRow)] == ["kept"]
