"""What ``reprise stats`` says of flows and of sources."""

from __future__ import annotations

from proxy.cli.section_tables import print_flows, print_ingestion

NOTHING = {
    "sessions": {"count": 0, "active": 0, "paused": 0, "resolved": 0, "escalated": 0, "abandoned": 0},
    "matched": {"share": None},
    "analyses": {"auto_reinforced": 0, "new_flow": 0, "waiting": 0},
    "outcomes": {"matched": 0, "resolved": 0, "escalated": 0, "abandoned": 0, "success_rate": None},
    "flows": {"published": 0, "retired": 0},
    "proposals": {"by_status": {"pending": 0, "approved": 0}, "by_type": {"new_flow": 0, "enhancement": 0}},
    "budget": {"day": "2027-01-15", "calls": 0, "calls_per_day": 50, "spent": []},
    "gaps_found": 0,
    "notifications": {"unread": 0, "waiting": 0, "delivered": 0, "failed": 0},
}


def test_without_sessions_nothing_is_said(capsys):
    print_flows(NOTHING)
    assert capsys.readouterr().out == "", "nothing to say"


def test_flows_in_a_few_lines(capsys):
    print_flows(
        {
            "sessions": {"count": 5, "active": 1, "paused": 0, "resolved": 3, "escalated": 1, "abandoned": 0},
            "matched": {"share": 0.4},
            "analyses": {"auto_reinforced": 1, "new_flow": 2, "waiting": 0},
            "outcomes": {"matched": 2, "resolved": 1, "escalated": 1, "abandoned": 0, "success_rate": 0.5},
            "flows": {"published": 1, "retired": 0},
            "proposals": {"by_status": {"pending": 1, "approved": 1}, "by_type": {"new_flow": 2, "enhancement": 0}},
            "budget": {"day": "2027-01-15", "calls": 50, "calls_per_day": 50, "spent": ["a"]},
            "gaps_found": 2,
            "notifications": {"unread": 3, "waiting": 1, "delivered": 0, "failed": 2},
        }
    )
    assert capsys.readouterr().out.splitlines() == [
        "",
        "sessions: 5 (3 resolved, 1 escalated, 1 active); 40.0% followed a flow",
        "flows helped in 50.0% of 2 sessions (1 resolved, 1 escalated)",
        "analyses: 1 auto reinforced, 2 new flow",
        "flows: 1 in use; proposals: 2 (2 new flow), 1 to review (reprise review)",
        "calls to the analysing model today: 50 of 50 a namespace; spent in a",
        "gaps found: 2 (GET /gaps)",
        "notifications: 3 unread; sending (1 waiting, 2 failed) (GET /notifications)",
    ], "each with its figures"


def test_sources_are_told_of_where_there_are_some(capsys):
    print_ingestion({"sources": {}, "documents": 0, "chunks": 0, "failed": 0, "waiting": 0, "runs": {}})
    assert capsys.readouterr().out == "", "none, nothing"
    one = {"documents": 3, "chunks": 9, "failed": 1, "waiting": 2}
    print_ingestion({**one, "sources": {"docs": one}, "runs": {"done": 2, "failed": 0}})
    assert capsys.readouterr().out.splitlines() == [
        "",
        "sources: 3 documents, 9 pieces, 2 waiting for the index, 1 failed",
        "  runs: 2 done",
    ], "what they hold, and how they were read"
