"""What people say of themselves and their undertakings in French. Patterns stand at the start of a clause."""

from __future__ import annotations

import re
from typing import Final

from memory.extraction.rules import Rule, any_of, rules_of

_MONTH = any_of(
    "janvier février fevrier mars avril mai juin juillet août aout septembre octobre novembre décembre decembre"
)
_DAY = any_of("lundis? mardis? mercredis? jeudis? vendredis? samedis? dimanches?")

_PARTS: Final = {
    "im": r"(?:je suis|j'suis|chuis|on est|nous sommes|je reste)",
    "have": r"(?:j'ai|on a|nous avons|ma \w+ a|mon \w+ a)",
    "kin": r"(?:ma|mon|mes|notre|nos) (?:\w+ )?"
    + any_of(
        "femme mari conjointe? compagnon compagne copine copain fils fille enfants? bébé mère père maman papa parents"
        " frères? soeurs? sœurs? grand-mère grand-père mamie papi cousine? tante oncle colocs? colocataires? famille"
    ),
    "people": r"(?:ma|mon|mes|notre|nos|le|la|les) "
    + any_of(
        "chef cheffe patron patronne manager équipe collègues? clients? cliente propriétaire employeur entreprise boîte"
        " service_\\w+ direction directeur directrice mairie syndic banque éditeur labo laboratoire directeur_de_thèse"
        " directrice_de_thèse rédaction financeur assureur comptable juriste dsi"
    ),
    "health": any_of(
        "allergiques? aveugle sourde? malentendante? malvoyante? daltonienne daltonien végane vegan végétariens?"
        " végétariennes? végan cœliaque coeliaque diabétique asthmatique épileptique dyslexique autiste enceinte"
        " intolérante? gauch(?:er|ère) retraitée? musulmane? juive juif bilingue handicapée?"
    )
    + r"\b",
    "job": any_of(
        "infirmière infirmier médecin professeure? prof enseignante? instituteur institutrice étudiante? élève doctorante?"
        " chercheuse chercheur ingénieure? développeuse développeur avocate? juriste comptable graphiste designer"
        " traductrice traducteur journaliste rédactrice rédacteur boulanger boulangère cuisinière cuisinier agricultrice"
        " agriculteur maraîchère maraîcher architecte artisane? menuisier plombier électricienne? électricien chauffeur"
        " libraire bibliothécaire archiviste historienne historien sociologue psychologue kiné ostéopathe vétérinaire"
        " pharmacienne? pharmacien sage-femme retraitée? freelance indépendante? auto-entrepreneuse auto-entrepreneur"
        " cheffe chef directrice directeur responsable gérante? propriétaire locataire débutante? novice musicienne?"
        " musicien photographe secrétaire assistante? consultante? fonctionnaire bénévole maire célibataire veuve veuf"
        " mariée? père mère parent stagiaire apprentie? alternante? lycéenne? lycéen"
    )
    + r"\b",
    "date": rf"(?:(?:le |au |du )?(?:\d{{1,2}}(?:er)? {_MONTH}|{_DAY}|\d{{1,2}}/\d{{1,2}})|(?:en |fin |début |mi-)?{_MONTH}"
    r"|(?:cet |l')(?:été|automne|hiver)|(?:ce )?printemps|fin \w+|20\d\d)",
    "adv": r"(?:(?:toujours|surtout|aussi|vraiment|déjà|encore|tous|toutes|maintenant|désormais|désormais|plutôt|juste"
    r"|finalement|enfin|donc|bien|tous les deux|ensemble|actuellement|principalement|uniquement|exclusivement) )*",
    "this": r"(?:ça|cela|ceci|celui|celle|ceux|cette|cet|ces|ce\b|la (?:première|deuxième|seconde|dernière)|le (?:premier"
    r"|deuxième|second|dernier))",
    "chose": any_of(
        "décidé choisi opté convenu tranché retenu validé voté arrêté adopté abandonné remplacé migré basculé supprimé"
        " acté signé gardé écarté reporté annulé"
    ),
    "use": any_of(
        "utilise utilisons emploie employons travaille travaillons passe passons héberge hébergeons stocke stockons"
        " déploie déployons code codons écris écrivons mange mangeons mesure mesurons conduis conduit cultive cultivons"
        " vend vendons livre livrons publie publions facture facturons gère gérons tourne tournons bosse bossons"
        " chauffe sauvegarde sauvegardons cite citons note notons enregistre enregistrons"
    ),
    "wants": any_of("veut veulent exige exigent refuse refusent impose imposent demande demandent interdit interdisent"
                    " n'accepte n'acceptent préfère préfèrent tient_à accepte"),
}

