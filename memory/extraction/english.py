"""What people say of themselves and their undertakings in English. Patterns stand at the start of a clause."""

from __future__ import annotations

from typing import Final

from memory.extraction.rules import Rule, any_of, rules_of

_MONTH = any_of(
    "jan(?:uary)?\\b feb(?:ruary)?\\b march\\b apr(?:il)?\\b may\\b june?\\b july?\\b aug(?:ust)?\\b sept?(?:ember)?\\b"
    " oct(?:ober)?\\b nov(?:ember)?\\b dec(?:ember)?\\b"
)
_DAY = any_of("mondays? tuesdays? wednesdays? thursdays? fridays? saturdays? sundays? weekends? weekdays?")

_PARTS: Final = {
    "kin_noun": any_of(
        "wife husband spouse partner girlfriend boyfriend fianc[eé]e? sons? daughters? kids? child(?:ren)? baby toddler"
        " twins mum mom mother dad father parents? brothers? sisters? siblings? grandma grandpa grandmother grandfather"
        " grandparents? grandson granddaughter aunt uncle cousin niece nephew mother-in-law father-in-law in-laws parents-in-law little_one youngest eldest oldest"
        " flat-?mates? room-?mates? housemates? family"
    ),
    "kin": r"(?:my|our|the) (?:[\w-]+ ){0,2}<kin_noun>(?: (?-i:[A-Z])\w+)?",
    "people": r"(?:my|our) (?:[\w-]+ ){0,1}"
    + any_of(
        "boss manager supervisor advis[oe]r team colleagues? co-?workers? co-?authors? clients? customers? landlord"
        " landlady employer company firm accountant doctor dentist therapist teacher students? users? funder lawyers?"
        " board ceo cto legal_department legal_team security_team ops_team publisher editor committee"
    ),
    "health": r"(?:(?:severely|very|highly|also|mildly|badly|completely|partially|legally|profoundly|half|a strict"
    r"|strictly|strict|both|all|mostly) )?"
    + any_of(
        "allergic blind deaf (?:red[-_]green[-_])?colou?r-?_?blind vegans? vegetarians? pescatarians? co?eliacs?"
        " diabetic asthmatic epileptic dyslexic autistic (?:lactose|gluten|histamine|fructose)[-_]intolerant"
        " intolerant_(?:to|of) left-?handed pregnant disabled hard_of_hearing non-?binary bilingual retired"
        " self-employed transgender muslim jewish hindu buddhist sikh teetotal sober"
    )
    + r"\b",
    "ailment": r"(?:[\w-]+ ){0,4}"
    + any_of(
        "allerg(?:y|ies) intolerance diabetes asthma adhd dyslexia dyscalculia migraines? epilepsy arthritis backs?"
        " knees? shoulder hips? heart_condition condition disability hearing_aids? hearing_loss eyesight vision insomnia"
        " anxiety depression autism co?eliac ibs tinnitus scoliosis hypertension high_blood_pressure pacemaker"
        " slipped_discs? sleep_apnoea sleep_apnea"
    )
    + r"\b",
    "household": any_of(
        "kids? child(?:ren)? sons? daughters? dogs? cats? puppy puppies kittens? horses? rabbits? hamsters? parrots?"
        " chickens hens bees twins toddlers? baby brothers? sisters? siblings? teenagers? grandchildren grandkids"
        " employees people_on_staff staff sites offices branches warehouses developers engineers"
    ),
    "job": any_of(
        "[\\w-]+(?:ist|ian|neer) developer programmer teacher nurse doctor physician student lawyer solicitor paralegal"
        " designer manager researcher lecturer professor writer editor author chef cook baker farmer gardener builder"
        " plumber carpenter joiner welder driver sailor soldier officer founder co-founder owner freelancer consultant"
        " contractor accountant auditor analyst architect surveyor translator interpreter actor actress singer painter"
        " sculptor carer caretaker maintainer administrator admin sysadmin tester operator trainer coach tutor postdoc"
        " phd undergrad(?:uate)? graduate apprentice trainee intern volunteer mother father mum mom dad widow widower"
        " beginner newcomer newbie newb native_speaker speaker novice vet midwife surgeon director lead head ceo cto"
        " secretary clerk cashier waiter waitress barista bartender hairdresser tenant homeowner runner cyclist climber"
        " swimmer hiker diver rower musician drummer scientist pensioner shareholder veteran immigrant expat"
        " photographer vegan vegetarian morning_person night_owl night_person"
    )
    + r"\b",
    "date": rf"(?:(?:the )?(?:end|start|beginning|middle) of |\d{{4}}-\d\d-\d\d|(?:the )?\d{{1,2}}(?:st|nd|rd|th)?"
    rf"(?: of)? {_MONTH}|{_MONTH} \d{{1,4}}|{_MONTH}|the \d{{1,2}}(?:st|nd|rd|th)\b|\d{{1,2}}[./]\d{{1,2}}\b"
    rf"|(?:next |every )?{_DAY}|next (?:week|month|spring|summer|autumn|fall|winter|year)|q[1-4]\b|20\d\d\b)",
    "thing": any_of(
        "name surname nickname birthday pronouns time_?zone address e-?mail(?:_address)? phone_number mobile_number"
        " employer company business shop firm job role job_title profession occupation background major degree hometown"
        " native_language mother_tongue first_language height shoe_size blood_type diet schedule shifts? working_hours"
        " office_hours setup stack editor operating_system machine keyboard server router nas camera budget deadline"
        " thesis dissertation research field lab dogs? cats? car bike van house flat apartment garden kitchen oven"
        " office school university hobby hobbies instrument go-to preferred favou?rite account_number customer_number"
        " salary income rent neighbou?rhood specialty speciality dream_job goal_for_this_year"
    ),
    "im": r"(?:I'?m|I am)",
    "ive": r"(?:I'?ve got|I have got|I have|I got|I'?ve)",
    "were": r"(?:we'?re|we are)",
    "wehave": r"(?:we'?ve got|we have got|we have|we got)",
    "be": r"(?:is|are|was|'s|'re)",
    "adv": r"(?:(?:always|still|really|just|also|now|only|all|mostly|mainly|currently|actually|usually|generally"
    r"|normally|typically|personally|strictly|both|basically|already|mainly|exclusively|primarily|both|each|ever) )*",
    "number": r"(?:\d[\d.,]*k?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|a dozen|several|a few|a couple of"
    r"|many)",
    "dont": r"(?:don'?t|do not|won'?t|will not|refuse to|do never|no longer|cannot|can'?t|can not|mustn'?t|must not)",
    "must": r"(?:must|may|has to|have to|needs to|needs an?|need to|cannot|can'?t|can not|may not|may only|can only|mustn'?t"
    r"|shall(?: not)?|(?:is|are) (?:not allowed|required|forbidden|prohibited|mandatory|capped|limited|restricted"
    r"|read-only|off[- ]limits|non-negotiable|out of the question)|(?:isn'?t|aren'?t) allowed)\b",
    "this": r"(?:this|that|it|these|those|them|him|her|the (?:following|same|above|one|first|second|last|latter|other"
    r"|former)|here|your|yours|you|so|one|my mind|up)\b",
    "dull": any_of(
        "know think understand see want have get got need mean remember recall believe care mind feel seem hear find"
        " forget figure agree disagree doubt expect hope wish guess suppose trust worry wonder recognise recognize"
        " struggle confuse mix end notice look sure be been receive try tell say ask ha[dv]e? does did was were quite"
        " really \\w+ed heard knew saw thought came went gave made took told said felt met"
    )
    + r"\b",
    "dealing": any_of(
        "am are is appreciate accept agree promise apologi[sz]e choose pick bet go request confirm click press type select"
        " enter run try start stop add copy paste turn put set plug move change make call follow wait pay transfer send"
        " order return cancel sign_up log_in log register apply book reserve reach leave arrive speak_of talk mention"
        " point highly sincerely strongly totally fully absolutely recommend thank love like hate prefer enjoy dislike"
        " adore lose miss lack owe deserve regret admit insist suggest assume imagine realise realize discover"
        " read watch listen hear install download upload update delete remove connect load open close save reboot restart"
        " compile declare define import print initialise initialize test check verify double look_at stand come"
        " cannot seek search buy rent sell take bring give let keep_getting keep help compute calculate multiply divide"
        " solve sum obtain arrive_at consider prove simply just first then press plan aim intend attempt decide begin"
        " propose present describe show introduce study investigate argue conclude observe compare claim review discuss"
    )
    + r"\b",
    "past": any_of(
        "sent got went came saw took made gave found left lost bought brought thought told said felt met paid sold spent"
        " built broke chose ran drove wrote ate drank fell knew heard held kept put cut let began slept spoke stood wore"
        " won set hit shut became grew drew flew threw hung hid rode rang sang sat shook stole swam taught tore understood"
        " woke done been seen gone split"
    )
    + r"\b",
    "used": any_of(
        "use run host deploy sample store keep ship sell serve operate live measure track bill test release meet"
        " close open build write buy rent own grow bake cook brew breed teach offer support target speak follow"
        " publish print back_up archive eat drink wear share split pay charge invoice recruit hire"
    )
    + r"\b",
    "chose": any_of(
        "decided settled agreed chose chosen picked opted voted approved adopted switched moved migrated ditched"
        " dropped replaced standardi[sz]ed committed resolved selected swapped abandoned scrapped ruled_out signed_off"
        " signed_up_with went_with gone_with gone_for went_for ended_up landed_on stuck_with got_rid_of upgraded"
        " outsourced renamed postponed cancell?ed banned froze frozen excluded restricted"
    )
    + r"\b",
    "answer": any_of("answers? repl(?:y|ies) responses? emails? mails? messages? drafts? reports? summar(?:y|ies)"),
}

