"""The rules for gaps: what they find, what they show of it, and that one of one is no 100 %."""

from __future__ import annotations

import pytest

from memory.gaps.gap import Share
from memory.gaps.observed import Answer, Observed
from memory.gaps.rules import high_escalation, repeated, uncharted, weak_options

AT = "2027-01-15 08:00:00"


def session(number=0, **given):
    fields = {
        "namespace": "default",
        "id": f"s-{number}",
        "status": "resolved",
        "problem_domain": "printing",
        "problem": "The printer is offline",
        "resolution": "Restarted the spooler",
        "match_score": 0.9,
        "matched_flow": "flw_1",
        "at": AT,
    }
    return Observed(**{**fields, **given})


def several(count, first=0, **given):
    return [session(first + number, **given) for number in range(count)]


def answer(number=0, own=None, **given):
    fields = {
        "namespace": "default",
        "session_id": f"s-{number}",
        "problem_domain": "printing",
        "flow_id": "flw_1",
        "node_id": "n2",
        "options": ("Paper jam", "No power"),
        "own_words": own,
    }
    return Answer(**{**fields, **given})


def answered(own, picked, **given):
    mine = [answer(number, f"it hums, no. {number}", **given) for number in range(own)]
    return mine + [answer(own + number, **given) for number in range(picked)]


class TestShares:
    @pytest.mark.parametrize(("count", "of"), [(1, 1), (2, 2), (4, 4), (0, 100)])
    def test_too_few_or_none_are_never_above(self, count, of):
        assert not Share(count, of).is_above(0.1), "nothing below five is spoken of"

    def test_the_lower_bound_counts(self):
        assert Share(3, 5).bounds[0] < 0.25 < 0.6, "three of five may be a quarter"
        assert not Share(3, 5).is_above(0.25), "and do not count as more"
        assert Share(12, 20).is_above(0.25), "twelve of twenty do"

    def test_of_nothing_nothing_is_known(self):
        assert Share(0, 0).as_json() == {"count": 0, "of": 0, "share": None, "low": 0.0, "high": 1.0}, "not a number"


class TestWeakOptions:
    def test_a_node_that_many_answer_in_their_own_words(self):
        (gap,) = weak_options(answered(8, 4), str)
        assert (gap.kind, gap.flow_id) == ("weak_options", "flw_1"), "it names the flow"
        assert gap.evidence["nodes"] == ["n2"], "and the node"
        assert gap.evidence["options"] == ["Paper jam", "No power"], "and what was offered"
        assert gap.evidence["own_words"]["count"] == 8, "how many"
        assert gap.evidence["own_words"]["of"] == 12, "of how many"
        assert gap.evidence["examples"] == [f"it hums, no. {number}" for number in range(3)], "what they said"
        assert len(gap.evidence["sessions"]) == 8, "where"
        assert gap.action, "and what to do"

    @pytest.mark.parametrize(("own", "picked"), [(1, 0), (4, 0), (2, 8), (3, 2)])
    def test_few_answers_or_few_of_them_are_none(self, own, picked):
        assert weak_options(answered(own, picked), str) == [], "that may be chance"

    def test_nodes_count_each_for_itself(self):
        given = answered(6, 0) + answered(0, 30, node_id="n3")
        assert [gap.evidence["nodes"] for gap in weak_options(given, str)] == [["n2"]], "the other one works"

    def test_a_list_outside_flows_counts_by_its_options(self):
        one = answered(3, 0, flow_id=None, node_id=None)
        other = answered(3, 0, flow_id=None, node_id=None, options=("No power", "PAPER  jam"))
        (gap,) = weak_options(one + other, str)
        assert gap.evidence["own_words"]["of"] == 6, "the same options, however they are written and ordered"
        assert gap.flow_id is None, "there is no flow"

    def test_namespaces_are_kept_apart(self):
        given = answered(3, 0) + answered(3, 0, namespace="other")
        assert weak_options(given, str) == [], "neither has enough"

    def test_examples_are_redacted(self):
        (gap,) = weak_options(answered(6, 0), lambda text: text.replace("hums", "[secret]"))
        assert "hums" not in str(gap), "nowhere"


class TestEscalations:
    def test_a_domain_that_often_needs_a_person(self):
        given = several(6, status="escalated", matched_flow=None) + several(6, 6)
        (gap,) = high_escalation(given, str)
        assert gap.problem_domain == "printing", "which"
        assert gap.evidence["escalated"]["count"] == 6, "how often"
        assert gap.evidence["without_flow"] == 6, "none followed a flow"
        assert gap.action.startswith("Write a flow"), "so one is to be written"
        assert gap.evidence["sessions"][0] == "s-0", "those that were escalated are named"

    def test_where_they_followed_flows_these_are_to_be_looked_at(self):
        (gap,) = high_escalation(several(6, status="escalated") + several(6, 6), str)
        assert gap.action.startswith("Look at where the flows"), "another thing to do"

    def test_what_has_not_ended_does_not_count(self):
        given = several(3, status="escalated") + several(9, 3, status="active")
        assert high_escalation(given, str) == [], "three that ended are too few"

    def test_few_of_many_are_no_gap(self):
        assert high_escalation(several(3, status="escalated") + several(30, 3), str) == [], "a tenth"


