"""Flows are published, changed, retired and brought back; every version is kept, every change audited."""

from __future__ import annotations

import json
import threading

import pytest
import sqlalchemy as sa

from memory.flows.enhancing import enhanced
from memory.flows.library import OBJECT, Flows
from memory.flows.tree import FlowFault, read_flow
from memory.memories.memory import Actor, Conflict, MemoryFault, Missing
from store.tables import flow_versions
from store.tables import flows as table
from tests.memory.flows.made import given, node

ADA = Actor("ada", "it helps")
FLOW = read_flow(given())
MORE = {
    "new_nodes": [
        {
            "id": "toner",
            "type": "solution",
            "title": "Change the toner",
            "description": "",
            "attach_after_node_id": "queue",
            "new_option_label": "The page is blank",
        }
    ]
}
WIDER = enhanced(FLOW, MORE)


def publish(flows, namespace="default", flow=FLOW, project=""):
    return flows.add(namespace, project, flow, ADA)


def audited(memories, id_):
    return [(row["action"], row["before"], row["after"]) for row in reversed(memories.trail.of(id_))]


def undo(memories, id_, number=0):
    """Undo the newest change of a flow but so many."""
    return memories.undo(memories.trail.of(id_)[number]["id"], ADA)


def test_a_flow_is_published_and_read_again(flows):
    made = publish(flows)
    found = flows.get(made.id)
    assert found == made
    assert found.flow == FLOW
    assert (found.version, found.status, found.matched, found.success_rate) == (1, "published", 0, None)


def test_another_process_reads_the_same(database, flows):
    made = publish(flows)
    assert Flows(database).get(made.id).flow == FLOW


def test_a_namespace_sees_its_own(flows):
    made = publish(flows, "ann")
    assert flows.get(made.id, "ann") is not None
    assert flows.get(made.id, "bob") is None
    assert [one.id for one in flows.list(namespace="ann")] == [made.id]
    assert not flows.list(namespace="bob")


def test_flows_are_listed_by_what_they_are(flows):
    first = publish(flows, project="apollo")
    second = publish(flows, flow=read_flow(given(problem_domain="email")))
    flows.set_status(first.id, "retired", ADA)
    assert [one.id for one in flows.list(status="retired")] == [first.id]
    assert [one.id for one in flows.list(project="apollo")] == [first.id]
    assert [one.id for one in flows.list(problem_domain="email")] == [second.id]
    assert len(flows.list(limit=1)) == 1
    assert not flows.list(limit=0)
    with pytest.raises(MemoryFault) as fault:
        flows.list(status="lost")
    assert fault.value.field == "status"


def test_a_change_is_a_new_version_and_the_old_one_is_kept(flows, memories):
    made = publish(flows)
    changed, new = flows.change(made.id, WIDER, ADA, diff="Blank pages.")
    assert new
    assert (changed.version, changed.flow) == (2, WIDER)
    assert [(one.version, one.actor, one.diff_description) for one in flows.versions(made.id)] == [
        (2, "ada", "Blank pages."),
        (1, "ada", None),
    ]
    assert flows.as_of(made.id, 1) == FLOW, "what it said before can be read"
    assert flows.as_of(made.id, 3) is None
    assert audited(memories, made.id) == [
        ("publish", {}, {"status": "published", "version": 1}),
        ("renew", {"version": 1, "status": "published"}, {"version": 2, "status": "published"}),
    ]


def test_the_same_again_is_no_version(flows):
    made = publish(flows)
    same, new = flows.change(made.id, FLOW, ADA)
    assert not new
    assert same.version == 1


def test_a_change_made_from_an_older_version_is_refused(flows):
    made = publish(flows)
    flows.change(made.id, WIDER, ADA)
    with pytest.raises(Conflict, match="version 2"):
        flows.change(made.id, FLOW, ADA, made_from=1)


def test_what_is_not_there_cannot_be_changed(flows):
    made = publish(flows, "ann")
    for work in (
        lambda: flows.change("flo_x", FLOW, ADA),
        lambda: flows.change(made.id, FLOW, ADA, namespace="bob"),
        lambda: flows.set_status("flo_x", "retired", ADA),
        lambda: flows.set_status(made.id, "retired", ADA, "bob"),
        lambda: flows.transact(lambda connection: flows.renew(connection, "flo_x", FLOW, ADA)),
    ):
        with pytest.raises(Missing):
            work()


