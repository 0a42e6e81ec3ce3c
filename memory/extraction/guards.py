"""What looks like a lasting statement and is none: questions, wishes for one task, hedges, jokes, retractions. Pure."""

from __future__ import annotations

import re
from typing import Final

from memory.extraction.masks import BLOT


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace(" ", r"\s+"), re.IGNORECASE)


HYPOTHETICAL: Final = _words(
    r"\b(?:if|suppose|supposing|imagine|what if|let'?s say|say we|assum(?:e|ing)|pretend|hypothetically|unless|whether"
    r"|in case|provided that|as though|as if|i wish|hopefully|si|imaginons|imagine[rz]?|supposons|supposez|admettons"
    r"|mettons|au cas où|à condition|disons que|j'espère)\b|\bs'(?:il|ils)\b"
)
HEDGED: Final = _words(
    r"\b(?:talking to you|working with you|your (?:help|support)|should have|any (?:one )?of (?:this"
    r"|these|those|them)|maybe|perhaps|possibly|probably|might"
    r"|not sure|unsure|thinking (?:of|about)|considering|wondering|tempted"
    r"|i guess|i suppose|i think|i feel like|leaning|debating|torn|undecided|tbd|not yet|we said|supposedly"
    r"|apparently|someday|one day|should i|should we|wanna|in the mood|in need|in search|looking (?:for"
    r"|to)|wanting|going to|gonna|about to|trying to|hoping"
    r"|hope to|plan to|need to (?:know|find|get|see|decide|think|talk|ask|check)|used to|back then|no longer sure"
    r"|peut-être|sans doute|probablement|je pense|je crois|il me semble|j'hésite|on hésite|nous hésitons|éventuellement"
    r"|envisage(?:ons|ait)?|pas (?:encore )?(?:sûr|certaine?|décidé)|pourrai[st]"
    r"|(?:je|on) vais?|avant,? (?:je|on)|autrefois)\b|\bi'?ll\b"
)
WISHED: Final = _words(r"\b(?:would|could|i'?d|we'?d|want to|wanted to|like to|aimerais|voudrais|préférerais)\b")
PASSING: Final = _words(
    r"\b(?:today|tonight|tomorrow|right now|at the moment|at the minute|this (?:time|once|week|weekend"
    r"|morning|afternoon"
    r"|evening|minute|e-?mail|mail|message|answer|reply|task|question|request|ticket|one|draft|text|version)|just once"
    r"|for (?:now|once|this|that one|the moment|the time being)|in this case|temporarily|until (?:then|tomorrow|sunday"
    r"|monday|tuesday|wednesday|thursday|friday|saturday|later|next)|till (?:then|tomorrow|\w+day|the)|meanwhile"
    r"|as of yet|aujourd'hui|ce soir|ce matin|demain|cette fois|cette semaine|ce week-end|pour l'instant|en ce moment"
    r"|pour le moment|juste pour|pour cette|pour ce mail|jusqu'à|provisoirement|exceptionnellement)\b"
)
ONE_OFF: Final = _words(
    r"\b(?:just (?:this|for) (?:once|today|now)|for now|for this (?:one|time)|this (?:one )?time only"
    r"|(?:just|only) this time|this once"
    r"|only today|today only|in (?:\d+|an?|two|three|five|ten|a few) (?:hours?|minutes?)|cette"
    r" fois(?:-ci)?|pour une fois|juste pour (?:cette|aujourd))\b"
)
STATE: Final = _words(
    r"\b(?:broken|down|out of (?:order|stock|milk|ideas|memory|space|town|office)|(?:is|are|does|do|has"
    r"|have)(?:n'?t| not)"
    r" (?:work\w*|start\w*|load\w*|open\w*|show\w*|connect\w*|respond\w*|come|arriv\w*|been|turn\w*|charg\w*|print\w*"
    r"|sync\w*|answer\w*|able|sure|ready|happy|build\w*|compil\w*|sleep\w*|feel\w*|understand)|won'?t"
    r"|keeps? |fail(?:s|ed|ing)?|crash\w*|stuck|late|delayed|missing|lost|slow|hang(?:s|ing)?|frozen|wrong|weird"
    r"|acting|leak(?:s|ing|y)?|dead|offline|unavailable|sick|ill|tired|hungry|bored|busy|away|ready|done|finished"
    r"|sorry|afraid|worried|confused|upset|angry|happy|excited|nervous|desperate|throw(?:s|ing)?|return(?:s|ing|ed)"
    r"|giv(?:es|ing)|looking|trying|getting|having|thinking|wondering|waiting|going|about to|supposed|blinking"
    r"|flashing|smell\w*|complain\w*|ask(?:s|ing|ed)|says?|saying|told|error|spinning|too (?:slow|hot"
    r"|cold|small|big|long"
    r"|short|loud|expensive)|en panne|cassée?|bloquée?|en retard|malades?|fatiguée?|perdue?|absente?"
    r"|marche (?:pas|plus)"
    r"|fonctionne (?:pas|plus)|coupée?)\b"
)
SARCASTIC: Final = _words(
    r"\boh,? (?:great|wonderful|joy|fantastic|perfect|lovely|brilliant|goody)\b|\bjust love\b|\bmy (?:absolute )?"
    r"favou?rite thing\b|\byeah,? right\b|\bsure,? i'?ll just\b|(?:^| )/s\b|\blol\b|\blmao\b|\bhaha\w*\b|🙄|😂|🤣"
    r"|\bhow lovely\b|\bof course (?:it|they|he|she) did\b|\bwhat a (?:surprise|joy|treat)\b|\bbecause who doesn'?t\b"
    r"|\bwho doesn'?t love\b|\bsuper,? encore\b|\bgénial,? encore\b|\bj'adore (?:passer|quand|attendre|perdre|devoir)\b"
    r"|\bbravo,? (?:encore|vraiment)\b|\bcomme par hasard\b|\bà croire que\b|\blive for (?:this|that)\b"
    r"|\bbest day ever\b"
)
RETRACTED: Final = _words(
    r"\b(?:actually,? (?:no|never ?mind|scratch|forget)|forget (?:that|it|about (?:it|that)|what i|everything i)"
    r"|never ?mind|scratch that|strike that|ignore (?:that|what i|my last)|disregard|on second thoughts?|wait,? no"
    r"|no,? wait|hmm+,? (?:no|actually)|just kidding|only joking|kidding|i take (?:that|it) back|that was a joke|jk"
    r"|leave it|not really though|ah no|oh no,? wait|euh,? non|non,? (?:attends|oublie)|oublie[sz]?(?= ?[,.!…]| tout|$)"
    r"|oublie[sz]? (?:ça|cela|ce que)|laisse(?:z)? tomber|je plaisante|je rigole|je retire|en fait,? non|ah non)\b"
)
REPORTED: Final = _words(
    r"\b(?:say(?:s|ing)?|said|tell|told|wrote|writes?|mention(?:s|ed|ing)?|claim(?:s|ed|ing)?|announc(?:es|ed|ing)"
    r"|stat(?:es|ed|ing)|explain(?:s|ed|ing)?|heard|read|reads|ask(?:s|ed)?|thinks?|thought|believes?|quote|quotes"
    r"|about (?:how|a|someone)|called|titled|entitled|like|such as|e\.g\.|dire|dit|dis|disait|écri[ts]|raconte|explique"
    r"|prétend|annonce[rz]?|demande|demandé)(?: (?:me|us|her|him|them|you|everyone|people|in \w+))?(?:"
    r" (?:that|que|qu'))?[ :]*$"
)
OFFER: Final = _words(
    r"\b(?:would you like|do you want|do you prefer|you prefer|preference|any (?:particular|specific|preferred)|which"
    r" (?:one|of|city|date|day|kind|type|time|genre|airline|size|class|location|area)|(?:what|which)"
    r" (?:kind|type|sort|time"
    r"|date|genre|category|city|day|size|location|area|cuisine|price)|how many|shall i|should i|may i"
    r"|looking for|in mind"
    r"|interested in|confirm|where (?:do|would|should)|when (?:do|would|should)|how about|is there any|anything else"
    r"|préfére[rz]|préférence|voulez-vous|souhaitez-vous|quelle? (?:type|genre|date|heure|ville|taille)|combien)\b"
)
ERRAND: Final = _words(
    r"\b(?:(?:can|could|would|will) you (?:please )?(?:find|book|search|reserve|get|show|play|buy|order"
    r"|rent)|(?:find|book|reserve|get|show|buy|order|rent|search) (?:me|us|for)\b|please (?:find|book"
    r"|search|reserve|play|show)|i(?:'m| am)? ?(?:want|need|would like|'d like|looking|searching"
    r"|interested) (?:to (?:book"
    r"|find|see|go|get|rent|reserve|watch|buy|listen|attend|order|search|hear|play|visit|make)|for\b|in\b|an?\b|some\b)"
    r"|i(?:'d| would) like\b|any (?:recommendations?|suggestions?)|what do you recommend|trouve[rz]?-moi|réserve[rz]?"
    r"|je (?:cherche|voudrais|veux|souhaite)|j'aimerais)"
)
FICTION: Final = _words(
    r"\bin (?:the|this|that|his|her) (?:novel|story|book|film|movie|game|series|poem|play|song|text|article|paper|docs"
    r"|documentation|standard|example|exercise|episode|dialogue)\b|\b(?:protagonist|narrator|hero|heroine|fictional"
    r"|imaginary|narrateur|héros|dans le (?:roman|livre|film|jeu|texte))\b|\bor anything\b|\bjust curious\b"
)
IN_GENERAL: Final = _words(
    r"(?:^|[.,;] )(?:in (?:(?-i:[A-Z])[\w+#.-]*(?: \w+)?|general|most \w+|many \w+|theory|principle|some \w+|\w+ games?"
    r"|football|chess|maths|law|english|german|french)|for (?:most|many) \w+|usually|normally|typically"
    r"|by law|en général"
    r"|en principe|en théorie),? $"
)
"""Says, before a rule of a thing, that it is nobody's own."""
PROBLEM: Final = _words(
    r"\b(?:error|errors|fails?|failed|failing|crash\w*|nothing happens|does(?:n'?t| not) work|not working|won'?t|broken"
    r"|noise|noisy|smells?|leaks?|hurts?|pain|problem|issue|bug|wrong|stuck|refused|complaint|exception"
    r"|timeouts?|nobody (?:answers|replies)|no answer|still"
    r"|but (?:it|the|nothing|I get)|and (?:it|then|nothing)|help|erreur|plante|problème|marche pas|en"
    r" panne|toujours pas)\b"
)
EDITED: Final = _words(
    r"\b(?:check|correct|fix|improve|proof-?read|polish|edit|review|revise|shorten|rate|grade|critique)\b"
    r" (?:(?:my|the|this|it|its|for|any|all|some|please|his|her) )*(?:grammar|spelling|english|text"
    r"|mistakes|typos|wording"
    r"|style|tone|draft|essay|e-?mail|letter|writing|paragraph|sentences?|french|german|punctuation)\b"
    r"|\bis (?:this|that|it)"
    r" (?:e-?mail |text |sentence |letter |draft |wording )?(?:correct|grammatical|polite|clear|good english|too formal"
    r"|too long|professional)|\bhow does (?:this|that|it) sound|\bdoes (?:this|that|it) (?:sound|read)\b|\bcorrige[rz]?"
    r" (?:mon|ma|mes|ce|cette|les|le|la)\b|\bsans fautes?\b"
)
"""Asks to work on a text that stands in the same turn."""
BOOKING: Final = _words(
    r"\b(?:find|book|reserve|buy|order|rent|search|get|show|play|look|looking|searching|reservation"
    r"|tickets?) (?:me|us|for|an?|some"
    r"|one|two|three|four|up|to)\b|\bi (?:want|need|would like|'d like|wish) to (?:book|find|reserve"
    r"|buy|rent|watch|listen|see|go|eat"
    r"|attend|get|hear|visit|check)\b|\bréserve[rz]?\b|\btrouve[rz]?\b"
)
"""An errand in an earlier turn: what is wished later is for that errand."""
NO_DECISION: Final = _words(
    r"(?:n'?t|\bnot|\bnever|\bnobody|\bno one|\bhaven'?t|\bdid (?:you|we|they|he|she)|\bhave you|\bhas (?:he|she)|\bwho"
    r"|\b(?:he|she|you|character|hero|someone|somebody|people|man|woman|il|elle)|\bwhy|\bhow|\bonce"
    r"|\bwhen|\buntil|\bbefore|\bhardly|\bwhoever|\banyone who|\bpeople who) (?:[\w']+ ){0,3}$"
)

