"""The same in French."""

from __future__ import annotations

import pytest

from tests.memory.extraction.support import contents, found

KEPT = [
    ("Je suis allergique aux fruits à coque.", "health", "L'utilisateur dit : Je suis allergique aux fruits à coque"),
    ("Ma fille est végétarienne.", "health", "L'utilisateur dit : Ma fille est végétarienne"),
    ("Je suis professeur de physique à Lille.", "job", "L'utilisateur dit : Je suis professeur de physique à Lille"),
    ("J'ai deux chats.", "household", "L'utilisateur dit : J'ai deux chats"),
    ("Je préfère les réponses courtes.", "preference_sentence", "L'utilisateur dit : Je préfère les réponses courtes"),
    ("Je ne mange pas de porc.", "diet", "L'utilisateur dit : Je ne mange pas de porc"),
    ("Ne mets jamais d'emojis.", "standing", "Ne mets jamais d'emojis"),
    ("À partir de maintenant, réponds en anglais.", "standing", "À partir de maintenant, réponds en anglais"),
    ("Nous avons décidé de passer à PostgreSQL.", "decided_to_sentence", "Nous avons décidé de passer à PostgreSQL"),
    ("On a choisi le parquet en chêne.", "settled", "On a choisi le parquet en chêne"),
    ("Notre budget est de 8 000 euros.", "budget", "Notre budget est de 8 000 euros"),
    ("La date limite est le 3 avril.", "date", "La date limite est le 3 avril"),
    ("Les données ne doivent pas quitter l'UE.", "constraint", "Les données ne doivent pas quitter l'UE"),
    ("On utilise GitLab, pas GitHub.", "we_use", "On utilise GitLab, pas GitHub"),
    ("Chez nous, le serveur de test s'appelle orion.", "with_us", "Chez nous, le serveur de test s'appelle orion"),
    ("Notre boutique est fermée le lundi.", "our_fact", "Notre boutique est fermée le lundi"),
]

LEFT = [
    "Est-ce que je dois toujours utiliser HTTPS ?",
    "Traduis : je préfère le thé.",
    "Peux-tu corriger ce texte : « nous avons décidé de partir » ?",
    "Si on choisit Vue, que faut-il changer ?",
    "Mon colis est en retard.",
    "Je pense qu'on devrait utiliser Redis.",
    "Fais plus court cette fois.",
    "Je n'ai jamais reçu la facture.",
    "Il préfère le café.",
    "Je voudrais réserver une table pour ce soir.",
    "On a décidé de partir... euh non, oublie.",
    "J'ai décidé de vous écrire car je suis mécontent.",
    "C'est toujours le même problème avec vous.",
    "Écris un poème : je suis une vieille horloge.",
    "Le texte doit faire 200 mots.",
]


@pytest.mark.parametrize(("prompt", "rule", "said"), KEPT)
def test_lasting_statements_are_kept(prompt: str, rule: str, said: str) -> None:
    assert [(one.rule, one.content) for one in found(prompt)] == [(rule, said)], "not found, or another text"


@pytest.mark.parametrize("prompt", LEFT)
def test_what_only_looks_lasting_is_left(prompt: str) -> None:
    assert contents(prompt) == [], "this is no memory"


def test_a_fact_put_right() -> None:
    before = [("user", "Le train part à 9 h"), ("assistant", "Noté.")]
    (one,) = found("pardon, je me suis trompé, c'est à 7 h", before=before)
    assert one.rule == "correction", "the correction was passed over"
    assert "7 h" in one.content, "not the corrected fact"