ENGLISH: Final[tuple[Rule, ...]] = rules_of(
    _PARTS,
    # Who somebody is.
    ("health", "identity", "", r"(?:<im>|<were>|<kin> <be>|I <be>) <health>(?! to (?:bugs|this|mondays|meetings|work)\b)"),
    ("health", "identity", "", r"(?:<ive>|<wehave>|<kin> ha[sd](?: got)?|I suffer from|<kin> suffers from) (?:an? )?(?!to\b)<ailment>"),
    (
        "diet",
        "identity",
        "",
        r"(?:I|we|<kin>) (?:don'?t|doesn'?t|do not|does not|can'?t|cannot|never|no longer|only) <adv>"
        r"(?:eats?|drinks?|smokes?|speaks?|drives?|do(?:es)? stairs|reads?|swims?|tolerates?|digests?|stands?)(?! (?:<this>|to))",
    ),
    ("job", "identity", "", r"<im> <adv>(?:an? |the |one of )?(?!bit|little)(?:(?!\w+ing\b|in\b|for\b|not\b|on\b|at\b|with\b|under\b|sure\b|so\b|very\b|too\b)[\w/&'-]+ ){0,4}?<job>(?! of (?:the )?(?:opinion|view))"),
    ("job", "identity", "", r"<im> not (?:an? |the |very |really |that )?(?:[\w-]+ ){0,2}?(?:<job>|technical|expert|good at|great at|fluent)\b"),
    ("origin", "identity", "", r"(?:<im>|<were>) <adv>(?:originally )?(?:from|based (?:in|on|near|out of)|located in|native to) (?!<this>|home|work)\w"),
    ("age", "identity", "", r"(?:<im>|<kin> <be>|she'?s|he'?s) (?:almost |nearly |about |turning )?(?:\d{1,2}(?: years old| yo\b| y/o|\b(?=[,.]|$| and\b))|\d'\d|\d[.,]\d\d ?m\b|1\d\d ?cm)"),
    ("age", "identity", "", r"(?:my|our|the) (?:kids|children|twins|boys|girls|sons?|daughters?) (?:is|are) (?:<number>)\b"),
    ("role", "identity", "", r"<im> the (?!one\b|only one|same|first|middle|\w+ing\b)(?:[\w-]+ ){1,3}(?:of|at|for|in) (?:the|our|a|my|this|(?-i:[A-Z]))"),
    ("role", "identity", "", r"<im> (?:doing|finishing|starting|pursuing) (?:my|an?) (?:[\w-]+ )?(?:residency|ph\.?d|degree|master'?s?|bachelor'?s?|apprenticeship|internship|training|doctorate|traineeship)"),
    ("name", "identity", "lasting", r"(?:my (?:full |first |last )?name(?:'s| is)|my pronouns are|I go by|I was born (?:in|on)|I grew up in|I come from) \S"),
    ("name", "adaptation", "lasting", r"(?:please )?(?:address me (?:as|with|by)|(?:write|talk|speak|reply|answer)(?: to)? me in) \S"),
    ("name", "adaptation", "lasting", r"(?:please |you can |just |you may )*call me (?!back|at|on|if|when|later|tomorrow|today|asap|again|a\b|an\b|in\b|before|after|now|crazy|old|anytime|any|immediately|as soon)\w+"),
    (
        "occupation",
        "identity",
        "",
        r"(?:I|<kin>|my (?:team|company|employer)) <adv>(?:works? (?:as|at|for|in|nights|from home|remotely|part[- ]time"
        r"|full[- ]time|shifts|with (?!<this>)|on (?!<this>|an? |the )|weekends|mornings|evenings|<number>)|lives? (?:in|near|with|alone|on|at|by)"
        r"|teach(?:es)? (?!<this>)|stud(?:y|ies) (?!<this>)|maintains? |volunteers? |commutes? |majors? in|specialis[ez]s? in"
        r"|run (?:an? |my own |our )|manage (?:an? |the |<number> )|lead (?:an? |the )|own (?:an? |<number> )|coach (?!<this>)"
        r"|play (?:the |in an? )|speak \w+|drive an? )",
    ),
    (
        "experience",
        "identity",
        "lasting",
        r"(?:I'?ve|I have|we'?ve|we have) (?:been (?!wait|try|hav|gett|experienc|look|star|call|strugg|putt|search|ask)\w+(?:ing|ed)?|worked|lived|used|taught|had|owned|played|done)"
        r"[^.!?]{0,60}? (?:for|since) (?:(?:over|about|almost|more than|nearly|the last|the past) )?(?:<number> (?:\w+ )?(?:years|decades)|years|decades|ages|(?:19|20)\d\d|school|college|I was)",
    ),
    ("new_role", "identity", "lasting", r"I(?:'?ve)? (?:just |recently )?(?:took over as|taken over as|joined|became|was promoted|got promoted|started (?:as|at|working (?:as|at|for))|got a (?:new )?job|retired) "),
    ("household", "identity", "", r"(?:<ive>|<wehave>|<kin> and I have|there are) (?:an? |<number> )(?:[\w-]+ ){0,3}?<household>\b"),
    ("household", "identity", "", r"(?:<were>|<im>) an? (?:(?:small|large|big|tiny|young|non-?profit|two-person|three-person|family) )*(?:family|household|team|company|start-?up|couple|charity|agency|non-?profit|shop|school|clinic|lab|studio|co-?op|bakery|restaurant|firm|business)\b"),
    # What they like, and do as a habit.
    ("habit", "preference", "", r"(?:I|we) <adv>(?:always|never|usually|normally|typically|generally|rarely|only ever|tend to|mostly|hardly ever) <adv>(?!<dull>|\w+ed\b|'|quite)\w+"),
    ("habit", "preference", "", r"(?:I|we) only (?:have|own|eat|drink|speak|work|use|take|accept|cook|buy|read|write|watch|ship|sell|do)\b(?! (?:<this>|(?:<number>|an?|a few) (?:\w+ )?(?:minutes?|hours?|seconds?|questions?|days?|left|problem|chance|other|more|one)\b))"),
    ("habit", "identity", "lasting", r"(?:I|we) (?:quit|gave up|stopped|haven'?t|have not) (?:smoking|drinking|eating|meat|alcohol|sugar|coffee|dairy|gluten|(?:touched|eaten|drunk|smoked|had|owned|used)\b[^.!?,]{1,40} (?:since|in years|for years|in ages|for ages))\b"),
    ("diet", "identity", "lasting", r"no (?:meat|fish|pork|beef|dairy|gluten|alcohol|nuts?|peanuts?|sugar|eggs?|lactose|seafood|shellfish|onions?|garlic|caffeine|coffee|mushrooms?|spicy food)\b(?: or \w+)?,? (?:for (?:me|us)|obviously|ever|of course|in (?:this|our|my) house|at (?:ours|mine)|since|as (?:I'?m|we'?re)|because)"),
    ("refusal", "preference", "", r"(?:I|we) (?:don'?t|do not|won'?t|will not|refuse to|no longer|do never) <adv>(?:ever )?(?:use|take|accept|allow|ship|deploy|merge|offer|sell|eat|drink|do(?! (?:<this>|know|anything))|store|support|work (?:on|with|at|before|after)|like (?!<this>|to)|want (?:any|to be)|buy|wear|watch|fly|apologi[sz]e|touch|deal with|open on|own|answer|print)\b(?! (?:<this>|my (?:\w+ )?account|the (?:\w+ )?account))"),
    ("taste", "preference", "errand", r"(?:I|we) <adv>(?:absolutely |truly |actually )?(?:love|like|hate|dislike|adore|detest|enjoy|can'?t stand|cannot stand|loathe|am not a fan of|am a (?:big |huge )?fan of|am (?:really )?into|am not into)(?: to\b(?! (?:see|know|hear|get|have|book|go|buy|make|be|thank|search|find|watch|listen|check|visit|stay|play)))? (?!<this>|the\b|how|what|when|if|for|any|an?\b|to\b|all|its?\b|hear|see|some)\w"),
    ("taste", "preference", "lasting", r"(?:my|our) (?:all-time )?(?:favou?rite|go-to|preferred|least favou?rite)\b[^.!?]{1,40}? (?:is|are|has always been)\b"),
    ("switched", "preference", "lasting", r"(?:ever since|since then|these days|nowadays),? (?:then,? )?(?:I|we) (?:only |always |just )?(?!have|had|can'?t|get|got|keep|am)\w+"),
    ("switched", "knowledge", "lasting anywhere", r"(?:I'?m|I am|we'?re|we are) (?:on|using|with|back to|back on) [^,.;!?]{1,40} (?:for good|permanently|these days|nowadays|only|exclusively|everywhere|full[- ]time|by default)\b"),
    # How to answer and to write.
    ("standing", "adaptation", "lasting", r"(?:and |but |so )?(?:please |pls |kindly )?(?:always|never) (?:ever )?(?!a\b|an\b|the\b|good|nice|great|happy|glad|there|here|welcome|in\b|on\b|at\b|for\b|has\b|mind|again|did|had|was|have|been|got|is|are|really|wanted|thought|heard|knew|saw|seems?|knows?|works?|\w+ed\b|\w+ing\b|\w+s\b(?<!discuss)(?<!address)(?<!process))\w+"),
    ("standing", "adaptation", "lasting", r"[^.!?]{0,120}?\b(?:from now on|from here on(?: out| in)?|going forward|moving forward|henceforth|until further notice|in (?:all|any|every) (?:of )?(?:your |my |our )?(?:future )?<answer>|for all (?:the )?future \w+|for (?:any|every|all)thing (?:you|I|we)(?: ever)? \w+|in every (?:single )?<answer>|every time you \w+|whenever you \w+|each time you \w+)"),
    ("standing", "adaptation", "lasting", r"[^.!?]{0,80}?\b(?:whenever|every time|each time|any time|anytime|when|if) (?:I|we) (?:ever )?(?:ask|say|write|send|paste|give|request|post|share|mention|want)\b[^.!?]{0,80}?(?:,| then| just| please)? ?(?:just|please|always|never|only|use|give|answer|reply|assume|skip|keep|show|tell|write|respond|don'?t|do not|add|include|you should|you must|you can|it should|put|start|stick|make)\b"),
    ("standing", "adaptation", "lasting", r"[^.!?]{0,60}?\b(?:whenever|every time|if|when) (?:it'?s|it is|you|they|he|she) [^.!?]{1,60}?(?:,| )(?:it has to|it must|always|please|never|use|should be|has to be|must be)\b"),
    ("standing", "adaptation", "lasting", r"(?:in (?:the )?future|next times?|for next time|for the future|for future reference),? (?:please |just |always |never |do(?:n'?t| not) |avoid |use |write |keep |give |skip |put |make sure |could you |can you )"),
    ("standing", "adaptation", "lasting", r"(?:please )?(?:don'?t|do not|never|no need to|stop|quit) (?:ever )?(?:(?:call|ring|phone|text|email|mail|contact|visit)(?:ing)? (?:me|us)\b(?! back|until|before|today|tomorrow)|using \w|adding \w|apologi[sz]ing|saying \w|starting \w|calling \w|ending \w|putting \w|suggesting \w|recommending \w|giving me|sending me|repeating|explaining|writing \w)"),
    ("standing", "adaptation", "lasting", r"(?:please )?(?:(?:don'?t|do not) ever \w+|no (?:more )?[\w-]+(?: [\w-]+){0,3},? (?:ever|anywhere|at all|for me)\b)"),
    ("standing", "adaptation", "lasting", r"(?!.*\b(?:used to|we|they)\b)(?:please |pls |do |don'?t |use |keep |write |give |make |put |skip |no |only |reply |answer |avoid |I want |I need |\S+ or |spaces |tabs |\S+ please )[^.!?]{0,100}?(?:\balways\b(?! been)|\bevery time\b|\bat all times\b|\bby default\b|\bany ?more\b|\bever again\b|\bin (?:general|future)\b|\bfor anything\b|\bfor everything\b|\bas a rule\b)"),
    ("standing", "preference", "lasting", r"[^.!?]{0,80}?(?:\bplease,? always\b|\balways,? please\b|, always(?=[,.!]|$))"),
    ("wanted_form", "adaptation", "", r"I (?:want|need|like|expect) (?:all |every |your |my )(?:of )?(?:your )?<answer>\b"),
    ("reach_me", "preference", "lasting", r"(?:(?:you can |please |best to |it'?s best to )?(?:reach|contact|email|text|call|message) me (?:only |best )?(?:by|via|at|on|through|under)(?! (?:once|least|all|this number))|(?:email|text|phone|mail|sms|post) is the only\b|I can only be reached)"),
    ("asked_to_remember", "knowledge", "lasting", r"(?:please |also |and )*(?:remember|keep in mind|bear in mind|don'?t forget|do not forget|make a note|note|for the record|for your (?:notes|records|information)|fyi|just so you know|so you know|heads[- ]up|for context|some context|for background)(?: that|:|,| -)+ (?!to\b)(?:[\w']+ ){2,}\S"),
    ("asked_to_remember", "knowledge", "lasting", r"[^.!?]{4,120}?\b(?:remember that|keep (?:that|this) in mind|make a note of (?:that|this|it)|note that down|write that down for later|put that in my (?:profile|notes|file)|save that for later|reuse (?:it|that|this) (?:when|for|every)|that'?s our standard\b)"),
    ("standing", "adaptation", "lasting", r"(?:please )?(?:don'?t|do not|never) (?:suggest|recommend|propose|offer|include|give me|send me|show me) (?:me )?(?:anything|any|stuff|things|recipes|dishes|books|tools|songs|films|places) (?:with|from|that|by|containing|like|about|on|in|which|of)\b"),
    ("standing", "adaptation", "lasting", r"(?:there'?s |there is )?no need to (?:explain|apologi[sz]e|repeat|introduce|thank|add|mention|ask|greet|define|be (?:polite|formal))"),
    ("standing", "preference", "", r"(?!thanks|thank|sorry|better|now\b|it'?s|that'?s|i\b|we\b|you\b|and\b|but\b)(?:[\w-]+ ){0,3}[\w-]+, (?:never|always) (?!mind|again|a\b|the\b|been|had|had|is|was)[\w-]+(?: [\w-]+){0,4}[.!]?$"),
    # What was decided, and what has to be.
    ("settled", "project", "anywhere", r"(?:we|I|our \w+|the (?:team|board|committee|group|family|council|funder|client)|my (?:wife|husband|partner|team|boss) and I|(?-i:[A-Z])\w+ and I|we all|both of us)(?:'?ve| have| has| had)? (?:just |also |finally |now |recently |all |both |already |since |officially |unanimously |eventually )*<chose>(?! to (?:call|write|ask|contact|check|see|get|look|come|try)\b)(?! (?:<this>|in\b|house|that up|me\b|off\b|it\b|is\b|was\b|are\b|has\b|seems\b|before\b|yesterday$|from (?:my|the|your|a list|among)\b|(?:an? |the )?(?:\w+ )?wrong\b|[^.!?]{0,40}\bby (?:mistake|accident)))"),
    ("settled", "project", "lasting", r"[^.!?]{3,140}?\b(?:(?:that|which|it|this)(?:'s| is| was| much is| part is| bit is) (?:all |now |already )?(?:agreed|settled|decided|final|non-negotiable)\b(?! (?:yet|by))|is (?:agreed|settled|final|non-negotiable|set in stone)\b(?! (?:yet|by)))"),
    ("settled", "project", "lasting", r"(?:we|the (?:team|board|committee))(?: all)? (?:talked (?:it|that|this) (?:over|through)|discussed (?:it|that|this)|met|had a (?:meeting|call|vote))[^.!?:]{0,60}: \S"),
    ("settled", "project", "", r"(?:it (?:was|has been|is) (?:agreed|decided|settled)|the decision (?:is|was|has been made)|(?:the|our) (?:final )?(?:decision|choice|plan|agreement) is)(?: that| to|:)* \S"),
    ("settled", "project", "errand", r"<were> (?:now |definitely |just )*(?:keeping|sticking with|staying with|going with|taking|cutting|dropping|leaving out|doing without) (?!<this> ?(?:[,.]|$)|care|a break|turns|notes)\S"),
    ("undertaking", "project", "errand", r"(?:<were>|<im>) (?:currently |now |also |in the middle of |busy |just |finally )*(?:re-?doing|re-?building|renovating|launching|planning (?:an? |our |my |to )|organi[sz]ing (?:an? |our |my )|migrating|rewriting (?:our |the |my )|moving (?:to |from |house|everything|our |the )|building (?:an? |our |my )|developing (?:an? |our |my )|setting up (?:an? |our |my )|opening (?:an? |our |my )|expecting (?:an? |our |twins)|getting (?:an? |our )(?:\w+ )?(?:puppy|dog|cat|kitten|baby|house|car|van|heat pump)|getting married|writing (?:my |a (?:book|novel|thesis|grant|paper|review))|training for|studying (?:for|\w+ at)|learning \w+|saving (?:up )?for|starting (?:an? |my |our )|converting (?:our |the |my )|porting|phasing out|dropping|switching)\b(?! (?:<this>))"),
    ("constraint", "project", "", r"(?:our|all|every|each|any|no|nothing|nobody|no one|everything|everyone|anything|both) (?:[\w'./-]+ ){0,8}?<must>(?! (?:be (?:a|something|some)\b|wrong))"),
    ("constraint", "project", "errand", r"(?:the|my) (?!(?:text|answer|reply|message|mail|email|poem|summary|output|code|function|result|sentence|word|essay|story|title|letter|response|user|player|reader|password|file|script|query)\b)(?:[\w'./-]+ ){1,4}?(?:must|has to|have to|cannot|may not|may only|can only|mustn'?t|must not|(?:is|are) (?:not allowed|forbidden|mandatory|capped|limited to|restricted to|read-only|off[- ]limits|non-negotiable))\b(?! (?:be (?:a|something|some)\b|wrong))"),
    ("constraint", "project", "errand", r"(?!it\b|this|that|you|he\b|she\b|they|which|who|there|what|one\b|we\b|i\b|text|answers?\b)(?:[\w'./-]+ ){1,4}?(?:may not|must not|must never|mustn'?t|may only|must always|must only)\b"),
    ("constraint", "project", "", r"(?:it'?s|it is|this is|there'?s|we have) an? (?:[\w-]+ ){0,2}(?:requirement|constraint|rule|must)(?: that|:| here that| for us that) \S"),
    ("constraint", "project", "", r"we (?:can'?t|cannot) have (?:an|any)"),
    ("constraint", "project", "", r"we (?:must|are required to|have to (?:comply|support|stay|keep|use|follow|be)|are (?:not|only) allowed|aren'?t allowed|can only|may (?:not|only)|cannot (?:use|store|exceed|change|share|send|host|spend|ship|leave|take|accept|move)|can'?t (?:use|store|exceed|change|share|send|host|spend|ship|leave|take|accept|move)|mustn'?t|need (?:to (?:comply|support|stay|keep|be)|[^.!?,]{1,50} (?:at least|every|by <date>|per)\b))"),
    ("constraint", "project", "", r"(?:nobody|no one|no-one|only \w+)(?: else)? (?:is allowed|may|can|merges|touches|has access|should|gets to|is permitted|but \w+)\b"),
    ("constraint", "project", "", r"(?:\S+ ){0,6}?(?:is|are) (?:read-only|not allowed|off[- ]limits|forbidden|a hard (?:limit|requirement)|a must|non-negotiable|out of the question|not an option)\b"),
    ("constraint", "project", "", r"I (?:cannot|can'?t|can not) (?:eat|drink|drive|walk (?:far|well|more)|climb|wear|stand|lift|sit|digest|smell|swim|spend more|work (?:before|after|on|at)|do (?:mornings|evenings|weekends|stairs|<date>)|take (?:calls|ibuprofen|aspirin|penicillin))\b(?! (?:<this>|anything about))"),
    ("constraint", "project", "", r"I can only (?:eat|have|drink|drive|work|take|wear|use|spend|do|meet|sit|travel|come)\b(?! (?:<this>|an?\b))"),
    ("wanted_by", "project", "", r"(?:<people>|the (?:funder|client|landlord|board|law|regulator|auditors?|school|insurer|bank|council|journal|publisher|customer|contract|lease|licence|license|policy|guidelines?|insurance|warranty|reviewers?|legal|compliance|department|boss|management|town|city|association)) (?:wants?|requires?|demands?|insists?|says no|asks for|expects?|forbids?|refuses?|prohibits?|prefers?|only (?:accepts?|takes?|allows?)|won'?t (?:allow|accept|let)|does(?:n'?t| not) (?:allow|accept|want))\b(?! (?:me|us|to know|<this>))"),
    ("budget", "project", "lasting", r"(?:(?:the|our|my|a) (?:[\w-]+ )?budget (?:is|of|was|has been|for)(?! (?:moderate|not|too)\b)|budget:? (?:is |max |of )?[€$£\d]|(?:I|we) can spend (?:up to |at most )?[€$£\d]|we have (?:a budget of )?[€$£]\d|(?:I|we) have (?:a budget of )?\d[\d.,]*k? (?:euros?|dollars?|pounds?|francs?))"),
    ("date", "project", "lasting", r"(?:the|our|my) (?:[\w-]+ ){0,3}?(?:deadline|due date|launch|release|go-live|kick-?off|submission|exams?|wedding|move|hearing|surgery|operation|defen[cs]e|handover|presentation|conference|audit|opening|interview|marathon|concert|term|semester|lease|contract|visa|freeze|code freeze|sprint|cut-?off|inspection|review|school trip|holiday|demo|pilot|migration) (?:is|are|falls|ends?|starts?|begins?|expires?|runs?|will be|was moved|has been moved|got moved|is due|for|of)[^.!?]{0,40}?(?:<date>|\d)"),
    ("date", "project", "lasting", r"(?:we|I) (?:finally )?(?:launch|ship|go live|move(?: in| out| house)?|open|close|start|submit|present|deliver|fly|leave|get married|graduate|release|freeze|hand over|are getting married|am getting married|are moving)\b[^.!?,]{0,40}? (?:on|in|by|before|from|until) <date>"),
    ("date", "project", "lasting", r"[^.!?,]{0,40}?\b(?:gave|gives?|given) us (?:until|till) <date>|(?:we|I)(?:'ve| have)?(?: got)? (?:have )?(?:until|till) <date>|we have to (?:be|have) [^.!?,]{1,40} by <date>"),
    ("date", "project", "lasting", r"(?:it|that|this|the \w+|everything|the \w+ \w+) (?:is|'s|are) due (?:on|by|at|in|before)? ?<date>"),
    ("event", "episodic", "lasting", r"(?:(?:we|I) (?:finally |just |recently |actually )*|(?:finally|just|recently) )(?:signed|bought (?:an? |our |the )(?:\w+ )?(?:house|flat|car|van|farm|boat|apartment|bike|piano)|sold|got (?:married|engaged|divorced|promoted|a (?:puppy|dog|cat|kitten))|adopted|graduated|moved (?:to (?-i:[A-Z])|in\b|out\b|house)|launched|retired|had (?:a baby|surgery|an operation|a stroke|twins|our first)|broke my|was diagnosed|were married|lost my job|passed my|defended my|ran (?:my|a) (?:first )?(?:half )?marathon|finished (?:my|the) (?:thesis|degree|book))\b"),
    ("event", "episodic", "lasting", rf"on (?:the )?(?:\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?)(?:,? 20\d\d)?,? (?:the|our|we|my|I) (?:[\w-]+ ){{0,6}}?(?!will|is\b|are\b)(?:\w+ed|went|broke|lost|fell|ran|made|began|sent|won|left|met)\b"),
    # What is the case around them.
    ("our_fact", "knowledge", "state", r"our (?!(?:order|parcel|package|delivery|flight|booking|reservation|ticket|table|next|question|problem|issue|goal|guess)\b)(?:[\w'./&-]+ ){1,5}?(?:is|are|was moved|runs?|lives?|uses?|sits?|has|have|comes?|goes|starts?|ends?|opens?|closes?|requires?|speaks?|consists?|only|wants?|prefers?|refuses?|takes?|accepts?|lies?|faces?|stays?|meets?|pays?|costs?|supports?|expires?|allows?|leaves?|forbids?|prohibits?|prescribes?|includes?|covers?|arrives?|sleeps?|works?|depends?|follows?|contains?|counts?|holds?|ships?|delivers?|handles?|manages?|owns?|serves?|expects?|needs?|must|requires|don'?t|doesn'?t|do not|does not|never|always)\b"),
    ("my_fact", "knowledge", "state", r"my (?:[\w-]+ )?(?:(?:<thing>)(?: \w+)?|(?:\w+ )?<kin_noun>|<people>|boss|manager|team)(?:'s name)? (?:is|are|runs?|lives?|uses?|has|have|starts?|ends?|speaks?|only|works?|faces?|owns?)\b(?! (?:this|that|to (?:be|have|know)|been|a (?:problem|question|mess|bit)))"),
    ("we_use", "knowledge", "state", r"(?:we|everyone here|everybody here) <adv>(?:all )?<used>(?! (?:<this>|to\b|up\b))"),
    ("we_use", "knowledge", "state", r"I <adv>(?:use|host|run|keep|grow|sample|write|develop|program|code|sign|label|name|format|tag|prefix|deploy|cook on|commute|drive|rent|own)(?: (?:everything|all|most|mostly|only|mainly|my \w+))* (?!<this>|the\b|to\b|up\b|out\b|into\b|away\b|and\b|an?\b(?! \w+ (?:with|for|on|setup)))\w"),
    ("we_are_on", "knowledge", "state errand", r"(?:<were>|everything is|<im>) <adv>(?:on|using(?! the\b| an?\b)|running(?! the\b| an?\b)|hosted (?:on|in|by|at)|subject to|under|located in|behind) (?!<this>|an? (?:call|train|bus|plane|break|hurry|page|step)|hold|holiday|vacation|(?:page|step|line|chapter|level) \d|my way|the (?:phone|way|road|move|page|same|edge|verge|fence|train|bus|right|wrong|latest page)|time|track|fire|pressure|stress|attack|leave|board|impression|it\b)\S"),
    ("we_are_on", "knowledge", "state errand", r"(?:<were>|<im>) (?:now |currently |both |all )*in (?:(?-i:[A-Z])(?-i:[a-z])[\w-]+|sweden|germany|france|the (?:uk|us|netherlands|eu)|canada|belgium|switzerland|spain|italy|austria|norway|denmark|finland|ireland|poland|portugal|australia|india|japan|europe|berlin|london|paris|zurich|vienna)\b"),
    ("with_us", "knowledge", "state", r"(?:everything|everyone|everybody|all of us) (?:here|in this (?:repo|house|team|project)|on our side|we \w+) (?!is (?:fine|ok|good|great|working))\w+|(?:(?:here )?(?:at|in|on) (?:our|my) (?:[\w-]+ )?(?:company|office|shop|lab|team|school|house|home|clinic|department|place|firm|repo|project|codebase|village|street|country|town|organi[sz]ation|practice|church|club|side),? (?:we|the|all|every|no|nobody|there|everyone|I|it)|around here,?|(?:over )?here we|with us,?) (?!is\b)\S"),
    ("since_then", "knowledge", "state lasting", r"(?:as of|starting|from|since|with effect from) (?:this|next|last|<date>|the (?:first|new|coming|1st))(?: \w+){0,2}?(?: on| onwards?)?,? (?:all|every|our|we|I|the|only) (?!have\b|had\b|can'?t|get\b|am\b|need|want)\S"),
    ("schedule", "knowledge", "state", r"(?!you\b|it\b|this\b|that\b|there\b|he\b|she\b|they\b|people\b|most\b|many\b)(?:[\w'./:-]+,? ){2,12}?(?:every (?:day|week|month|year|quarter|morning|evening|night|<date>|second|other|first|last|two|three|four|six|\d+)|each (?:day|week|month|year|quarter|morning|evening)|on (?:mon|tues|wednes|thurs|fri|satur|sun)days|on (?:weekdays|weekends)|once an? (?:day|week|month|year|quarter)|twice an? (?:day|week|month|year)|daily|weekly|fortnightly|monthly|quarterly|(?:mon|tues|wednes|thurs|fri|satur|sun)days? (?:to|through|till|until) (?:mon|tues|wednes|thurs|fri|satur|sun)days?)\b"),
    ("stack", "knowledge", "state", r"(?:the|our|my) (?:[\w-]+ )?(?:backend|frontend|front[- ]end|back[- ]end|app|database|db|api|website|site|server|stack|language|framework|pipeline|cluster|ci|orm|os|editor|client|cms|shop|library|monorepo|firmware|model) (?:is|are|runs|uses|sits|lives) (?:all )?(?:written in |built (?:with|on|in) |hosted (?:on|at|by) |on |in |behind |an? )?(?-i:[A-Z])[\w.+#-]+"),
    ("set_to", "knowledge", "state", r"(?:the|our|my) (?:[\w-]+ ){1,4}(?:is|are) (?:set to|registered (?:to|under|in)|insured|rented|leased|limited to|shared with|located|made of|heated (?:by|with)|powered by|connected to|locked|painted) "),
    ("number", "knowledge", "", r"(?:the|our|my) (?:[\w-]+ )?(?:customer|account|contract|policy|member|membership|order limit|vat|tax|serial|licence|license|phone|room|flat|house|registration) (?:number|no\.?|id|code) (?:is|are) "),
    ("hours", "knowledge", "", r"(?:[\w-]+ ){0,2}(?:opening|office|support|working|business|quiet|core|visiting) hours (?:are|:|is) ?\S"),
    ("with_us", "knowledge", "state", r"(?!put|write|add|see|look|click|come|go\b|what|how|it\b|this|that\b|he\b|she\b|they\b|i\b|you\b)(?:[\w'./-]+ ){1,6}?(?:needs?|must|requires?|goes|go|gets?|costs?|takes?|have to|has to|speaks?|closes?|opens?|works?) [^.!?]{2,60} (?:here|for us|with us|at ours|on our side|around here|in this (?:house|company|team|school|lab|repo|project))(?=[.!,;]|$)"),
    ("present_habit", "preference", "state errand", r"(?:I|we) <adv>(?!<dull>|<dealing>|<past>|(?:always|still|really|just|also|now|only|all|mostly|mainly|currently|actually|usually|generally|normally|typically|personally|already|both|each|ever|then|both|finally|recently|never|often|sometimes|kind|sort)\b|'|don|can|will|would|could|should|may|might|must|shall|am\b|are\b|ha[sv]|had|got)(?!\w+(?:ed|ing)\b)[a-z]{3,}\b (?!<this>|if|when|how|what|to\b|not\b)\S"),
    ("owner", "knowledge", "", r"(?-i:[A-Z][a-zà-ÿ]+)(?: (?-i:[A-Z])[\w-]+)? (?:owns|is responsible for|is in charge of|signs off|approves|handles|maintains|looks after|leads|is (?:our|my)|takes care of|is the (?:one|person|owner|contact|lead))\b"),
    ("kept_at", "knowledge", "state", r"(?!he\b|she\b|it\b|they\b|who\b|that\b|people\b|everyone\b|nobody\b|(?-i:(?!The|All|Our|My|Raw|Old|New)[A-Z])[a-z]+ lives?\b)(?:the |all |our |my |raw |old |new )?(?:[\w-]+ ){1,4}?(?:lives?|is stored|are stored|is hosted|are hosted|is kept|are kept|resides?|is deployed|are deployed|is backed up|are backed up) (?:on|in|at|under|behind|to|with|by) "),
    ("place_fact", "knowledge", "state errand", r"(?:the|our|my|this) (?:[\w-]+ )?(?:data ?set|corpus|sample|cohort|study|trial|survey|archive|database|repo|codebase|manuscript|team|company|school|collection|cluster|fleet|network|site) (?:contains|covers|consists|includes|is written in|runs on|targets|spans|comprises|counts)\b"),
    ("place_fact", "knowledge", "state errand", r"(?:the|our|my) (?:(?:back|front|old|main|whole|new|upper|lower|living) ){0,2}(?:house|flat|garden|kitchen|roof|building|apartment|room|balcony|office|shop|cellar|basement|attic|terrace|landlord|plot|soil|walls?|bathroom|bedroom|garage) (?:is|are|faces|has|have|dates|was built|measures?|pays|closes|opens|sits|gets|owns|doesn'?t|does not|won'?t|stays|belongs)\b"),
)
