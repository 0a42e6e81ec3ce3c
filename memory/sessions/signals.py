"""What a user's words say of success: solved, pleased, failed, or a wish for a person. Pure, and aware of negation.

Read clause by clause, so that "no, it works now" is a success and "thanks, but that did not fix it" is none; the last
clause that says something counts. English, French, German and Spanish, and whatever phrases are configured.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from memory.sessions.wording import folded, words

Signal = Literal["solved", "pleased", "failed", "escalate"]

SMALL_TALK: Final = 6
"""A turn that is pleased says no more words beside its thanks."""

_CLAUSES = re.compile(
    r"[.!?;\n…]+|,|\s[-–—]+\s|\b(?:but|however|although|though|and now|and then|aber|jedoch|mais|cependant|pero"
    r"|sin embargo)\b"
)
_SOLVED = re.compile(
    r"\b(?:(?:fixed|solved|resolved|sorted|cured) (?:it|that|this|everything|the (?:problem|issue|error|bug)"
    r"|my (?:problem|issue))"
    r"|(?:is|was|are|got|been|now|all|it's|that's|it is|problem|issue|case|consider (?:it|this)) "
    r"(?:now |all |finally |completely |been )?(?:fixed|solved|resolved|sorted(?: out)?)"
    r"|(?:it|that|this|which|has|have|finally|now) (?:has |have )?(?:fixed|solved|resolved) it"
    r"|did (?:the trick|it)|(?:that|this|it|which) (?:has |just )?worked|worked (?:perfectly|like a charm|for me"
    r"|great|fine|well)"
    r"|(?:it|this|everything|all|now|printer|vpn|build|page|that(?= (?:now|all|finally)| works (?:now|again|fine"
    r"|perf|great|well))) (?:now |all |finally )?works(?! for me)(?: (?:now|again|fine"
    r"|perfectly|great|well))*"
    r"|(?:works|working|prints|printing|connects|connected|runs|running|builds|building|passes|passing|loads|loading"
    r"|sends"
    r"|sending|opens|starts|compiles|syncs|online|up) (?:now|again|fine|perfectly|properly|correctly|as expected"
    r"|and running)"
    r"|(?:is|are) back (?:up|online|to normal|in business)|back (?:up|online|to normal)|(?:is|are) (?:gone"
    r"|working)(?: now)?"
    r"|i can (?:\w+ ){1,4}(?:now|again)|now i can|(?:i'm|i am) in(?: now)?$|all (?:good|set|fine)(?: now)?|good to go"
    r"|stopped (?:crashing|failing|happening)|went away|disappeared"
    r"|(?:ça|cela|c'|tout|il|elle|l'imprimante) ?(?:re)?(?:marche|fonctionne)(?: (?:maintenant|enfin|bien|à nouveau"
    r"|de nouveau))*"
    r"|(?:ça|cela) a (?:marché|fonctionné|résolu)|c'est (?:maintenant |enfin )?(?:réglé|résolu|réparé|bon|arrangé)"
    r"|problème (?:est )?(?:résolu|réglé)|est (?:résolu|réglé|réparé)"
    r"|(?:funktioniert|geht|läuft|klappt|druckt) (?:es |alles )?(?:jetzt|wieder|nun|endlich)"
    r"|(?:es|das|alles|jetzt|nun) (?:jetzt )?(?:funktioniert|geht|läuft|klappt)"
    r"|hat (?:es )?(?:geholfen|funktioniert|geklappt)|(?:gelöst|behoben|erledigt)"
    r"|(?:ya|ahora|todo|esto|eso) (?:ya |sí |si )?(?:me )?funciona(?: (?:ahora|bien|de nuevo|otra vez))*"
    r"|funciona (?:ya|ahora|de nuevo|otra vez|bien)"
    r"|(?:resuelto|solucionado|arreglado)|se (?:resolvió|solucionó|arregló)|(?:ha |eso |esto )funcion(?:ó|ado)"
    r"|funcionó)(?!\w)"
)
_NO_MORE = re.compile(
    r"\b(?:(?:no (?:more|longer)|without) (?:\w+ ){0,3}(?:errors?|crash\w*|problems?|issues?|fail\w*|warnings?)"
    r"|(?:doesn't|does not|don't) (?:crash|fail|freeze|hang) any ?more"
    r"|(?:plus|sans) (?:d'|de |aucune? )?(?:erreurs?|problèmes?)|kein(?:e|en)? (?:fehler|probleme?) mehr"
    r"|(?:sin|ya no hay) (?:más )?(?:errores?|problemas?))\b"
)
_FAILED = re.compile(
    r"\b(?:still (?:\w+ ){0,3}(?:happen\w*|fail\w*|broken|there|the same|same|stuck|error\w*|crash\w*|wrong|blank"
    r"|offline|down|nothing)"
    r"|no (?:luck|change|difference|effect|success)|same (?:problem|error|issue|result|thing|message)"
    r"|nothing (?:changed|happens|happened)"
    r"|(?:is|it's|came|comes) back again|happen(?:s|ed|ing) again|fails? again|failed again|unsolved|unresolved"
    r"|no longer works?|stopped working|even worse|toujours (?:le même|pareil|en panne)|même (?:problème|erreur)"
    r"|immer noch|selbe[rs]? (?:problem|fehler)|sigue (?:sin|igual|fallando)|mismo (?:problema|error))\b"
)
_TRIED = re.compile(
    r"\b(?:work|works|worked|working|help|helps|helped|fix|fixes|fixed|solve|solves|solved|resolve|resolves|resolved"
    r"|sorted|trick"
    r"|print|prints|connect|connects|marche|marché|fonctionne|fonctionné|résolu|réglé|aidé|funktioniert|geholfen"
    r"|geht|klappt"
    r"|geklappt|gelöst|behoben|funciona|funcionó|resuelto|solucionado|ayudó|sirvió)\b"
)
_NEGATED = re.compile(
    r"\b(?:not|never|cannot|cant|dont|doesnt|didnt|isnt|wasnt|hasnt|nothing|nor|neither|hardly|barely|without|no"
    r"|except|unless"
    r"|ne|n'\w+|pas|jamais|rien|nicht|nie|kein\w*|nichts|nunca|tampoco|ni)\b|n't\b"
)
_UNREAL = re.compile(
    r"\b(?:if|whether|would|should|could|might|may|must|need(?:s)? to|has to|have to|want(?:s|ed)? (?:it|this|to)"
    r"|hope|hopefully|wish"
    r"|until|once|when|how|why|before|used to|will|i'll|let me|let's|to be|yesterday|last week|si|quand|pour que"
    r"|devrait|wenn|ob|falls"
    r"|sollte|würde|muss|damit|cuando|debería|ojalá|espero)\b"
)
_LATER = re.compile(r"\b(?:i'll|i will|let me|je vais|ich werde|voy a)\b")
_PLEASED = re.compile(
    r"\b(?:(?:thanks|thank you)(?: (?:so |very )?much| a lot| again)?(?: for (?:all )?(?:your|the) help)?"
    r"|(?:that's|that is|that (?:will|would) be|that'll be) (?:all|it|everything)(?: (?:that )?i (?:need|needed|want"
    r"|wanted))?"
    r"(?: (?:for|at) (?:now|today|the moment))?|i (?:got|have) (?:all|everything)(?: what| that)? i need(?:ed)?"
    r"|you(?:'ve| have) been (?:of )?(?:a |very |so )?(?:great |much |big )?help(?:ful)?"
    r"|you were (?:of )?a? ?(?:great |big )?help"
    r"|that works(?: for me)?|thx|ty|cheers|great|perfect|awesome|excellent|brilliant|wonderful|fantastic|amazing"
    r"|lovely|super"
    r"|that (?:helps|helped)|very helpful|much appreciated|appreciate (?:it|the help|your help)|nothing else"
    r"|good bye|goodbye|bye"
    r"|i'm (?:good|all set)"
    r"|merci|parfait|génial|c'est tout|au revoir|danke|dankeschön|perfekt|prima|das war(?:'s| es| alles)|tschüss"
    r"|gracias|perfecto|genial|estupendo|eso es todo|adiós)\b"
)
_ESCALATE = re.compile(
    r"\b(?:(?:speak|talk|chat|connect me|put me through|transfer me|transferred|get me|hand me over"
    r"|pass me) (?:\w+ ){0,3}(?:to|with)?"
    r" ?(?:an? |the |your |some )?(?:\w+ )?(?:human|person|agent|someone|somebody|representative|supervisor|manager"
    r"|technician|engineer"
    r"|operator|support|specialist|colleague|advisor)"
    r"|(?:want|need|like|prefer|get|is there|send|call) (?:\w+ ){0,2}(?:a |an )?(?:real |actual |live |human )?"
    r"(?:human(?: being)?|real person|live agent|human agent|representative|supervisor|technician|operator)"
    r"|escalat(?:e|ed|ing|ion)|(?:open|opened|opening|create|created|raise|raised|log|logged|file|filed|submit"
    r"|submitted) "
    r"(?:\w+ ){0,3}(?:ticket|support case|service request)|(?:call|called|calling|contact"
    r"|contacted) (?:the )?(?:help ?desk|support|it department)"
    r"|parler (?:à|avec) (?:un|une|quelqu'un|votre)\b.{0,30}|(?:un|une) (?:humain|conseiller|conseillère|technicien"
    r"|vraie personne)|ouvr(?:ir|ez|e|i) un ticket"
    r"|mit (?:einem|einer|jemandem)\b.{0,20}(?:sprechen|reden|verbinden)|(?:echte[nr]?"
    r"|menschliche[nr]?) (?:menschen?|person|mitarbeiter)"
    r"|ticket (?:eröffn\w+|erstell\w+)|eskalier\w+"
    r"|hablar con (?:un|una|alguien|su)\b.{0,30}|(?:un|una) (?:agente|humano|persona real|técnico)|abr(?:ir|a|í"
    r"|e) un (?:ticket|caso)|escalar)(?!\w)"
)
_HANDED_OVER = re.compile(
    r"\b(?:i(?:'ve| have)|we(?:'ve| have)|i|we) (?:just |now )?(?:opened|created|raised|logged|filed"
    r"|submitted) (?:an? |your |the )?"
    r"(?:\w+ ){0,2}(?:ticket|support case|service request)"
    r"|\b(?:escalat(?:ed|ing) (?:this|your|the|it)|transferring you|connecting you (?:to|with)|hand(?:ed|ing) (?:you"
    r"|this) over)\b"
)


@dataclass(frozen=True, slots=True)
class Phrases:
    """Configured words beside the built-in ones."""

    resolved: Sequence[str] = ()
    escalated: Sequence[str] = ()


def signal_of(text: str, phrases: Phrases = Phrases()) -> Signal | None:
    """What a user's turn says of success; None where it says nothing of it."""
    said = folded(text)
    found: Signal | None = None
    for clause, asks in _clauses(said):
        read = _read(clause, asks, phrases)
        # Thanks beside a verdict change nothing of it.
        if read is not None and not (read == "pleased" and found is not None):
            found = read
    if found == "pleased" and (
        said.rstrip().endswith("?") or _LATER.search(said) or len(words(_PLEASED.sub(" ", said))) > SMALL_TALK
    ):
        return None
    return found


