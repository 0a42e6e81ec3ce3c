"""Pairs from sentence patterns of our own, for what plain edits cannot make: who does what to whom, and the like."""

# ruff: noqa: E501  word lists and sentence patterns read best in long lines

from __future__ import annotations

import random
from collections.abc import Callable

from benchmarks.verifier import words as w

Made = tuple[str, str, int]


def _person(rng: random.Random) -> str:
    first = rng.choice(w.FIRST_NAMES)
    return first if rng.random() < 0.6 else f"{first} {rng.choice(w.LAST_NAMES)}"


def _two(rng: random.Random) -> tuple[str, str]:
    one, other = _person(rng), _person(rng)
    while one == other:
        other = _person(rng)
    if rng.random() < 0.25:
        one, other = rng.sample([f"the {job}" for job in w.JOBS], 2)
    elif rng.random() < 0.15:
        one, other = rng.sample(w.PLACES, 2)
    return one, other


def voices(rng: random.Random) -> Made:
    """Did A help B? / Was B helped by A? (same), Was A helped by B? (not)."""
    a, b = _two(rng)
    base, past, going = rng.choice(w.VERBS)
    tense = rng.randrange(4)
    subject, active_, passive_ = [
        (f"Did {a} {base} {b}?", lambda x, y: f"Did {x} {base} {y}?", lambda x, y: f"Was {y} {past} by {x}?"),
        (f"Does {a} {base} {b}?", lambda x, y: f"Does {x} {base} {y}?", lambda x, y: f"Is {y} {past} by {x}?"),
        (f"Is {a} {going} {b}?", lambda x, y: f"Is {x} {going} {y}?", lambda x, y: f"Is {y} being {past} by {x}?"),
        (
            f"Why did {a} {base} {b}?",
            lambda x, y: f"Why did {x} {base} {y}?",
            lambda x, y: f"Why was {y} {past} by {x}?",
        ),
    ][tense]
    return rng.choice(
        [
            (subject, passive_(a, b), 1),
            (subject, passive_(a, b), 1),
            (subject, active_(b, a), 0),
            (subject, passive_(b, a), 0),
        ]
    )


def objects(rng: random.Random) -> Made:
    """Did A sell the car? / Was the car sold by A? / Was A sold by the car?"""
    a = _person(rng)
    base, past, _ = rng.choice(w.VERBS)
    thing = rng.choice(
        [
            "the house",
            "the team",
            "the dog",
            "the city",
            "the bank",
            "the school",
            "the company",
            "the guests",
            "the project",
            "the patient",
            "the band",
        ]
    )
    active, good, bad = f"Did {a} {base} {thing}?", f"Was {thing} {past} by {a}?", f"Was {a} {past} by {thing}?"
    return rng.choice([(active, good, 1), (active, bad, 0), (good, bad, 0)])


def relations(rng: random.Random) -> Made:
    a, b = _two(rng)
    if rng.random() < 0.5:
        relation = rng.choice(w.SYMMETRIC)
        if rng.random() < 0.3:
            c = _person(rng)
            return f"Is {a} {relation} {b}?", f"Is {a} {relation} {c}?", int(c == b)
        return f"Is {a} {relation} {b}?", f"Is {b} {relation} {a}?", 1
    relation = rng.choice(w.DIRECTED)
    return f"Is {a} {relation} {b}?", f"Is {b} {relation} {a}?", 0


def traits(rng: random.Random) -> Made:
    a = _person(rng)
    one, other = rng.sample(w.TRAITS, 2)
    job, job2 = rng.sample(w.JOBS, 2)
    nation, nation2 = rng.sample(w.NATIONS, 2)
    return rng.choice(
        [
            (f"Is {a} a {job}?", f"Is {a} a {rng.choice(w.MODIFIERS)} {job}?", 0),
            (f"Is {a} a {job}?", f"Is {a} {rng.choice(w.EMPTY_MODIFIERS)} a {job}?", 1),
            (f"Is {a} {one}?", f"Is {_person(rng)} {one}?", 0),
            (f"Is {a} {one}?", f"Is {a} {other}?", 0),
            (f"Is {a} a {nation} {job}?", f"Is {a} a {job} and {nation}?", 1),
            (f"Is {a} a {nation} {job}?", f"Is {a} a {nation2} {job}?", 0),
            (f"Is {a} a {job} or a {job2}?", f"Is {a} a {job2} or a {job}?", 1),
            (f"Is {a} a {job} or a {job2}?", f"Is {a} both a {job} and a {job2}?", 0),
            (f"Is {a} a {job} and a {job2}?", f"Is {a} a {job2} and a {job}?", 1),
            (f"Is {a} a {job} and a {job2}?", f"Is {a} a {job2} or a {job}?", 0),
            (f"Is {a} a {job}?", f"Is {a} a former {job}?", 0),
            (f"Is {a} {one}?", f"Is {a} {one} or not?", 1),
        ]
    )