FRENCH: Final[tuple[Rule, ...]] = rules_of(
    _PARTS,
    ("health", "identity", "", r"(?:<im>|<kin> (?:est|sont)) <adv>(?:(?:très|également|légèrement|fortement) )?<health>"),
    ("health", "identity", "", r"(?:<have>|<kin> (?:a|ont)) (?:une |un |des |de l'|du )?(?:[\w-]+ ){0,2}?(?:allergies?|intolérance|diabète|asthme|migraines|épilepsie|arthrose|handicap|prothèse|hernie|dyslexie|tdah|acouphènes)\b"),
    ("diet", "identity", "", r"(?:je|on|nous|<kin>) (?:ne |n')?(?:mange|mangeons|bois|boit|buvons|fume|fumons|supporte|digère|parle|lit|lis)(?:nt)? (?:pas|jamais|plus|que|rien)\b(?! <this>)"),
    ("job", "identity", "", r"(?:<im>) <adv>(?:une? |la |le )?(?:[\w-]+ )?<job>(?! de (?:savoir|voir))"),
    ("origin", "identity", "", r"(?:je suis|on est|nous sommes|j'habite|on habite|nous habitons|je vis|on vit|nous vivons|je viens|je travaille|on travaille|je bosse|on bosse) <adv>(?:à (?-i:[A-Z])|à la (?:campagne|montagne)|au (?-i:[A-Z])|aux (?-i:[A-Z])|en (?-i:[A-Z])|en (?:banlieue|ville|appartement|maison|bretagne|suisse|france|belgique)|dans (?:le|la|un|une|les) |près de |seule?\b|avec (?:ma|mon|mes|deux|trois)|chez (?-i:[A-Z])|comme |de nuit|à mon compte|à (?:mi-temps|temps partiel)|originaire|de (?-i:[A-Z]))"),
    ("age", "identity", "", r"(?:j'ai|<kin> (?:a|ont)|(?:il|elle) a) (?:bientôt |presque )?\d{1,3} (?:ans|mois)\b(?! d'expérience| pour)"),
    ("experience", "identity", "lasting", r"(?:je|on|nous|ça fait|cela fait|voilà) [^.!?]{0,60}?(?:depuis|plus de|ça fait)? ?(?:\d+|deux|trois|cinq|dix|quinze|vingt|trente) ans\b"),
    ("name", "identity", "lasting", r"(?:je m'appelle|mon (?:nom|prénom) (?:est|c'est)|je suis née?|j'ai grandi|mes pronoms sont) \S"),
    ("name", "adaptation", "lasting", r"(?:appelle|appelez|tutoie|tutoyez|vouvoie|vouvoyez)-(?:moi|nous)\b(?! (?:au|à|demain|ce|dès|quand|si|le|avant|après|vite))"),
    ("occupation", "identity", "", r"je (?:dirige|gère|tiens|enseigne|étudie|maintiens|anime|préside|coordonne|prépare (?:une|ma|un) (?:thèse|mémoire|concours)|fais (?:une|ma|un) (?:thèse|doctorat|master|licence)|joue (?:du|de la|de l')|parle (?:français|anglais|\w+)|conduis (?:un|une)|roule en) ?"),
    ("household", "identity", "", r"(?:<have>) (?:un|une|deux|trois|quatre|cinq|\d+) (?:[\w-]+ )?(?:enfants?|filles?|fils|garçons?|chiens?|chats?|chevaux|cheval|poules|lapins?|jumeaux|jumelles|ados?|bébé|salariés|employés|sites|magasins)\b"),
    ("household", "identity", "", r"(?:on est|nous sommes) (?:une? )(?:[\w-]+ ){0,2}?(?:librairie|boutique|crèche|agence|ferme|imprimerie|galerie|ong|maison|studio|famille|entreprise|association|équipe|asso|pme|start-?up|couple|école|cabinet|boulangerie|coopérative|collectif)\b"),
    ("trait", "identity", "", r"(?:les maths|l'informatique|la technique|l'anglais|la cuisine|l'orthographe|les chiffres) et moi\b"),
    ("preference_sentence", "preference", "", r"(?:je|nous|on) (?:préfère|préférons|préfere|prefere) <adv>(?!<this>|que tu|que vous|la version|le tien|la tienne)\S"),
    ("taste", "preference", "errand", r"(?:j'adore|j'aime|je déteste|je n'aime pas|j'aime pas|j'ai horreur d|je ne supporte pas|je supporte pas|on adore|on déteste|nous aimons|j'aime bien|je raffole d)(?:es|e|u|')? ?(?!<this>|quand|comment|bien <this>|l'idée|ta|ton|votre)\S"),
    ("taste", "preference", "lasting", r"(?:ma|mon|mes|notre) (?:[\w-]+ )?(?:préférée?s?|favorite?s?)\b[^.!?]{1,40}? (?:est|sont|c'est)\b"),
    ("habit", "preference", "", r"(?:je|on|nous) (?:ne |n')?(?:\w+ )?(?!comprend|sai[st]|arriv|trouv|vois|oubli|reçoi|ai\b)\w{3,} (?:toujours|jamais|systématiquement|d'habitude|uniquement|exclusivement|tous les (?!jours où)\w+|toutes les \w+|chaque)\b(?! (?:pas|rien reçu|le même (?:message|problème)|cette erreur))"),
    ("habit", "preference", "", r"(?:d'habitude|en général|habituellement|généralement|le (?:matin|soir|week-end)|(?:le |les |tous les )<date>),? (?:je|on|nous|c'est) \S"),
    ("standing", "adaptation", "lasting", r"[^.!?]{0,120}?\b(?:à partir de maintenant|dorénavant|désormais|à l'avenir|pour (?:la suite|les prochaines fois|la prochaine fois|l'avenir|toutes les prochaines|tous les prochains|le futur)|les prochaines fois|la prochaine fois|dans (?:toutes|tous) (?:tes|vos|mes|nos) \w+|dans chaque (?:réponse|mail|message)|à chaque (?:réponse|fois que (?:je|tu|vous))|chaque fois que (?:je|tu|vous)|une fois pour toutes|jusqu'à nouvel ordre)\b"),
    ("standing", "adaptation", "lasting", r"(?:merci de |s'il te plaît |s'il vous plaît |stp |svp |il faut |pense à |pensez à )?(?:ne (?:jamais|plus jamais|me) \w+|toujours \w+|(?:utilise|mets|écris|réponds|réponde?z|garde|évite|donne|fais|parle|cite|utilisez|mettez|écrivez|gardez|évitez|donnez|faites|emploie|employez|indique|indiquez|signe|signez|mesure|compte|réponds|commence|commencez|finis|termine|terminez) toujours|n'\w+ (?:jamais|plus jamais)|ne \w+(?:-\w+)? (?:jamais|plus jamais|plus))\b"),
    ("standing", "adaptation", "lasting", r"(?:si|quand|lorsque) (?:je|vous|tu) (?:te|me|devez|dois|voulez|veux|m'|demande|pose|écris|envoie|appelle|parle)[^.!?]{1,100}(?:, |plutôt|toujours|jamais|uniquement|seulement)(?!est-ce|qu'est|comment|combien)"),
    ("standing", "preference", "lasting", r"[^.!?]{0,80}?(?:, toujours(?=[,.!]|$)|\btoujours,? (?:stp|svp|s'il)|, jamais(?=[,.!]|$))"),
    ("stop", "adaptation", "lasting", r"(?:arrête|arrêtez|évite|évitez)(?: toujours)? (?:de |d'|les |le |la |tout )\S"),
    ("asked_to_remember", "knowledge", "lasting", r"(?:retiens|retenez|souviens-toi|souvenez-vous|rappelle-toi|garde en tête|gardez en tête|n'oublie pas|n'oubliez pas|note|notez|sache|sachez|pour (?:info|information|mémoire)|à noter|petite précision pour la suite)(?: bien)?(?: que | qu'| ?: ?|, )(?:\S+ ){2,}\S"),
    ("decided_to_sentence", "adaptation", "", r"(?:on a|nous avons|j'ai|l'équipe a|le comité a|il a été) <adv>décidé (?:ensemble |finalement |hier |lundi )?d(?:e |')(?!rien|te |vous )\S"),
    ("schedule", "knowledge", "state", r"(?!tu\b|vous\b|il y|c'est|ça\b|je n)(?:[\w'’-]+ ){2,10}?(?:tous les (?:jours|mois|ans|<date>|soirs|matins)|toutes les (?:semaines|deux|nuits)|chaque (?:jour|semaine|mois|année|<date>|soir|matin)|du lundi au|le (?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche) (?:à|matin|soir|de|et|midi))(?=\W|$)"),
    ("habit", "preference", "", r"(?:on|nous|je) n(?:e |')\w+ (?:plus )?qu(?:e |')\S"),
    ("we_use", "knowledge", "state", r"(?:les|nos|mes) (?:[\w'-]+ ){1,4}?se (?:font|fait|passent|déroulent) (?:en|au|à|chez|le|dans|par) "),
    ("settled", "project", "", r"(?:on a|nous avons|j'ai|l'équipe a|le comité a|le conseil a|le bureau a|il a été|c'est|on s'est|nous nous sommes|on est) <adv><chose>\b(?! (?:ça|cela|ce matin de|pas|rien|de (?:rien|vous|te|ne pas vous)|d'écrire|la mauvaise|le mauvais))"),
    ("settled", "project", "", r"(?:on part|on est partis?|nous partons|on reste|on passe|on est passés?|nous passons|on garde|nous gardons|on abandonne|on arrête|on supprime|on vire|on exclut|nous excluons|on retient|nous retenons|on se limite|on ne garde|on ne prend) (?:sur |à |en |avec |de |que |le |la |les |un |une |pas |tous |toutes |deux |trois )"),
    ("settled", "project", "lasting", r"[^.!?]{3,140}?\b(?:c'est (?:décidé|acté|validé|tranché|définitif|entendu|convenu)|comme convenu|est (?:décidé|acté|validé|définitif)\b)"),
    ("undertaking", "project", "errand", r"(?:on|nous|je) (?:refait|refaisons|refais|rénove|rénovons|déménage|déménageons|prépare|préparons|lance|lançons|construis|construit|construisons|monte|montons|organise|organisons|migre|migrons|ouvre|ouvrons) (?:le |la |les |notre |nos |un |une |l'|en |vers |ma |mon )"),
    ("requirement_sentence", "project", "", r"(?:l'exigence|la contrainte|l'impératif|la règle|le critère) (?:est|c'est)(?: que| qu'| de| d'|,)? \S"),
    ("constraint", "project", "", r"(?:notre|nos|tous (?:les|nos)|toutes (?:les|nos)|chaque|aucun|aucune|rien|personne|tout) (?:[\w'-]+ ){0,5}?(?:ne (?:doit|doivent|peut|peuvent|touche|sort|quitte|entre|modifie)|n'(?:est|ont|a|entre|y)|doit|doivent|est (?:interdite?|obligatoire|limitée?|plafonnée?)|sont (?:interdite?s|obligatoires))\b"),
    ("constraint", "project", "", r"(?:le|la|les|mon|ma|mes) (?!(?:texte|réponse|message|mail|poème|résumé|code|fonction|phrase|mot|titre|lettre|joueur|lecteur)\b)(?:[\w'-]+ ){1,4}?(?:ne doi(?:t|vent) (?:pas|jamais|plus)|ne peu(?:t|vent) pas (?:dépasser|sortir|quitter|être)|est (?:plafonnée?|limitée?|interdite?|obligatoire|fixée?|de \d)|sont (?:plafonnée?s|limitée?s|interdite?s|obligatoires))\b"),
    ("constraint", "project", "", r"(?:on|nous) (?:doit|devons|n'a pas le droit|n'avons pas le droit|ne (?:peut|pouvons) (?:pas|plus) (?:utiliser|dépasser|stocker|sortir|publier|changer|accepter|mettre|payer|envoyer)|est obligés? d|est tenus? d|sommes tenus d)\b"),
    ("constraint", "project", "", r"(?:il est (?:interdit|obligatoire)|pas question|interdiction|interdit) d(?:e |'|u )\S"),
    ("constraint", "project", "", r"je (?:ne )?peux (?:pas|plus|que|seulement) (?:manger|boire|conduire|marcher|porter|travailler|venir|monter|rester)\b"),
    ("wanted_by", "project", "", r"<people> (?:ne |n')?<wants>(?:nt)?\b(?! (?:savoir|que je|<this>|si))"),
    ("budget", "project", "lasting", r"(?:(?:le|notre|mon|un) budget (?:est|c'est|de|pour|total|max)[^.!?]{0,40}\d|budget ?:? ?(?:max |de )?\d|(?:on|nous|j') ?(?:a|avons|ai) (?:un budget de |au maximum )?\d[\d .,]*(?:k|€|euros|francs)|on ne (?:dépasse|peut dépasser))"),
    ("date", "project", "lasting", r"(?:la|le|notre|nos|l'|mon|ma) ?(?:[\w'-]+ ){0,3}?(?:date limite|deadline|échéance|lancement|sortie|rendu|examen|soutenance|mariage|déménagement|audience|opération|remise|livraison du|colloque|audit|ouverture|inauguration|concours|bail|contrat|rentrée|visite|bouclage|gel)\b[^.!?]{0,30}? (?:est|c'est|tombe|finit|expire|commence|débute|a lieu|aura lieu|se termine|est fixée?)[^.!?]{0,25}?(?:<date>|\d)"),
    ("date", "project", "lasting", r"(?:on|nous|je) (?:déménage|déménageons|ouvre|ouvrons|ferme|fermons|lance|lançons|livre|livrons|soutiens|pars|part|partons|me marie|se marie|commence|commençons|rends|rendons) [^.!?,]{0,40}?(?:le |en |début |fin |au |avant |à partir d)(?:<date>|\d)"),
    ("event", "episodic", "lasting", r"(?:on a|nous avons|j'ai|on est|nous sommes|je suis) (?:enfin |finalement |tout juste )?(?:signé|emménagé|déménagé|adopté|vendu|acheté (?:une maison|un appartement|une voiture|notre)|eu (?:un bébé|une fille|un fils)|été (?:opérée?|promue?|diagnostiquée?)|soutenu|réussi (?:mon|ma|le)|mariée?s?|fiancée?s?)\b"),
    ("our_fact", "knowledge", "state", r"(?:notre|nos) (?!commande|colis|livraison|vol\b|réservation|problème|question)(?:[\w'-]+ ){1,5}?(?:est|sont|tourne|tournent|se trouve|utilise|utilisent|a|ont|passe|passent|ferme|ouvre|dure|coûte|compte|parle|parlent|refuse|accepte|fait|font|date|ne|n')\b"),
    ("my_fact", "knowledge", "state", r"(?:mon|ma|mes) (?:\w+ )?(?:adresse|anniversaire|entreprise|boîte|métier|poste|équipe|chien|chat|voiture|vélo|maison|appartement|appart|jardin|cuisine|four|bureau|école|fac|université|budget|thèse|mémoire|labo|directeur de thèse|directrice de thèse|médecin|employeur|numéro|langue maternelle|serveur|clavier|ordinateur|mac|pc|chaudière|forfait|contrat|<kin>) (?:est|sont|s'appelle|a|ont|tourne|date|fait|c'est|commence|porte|parle|travaille|rentre|entre|va|joue|mange|dort|vit|habite|étudie|suit)\b"),
    ("we_use", "knowledge", "state", r"(?:on|nous|tout le monde ici) <adv><use>\b <adv>(?!<this>|pas encore|à <this>)\S"),
    ("we_use", "knowledge", "state", r"(?:j'utilise|j'emploie|je travaille (?:sur|avec|sous)|je tourne (?:sur|sous)|je (?:code|écris|programme|développe) (?:tout )?(?:en|sur)|je suis (?:sous|sur) (?-i:[A-Z])|je roule|je conduis) <adv>(?!<this>|la fonction|le code|le|la|l')\S"),
    ("with_us", "knowledge", "state", r"(?:chez (?:nous|moi)|dans (?:notre|mon|ma|nos) (?:[\w'-]+ )?(?:boîte|entreprise|équipe|labo|service|école|maison|projet|magasin|cabinet|immeuble|village|région|région|club|asso\w*|atelier)|au (?:labo|bureau|boulot|travail)|ici),? (?:on|nous|c'est|le|la|les|l'|tout|personne|il|tous|toutes|chaque|aucun|aucune|je)\b"),
    ("with_us", "knowledge", "state", r"\S[^.!?,]{2,60} (?:chez (?:nous|moi)|dans (?:notre|mon) (?:boîte|entreprise|équipe|labo|service))\b(?=[,.;!]|$)"),
    ("place_fact", "knowledge", "state", r"(?:la|le|notre|ma|mon|l') ?(?:maison|appartement|appart|jardin|immeuble|cuisine|toit|bâtiment|balcon|terrasse|terrain|bureau|local|magasin|salle de bains?|chambre|garage|grenier|cave|sol|comptabilité|accueil|secrétariat) (?:est|date|fait|mesure|a|n'a|donne|ferme|ouvre|compte|se trouve|reste|doit)\b"),
    ("with_us", "knowledge", "state", r"on est (?:à \d|en (?:zone|montagne|altitude|copropriété|location|rdc|rez)|au \d|dans (?:le|la|un|une|les) )"),
    ("owner", "knowledge", "", r"(?-i:[A-Z][a-zà-ÿ]+)(?: (?-i:[A-Z])[\w-]+)? (?:est (?:responsable|chargée?|en charge|notre|mon|ma)|s'occupe|gère|valide|dirige|tient|supervise)\b"),
    ("correction", "knowledge", "lasting", r"(?:c'est |c'était |ce sont |il faut lire |je voulais dire )[^.!?]{1,80}?(?:depuis|et pas|et non|pas (?:le|la|l'|les) |au lieu d)"),
)

SELF_CORRECTED: Final = re.compile(
    r"j'ai (?:inversé|confondu|mal lu|fait une (?:erreur|faute))|j'avais (?:mal lu|confondu|oublié|dit)"
    r"|je me suis trompée?|je voulais dire|erreur de ma part|au temps pour moi|autant pour moi|^non,? pardon"
    r"|^pardon,|vérification faite|après vérification|j'ai vérifié",
    re.IGNORECASE,
)
