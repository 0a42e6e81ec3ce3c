# ruff: noqa: E501
"""Words by which statements are compared: plain forms (lower case, without accents), English and French."""

from __future__ import annotations

import re
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NEGATORS: Final = _words(
    "not no never none nobody nothing neither nor cannot cant dont doesnt isnt arent wont n't ne jamais aucun aucune"
    " rien non stopped dropped drop refuse refuses forbidden prohibited banned interdit interdite interdits interdites"
)
WITHOUT: Final = _words("without sans")
"""Deny what follows them, and nothing else."""
BREAKS: Final = _words("but except unless however although mais sauf")
"""Behind them another thing is said."""

COPULAS: Final = _words("is are be am was were est sont called named appelle appellent nomme nommee named")
PREPOSITIONS: Final = _words(
    "in on at by with for from to as of under via into over than per during when if about against"
    " dans en sur a au aux par avec pour de du des sous chez vers contre pendant quand si entre"
)
QUALIFIERS: Final = _words(
    "for in on at when if during with from under pour en dans au aux chez sur quand si pendant avec"
)
"""What they introduce may say where or when a statement holds."""

ARTICLES: Final = _words(
    "a an the my our your his her their its this that le la les un une mon ma mes notre nos votre ce cette"
)

SMALL: Final = (
    _words(
        "i me we us you he she it they them one s m re ve ll d t user users utilisateur utilisatrice there here that who"
        " which what and or so also too only just very really rather quite please still yet already any more longer"
        " anymore all every each both some do does did done have has had having be been being will would shall should"
        " must may might can could need needs want wants wanted let get gets got take takes took make makes keep keeps"
        " kept stay stays stand stands happen happens start starts begins begin use uses used using run runs running"
        " listen listens go goes cost costs pay pays allow allowed allows permitted permit permission possible able autorise autorisee autorises autorisees due"
        " prefer prefers preferred like likes decide decided decides drink drinks eat eats always toujours own"
        " je tu il elle on nous vous ils elles me te se y qu que qui dont et ou si tres aussi encore plus pas point deja"
        " ai as a ont avons avez ont avoir etre suis es sommes etes sera faire fait faut doit doivent devoir peut peuvent"
        " veut veulent voudrais veux prefere preferent utilise utilisons utilisent decide prend tout tous toute toutes lieu"
        " now maintenant"
    )
    | COPULAS
    | PREPOSITIONS
    | ARTICLES
    | NEGATORS
    | WITHOUT
    | BREAKS
) - _words("drop dropped stopped refuse refuses")
"""Words that do not say what a statement is about."""

OPPOSITES: Final = {
    frozenset(pair.split("/"))
    for pair in (
        "enabled/disabled enable/disable on/off allow/forbid allow/prohibit before/after"
        " open/closed opens/closed open/close opens/closes short/long short/detailed concise/detailed concise/verbose"
        " brief/detailed brief/long concise/long required/optional mandatory/optional public/private start/stop"
        " like/dislike like/hate love/hate love/dislike likes/dislikes likes/hates loves/hates beginner/expert novice/expert junior/senior debutant/expert internal/external"
        " manual/automatic manually/automatically early/late high/low increase/decrease include/exclude"
        " included/excluded online/offline synchronous/asynchronous formal/informal formal/casual hot/cold fast/slow"
        " true/false visible/hidden locked/unlocked encrypted/unencrypted paid/free vegetarian/carnivore single/married"
        " allergic/tolerant active/inactive more/less most/least first/last up/down"
        " morning/evening light/dark cheap/expensive left/right upper/lower inside/outside"
        " activees/desactivees active/desactive actives/desactives activee/desactivee  avant/apres"
        " court/long courtes/longues courte/longue ouvert/ferme ouverte/fermee tutoie/vouvoie tutoyer/vouvoyer"
        " aime/deteste obligatoire/facultatif public/prive"
        " oui/non matin/soir gauche/droite chaud/froid interne/externe gratuit/payant manuel/automatique"
    ).split()
}
"""Pairs of which one denies the other."""
DENYING: Final = ("un", "dis", "non", "des")
"""Before a word they deny it."""
SPEAKERS: Final = _words("i we user users je nous utilisateur utilisatrice on")