def hands_over(answer: str) -> bool:
    """Does an answer say that the matter went to a person?"""
    return _HANDED_OVER.search(folded(answer)) is not None


def _clauses(said: str) -> list[tuple[str, bool]]:
    """Clauses, and whether each stands in a question."""
    found: list[tuple[str, bool]] = []
    for sentence in re.findall(r"[^.!?\n]+[.!?\n]*", said):
        asks = sentence.rstrip().endswith("?")
        found += [(clause.strip(), asks) for clause in _CLAUSES.split(sentence) if clause.strip()]
    return found


def _read(clause: str, asks: bool, phrases: Phrases) -> Signal | None:
    negated = _NEGATED.search(clause) is not None or _spanish_no(clause)
    if _named(clause, phrases.escalated) and not negated:
        return "escalate"
    if (
        _ESCALATE.search(clause)
        and not negated
        and not re.match(r"(?:did|have|has|should|why|what|when|who)\b", clause)
    ):
        return "escalate"
    if asks:
        return None
    if _NO_MORE.search(clause) and not _UNREAL.search(clause):
        return "solved"
    if _FAILED.search(clause):
        return "failed"
    if negated:
        # "No problem" and "nothing else" deny nothing that was tried.
        if _TRIED.search(clause) or _SOLVED.search(clause) or _named(clause, phrases.resolved):
            return "failed"
        return "pleased" if _PLEASED.search(clause) else None
    if (_SOLVED.search(clause) or _named(clause, phrases.resolved)) and not _UNREAL.search(clause):
        return "solved"
    return "pleased" if _PLEASED.search(clause) and not _UNREAL.search(clause) else None


def _spanish_no(clause: str) -> bool:
    return re.search(r"\bno (?:se |me |lo |ha |está |funcion|sirv|ayud|quiero)", clause) is not None


def _named(clause: str, phrases: Sequence[str]) -> bool:
    told = f" {' '.join(words(clause))} "
    return any(f" {' '.join(words(phrase))} " in told for phrase in phrases if words(phrase))
