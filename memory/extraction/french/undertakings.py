"""What people have decided, what has to be and what is the case around them, in French."""

from __future__ import annotations

from typing import Final

from memory.extraction.french.words import PARTS
from memory.extraction.rules import Rule, rules_of

UNDERTAKINGS: Final[tuple[Rule, ...]] = rules_of(
    PARTS,
    (
        "wanted_by",
        "project",
        "",
        r"(?:on|nous) (?:exige|exigeons|refuse|refusons|n'accepte|n'acceptons|impose|imposons"
        r"|interdi[st]|interdisons) \S",
    ),
    (
        "place_fact",
        "knowledge",
        "state",
        r"(?:le|la|notre|mon) (?:corpus|jeu de données|échantillon|base|collection|équipe|site|dépôt)"
        r" (?:compte|contient|couvre|comprend|regroupe)\b",
    ),
    (
        "asked_to_remember",
        "knowledge",
        "lasting",
        r"(?:retiens|retenez|souviens-toi|souvenez-vous|rappelle-toi|garde en tête|gardez en tête"
        r"|n'oublie pas|n'oubliez pas|note|notez|sache|sachez|pour (?:info|information|mémoire)|à noter"
        r"|petite précision pour la suite)(?: bien)?(?: que | qu'| ?: ?|, )(?:\S+ ){2,}\S",
    ),
    (
        "schedule",
        "knowledge",
        "state",
        r"(?!tu\b|vous\b|il y|c'est|ça\b|je n)(?:[\w'’-]+ ){2,10}?(?:tous les (?:jours|mois|ans|<date>"
        r"|soirs|matins)|toutes les (?:semaines|deux|nuits)|chaque (?:jour|semaine|mois|année|<date>"
        r"|soir|matin)|du lundi au|le (?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche) (?:à|matin"
        r"|soir|de|et|midi))(?=\W|$)",
    ),
    (
        "we_use",
        "knowledge",
        "state",
        r"(?:les|nos|mes) (?:[\w'-]+ ){1,4}?se (?:font|fait|passent|déroulent) (?:en|au|à|chez|le|dans"
        r"|par) ",
    ),
    (
        "settled",
        "project",
        "",
        r"(?:on a|nous avons|j'ai|l'équipe a|le comité a|le conseil a|le bureau a|il a été|c'est|on"
        r" s'est|nous nous sommes|on est) <adv><chose>\b(?! (?:ça|cela|ce matin de|pas|rien|de (?:rien"
        r"|vous|te|ne pas vous)|d'écrire|la mauvaise|le mauvais))",
    ),
    (
        "settled",
        "project",
        "",
        r"(?:on part|on est partis?|nous partons|on reste|on passe|on est passés?|nous passons|on garde"
        r"|nous gardons|on abandonne|on arrête|on supprime|on vire|on exclut|nous excluons|on retient"
        r"|nous retenons|on se limite|on ne garde|on ne prend) (?:sur |à |en |avec |de |que |le |la |les"
        r" |un |une |pas |tous |toutes |deux |trois )",
    ),
    (
        "settled",
        "project",
        "lasting",
        r"[^.!?]{3,140}?\b(?:c'est (?:décidé|acté|validé|tranché|définitif|entendu|convenu)|comme"
        r" convenu|est (?:décidé|acté|validé|définitif)\b)",
    ),
    (
        "undertaking",
        "project",
        "errand",
        r"(?:on|nous|je) (?:refait|refaisons|refais|rénove|rénovons|déménage|déménageons|prépare"
        r"|préparons|lance|lançons|construis|construit|construisons|monte|montons|organise|organisons"
        r"|migre|migrons|ouvre|ouvrons) (?:le |la |les |notre |nos |un |une |l'|en |vers |ma |mon )",
    ),
    (
        "requirement_sentence",
        "project",
        "",
        r"(?:l'exigence|la contrainte|l'impératif|la règle|le critère) (?:est|c'est)(?: que| qu'| de| d'"
        r"|,)? \S",
    ),
    (
        "constraint",
        "project",
        "",
        r"(?:notre|nos|tous (?:les|nos)|toutes (?:les|nos)|chaque|aucun|aucune|rien|personne|tout)"
        r" (?:[\w'-]+ ){0,5}?(?:ne (?:doit|doivent|peut|peuvent|touche|sort|quitte|entre|modifie)"
        r"|n'(?:est|ont|a|entre|y)|doit|doivent|est (?:interdite?|obligatoire|limitée?|plafonnée?)|sont"
        r" (?:interdite?s|obligatoires))\b",
    ),
    (
        "constraint",
        "project",
        "",
        r"(?:le|la|les|mon|ma|mes) (?!(?:texte|réponse|message|mail|poème|résumé|code|fonction|phrase"
        r"|mot|titre|lettre|joueur|lecteur)\b)(?:[\w'-]+ ){1,4}?(?:ne doi(?:t|vent) (?:pas|jamais|plus)"
        r"|ne peu(?:t|vent) pas (?:dépasser|sortir|quitter|être)|est (?:plafonnée?|limitée?|interdite?"
        r"|obligatoire|fixée?|de \d)|sont (?:plafonnée?s|limitée?s|interdite?s|obligatoires))\b",
    ),
    (
        "constraint",
        "project",
        "",
        r"(?:on|nous) (?:doit|devons|n'a pas le droit|n'avons pas le droit|ne (?:peut|pouvons) (?:pas"
        r"|plus) (?:utiliser|dépasser|stocker|sortir|publier|changer|accepter|mettre|payer|envoyer)|est"
        r" obligés? d|est tenus? d|sommes tenus d)\b",
    ),
    (
        "constraint",
        "project",
        "",
        r"(?:il est (?:interdit|obligatoire)|pas question|interdiction|interdit) d(?:e |'|u )\S",
    ),
    (
        "constraint",
        "project",
        "",
        r"je (?:ne )?peux (?:pas|plus|que|seulement) (?:manger|boire|conduire|marcher|porter|travailler"
        r"|venir|monter|rester)\b",
    ),
    (
        "wanted_by",
        "project",
        "",
        r"<people> (?:ne |n')?<wants>(?:nt)?\b(?! (?:savoir|que je|<this>|si))",
    ),
    (
        "budget",
        "project",
        "lasting",
        r"(?:(?:le|notre|mon|un) budget (?:est|c'est|de|pour|total|max)[^.!?]{0,40}\d|budget ?:? ?(?:max"
        r" |de )?\d|(?:on|nous|j') ?(?:a|avons|ai) (?:un budget de |au maximum )?\d[\d .,]*(?:k|€|euros"
        r"|francs)|on ne (?:dépasse|peut dépasser))",
    ),
    (
        "date",
        "project",
        "lasting",
        r"(?:la|le|notre|nos|l'|mon|ma) ?(?:[\w'-]+ ){0,3}?(?:date limite|deadline|échéance|lancement"
        r"|sortie|rendu|examen|soutenance|mariage|déménagement|audience|opération|remise|livraison du"
        r"|colloque|audit|ouverture|inauguration|concours|bail|contrat|rentrée|visite|bouclage"
        r"|gel)\b[^.!?]{0,30}? (?:est|c'est|tombe|finit|expire|commence|débute|a lieu|aura lieu|se"
        r" termine|est fixée?)[^.!?]{0,25}?(?:<date>|\d)",
    ),
    (
        "date",
        "project",
        "lasting",
        r"(?:on|nous|je) (?:déménage|déménageons|ouvre|ouvrons|ferme|fermons|lance|lançons|livre|livrons"
        r"|soutiens|pars|part|partons|me marie|se marie|commence|commençons|rends|rendons)"
        r" [^.!?,]{0,40}?(?:le |en |début |fin |au |avant |à partir d)(?:<date>|\d)",
    ),
    (
        "event",
        "episodic",
        "lasting",
        r"(?:on a|nous avons|j'ai|on est|nous sommes|je suis) (?:enfin |finalement |tout juste"
        r" )?(?:signé|emménagé|déménagé|adopté|vendu|acheté (?:une maison|un appartement|une voiture"
        r"|notre)|eu (?:un bébé|une fille|un fils)|été (?:opérée?|promue?|diagnostiquée?)|soutenu|réussi"
        r" (?:mon|ma|le)|mariée?s?|fiancée?s?)\b",
    ),
    (
        "our_fact",
        "knowledge",
        "state",
        r"(?:notre|nos) (?!commande|colis|livraison|vol\b|réservation|problème|question)(?:[\w'-]+"
        r" ){1,5}?(?:est|sont|tourne|tournent|se trouve|utilise|utilisent|a|ont|passe|passent|ferme"
        r"|ouvre|dure|coûte|compte|parle|parlent|refuse|accepte|fait|font|date|ne|n')\b",
    ),
    (
        "my_fact",
        "knowledge",
        "state",
        r"(?:mon|ma|mes) (?:\w+ )?(?:adresse|anniversaire|entreprise|boîte|métier|poste|équipe|chien"
        r"|chat|voiture|vélo|maison|appartement|appart|jardin|cuisine|four|bureau|école|fac|université"
        r"|budget|thèse|mémoire|labo|directeur de thèse|directrice de thèse|médecin|employeur|numéro"
        r"|langue maternelle|serveur|clavier|ordinateur|mac|pc|chaudière|forfait|contrat|<kin>) (?:est"
        r"|sont|s'appelle|a|ont|tourne|date|fait|c'est|commence|porte|parle|travaille|rentre|entre|va"
        r"|joue|mange|dort|vit|habite|étudie|suit)\b",
    ),
    (
        "we_use",
        "knowledge",
        "state",
        r"(?:on|nous|tout le monde ici) <adv><use>\b <adv>(?!<this>|pas encore|à <this>)\S",
    ),
    (
        "we_use",
        "knowledge",
        "state",
        r"(?:j'utilise|j'emploie|je travaille (?:sur|avec|sous)|je tourne (?:sur|sous)|je (?:code|écris"
        r"|programme|développe) (?:tout )?(?:en|sur)|je suis (?:sous|sur) (?-i:[A-Z])|je roule|je"
        r" conduis) <adv>(?!<this>|la fonction|le code|le|la|l')\S",
    ),
    (
        "with_us",
        "knowledge",
        "state",
        r"(?:chez (?:nous|moi)|dans (?:notre|mon|ma|nos) (?:[\w'-]+ )?(?:boîte|entreprise|équipe|labo"
        r"|service|école|maison|projet|magasin|cabinet|immeuble|village|région|région|club|asso\w*"
        r"|atelier)|au (?:labo|bureau|boulot|travail)|ici),? (?:on|nous|c'est|le|la|les|l'|tout|personne"
        r"|il|tous|toutes|chaque|aucun|aucune|je)\b",
    ),
    (
        "with_us",
        "knowledge",
        "state",
        r"\S[^.!?,]{2,60} (?:chez (?:nous|moi)|dans (?:notre|mon) (?:boîte|entreprise|équipe|labo"
        r"|service))\b(?=[,.;!]|$)",
    ),
    (
        "place_fact",
        "knowledge",
        "state",
        r"(?:la|le|notre|ma|mon|l') ?(?:maison|appartement|appart|jardin|immeuble|cuisine|toit|bâtiment"
        r"|balcon|terrasse|terrain|bureau|local|magasin|salle de bains?|chambre|garage|grenier|cave|sol"
        r"|comptabilité|accueil|secrétariat) (?:est|date|fait|mesure|a|n'a|donne|ferme|ouvre|compte|se"
        r" trouve|reste|doit)\b",
    ),
    (
        "with_us",
        "knowledge",
        "state",
        r"on est (?:à \d|en (?:zone|montagne|altitude|copropriété|location|rdc|rez)|au \d|dans (?:le|la"
        r"|un|une|les) )",
    ),
    (
        "owner",
        "knowledge",
        "",
        r"(?-i:[A-Z][a-zà-ÿ]+)(?: (?-i:[A-Z])[\w-]+)? (?:est (?:responsable|chargée?|en charge|notre|mon"
        r"|ma)|s'occupe|gère|valide|dirige|tient|supervise)\b",
    ),
    (
        "correction",
        "knowledge",
        "lasting",
        r"(?:c'est |c'était |ce sont |il faut lire |je voulais dire )[^.!?]{1,80}?(?:depuis|et pas|et"
        r" non|pas (?:le|la|l'|les) |au lieu d)",
    ),
)