def becoming(rng: random.Random) -> Made:
    trait, other = rng.sample(w.TRAITS, 2)
    a, job = _person(rng), rng.choice(w.JOBS)
    positive, negative = rng.choice(
        [
            p
            for p in w.OPPOSITES
            if p[0] in ("optimistic", "patient", "active", "positive", "strong", "rich", "safe", "healthy", "fast")
        ]
    )
    return rng.choice(
        [
            (f"How can I become more {trait}?", f"How can I become less {trait}?", 0),
            (f"How can I become more {positive}?", f"How can I become less {negative}?", 1),
            (f"How can I become more {positive}?", f"How can I become more {negative}?", 0),
            (f"How can I become a {trait} person?", f"How can I become a person who is {trait}?", 1),
            (f"How can I become a {trait} person?", f"How can I become a person who is not {trait}?", 0),
            (f"How can I become a {positive} person?", f"How can I become a person who is not {negative}?", 1),
            (f"How do I stop being {trait}?", f"How do I start being {trait}?", 0),
            (f"What was {a}'s life before becoming a {job}?", f"What was {a}'s life after becoming a {job}?", 0),
            (f"What did {a} do before becoming a {job}?", f"What was {a} doing before becoming a {job}?", 1),
            (f"When did {a} become a {job}?", f"When did {a} stop being a {job}?", 0),
            (f"How can I become more {trait}?", f"How can I become more {other}?", 0),
            (f"What can I do to be more {trait}?", f"How can I become more {trait}?", 1),
        ]
    )


def timing(rng: random.Random) -> Made:
    (one, one_ing), (two, two_ing) = rng.sample(w.ACTIVITIES, 2)
    how, place = rng.choice(w.ADJUDGED), rng.choice(w.PLACES)
    hour = f"{rng.randint(1, 12)}{rng.choice(['am', 'pm'])}"
    return rng.choice(
        [
            (f"Is it {how} to {one} before {two_ing}?", f"Is it {how} to {one} after {two_ing}?", 0),
            (f"Is it {how} to {one} before {two_ing}?", f"Before {two_ing}, is it {how} to {one}?", 1),
            (
                f"Is it {how} to {one} before {two_ing}?",
                f"Is it {how} to {two} after {one_ing}?",
                1 if how in ("normal", "common") else 0,
            ),
            (f"Is it {how} to {one} before {hour}?", f"Is it {how} to {one} after {hour}?", 0),
            (f"Is it {how} to {one} in {place}?", f"Is it {how} not to {one} in {place}?", 0),
            (f"Is it {how} to {one} in {place}?", f"In {place}, is it {how} to {one}?", 1),
            (f"Is it {how} to {one}?", f"Is {one_ing} {how}?", 1),
            (f"Do I have to {one} before {two_ing}?", f"Do I have to {one} after {two_ing}?", 0),
            (f"Should I {one} before {two_ing}?", f"Should I {two} before {one_ing}?", 0),
            (f"Should I {one} before {two_ing}?", f"Should I {one} prior to {two_ing}?", 1),
            (f"Can I {one} while {two_ing}?", f"Can I {one} without {two_ing}?", 0),
            (f"Is it {how} to {one} in {place}?", f"Is it {how} to {one} in {rng.choice(w.PLACES)}?", 0),
        ]
    )


def directions(rng: random.Random) -> Made:
    lists = [
        w.PLACES,
        w.THINGS,
        w.LANGUAGES,
        [
            "PDF",
            "Word",
            "CSV",
            "JSON",
            "XML",
            "MP3",
            "PNG",
            "dollars",
            "euros",
            "Celsius",
            "Fahrenheit",
            "miles",
            "kilometers",
        ],
    ]
    a, b = rng.sample(rng.choice(lists), 2)
    forms = [
        ("How do I convert {} to {}?", "What's the way to convert {} to {}?"),
        ("How do I get from {} to {}?", "What's the best route from {} to {}?"),
        ("How do I move my files from {} to {}?", "How can I transfer my files from {} to {}?"),
        ("Translate this from {} to {}", "Can you translate this from {} into {}?"),
        ("How do I switch from {} to {}?", "What should I do to switch from {} to {}?"),
        ("Is {} cheaper than {}?", "Does {} cost less than {}?"),
        ("Is {} better than {}?", "Is it true that {} is better than {}?"),
        ("Why is {} bigger than {}?", "What makes {} bigger than {}?"),
        ("How do I send money from {} to {}?", "What is the way of sending money from {} to {}?"),
        ("How far is {} from {}?", "How far from {} is {}?"),
    ]
    one, other = rng.choice(forms)
    symmetric = one.startswith("How far")
    draw = rng.random()
    if draw < 0.35:
        return one.format(a, b), one.format(b, a), int(symmetric)
    if draw < 0.6:
        return one.format(a, b), other.format(*((b, a) if symmetric else (a, b))), 1
    if draw < 0.8:
        return one.format(a, b), other.format(*((a, b) if symmetric else (b, a))), int(symmetric)
    return (
        f"What is the difference between {a} and {b}?",
        rng.choice(
            [
                (f"What is the difference between {b} and {a}?", 1),
                (f"How do {a} and {b} differ?", 1),
                (f"What do {a} and {b} have in common?", 0),
            ]
        )[0],
        2,
    )


