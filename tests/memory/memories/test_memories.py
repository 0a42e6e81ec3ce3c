"""Memories: what may be stored, what one text becomes, who may still change what, and many writers at once."""

from __future__ import annotations

import threading
import unicodedata

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from memory.memories.fields import MOST_TAGS, MOST_WRITTEN
from memory.memories.memories import REJECTED, Memories
from memory.memories.memory import Actor, Conflict, MemoryFault, Missing, Provenance, clean, content_key
from store.tables import memories as table

ANN = Actor("ann", "because")
EXTRACTION = Actor("extraction")
TEA = "The user drinks green tea"


@pytest.fixture
def clock():
    class Clock:
        now = 1_800_000_000.0

        def __call__(self):
            return self.now

    return Clock()


@pytest.fixture
def memories(database, clock):
    return Memories(database, clock=clock)


def origin(number=0, **given):
    fields = {"role": "user", "rule": "preference_sentence", "extractor": "rules/1", "start": 0, "end": 9}
    return Provenance(**{"interaction_id": f"int_{number}", **fields, "span": "I drink green tea", **given})


def write(memories, content=TEA, **given):
    """A memory as a person writes it."""
    fields = {"namespace": "home", "project": "apollo", "memory_type": "preference", "content": content, "actor": ANN}
    return memories.add(**{**fields, **given})


def extract(memories, content=TEA, number=0, **given):
    """A candidate as an extractor raises it."""
    fields = {"status": "candidate", "confidence": 0.5, "written_by": "extraction", "provenance": origin(number)}
    return write(memories, content, **{"actor": EXTRACTION, **fields, **given})


# What is stored


def test_a_memory_that_a_person_writes_is_active_and_theirs(memories):
    memory, new = write(memories, tags=["drinks"], valid_until="2030-01-02T03:04:05+02:00", pinned=True)
    assert new, "nothing stood there"
    assert (memory.status, memory.written_by, memory.pinned) == ("active", "person", True)
    assert memory.valid_until == "2030-01-02 01:04:05", "in UTC, as all times are stored"
    assert (list(memory.tags), memory.confidence, memory.version) == (["drinks"], 1.0, 1)
    assert memory.provenance is None, "no interaction said it"
    assert memories.get(memory.id) == memory


def test_an_extracted_memory_keeps_where_it_comes_from(memories):
    memory, _ = extract(memories, provenance=origin(7, start=3, end=20))
    assert memory.provenance == origin(7, start=3, end=20)
    assert (memory.status, memory.written_by, memory.supports) == ("candidate", "extraction", 1)


def test_secrets_are_taken_out_of_content_span_and_tags_whoever_writes(database):
    memories = Memories(database, redact=lambda text: text.replace("hunter2", "[secret]"))
    memory, _ = extract(
        memories, "The password is hun\u200bter2", provenance=origin(span="pw hunter2"), tags=["hunter2"]
    )
    assert memory.content == "The password is [secret]", "a hidden character does not hide it"
    assert memory.provenance.span == "pw [secret]"
    assert list(memory.tags) == ["[secret]"]
    changed = memories.update(memory.id, {"content": "It was hunter2"}, ANN)
    assert changed.content == "It was [secret]", "a change is redacted too"
    assert "hunter2" not in str(memories.trail.list()), "nor does the audit know it"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("memory_type", "prefrence"),
        ("status", "actve"),
        ("confidence", 1.01),
        ("confidence", -0.1),
        ("confidence", float("nan")),
        ("confidence", True),
        ("confidence", "0.5"),
        ("content", ""),
        ("content", " \u200b\u2060\t"),
        ("content", "x" * (MOST_WRITTEN + 1)),
        ("content", "half \ud800"),
        ("content", None),
        ("tags", "drinks"),
        ("tags", [""]),
        ("tags", ["x" * 51]),
        ("tags", [7]),
        ("tags", [str(number) for number in range(MOST_TAGS + 1)]),
        ("valid_until", "next year"),
        ("valid_until", 2030),
        ("project", 7),
        ("project", "x" * 201),
        ("pinned", 1),
    ],
)
def test_what_a_memory_cannot_have_is_refused_by_name(memories, field, value):
    with pytest.raises(MemoryFault) as fault:
        write(memories, **{field: value})
    assert fault.value.field == field, "the fault names the field"
    memory, _ = write(memories)
    with pytest.raises(MemoryFault) as fault:
        memories.update(memory.id, {field: value}, ANN)
    assert fault.value.field == field, "so does a change's"
    assert memories.get(memory.id) == memory, "which changes nothing"


