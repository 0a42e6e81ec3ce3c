"""English words that the guards compare by."""

from __future__ import annotations

from typing import Final


def words(text: str) -> frozenset[str]:
    """The words of a line."""
    return frozenset(text.split())


def _phrases(text: str) -> list[tuple[str, ...]]:
    return [tuple(phrase.split()) for phrase in text.split(",")]


CONTRACTIONS: Final[dict[str, tuple[str, ...]]] = {
    short: tuple(long.split())
    for short, long in (
        pair.split("=")
        for pair in (
            "can't=can not|cant=can not|cannot=can not|won't=will not|wont=will not|shan't=shall not|dont=do not"
            "|doesnt=does not|didnt=did not|isnt=is not|arent=are not|wasnt=was not|werent=were not|hasnt=has not"
            "|havent=have not|hadnt=had not|couldnt=could not|wouldnt=would not|shouldnt=should not|im=i am|ive=i have"
            "|whats=what is|wheres=where is|whos=who is|hows=how is|thats=that is|theres=there is|ain't=is not"
            "|let's=let us|gonna=going to|wanna=want to|gotta=got to|gimme=give me|y'all=you all|o'clock=oclock"
        ).split("|")
    )
}

IS_AFTER: Final = words("what who where when how why it that this there here he she everything something nothing")

IRREGULAR: Final[dict[str, str]] = {
    form: line.split()[0]
    for line in (
        "be am is are was were been being,do does did done doing,have has had having,go goes went gone,buy bought,"
        "send sent,pay paid,get got gotten,lose lost,leave left,sell sold,tell told,take took taken,steal stole stolen,"
        "give gave given,make made,find found,see saw seen,know knew known,think thought,teach taught,catch caught,"
        "bring brought,fight fought,win won,beat beaten,write wrote written,drive drove driven,choose chose chosen,"
        "break broke broken,speak spoke spoken,hold held,hear heard,keep kept,lead led,meet met,build built,lend lent,"
        "spend spent,eat ate eaten,drink drank drunk,begin began begun,swim swam swum,sing sang sung,run ran,"
        "come came,become became,grow grew grown,draw drew drawn,throw threw thrown,fall fell fallen,feel felt,"
        "forget forgot forgotten,forgive forgave forgiven,hide hid hidden,bite bit bitten,ride rode ridden,rise rose"
        " risen,"
        "shake shook shaken,wear wore worn,tear tore torn,swear swore sworn,understand understood,stand stood,"
        "shoot shot,sit sat,say said,mean meant,deal dealt,sleep slept,strike struck,stick stuck,dig dug,feed fed,"
        "breed bred,bind bound,grind ground,seek sought,freeze froze frozen,wake woke woken,blow blew blown,"
        "fly flew flown,show shown,wind wound,child children,man men,woman women,person people,foot feet,tooth teeth,"
        "mouse mice,life lives,wife wives,knife knives"
    ).split(",")
    for form in line.split()[1:]
}

STOPWORDS: Final = words(
    "a an the this that these those there here it its i me my mine we us our ours you your yours he him his she her"
    " hers they them their theirs who whom whose which what when where why how is am are was were be been being do"
    " does did done doing have has had having can could will would shall should may might must and or but if then so"
    " than as of in on at to for from by with into about up out over off s t d ll m re ve just also too very really"
    " actually indeed truly please kindly thanks thank hello hi hey dear hmm well ok okay oh um uh er not no yes any"
    " some such own same other each both either simultaneously want wanna need like know tell give get let help"
    " question quick wondering wonder anyone someone somebody anybody one thing things way ways able possible"
    " going go morning afternoon evening sorry excuse yo greetings cheers thx pls plz asap advance lot much many"
    " because while during through between among per via basically honestly genuinely fact is's are'n"
)

FILLERS: Final = words("um uh uhm umm uhh er err hmm oops")

REPAIRS: Final[dict[str, list[tuple[str, ...]]]] = {}
for _phrase in _phrases(
    "um,uh,uhm,umm,uhh,er,err,oops,sorry,actually,rather,no wait,wait no,no sorry,sorry no,no i mean,no i meant,"
    "sorry i mean,sorry i meant,i mean,i meant,or rather,or no,or actually,no actually,no rather,no make that,"
    "scratch that,no scratch that,oh no,oh wait,or wait,wait i mean,wait i meant,i am sorry i mean,"
    "i am sorry i meant,i am sorry no,well actually,no well,uh no,um no,er no,er i mean,um i mean,uh i mean,um"
    " sorry,uh sorry,er sorry,"
    "um actually,uh actually,no um,no uh,no er,wait sorry,hold on,no hold on,excuse me,correction,or should i say,"
    "no no,no that is wrong,no not that,oops no,oops i mean,oops i meant,oops sorry,or sorry,or i mean,no instead,or"
    " uh,or um,well no"
):
    REPAIRS.setdefault(_phrase[0], []).append(_phrase)

AFTER_A_LONE_NO: Final = words(
    "the a an this that these those who whom whose which what when where why how in on at of for from to with by about"
    " is are was were do does did can could will would should i you he she it we they my your his her its their"
)
"""A lone "no" before one of these takes back what stands before it: "which city no which country"."""

HESITANT: Final = words("wait sorry rather actually mean meant oops um uh er well hold")
"""Words with which a correction often begins."""

HESITATIONS: Final = words(
    "wait sorry mean meant rather actually instead make scratch say ask asking correct correction nevermind mind"
    " never forget"
    " strike scrap hold oops hang second minute"
)
"""Words of a repair that are not what it goes on with."""

NO_REPAIR_AFTER: Final = words("yes do did does what am said say")
"""Behind these the same words repair nothing: "yes or no", "what do I mean"."""

NOT_NAMES: Final = words(
    "i am have would will is are do does did can could should the a an and or of in on for to how what when where"
    " who why which please thanks thank you hello hi hey ok asap my me it if not no yes but so good morning afternoon"
    " evening atm pin id faq pdf tv pc app url usb sms gps cv diy dob eta fyi aka vs etc st mr mrs ms dr"
)

CASE_MATTERS: Final = words(
    "us it who aids polish go apple turkey may march mark bill will c r x rest soap swift ruby rust"
)
"""Words that are another word when written in capitals, or with one."""