def said(rng: random.Random) -> Made:
    who = rng.choice(
        [
            "critics",
            "doctors",
            "fans",
            "parents",
            "children",
            "economists",
            "voters",
            "teachers",
            "tourists",
            "experts",
            "engineers",
            "lawyers",
        ]
    )
    who2 = rng.choice(["critics", "doctors", "fans", "parents", "bankers", "students"])
    best, worst = rng.sample(w.SUPERLATIVES, 2)
    job = rng.choice(w.JOBS)
    left = f"Who do {who} think is the {best} {job} in the world?"
    return rng.choice(
        [
            (left, f"Who is the {best} {job} in the world according to {who}?", 1),
            (left, f"According to {who}, who is the {best} {job} in the world?", 1),
            (left, f"Who is the {worst} {job} in the world according to {who}?", 0),
            (left, f"Who is the {best} {job} in the world according to {who2}?", int(who == who2)),
            (left, f"Who do {who} think is the {best} {rng.choice(w.JOBS)} in the world?", 0)
            if rng.random() < 0.5
            else (left, f"Which {job} do {who} consider the {best} in the world?", 1),
        ]
    )


def creatures(rng: random.Random) -> Made:
    one, other = rng.sample(w.ANIMALS, 2)
    part, part2 = rng.sample(w.BODY, 2)
    food = rng.choice(
        ["bread", "milk", "cheese", "rice", "grapes", "chocolate", "lettuce", "eggs", "bananas", "peanuts"]
    )
    return rng.choice(
        [
            (f"Can I feed my {one} {food}?", f"Can I feed my {other} {food}?", 0),
            (f"Can I feed my {one} {food}?", f"Is it okay to give {food} to my {one}?", 1),
            (f"Can I feed my {one} {food}?", f"Can my {one} eat {food}?", 1),
            (
                f"I hurt my {part} yesterday. Should I see a doctor?",
                f"I hurt my {part2} yesterday. Should I see a doctor?",
                0,
            ),
            (
                f"I went running and hurt my {part}. What helps?",
                f"I hurt my {part} when I went running. What helps?",
                1,
            ),
            (f"My {part} hurts after tennis. Is it normal?", f"My {part2} hurts after tennis. Is it normal?", 0),
            (f"Which is heavier, a {one} or a {other}?", f"Which is heavier, a {other} or a {one}?", 1),
            (f"Which is heavier, a {one} or a {other}?", f"Which is lighter, a {one} or a {other}?", 0),
            (f"Is a {one} faster than a {other}?", f"Is a {other} faster than a {one}?", 0),
            (f"How many {one}s are there?", f"How many {other}s are there?", 0),
        ]
    )


def sums(rng: random.Random) -> Made:
    """A small word problem; another number, another question, or other names for the same numbers."""
    a, b = rng.sample(w.FIRST_NAMES, 2)
    thing = rng.choice(["apples", "books", "marbles", "stickers", "coins", "eggs", "cards", "pens"])
    x, y = rng.randint(2, 99), rng.randint(2, 99)
    text = f"{a} has {x} {thing}. {b} gives {a} {y} more. How many {thing} does {a} have now?"
    return rng.choice(
        [
            (
                text,
                f"{a} has {x} {thing}. {b} gives {a} {y + rng.randint(1, 9)} more. How many {thing} does {a} have now?",
                0,
            ),
            (
                text,
                f"{a} has {y} {thing}. {b} gives {a} {x} more. How many more {thing} did {a} have before than {b} gave?",
                0,
            ),
            (text, f"{a} has {x} {thing}. {a} gives {b} {y}. How many {thing} does {a} have now?", 0),
            (text, f"{a} has {x} {thing} and gets {y} more from {b}. How many {thing} does {a} have now?", 1),
            (text, f"If {a} has {x} {thing} and {b} gives {a} {y} more, how many {thing} does {a} have?", 1),
        ]
    )


TEMPLATES: list[tuple[Callable[[random.Random], Made], float]] = [
    (voices, 3),
    (objects, 1),
    (relations, 2),
    (traits, 3),
    (becoming, 2),
    (timing, 2),
    (directions, 2.5),
    (said, 1),
    (creatures, 1.5),
    (sums, 1),
]


def make(rng: random.Random) -> Made | None:
    a, b, same = rng.choices([t for t, _ in TEMPLATES], [weight for _, weight in TEMPLATES])[0](rng)
    if same == 2:
        same = int("in common" not in b)
    if a == b and same == 0:
        return None
    return (a, b, same) if rng.random() < 0.5 else (b, a, same)
