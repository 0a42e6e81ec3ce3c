"""Words and phrases that the English rules are made with: who, what illness, which day."""

from __future__ import annotations

from typing import Final

from memory.extraction.rules import any_of

_MONTH = any_of(
    "jan(?:uary)?\\b feb(?:ruary)?\\b march\\b apr(?:il)?\\b may\\b june?\\b july?\\b aug(?:ust)?\\b sept?(?:ember)?\\b"
    " oct(?:ober)?\\b nov(?:ember)?\\b dec(?:ember)?\\b"
)
_DAY = any_of("mondays? tuesdays? wednesdays? thursdays? fridays? saturdays? sundays? weekends? weekdays?")

PARTS: Final[dict[str, str]] = {
    "kin_noun": any_of(
        "wife husband spouse partner girlfriend boyfriend fianc[eé]e? sons? daughters? kids? child(?:ren)? baby toddler"
        " twins mum mom mother dad father parents? brothers? sisters? siblings? grandma grandpa grandmother grandfather"
        " grandparents? grandson granddaughter aunt uncle cousin niece nephew mother-in-law"
        " father-in-law in-laws parents-in-law step-?\\w+ little_one youngest eldest oldest"
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
        " knees? shoulder hips? heart_condition condition disability hearing_aids? hearing_loss"
        " eyesight vision insomnia"
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
    "number": r"(?:\d[\d.,]*k?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty"
    r"|thirty|forty|fifty|a dozen|several|a few|a couple of"
    r"|many)",
    "dont": r"(?:don'?t|do not|won'?t|will not|refuse to|do never|no longer|cannot|can'?t|can not|mustn'?t|must not)",
    "must": r"(?:must|may|has to|have to|needs to|needs (?:an?|her|his|their|our|my|two|at least)|need to"
    r"|cannot|can'?t|can not|may not|may only"
    r"|can only|mustn'?t"
    r"|shall(?: not)?|(?:is|are) (?:not allowed|required|forbidden|prohibited|mandatory|capped|limited|restricted"
    r"|read-only|off[- ]limits|non-negotiable|out of the question)|(?:isn'?t|aren'?t) allowed)\b",
    "this": r"(?:this|that|it|these|those|them|him|her|the (?:following|same|above|one|first|second|last|latter|other"
    r"|former)|here|your|yours|you|so|one|my mind|up)\b",
    "dull": any_of(
        "know think understand see want have get got need mean remember recall believe care mind feel seem hear find"
        " forget figure agree disagree doubt expect hope wish guess suppose trust worry wonder recognise recognize"
        " lose fail break burn overcook miss drop spill snooze oversleep arrive sleep_through live_for"
        " struggle confuse mix end notice look sure be been receive try tell say ask ha[dv]e? does did was were quite"
        " really \\w+ed heard knew saw thought came went gave made took told said felt met"
    )
    + r"\b",
    "ordered": any_of(
        "use write answer reply respond include add give show put start end sign call mention suggest"
        " recommend send ask"
        " assume keep format indent spell translate convert quote cite round tell explain say"
        " apologi[sz]e address greet"
        " list provide make name label abbreviate capitali[sz]e skip avoid prefer return store log wrap commit push"
        " deploy merge book order repeat leave refer speak talk email ring phone text contact invoice"
        " ship deliver attach"
        " save pin tag squash"
    )
    + r"\b",
    "habitual": any_of(
        "walk play sell shop cook sleep wear sing swim ride cycle paint knit collect volunteer invoice"
        " produce train pin"
        " lint squash monitor transcribe annotate record weigh anonymi[sz]e cite stutter rely raise care_for look_after"
        " commute travel fly attend belong fast pray celebrate outsource subscribe insure heat recycle"
        " compost bake brew"
        " meditate avoid breed farm fish hunt sew weave garden ski hike climb skate row jog dance draw photograph tutor"
        " mentor freelance consult import export manufacture repair maintain support moderate host run_our own rent"
        " take_(?:my|insulin|warfarin|medication|metformin|antidepressants|blood_thinners) do_(?:all|most|our|my)"
        " smoke drink eat stick_to go_to_bed get_up wake_up live work speak teach study homeschool share split"
    )
    + r"\b",
    "used": any_of(
        "use run host deploy sample store keep ship sell serve operate live measure track bill test release meet"
        " close open build write buy rent own grow bake cook brew breed teach offer support target speak follow"
        " publish print back_up archive eat drink wear share split pay charge exclude include require"
        " refuse accept address reserve limit restrict randomi[sz]e invoice recruit hire"
    )
    + r"\b",
    "chose": any_of(
        "decided settled agreed chose chosen picked opted voted approved adopted switched moved migrated ditched"
        " dropped replaced standardi[sz]ed committed resolved selected swapped abandoned scrapped ruled_out signed_off"
        " signed_up_with went_with gone_with gone_for went_for ended_up landed_on stuck_with got_rid_of upgraded"
        " outsourced renamed postponed cancell?ed banned froze frozen hired appointed founded excluded restricted"
    )
    + r"\b",
    "answer": any_of("answers? repl(?:y|ies) responses? emails? mails? messages? drafts? reports? summar(?:y|ies)"),
}