def test_a_field_nobody_writes_is_refused(memories):
    memory, _ = write(memories)
    with pytest.raises(MemoryFault) as fault:
        memories.update(memory.id, {"reference_count": 100}, ANN)
    assert fault.value.field == "reference_count", "trust is earned, not written"


# One text, one memory


def test_the_same_text_twice_within_one_status_is_one_memory_with_more_support(memories):
    first, _ = extract(memories, number=1)
    again, new = extract(memories, "the user drinks green tea!", number=2)
    assert not new, "it stands there already"
    assert (again.id, again.supports) == (first.id, 2)
    assert extract(memories, number=2)[0].supports == 2, "one interaction says it once"


def test_the_same_text_may_be_candidate_and_active(memories):
    candidate, _ = extract(memories)
    active, new = write(memories)
    assert new, "the candidate does not stand in its way"
    assert {candidate.status, active.status} == {"candidate", "active"}


@pytest.mark.parametrize("other", [{"namespace": "work"}, {"project": "gemini"}, {"memory_type": "knowledge"}])
def test_another_namespace_project_or_type_is_another_memory(memories, other):
    first, _ = extract(memories)
    second, new = extract(memories, **other)
    assert new, f"another with {other}"
    assert first.id != second.id


def test_an_expired_memory_said_anew_holds_again(memories, clock):
    first, _ = write(memories, valid_until="2027-01-15 08:00:01")
    clock.now += 3600
    assert memories.active("home", "apollo") == [], "its time is over"
    again, new = write(memories, valid_until="2028-01-01")
    assert (again.id, new) == (first.id, False)
    assert [memory.id for memory in memories.active("home", "apollo")] == [first.id]


