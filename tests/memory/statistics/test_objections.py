"""Who objects to an answer in French, German or Spanish, and who does not."""

from __future__ import annotations

import pytest

from memory.statistics.objections import objects

OBJECTIONS = """
C'est faux.
Non, c'est faux : la réunion est mardi.
Ce n'est pas ce que j'ai demandé.
Désolé, mais ce n'est pas correct.
Tu te trompes, la capitale est Canberra.
Ça ne marche pas, j'ai toujours la même erreur.
ça marche pas
Je n'ai pas demandé ça.
Non, c'est Lyon.
Non, je voulais dire l'autre serveur.
Votre réponse est inexacte.
Faux !
Das stimmt nicht.
Das stimmt leider so nicht, es sind drei.
Das ist falsch.
Nein, das ist nicht richtig.
Nein, es sind vier Teilnehmer.
Falsch, es heißt Zürich.
Das funktioniert bei mir nicht.
Danach habe ich nicht gefragt.
Ich meinte den anderen Drucker.
Da liegst du falsch.
Deine Antwort ist falsch.
Eso no es correcto.
No es lo que pregunté.
No, es Barcelona.
Te equivocas, fue en 1998.
Eso es incorrecto.
Perdona, pero eso no es cierto.
No funciona, sale el mismo error.
Me refería a la otra impresora.
¡Incorrecto!
La respuesta es incorrecta.
""".strip().splitlines()

OTHERS = """
Non merci.
Non, c'est bon, merci !
Non, ça va.
C'est faux ?
C'est parfait, merci.
Et pour l'Allemagne ?
En fait, c'est pour mon frère.
Pourquoi est-ce faux de dire cela ?
Le test dit que c'est faux quand la valeur est nulle, pourquoi ?
Nein danke.
Nein, das war's.
Nein, alles klar.
Ist das falsch?
Das ist richtig.
Das ist gut, danke.
Und wie geht es in Python?
Warum ist das falsch?
No, gracias.
No, eso es todo.
No, es todo.
¿Es falso?
Eso es correcto, gracias.
¿Y en España?
No hay problema.
No, thanks.
What is false in this sentence?
Nobody knows.
""".strip().splitlines()


@pytest.mark.parametrize("said", OBJECTIONS)
def test_who_objects(said):
    assert objects(said), "it says that the answer is wrong"


@pytest.mark.parametrize("said", OTHERS)
def test_who_does_not(said):
    assert not objects(said), "nothing is said against the answer"


def test_only_the_beginning_counts():
    assert not objects("Merci beaucoup pour le résumé. " * 10 + "C'est faux.")
    assert not objects("")