def test_a_flow_is_retired_and_restored(flows, memories):
    made = publish(flows)
    assert flows.set_status(made.id, "retired", ADA).status == "retired"
    assert flows.set_status(made.id, "retired", ADA).status == "retired", "again changes nothing"
    assert flows.set_status(made.id, "published", ADA).status == "published"
    assert [action for action, *_ in audited(memories, made.id)] == ["publish", "retire", "restore"]
    assert memories.trail.of(made.id)[0]["object_type"] == OBJECT


def test_publishing_is_undone_by_retiring_and_that_in_turn(flows, memories):
    made = publish(flows)
    undo(memories, made.id)
    assert flows.get(made.id).status == "retired"
    undo(memories, made.id)
    assert flows.get(made.id).status == "published"


def test_a_new_version_is_undone_by_a_further_one(flows, memories):
    made = publish(flows)
    flows.change(made.id, WIDER, ADA)
    undo(memories, made.id)
    back = flows.get(made.id)
    assert (back.version, back.flow) == (3, FLOW), "no version is ever lost, or means another thing"
    undo(memories, made.id)
    assert (flows.get(made.id).version, flows.get(made.id).flow) == (4, WIDER)


def test_what_has_changed_since_is_not_undone(flows, memories):
    made = publish(flows)
    flows.change(made.id, WIDER, ADA)
    with pytest.raises(Conflict, match="version"):
        undo(memories, made.id, 1)
    assert flows.get(made.id).version == 2


def test_a_version_whose_words_were_forgotten_does_not_come_again(database, flows, memories):
    made = publish(flows)
    flows.change(made.id, WIDER, ADA)
    gone = sa.update(flow_versions).where(flow_versions.c.version == 1).values(content="")
    database.transact(lambda connection: connection.execute(gone))
    flows.forget()
    with pytest.raises(Conflict, match="forgotten"):
        undo(memories, made.id)
    assert [one.version for one in flows.versions(made.id)] == [2], "nor is it listed"


def test_damaged_content_is_no_flow(database, flows):
    made = publish(flows)
    flows.forget()
    database.transact(lambda connection: connection.execute(sa.update(flow_versions).values(content='{"title": 3}')))
    assert flows.get(made.id) is None
    assert not flows.list()


def test_secrets_are_taken_out_of_every_text(database, flows):
    flow = given(description="The password is hunter2")
    node(flow, "restart")["description"] = "Log in with hunter2"
    made = flows.add("default", "", read_flow(flow), ADA)
    flows.change(made.id, WIDER, ADA, diff="No more hunter2")
    rows = database.query(sa.select(flow_versions)) + database.query(sa.select(table))
    assert "hunter2" not in json.dumps(rows, default=str), "in no table, in no column"
    assert "[secret]" in flows.as_of(made.id, 1).description


def test_a_flow_that_is_none_without_its_secrets_is_not_published(database, flows):
    twice = given(match_keywords=["hunter2", "[secret]", "c", "d", "e"])
    with pytest.raises(FlowFault, match="twice"):
        flows.add("default", "", read_flow(twice), ADA)
    assert not database.query(sa.select(table))


def test_what_fails_leaves_nothing(database, flows, memories):
    def work(connection):
        flows.publish(connection, "default", "", FLOW, ADA)
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        flows.transact(work)
    assert not database.query(sa.select(table))
    assert not database.query(sa.select(flow_versions))
    assert not memories.trail.list(), "nor is it told to have happened"


def test_changes_are_counted_for_those_who_hold_copies(flows):
    before = flows.version("ann")
    made = publish(flows, "ann")
    assert flows.version("ann") > before
    assert flows.version("bob") == 0, "others have nothing to read again"
    before = flows.version("ann")
    flows.set_status(made.id, "retired", ADA)
    assert flows.version("ann") > before
    before = flows.version("bob")
    flows.forget()
    assert flows.version("bob") > before, "what was changed behind its back concerns everybody"


def test_two_who_change_it_at_once_make_two_versions(flows):
    made = publish(flows)
    texts = [read_flow(given(title=f"Printer {at}")) for at in range(8)]
    threads = [threading.Thread(target=flows.change, args=(made.id, text, ADA)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.version for one in flows.versions(made.id)) == list(range(1, 10))
    assert len({one.flow.title for one in flows.versions(made.id)}) == 9, "nobody's words were lost"
