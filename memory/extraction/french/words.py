"""Words and phrases that the French rules are made with."""

from __future__ import annotations

from typing import Final

from memory.extraction.rules import any_of

_MONTH = any_of(
    "janvier février fevrier mars avril mai juin juillet août aout septembre octobre novembre décembre decembre"
)
_DAY = any_of("lundis? mardis? mercredis? jeudis? vendredis? samedis? dimanches?")

PARTS: Final[dict[str, str]] = {
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
        "infirmière infirmier médecin professeure? prof enseignante? instituteur institutrice étudiante?"
        " élève doctorante?"
        " chercheuse chercheur ingénieure? développeuse développeur avocate? juriste comptable graphiste designer"
        " traductrice traducteur journaliste rédactrice rédacteur boulanger boulangère cuisinière"
        " cuisinier agricultrice"
        " agriculteur maraîchère maraîcher architecte artisane? menuisier plombier électricienne? électricien chauffeur"
        " libraire bibliothécaire archiviste historienne historien sociologue psychologue kiné ostéopathe vétérinaire"
        " pharmacienne? pharmacien sage-femme retraitée? freelance indépendante? auto-entrepreneuse auto-entrepreneur"
        " cheffe chef directrice directeur responsable gérante? propriétaire locataire débutante? novice musicienne?"
        " musicien photographe secrétaire assistante? consultante? fonctionnaire bénévole maire célibataire veuve veuf"
        " mariée? père mère parent stagiaire apprentie? alternante? lycéenne? lycéen"
    )
    + r"\b",
    "date": rf"(?:(?:le |au |du )?(?:\d{{1,2}}(?:er)? {_MONTH}|{_DAY}|\d{{1,2}}/\d{{1,2}})|(?:en |fin |début "
    rf"|mi-)?{_MONTH}"
    r"|(?:cet |l')(?:été|automne|hiver)|(?:ce )?printemps|fin \w+|20\d\d)",
    "adv": r"(?:(?:toujours|surtout|aussi|vraiment|déjà|encore|tous|toutes|maintenant|désormais|désormais|plutôt|juste"
    r"|finalement|enfin|donc|bien|tous les deux|ensemble|actuellement|principalement|uniquement|exclusivement) )*",
    "this": r"(?:ça|cela|ceci|celui|celle|ceux|cette|cet|ces|ce\b|la (?:première|deuxième|seconde|dernière)|le"
    r" (?:premier"
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
    "wants": any_of(
        "veut veulent exige exigent refuse refusent impose imposent demande demandent interdit interdisent"
        " n'accepte n'acceptent préfère préfèrent tient_à accepte"
    ),
}