class TestUncharted:
    @pytest.mark.parametrize("score", [None, 0.0, 0.499999])
    def test_a_domain_that_no_flow_is_near(self, score):
        (gap,) = uncharted(several(8, match_score=score, matched_flow=None), str)
        assert gap.evidence["unmatched"] == {"count": 8, "of": 8, "share": 1.0, "low": 0.6756, "high": 1.0}, "all of it"
        assert gap.problem_domain == "printing", "which"
        assert gap.evidence["examples"] == ["The printer is offline"], "equal problems are one example"

    @pytest.mark.parametrize(("score", "flow"), [(0.5, None), (0.3, "flw_1")])
    def test_a_match_of_one_half_is_one_and_so_is_a_flow_that_was_accepted(self, score, flow):
        assert uncharted(several(8, match_score=score, matched_flow=flow), str) == [], "not uncharted"

    def test_the_margin_of_a_domain_is_none(self):
        given = several(6, match_score=None, matched_flow=None) + several(20, 6)
        assert uncharted(given, str) == [], "flows cover most of it"

    @pytest.mark.parametrize("domain", [None, "other"])
    def test_without_a_domain_problems_count_by_what_they_are_about(self, domain):
        nowhere = {"match_score": None, "matched_flow": None, "problem_domain": domain}
        given = [
            *several(5, problem="Coffee machine leaks water", **nowhere),
            *several(5, 5, problem="The parking barrier stays shut", **nowhere),
            *several(4, 10, problem="Plants need watering", **nowhere),
        ]
        gaps = uncharted(given, str)
        assert len(gaps) == 2, "two topics have enough sessions"
        assert {gap.evidence["unmatched"]["count"] for gap in gaps} == {5}, "each its own"
        assert len({gap.id for gap in gaps}) == 2, "and they are told apart"


class TestRepeated:
    PROBLEMS = (
        "The VPN drops every ten minutes",
        "VPN connection drops all the time",
        "My VPN drops when I dial in",
        "the vpn keeps dropping, every hour",
        "VPN drops again",
    )

    def sessions(self, **given):
        return [
            session(n, problem=problem, problem_domain="networking", **given) for n, problem in enumerate(self.PROBLEMS)
        ]

    def test_the_same_problem_without_a_flow(self):
        (gap,) = repeated(self.sessions(matched_flow=None), str)
        assert gap.evidence["times"] == 5, "however it is worded"
        assert gap.evidence["without_flow"]["share"] == 1.0, "none followed a flow"
        assert gap.action.startswith("Write a flow"), "so one is worth writing"

    def test_the_same_problem_resolved_in_several_ways(self):
        ways = (
            "Renewed the certificate",
            "Changed the MTU to 1300",
            "Reinstalled the client",
            "",
            "Renewed the certificate",
        )
        given = [
            session(n, problem=problem, problem_domain="networking", resolution=way)
            for n, (problem, way) in enumerate(zip(self.PROBLEMS, ways, strict=True))
        ]
        (gap,) = repeated(given, str)
        assert gap.evidence["ways"] == 3, "three that differ"
        assert gap.action.startswith("Settle on one way"), "that is what to do"

    def test_the_same_problem_that_sometimes_needs_a_person(self):
        given = self.sessions()
        mixed = [
            *given[:3],
            *(
                session(9 + n, problem=one.problem, problem_domain="networking", status="escalated")
                for n, one in enumerate(given)
            ),
        ]
        (gap,) = repeated(mixed, str)
        assert gap.evidence["ended"] == {"abandoned": 0, "escalated": 5, "resolved": 3}, "it ends differently"

    def test_one_way_and_a_flow_is_no_gap(self):
        assert repeated(self.sessions(), str) == [], "that is what flows are for"

    def test_four_are_no_pattern(self):
        assert repeated(self.sessions(matched_flow=None)[:4], str) == [], "not yet"

    def test_its_id_stays_while_sessions_come_and_go(self):
        (before,) = repeated(self.sessions(matched_flow=None), str)
        more = [
            *self.sessions(matched_flow=None)[1:],
            *several(2, 9, problem="VPN drops", problem_domain="networking", matched_flow=None),
        ]
        (after,) = repeated(more, str)
        assert before.id == after.id, "so that it is told once"