SINGLE: Final = _words(
    "live lives living reside based located locate stored store hosted host written write painted paint call called name"
    " named born work works sent send deploy deploys deployed deployons deploie coded code built build tests tested run runs prefer prefers"
    " preferred use uses used decided chose chosen switched kept moved lead leads belongs speaks drives"
    " habite habitons habitent tourne tournent appelle appellent prefere ecrit ecrite ecrits heberge hebergee utilise"
    " utilisons travaille situe stocke stockees base"
)
"""Verbs that take one answer: who lives in one place does not live in another."""
CHOOSING: Final = _words("use uses used prefer prefers preferred decided chose chosen utilise utilisons prefere")
"""Verbs that take one answer where it is said for what."""
BESIDE: Final = _words("with on avec sur")
"""What somebody works with is not all that they work with."""
PARTICIPLE: Final = re.compile(r"\w{2,}(?:ed|en|nt|lt|ne|te|ee|re|ge|ie|ue)s?$|done|made|held|run|read")
"""A verb behind "is", roughly."""
STATES: Final = _words("interested used allergic different")
"""Look like participles."""
VAGUE: Final = _words("project projet app application system systeme team equipe code product produit repo company")
"""What uses many things."""

BOUNDS: Final = {
    "often": _words("every each per par chaque tous toutes"),
    "from": _words("from since depuis least minimum moins"),
    "until": _words("until till before avant jusque jusqu most maximum"),
}
"""What a number behind these words says of the time or the amount."""
EVENTS: Final = _words(
    "was were had went visited tested fixed met saw bought found asked wrote reported failed crashed happened caused"
    " etait etaient avait avons sommes"
)
"""Forms that tell what happened once; it may have happened otherwise another time."""
IRREGULAR: Final = _words("paid spent took gave got came told said lost won sold sent bought built ate drank")
"""The same, but for behind "is"."""
PAST: Final = re.compile(r"\w{3,}ed$")
UNTOLD: Final = _words(
    "decided preferred required detailed limited based named need indeed speed allowed permitted switched need feed united"
)
"""Look like a verb that tells what happened, and do not."""
LABELS: Final = _words(
    "version ticket floor room wave model phase step chapter section page line level build sprint issue bug order"
    " invoice gate building case rev release lot etage salle phase etape chapitre page ligne facture commande vague"
    " modele numero"
)
"""A number behind them is a name, not an amount."""

WEEKDAYS: Final = {
    word: number
    for number, listed in enumerate(
        (
            "monday mondays lundi lundis",
            "tuesday tuesdays mardi mardis",
            "wednesday wednesdays mercredi mercredis",
            "thursday thursdays jeudi jeudis",
            "friday fridays vendredi vendredis",
            "saturday saturdays samedi samedis",
            "sunday sundays dimanche dimanches",
        )
    )
    for word in listed.split()
}
OFTEN: Final = {
    word: number
    for number, listed in enumerate(
        (
            "hourly",
            "daily quotidien quotidienne",
            "weekly hebdomadaire",
            "fortnightly biweekly",
            "monthly mensuel mensuelle",
            "quarterly trimestriel trimestrielle",
            "yearly annual annually annuel annuelle",
        )
    )
    for word in listed.split()
}
MONTHS: Final = {
    word: number
    for number, listed in enumerate(
        (
            "january jan janvier",
            "february feb fevrier",
            "march mar mars",
            "april apr avril",
            "may mai",
            "june jun juin",
            "july jul juillet",
            "august aug aout",
            "september sep sept septembre",
            "october oct octobre",
            "november nov novembre",
            "december dec decembre",
        ),
        start=1,
    )
    for word in listed.split()
}
