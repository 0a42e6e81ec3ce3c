"""Who people are, what they like and how they want to be answered, in French."""

from __future__ import annotations

from typing import Final

from memory.extraction.french.words import PARTS
from memory.extraction.rules import Rule, rules_of

PEOPLE: Final[tuple[Rule, ...]] = rules_of(
    PARTS,
    (
        "health",
        "identity",
        "",
        r"(?:<im>|<kin> (?:est|sont)) <adv>(?:(?:très|également|légèrement|fortement) )?<health>",
    ),
    (
        "health",
        "identity",
        "",
        r"(?:<have>|<kin> (?:a|ont)) (?:une |un |des |de l'|du )?(?:[\w-]+ ){0,2}?(?:allergies?"
        r"|intolérance|diabète|asthme|migraines|épilepsie|arthrose|handicap|prothèse|hernie|dyslexie"
        r"|tdah|acouphènes)\b",
    ),
    (
        "diet",
        "identity",
        "",
        r"(?:je|on|nous|<kin>) (?:ne |n')?(?:mange|mangeons|bois|boit|buvons|fume|fumons|supporte|digère"
        r"|parle|lit|lis)(?:nt)? (?:pas|jamais|plus|que|rien)\b(?! <this>)",
    ),
    (
        "job",
        "identity",
        "",
        r"(?:<im>) <adv>(?:une? |la |le )?(?:[\w-]+ )?<job>(?! de (?:savoir|voir))",
    ),
    (
        "origin",
        "identity",
        "",
        r"(?:je suis|on est|nous sommes|j'habite|on habite|nous habitons|je vis|on vit|nous vivons|je"
        r" viens|je travaille|on travaille|je bosse|on bosse) <adv>(?:à (?-i:[A-Z])|à la (?:campagne"
        r"|montagne)|au (?-i:[A-Z])|aux (?-i:[A-Z])|en (?-i:[A-Z])|en (?:banlieue|ville|appartement"
        r"|maison|bretagne|suisse|france|belgique)|dans (?:le|la|un|une|les) |près de |seule?\b|avec"
        r" (?:ma|mon|mes|deux|trois)|chez (?-i:[A-Z])|comme |de nuit|à mon compte|à (?:mi-temps|temps"
        r" partiel)|originaire|de (?-i:[A-Z]))",
    ),
    (
        "age",
        "identity",
        "",
        r"(?:j'ai|<kin> (?:a|ont)|(?:il|elle) a) (?:bientôt |presque )?\d{1,3} (?:ans|mois)\b(?!"
        r" d'expérience| pour)",
    ),
    (
        "experience",
        "identity",
        "lasting",
        r"(?:je|on|nous|ça fait|cela fait|voilà) [^.!?]{0,60}?(?:depuis|plus de|ça fait)? ?(?:\d+|deux"
        r"|trois|cinq|dix|quinze|vingt|trente) ans\b",
    ),
    (
        "trait",
        "identity",
        "",
        r"je suis (?:nulle?|débutante?|mauvaise?|douée?|forte?) en \S",
    ),
    (
        "refusal",
        "preference",
        "",
        r"(?:on|nous|je) (?:ne |n')(?:livre|utilise|prend|accepte|vend|travaille|fai[st]|mange|boi[st]"
        r"|ouvre|stocke|publie|cite|porte|achète|paie|facture)\w* (?:pas|plus|jamais|aucune?)\b(?!"
        r" <this>)",
    ),
    (
        "age",
        "identity",
        "",
        r"(?:on est|nous sommes) (?:deux|trois|quatre|cinq|six|sept|\d+) (?:à la maison|dans (?:la|le"
        r"|l')|au bureau|à)\b",
    ),
    (
        "occupation",
        "identity",
        "",
        r"j'(?:enseigne|étudie|anime|élève|écris des|apprends|exerce) \S",
    ),
    (
        "name",
        "identity",
        "lasting",
        r"(?:je m'appelle|mon (?:nom|prénom) (?:est|c'est)|je suis née?|j'ai grandi|mes pronoms sont) \S",
    ),
    (
        "name",
        "adaptation",
        "lasting",
        r"(?:appelle|appelez|tutoie|tutoyez|vouvoie|vouvoyez)-(?:moi|nous)\b(?! (?:au|à|demain|ce|dès"
        r"|quand|si|le|avant|après|vite))",
    ),
    (
        "occupation",
        "identity",
        "",
        r"je (?:dirige|gère|tiens|enseigne|étudie|maintiens|anime|préside|coordonne|prépare (?:une|ma"
        r"|un) (?:thèse|mémoire|concours)|fais (?:une|ma|un) (?:thèse|doctorat|master|licence)|joue"
        r" (?:du|de la|de l')|parle (?:français|anglais|\w+)|conduis (?:un|une)|roule en) ?",
    ),
    (
        "household",
        "identity",
        "",
        r"(?:<have>) (?:un|une|deux|trois|quatre|cinq|\d+) (?:[\w-]+ )?(?:enfants?|filles?|fils|garçons?"
        r"|chiens?|chats?|chevaux|cheval|poules|lapins?|jumeaux|jumelles|ados?|bébé|salariés|employés"
        r"|sites|magasins)\b",
    ),
    (
        "household",
        "identity",
        "",
        r"(?:on est|nous sommes) (?:une? )(?:[\w-]+ ){0,2}?(?:librairie|boutique|crèche|agence|ferme"
        r"|imprimerie|galerie|ong|maison|studio|famille|entreprise|association|équipe|asso|pme|start-?up"
        r"|couple|école|cabinet|boulangerie|coopérative|collectif)\b",
    ),
    (
        "trait",
        "identity",
        "",
        r"(?:les maths|l'informatique|la technique|l'anglais|la cuisine|l'orthographe|les chiffres) et"
        r" moi\b",
    ),
    (
        "preference_sentence",
        "preference",
        "",
        r"(?:je|nous|on) (?:préfère|préférons|préfere|prefere) <adv>(?!<this>|que tu|que vous|la version"
        r"|le tien|la tienne)\S",
    ),
    (
        "taste",
        "preference",
        "errand",
        r"(?:j'adore|j'aime|je déteste|je n'aime pas|j'aime pas|j'ai horreur d|je ne supporte pas|je"
        r" supporte pas|on adore|on déteste|nous aimons|j'aime bien|je raffole d)(?:es|e|u|')?"
        r" ?(?!<this>|quand|comment|bien <this>|l'idée|ta|ton|votre)\S",
    ),
    (
        "taste",
        "preference",
        "lasting",
        r"(?:ma|mon|mes|notre) (?:[\w-]+ )?(?:préférée?s?|favorite?s?)\b[^.!?]{1,40}? (?:est|sont"
        r"|c'est)\b",
    ),
    (
        "habit",
        "preference",
        "",
        r"(?:je|on|nous) (?:ne |n')?(?:\w+ )?(?!comprend|sai[st]|arriv|trouv|vois|oubli|reçoi|attend"
        r"|cherch|essa|rest|pens|hésit|ai\b|est\b|suis|sommes)\w{3,} (?:toujours|jamais|systématiquement"
        r"|d'habitude|uniquement|exclusivement|tous les (?!jours où)\w+|toutes les \w+|chaque)\b(?!"
        r" (?:pas|rien reçu|le même (?:message|problème)|cette erreur))",
    ),
    (
        "habit",
        "preference",
        "",
        r"(?:d'habitude|en général|habituellement|généralement|le (?:matin|soir|week-end)|(?:le |les "
        r"|tous les )<date>),? (?:je|on|nous|c'est) \S",
    ),
    (
        "standing",
        "adaptation",
        "lasting",
        r"[^.!?]{0,120}?\b(?:à partir de maintenant|dorénavant|désormais|à l'avenir|pour (?:la suite|les"
        r" prochaines fois|la prochaine fois|l'avenir|toutes les prochaines|tous les prochains|le futur)"
        r"|les prochaines fois|la prochaine fois|dans (?:toutes|tous) (?:tes|vos|mes|nos) \w+|dans"
        r" chaque (?:réponse|mail|message)|à chaque (?:réponse|fois que (?:je|tu|vous))|chaque fois que"
        r" (?:je|tu|vous)|une fois pour toutes|jusqu'à nouvel ordre)\b",
    ),
    (
        "standing",
        "adaptation",
        "lasting",
        r"(?:merci de |s'il te plaît |s'il vous plaît |stp |svp |il faut |pense à |pensez à )?(?:ne"
        r" (?:jamais|plus jamais|me) \w+|toujours \w+|(?:utilise|mets|écris|réponds|réponde?z|garde"
        r"|évite|donne|fais|parle|cite|utilisez|mettez|écrivez|gardez|évitez|donnez|faites|emploie"
        r"|employez|indique|indiquez|signe|signez|mesure|compte|réponds|commence|commencez|finis|termine"
        r"|terminez)(?:-moi|-nous)? toujours|n'\w+ (?:jamais|plus jamais)|ne \w+(?:-\w+)? (?:jamais|plus"
        r" jamais|plus))\b",
    ),
    (
        "standing",
        "adaptation",
        "lasting",
        r"(?:si|quand|lorsque) (?:je|vous|tu) (?:te|me|devez|dois|voulez|veux|m'|demande|pose|écris"
        r"|envoie|appelle|parle)[^.!?]{1,100}(?:, |plutôt|toujours|jamais|uniquement|seulement)(?!est-ce"
        r"|qu'est|comment|combien)",
    ),
    (
        "standing",
        "preference",
        "lasting",
        r"[^.!?]{0,80}?(?:, toujours(?=[,.!]|$)|\btoujours,? (?:stp|svp|s'il)|, jamais(?=[,.!]|$))",
    ),
    (
        "stop",
        "adaptation",
        "lasting",
        r"(?:arrête|arrêtez|évite|évitez)(?: toujours)? (?:de |d'|les |le |la |tout )\S",
    ),
    (
        "decided_to_sentence",
        "adaptation",
        "",
        r"(?:on a|nous avons|j'ai|l'équipe a|le comité a|il a été) <adv>décidé (?:ensemble |finalement "
        r"|hier |lundi )?d(?:e |')(?!rien|te |vous )\S",
    ),
    (
        "habit",
        "preference",
        "",
        r"(?:on|nous|je) n(?:e |')\w+ (?:plus )?qu(?:e |')\S",
    ),
)