_ASK = (
    r"(?:(?:can|could|would|will) (?:you|u)|please|pls|plz|help me|i(?:'?d| would) like you to|i (?:want|need) you to"
)
_TASK_VERBS = (
    r"translate|proof-?read|correct|re-?write|rephrase|reword|paraphrase|summari[sz]e|sum up|shorten"
    r"|polish|improve|edit"
    r"|draft|write|compose|reply|respond|tell|send|announce|classify|label|tag|rate|grade|spell-?check"
    r"|turn (?:this|these"
    r"|it|my|the)|convert|format|type up|fix the (?:grammar|spelling|typos)|check (?:the|my) (?:grammar|spelling)"
    r"|make (?:this|it|that) (?:sound|more|shorter|friendlier)|how (?:do|would|can) (?:i|you|we) say|what does"
    r"|what do you call|explain (?:this|the following)|analy[sz]e|continue|complete|finish|extract|generate|give me"
    r"|act as|play|roleplay|caption|parse|tidy|clean up|say|ask|quote|post|put|read|finish"
    r"|traduis(?:ez)?|traduire|corrige[rz]?|résume[rz]?|reformule[rz]?|réécri[st]|réponds|répondez|répondre|rédige[rz]?"
    r"|écri[st]|écrivez|relis(?:ez)?|relire|améliore[rz]?|raccourci[sr]|explique[rz]?|comment (?:dire|dit-on|on dit)"
    r"|que (?:veut dire|signifie)|c'est quoi|continue[rz]?|transforme[rz]?|imite[rz]?|joue[rz]?|dis|dites"
)
TASK: Final = _words(
    rf"^(?:{_ASK}|so|ok(?:ay)?|now|then|and|also|hi|hello|hey|thanks|peux-tu|pouvez-vous|tu peux|vous"
    rf" pouvez|merci de|s'il te plaît|stp|svp|s'il vous plaît)[ ,!]+)*(?:to )?(?:{_TASK_VERBS})\b"
)
_OBJECT_AHEAD = _words(
    r"\b(?:this|these|following|below|below:|attached|ci-dessous|suivante?s?|ce|cet|cette|ces)\b|:\s*$"
)
_ATTRIBUTION = _words(
    r"\b(?:here(?:'s| is| are)|this is|below is|voici|voilà|given) (?:(?:my|the|our|a|an|mon|ma|le|la"
    r"|un|une|what \w+) )?"
    r"(?:[\w-]+ )?(?:essay|text|draft|mail|e-?mail|letter|abstract|paragraph|cv|resume|speech|code|log"
    r"|output|message|review"
    r"|story|poem|post|article|transcript|bio|sentence|translation|paper|chapter|exercise|texte|brouillon|lettre|résumé"
    r"|article|phrase|wrote)\b[^:.!?]{0,40}:|"
    r"\b(?:says?|said|wrote|writes|reads|states?|asked|asks|goes|quotes?|quoting|excerpt|from (?:a|an|the|some|his|her"
    r"|their) [\w' -]{1,40}|according to [\w' -]{1,40}|example|sample|dit|disait|écrit|extrait|exemple|d'après"
    r" [\w' -]{1,40}) ?:"
)
_ROLE_PLAY = _words(
    r"\b(?:role-?play|let'?s (?:practi[sc]e|pretend|play)|pretend (?:to be|you|that|i)|act (?:as|like)|you(?:'re| are)"
    r" (?:now )?(?:an? )?(?:angry|upset|difficult|customer|client|interviewer|pirate|patient|character|the (?:customer"
    r"|agent|patient|interviewer|villain|hero|teacher|boss))|in character|continue (?:the|this|my)"
    r" (?:story|tale|dialogue|scene)|our (?:hero|heroine|protagonist)|in the (?:role|voice|style"
    r"|person) of|from the"
    r" (?:point of view|perspective) of|imagine you(?:'re| are)|i(?:'m| am) (?:a|the) (?:difficult"
    r"|angry)? ?(?:customer|player)"
    r"|you play|i play the (?:customer|agent|role|part|interviewer|patient|boss)|as a character|write"
    r" (?:a|an|me a|the) (?:\w+ )?(?:poem|song|story|monologue|dialogue|scene"
    r"|haiku|limerick|sketch|speech for|diary|short story)|joue[rz]? le rôle|jeu de rôle|fais comme si|faisons semblant"
    r"|mets-toi dans la peau|incarne[rz]?|du point de vue d|imagine que tu es|tu es (?:un|une|le|la) (?:client|pirate"
    r"|roi|reine|personnage|patient))"
)
_LOG = re.compile(
    r"^\s*(?:\[?\d{1,2}:\d\d(?::\d\d)?\b|\[?\d{4}-\d\d-\d\d[T ]\d\d:|\[?(?:INFO|WARN(?:ING)?|ERROR"
    r"|DEBUG|ERR!|TRACE|FATAL)\b"
    r"|at \S+\(|File \"|Traceback|npm |\$ |>>> |\+\+\+ |--- |@@ |#include|//|/\*|\*/|<\?|</?\w+[ >]"
    r"|(?:def|class|import|from|function|const|let|var|public|private|return|async|await|elif|else|try"
    r"|except|for|while|if)"
    r"\b.*[;{}:(]\s*$)"
    r"|^\s*[\w.-]+\s*[:=]\s*[\[{\"'\d]|\b(?:Exception|Error):\s|\b(?:INFO|WARN|ERROR|DEBUG|ERR!)\b"
)
_CODE_SIGNS = re.compile(r"[{}();=<>\[\]\\|]")


def is_role_play(text: str) -> bool:
    """Is somebody asked to play a part, or to make up what a character says?"""
    return _ROLE_PLAY.search(text) is not None


def is_pasted(plain: str) -> bool:
    """Is a sentence a log line, code, or mostly a quotation?"""
    own = len(plain) - plain.count(BLOT)
    if own < 0.5 * len(plain) or own < 8:
        return True
    return any(_LOG.search(line) for line in plain.splitlines()) or len(_CODE_SIGNS.findall(plain)) > 0.06 * own + 2


def object_begins(plain: str) -> int:
    """Where, in a sentence, the text begins that a task is about or somebody else said; -1 where there is none.

    The length of the sentence means: with the next one.
    """
    colon = plain.find(":")
    while 0 <= colon < len(plain) - 1 and not plain[colon + 1].isspace():
        colon = plain.find(":", colon + 1)
    if colon >= 0 and (TASK.search(plain[:colon]) or _ATTRIBUTION.search(plain[: colon + 1])):
        return colon + 1
    if TASK.search(plain) and _OBJECT_AHEAD.search(plain):
        return len(plain)
    return -1