def test_sixteen_threads_with_one_text_make_one_memory_with_sixteen_supports(memories):
    begin = threading.Barrier(16)
    made = []

    def raise_it(number):
        begin.wait()
        made.append(extract(memories, number=number))

    threads = [threading.Thread(target=raise_it, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (only,) = memories.list(status="candidate")
    assert only.supports == 16, "nobody's support is lost"
    assert [new for _, new in made].count(True) == 1, "one of them made it"


# Reading


def test_the_list_gives_what_is_asked_for(memories):
    active, _ = write(memories)
    candidate, _ = extract(memories)
    knowledge, _ = write(memories, "Water boils at 100 degrees", memory_type="knowledge", project="", confidence=0.4)
    other, _ = write(memories, namespace="work")

    def ids(**wanted):
        return {memory.id for memory in memories.list(**wanted)}

    assert ids() == {active.id, knowledge.id, other.id}, "active ones unless something else is asked"
    assert ids(active_only=False) == {active.id, candidate.id, knowledge.id, other.id}
    assert ids(status="candidate") == {candidate.id}, "a status that is named wins over active_only"
    assert ids(namespace="work") == {other.id}
    assert ids(project="") == {knowledge.id}, "those of every project"
    assert ids(memory_type="knowledge") == {knowledge.id}
    assert ids(min_confidence=0.5) == {active.id, other.id}
    assert ids(limit=0) == set()
    assert len(ids(limit=1)) == 1


@pytest.mark.parametrize(
    ("field", "value"), [("memory_type", "x"), ("status", "x"), ("min_confidence", 2), ("min_confidence", float("nan"))]
)
def test_a_filter_that_makes_no_sense_is_refused_by_name(memories, field, value):
    with pytest.raises(MemoryFault) as fault:
        memories.list(**{field: value})
    assert fault.value.field == field


def test_what_holds_for_a_project_is_its_own_and_everybodys(memories):
    own, _ = write(memories)
    everybody, _ = write(memories, "The user is called Ann", project="", memory_type="identity")
    write(memories, "The other project is in Rust", project="gemini")
    write(memories, "It is over", valid_until="2020-01-01")
    extract(memories, "Maybe")
    assert [memory.id for memory in memories.active("home", "apollo")] == [own.id, everybody.id]
    assert [memory.id for memory in memories.active("home", "")] == [everybody.id]
    assert memories.active("nobody", "apollo") == []


def test_another_namespaces_memory_cannot_be_told_from_none(memories):
    memory, _ = extract(memories)
    assert memories.get(memory.id, "work") is None
    for act in (memories.promote, memories.reject, memories.invalidate):
        with pytest.raises(Missing):
            act(memory.id, ANN, "work")
    with pytest.raises(Missing):
        memories.update(memory.id, {"confidence": 0.1}, ANN, "work")


def test_the_version_of_a_namespace_rises_with_its_own_changes_alone(memories):
    assert memories.version("home") == 0
    memory, _ = extract(memories)
    made = memories.version("home")
    assert made > 0
    write(memories, namespace="work")
    assert memories.version("home") == made, "another's change is none of its business"
    memories.promote(memory.id, ANN)
    assert memories.version("home") > made
    changed = memories.version("home")
    memories.update(memory.id, {"confidence": 0.5}, ANN)
    assert memories.version("home") == changed, "what changes nothing is no change"


def test_it_is_known_what_changed_since_a_version(memories, database):
    first, _ = write(memories)
    seen = memories.version("home")
    assert memories.changed_since("home", seen) == frozenset()
    second, _ = extract(memories)
    memories.update(first.id, {"confidence": 0.5}, ANN)
    assert memories.changed_since("home", seen) == {first.id, second.id}
    database.transact(lambda connection: memories.touched(connection, "home"))
    assert memories.changed_since("home", seen) is None, "somebody else changed something"


def test_the_version_rises_after_the_commit(memories, database):
    memory, _ = write(memories)
    before = memories.version("home")
    seen = []

    def work(connection):
        memories.adjust(connection, memory.id, actor=Actor("hygiene"), action="decay", confidence=0.9)
        seen.append(memories.version("home"))

    database.transact(work)
    assert seen == [before], "who reads within it still gets the old state"
    assert memories.version("home") > before, "in anybody's transaction"


# Promoting, rejecting


def test_a_promoted_candidate_is_active_and_was_still_extracted(memories):
    candidate, _ = extract(memories)
    promoted = memories.promote(candidate.id, ANN)
    assert (promoted.id, promoted.status, promoted.written_by) == (candidate.id, "active", "extraction")
    assert (promoted.confidence, promoted.version) == (0.5, 2)
    assert promoted.provenance == candidate.provenance


def test_a_second_promotion_finds_no_candidate(memories):
    candidate, _ = extract(memories)
    memories.promote(candidate.id, ANN)
    for act in (memories.promote, memories.reject):
        with pytest.raises(Missing):
            act(candidate.id, ANN)


def test_two_promotions_at_once_one_wins(memories):
    candidate, _ = extract(memories)
    begin = threading.Barrier(2)
    outcomes = []

    def promote():
        begin.wait()
        try:
            outcomes.append(memories.promote(candidate.id, ANN).status)
        except Missing:
            outcomes.append("missing")

    threads = [threading.Thread(target=promote) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["active", "missing"]
    assert len(memories.trail.list(action="promote")) == 1, "and is audited once"


def test_a_candidate_whose_text_is_active_hands_it_its_support(memories):
    active, _ = write(memories)
    candidate, _ = extract(memories, number=1)
    extract(memories, number=2)
    stands = memories.promote(candidate.id, ANN)
    assert (stands.id, stands.supports) == (active.id, 2)
    assert memories.get(candidate.id).superseded_by == active.id
    (said,) = memories.trail.list(action="promote")
    assert active.id in said["reason"], "the audit says why nothing new is active"


def test_an_edit_is_promoted_and_the_old_wording_is_not_raised_again(memories):
    candidate, _ = extract(memories)
    promoted = memories.promote(candidate.id, ANN, content="The user drinks black tea", memory_type="knowledge")
    assert (promoted.id, promoted.content) == (candidate.id, "The user drinks black tea")
    assert promoted.memory_type == "knowledge"
    again, new = extract(memories, number=5)
    assert (again.id, new) == (promoted.id, False), "its old wording stands for what it became"


def test_a_later_rewording_of_what_was_extracted_is_remembered_too(memories):
    candidate, _ = extract(memories)
    memories.promote(candidate.id, ANN)
    memories.update(candidate.id, {"content": "The user drinks black tea"}, ANN)
    assert extract(memories, number=5)[0].id == candidate.id, "it would only ask the same again"
    written, _ = write(memories, "Lunch is at noon")
    memories.update(written.id, {"content": "Lunch is at one"}, ANN)
    assert extract(memories, "Lunch is at noon")[1], "what nobody extracted leaves nothing behind"


def test_a_candidate_takes_nobodys_place(memories):
    active, _ = write(memories)
    candidate, _ = extract(memories, "The user drinks mate")
    with pytest.raises(Conflict, match="candidate"):
        memories.supersede(active.id, ANN, by=candidate.id)
    assert memories.get(active.id) == active


def test_a_rejected_text_is_not_raised_again(memories):
    candidate, _ = extract(memories)
    rejected = memories.reject(candidate.id, ANN)
    assert (rejected.status, rejected.review) == ("invalid", REJECTED)
    again, new = extract(memories, "THE USER DRINKS GREEN TEA.", number=2, project="gemini")
    assert (again.id, new) == (candidate.id, False), "in no project"
    assert memories.list(status="candidate") == []
    assert extract(memories, namespace="work")[1], "another namespace has not said no"
    assert write(memories)[1], "nor does it bind a person"


def test_a_deleted_memory_does_not_come_back_by_itself(memories):
    memory, _ = write(memories)
    assert memories.invalidate(memory.id, ANN).status == "invalid"
    assert memories.invalidate(memory.id, ANN).status == "invalid", "again is the same"
    assert len(memories.trail.list(action="invalidate")) == 1
    assert not extract(memories)[1]


def test_a_memory_merged_away_gives_its_text_to_the_other(memories):
    kept, _ = write(memories, "The user likes green tea best")
    gone, _ = extract(memories, number=1)
    memories.supersede(gone.id, ANN, by=kept.id)
    assert memories.get(kept.id).supports == 1
    again, new = extract(memories, number=2)
    assert (again.id, again.supports, new) == (kept.id, 2, False)


def test_what_decayed_may_be_said_again(memories):
    gone, _ = write(memories)
    memories.supersede(gone.id, Actor("hygiene"))
    assert extract(memories)[1], "nobody said no to it"


def test_a_memory_is_superseded_by_a_live_one_of_its_namespace(memories):
    memory, _ = write(memories)
    dead, _ = write(memories, "It is over")
    memories.invalidate(dead.id, ANN)
    foreign, _ = write(memories, namespace="work")
    for by, error in ((dead.id, Conflict), (memory.id, Conflict), (foreign.id, Missing), ("mem_none", Missing)):
        with pytest.raises(error):
            memories.supersede(memory.id, ANN, by=by)
    assert memories.get(memory.id) == memory


# Changing


def test_a_change_moves_only_what_it_names(memories):
    memory, _ = write(memories, tags=["drinks"], valid_until="2030-01-01")
    changed = memories.update(memory.id, {"content": "The user drinks mate", "valid_until": None}, ANN)
    assert (changed.content, changed.valid_until, list(changed.tags)) == ("The user drinks mate", None, ["drinks"])
    assert (changed.version, memory.version) == (2, 1)
    assert memories.update(memory.id, {"confidence": 0.25}, ANN).version == 2, "content and status alone count"


def test_a_change_of_the_text_takes_its_vector_away(memories, database):
    memory, _ = write(memories)
    given = sa.update(table).values(vector=b"1234", embedder="minilm")
    database.transact(lambda connection: connection.execute(given) and None)
    memories.update(memory.id, {"tags": ["drinks"]}, ANN)
    (row,) = database.query(sa.select(table.c.vector, table.c.content_key))
    assert row["vector"] == b"1234"
    memories.update(memory.id, {"content": "The user drinks mate"}, ANN)
    (row,) = database.query(sa.select(table.c.vector, table.c.embedder, table.c.content_key))
    assert row == {"vector": None, "embedder": None, "content_key": content_key("The user drinks mate")}


def test_a_change_into_what_another_says_is_a_conflict(memories):
    first, _ = write(memories)
    second, _ = write(memories, "The user drinks mate")
    with pytest.raises(Conflict, match=first.id):
        memories.update(second.id, {"content": TEA}, ANN)
    assert memories.get(second.id) == second


def test_a_status_may_be_set_by_name(memories):
    candidate, _ = extract(memories)
    assert memories.update(candidate.id, {"status": "active", "confidence": 0.9}, ANN).confidence == 0.9
    assert [row["action"] for row in memories.trail.of(candidate.id)] == ["promote", "add"]
    assert memories.update(candidate.id, {"status": "invalid"}, ANN).review == REJECTED
    back = memories.update(candidate.id, {"status": "candidate"}, ANN)
    assert (back.status, back.review) == ("candidate", None)
    active, _ = write(memories)
    stands = memories.update(candidate.id, {"status": "active"}, ANN)
    assert stands.id == active.id, "a promotion, whichever way it is asked for"


def test_adjusting_is_audited_with_its_cause_and_changes_nothing_without_a_difference(memories, database):
    memory, _ = write(memories, confidence=0.5)
    given = {"actor": Actor("reinforcement"), "action": "used", "interaction_id": "int_9"}

    def work(connection):
        memories.adjust(connection, memory.id, **given, confidence=0.52, reference_count=1)
        memories.adjust(connection, memory.id, **given, confidence=0.52)
        assert memories.adjust(connection, "mem_none", **given, confidence=0.52) is None

    database.transact(work)
    used, _ = memories.trail.of(memory.id)
    assert (used["actor"], used["interaction_id"]) == ("reinforcement", "int_9")
    assert used["before"] == {"confidence": 0.5, "reference_count": 0}
    assert used["after"] == {"confidence": 0.52, "reference_count": 1}


def test_damaged_tags_read_as_none(memories, database):
    memory, _ = write(memories, tags=["drinks"])
    for damage in ("[", '{"a": 1}', "[1]", "null"):
        given = sa.update(table).values(tags=damage)
        database.transact(lambda connection, given=given: connection.execute(given) and None)
        assert list(memories.get(memory.id).tags) == [], damage


# Texts


INVISIBLE = st.sampled_from("\u200b\u200c\u200d\u2060\ufeff\u00ad\u202e\u2066")


@given(text=st.text(), inside=st.lists(st.tuples(st.integers(0, 40), INVISIBLE), max_size=6))
def test_cleaning_is_idempotent_and_leaves_nothing_hidden(text, inside):
    for at, hidden in inside:
        text = text[:at] + hidden + text[at:]
    cleaned = clean(text)
    assert clean(cleaned) == cleaned, "done again it changes nothing"
    assert unicodedata.is_normalized("NFC", cleaned), "one form for one text"
    assert not set(cleaned) & set("\u200b\u200c\u200d\u2060\ufeff\u00ad\u202e\u2066\n\t\x00"), "nothing hides in it"


@given(words=st.lists(st.text(st.characters(whitelist_categories=["L", "N"]), min_size=1), min_size=1, max_size=5))
def test_the_key_ignores_what_readers_ignore(words):
    text = " ".join(words)
    key = content_key(text)
    assert content_key(f"  {'  '.join(words)} .") == key, "spacing and the end's punctuation"
    assert content_key(unicodedata.normalize("NFD", text)) == key, "how accents are put together"
    assert content_key("\u200b".join(text)) == key or not unicodedata.is_normalized("NFC", text), "hidden characters"
    assert content_key(unicodedata.normalize("NFKC", clean(text))) == key, "compatibility forms"
    assert content_key(f"{text} not") != key, "but not a word"
