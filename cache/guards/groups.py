"""Kinds of things of which a question names one: another member of the kind makes it another question.

Names in small letters, too. One line is one kind; of words joined by ``=`` each names the same member, and ``_`` joins
the words of one name. What has other common uses (Turkey is fine, "polish" is not) is left out.
"""

from __future__ import annotations

from typing import Final

_KINDS: Final = {
    "place": """
        afghanistan albania algeria andorra angola argentina armenia australia=aussie austria azerbaijan bahamas
        bahrain bangladesh barbados belarus belgium belize benin bhutan bolivia bosnia botswana brazil brunei
        bulgaria burundi cambodia cameroon canada chile china colombia congo costa_rica croatia cuba cyprus denmark
        ecuador egypt el_salvador estonia ethiopia fiji finland france gabon gambia germany ghana greece guatemala
        guinea guyana haiti honduras hungary iceland india indonesia iran iraq ireland israel italy jamaica japan
        kazakhstan kenya kuwait laos latvia lebanon lesotho liberia libya liechtenstein lithuania luxembourg
        madagascar malawi malaysia maldives mali malta mauritania mauritius mexico moldova monaco mongolia
        montenegro morocco mozambique myanmar=burma namibia nepal netherlands=holland new_zealand nicaragua niger
        nigeria north_korea south_korea norway oman pakistan palestine panama paraguay peru philippines poland
        portugal qatar romania russia rwanda samoa saudi_arabia senegal serbia seychelles sierra_leone singapore
        slovakia slovenia somalia south_africa spain sri_lanka sudan suriname sweden switzerland syria taiwan
        tajikistan tanzania thailand togo tonga tunisia turkey turkmenistan uganda ukraine uae=emirates
        uk=britain=united_kingdom=great_britain england scotland wales usa=united_states=america uruguay uzbekistan
        venezuela vietnam yemen zambia zimbabwe tibet greenland alaska hawaii paris london berlin madrid rome milan
        naples venice florence vienna zurich geneva brussels amsterdam rotterdam copenhagen oslo stockholm helsinki
        dublin edinburgh glasgow manchester liverpool birmingham lisbon porto barcelona seville valencia athens
        istanbul ankara moscow kiev=kyiv warsaw krakow prague budapest bucharest sofia belgrade zagreb munich
        hamburg frankfurt cologne lyon marseille bordeaux tokyo kyoto osaka seoul beijing shanghai hong_kong
        shenzhen bangkok hanoi jakarta manila kuala_lumpur delhi=new_delhi mumbai=bombay bangalore=bengaluru
        chennai=madras kolkata=calcutta hyderabad karachi lahore dhaka kathmandu dubai abu_dhabi doha riyadh tehran
        baghdad cairo alexandria casablanca lagos nairobi johannesburg cape_town sydney melbourne brisbane perth
        auckland toronto vancouver montreal ottawa calgary new_york=nyc los_angeles san_francisco san_diego
        san_jose seattle portland chicago boston houston dallas austin miami orlando tampa atlanta denver phoenix
        las_vegas=vegas detroit philadelphia pittsburgh baltimore cleveland cincinnati minneapolis milwaukee
        nashville memphis new_orleans st_louis kansas_city salt_lake_city sacramento honolulu washington_dc
        rio_de_janeiro sao_paulo buenos_aires lima bogota santiago caracas quito havana mexico_city alabama arizona
        arkansas california colorado connecticut delaware florida idaho illinois indiana iowa kansas kentucky
        louisiana maine maryland massachusetts michigan minnesota mississippi missouri montana nebraska nevada
        new_hampshire new_jersey new_mexico north_carolina south_carolina north_dakota south_dakota ohio oklahoma
        oregon pennsylvania rhode_island tennessee texas utah vermont virginia west_virginia wisconsin wyoming
        bavaria catalonia sicily sardinia corsica crete ontario quebec kerala punjab gujarat goa""",
    "continent": "africa asia europe antarctica oceania north_america south_america",
    "planet": "venus jupiter saturn uranus neptune pluto",
    "nationality": """
        american=us british=english french german spanish italian portuguese dutch swedish norwegian danish finnish
        icelandic irish scottish welsh russian ukrainian hungarian czech slovak romanian bulgarian greek turkish
        serbian croatian albanian chinese japanese korean vietnamese thai indonesian malaysian filipino indian
        pakistani bangladeshi nepali iranian=persian iraqi israeli egyptian moroccan algerian tunisian nigerian
        kenyan ethiopian ghanaian somali mexican brazilian argentinian chilean peruvian colombian venezuelan cuban
        canadian australian austrian swiss belgian jewish arab""",
    "animal": """
        dog=dogs=puppy=puppies cat=cats=kitten=kittens horse=horses cow=cows pig=pigs sheep goat=goats
        rabbit=rabbits=bunny hamster=hamsters mouse=mice rat=rats gerbil=gerbils ferret=ferrets parrot=parrots
        bird=birds hen=hens chicken=chickens duck=ducks goose=geese turtle=turtles tortoise=tortoises snake=snakes
        lizard=lizards frog=frogs fish goldfish shark=sharks whale=whales dolphin=dolphins lion=lions tiger=tigers
        bear=bears wolf=wolves fox=foxes deer elephant=elephants giraffe=giraffes zebra=zebras monkey=monkeys
        gorilla=gorillas chimpanzee=chimpanzees kangaroo=kangaroos spider=spiders snail=snails bee=bees ant=ants
        lobster=lobsters crab=crabs squirrel=squirrels donkey=donkeys camel=camels penguin=penguins owl=owls
        eagle=eagles bat=bats guinea_pig=guinea_pigs iguana=iguanas""",
    "body": """
        ankle=ankles knee=knees hip=hips elbow=elbows wrist=wrists shoulder=shoulders neck thumb=thumbs toe=toes
        finger=fingers heel=heels thigh=thighs calf shin=shins rib=ribs foot=feet arm=arms leg=legs hand=hands nose
        ear=ears eye=eyes throat chest stomach liver kidney=kidneys lung=lungs heart brain skin tooth=teeth jaw
        tongue butt head skull spine chin cheek forehead waist pelvis groin bone=bones""",
    "relative": """
        mother=mom=mum=mommy father=dad=daddy brother=brothers sister=sisters son=sons daughter=daughters husband
        wife uncle aunt grandmother=grandma grandfather=grandpa cousin nephew niece girlfriend boyfriend""",
    "colour": "red green blue yellow purple pink black white brown grey=gray turquoise violet",
    "drink": "coffee tea milk juice beer wine whisky=whiskey vodka water soda lemonade",
    "food": """
        apple=apples banana=bananas grape=grapes cherry=cherries peach=peaches pear=pears strawberry=strawberries
        mango=mangoes lemon=lemons lime=limes potato=potatoes tomato=tomatoes onion=onions carrot=carrots broccoli
        spinach lettuce cucumber=cucumbers rice pasta bread pizza burger=burgers cheese butter yogurt egg=eggs
        steak beef pork bacon ham lamb salmon tuna shrimp tofu chocolate cookie=cookies cake=cakes sugar salt
        peanut=peanuts almond=almonds walnut=walnuts seeds honey""",
    "sport": """
        soccer tennis golf basketball baseball hockey cricket rugby volleyball badminton swimming boxing wrestling
        skiing snowboarding surfing judo karate chess""",
    "instrument": "guitar piano violin drums flute trumpet saxophone cello clarinet harp ukulele",
    "season": "spring summer autumn=fall winter",
    "religion": "christianity islam judaism hinduism buddhism sikhism atheism",
    "faith": """
        christian=christians muslim=muslims hindu=hindus buddhist=buddhists sikh=sikhs atheist=atheists
        catholic=catholics protestant=protestants""",
    "job": """
        historian engineer lawyer=attorney nurse doctor=physician teacher actor actress author writer editor
        producer investor auditor accountant adviser=advisor analyst architect artist photographer journalist
        reporter interpreter translator investigator organizer activist educator executive intern politician
        economist dentist pilot chef plumber electrician carpenter firefighter soldier farmer singer dancer
        musician guitarist composer painter programmer developer designer scientist chemist physicist biologist
        mathematician psychologist psychiatrist pharmacist librarian judge surgeon entrepreneur secretary waiter
        waitress""",
    "card": "visa mastercard amex=american_express",
    "bank": "hsbc barclays santander chase=jpmorgan wells_fargo capital_one citibank bank_of_america",
    "airline": "ryanair easyjet lufthansa emirates_airlines delta_airlines klm qantas",
    "company": """
        google=alphabet microsoft amazon facebook=meta netflix tesla samsung sony nokia ibm intel nvidia oracle
        paypal venmo stripe uber lyft airbnb spotify twitter instagram snapchat tiktok whatsapp telegram linkedin
        reddit pinterest youtube quora ebay alibaba walmart costco ikea starbucks mcdonalds toyota honda ford bmw
        audi mercedes volkswagen ferrari porsche hyundai nissan volvo boeing airbus nike adidas puma""",
    "software": """
        windows=ms_windows linux macos ios android ubuntu debian fedora chrome firefox safari excel powerpoint
        outlook gmail photoshop illustrator docker kubernetes postgres=postgresql mysql sqlite mongodb redis
        oracle_database django flask numpy pandas pytorch tensorflow keras jax slack zoom skype""",
    "metal": "gold silver copper iron platinum aluminium=aluminum zinc nickel titanium uranium mercury",
    "element": "oxygen hydrogen nitrogen helium carbon_dioxide carbon_monoxide methane ammonia",
    "disease": """
        covid=coronavirus=corona influenza=flu measles malaria tuberculosis diabetes cancer asthma arthritis
        hiv=aids ebola cholera pneumonia hepatitis alzheimer parkinson migraine leukemia""",
    "subject": """
        physics chemistry biology mathematics=maths=math geography economics psychology philosophy sociology
        astronomy geology""",
    "script": "hiragana katakana kanji cyrillic",
    "meal": "breakfast lunch dinner=supper",
}

MEMBERS: Final[dict[str, tuple[str, str]]] = {}
"""A name (two and three words joined by a space), its kind, and what the member is called first."""
for _kind, _line in _KINDS.items():
    for _member in _line.split():
        _aliases = [alias.replace("_", " ") for alias in _member.split("=")]
        for _alias in _aliases:
            MEMBERS[_alias] = (_kind, _aliases[0])

LONG_MEMBERS: Final[dict[str, list[str]]] = {}
"""The first word of a name of several words, and those names."""
for _alias in MEMBERS:
    if " " in _alias:
        LONG_MEMBERS.setdefault(_alias.split()[0], []).append(_alias)
LANGUAGES: Final = {
    "arabic",
    "bengali",
    "cantonese",
    "chinese",
    "czech",
    "danish",
    "dutch",
    "english",
    "esperanto",
    "farsi",
    "finnish",
    "french",
    "gaelic",
    "german",
    "greek",
    "gujarati",
    "hebrew",
    "hindi",
    "hungarian",
    "indonesian",
    "irish",
    "italian",
    "japanese",
    "kannada",
    "korean",
    "latin",
    "malay",
    "malayalam",
    "mandarin",
    "marathi",
    "norwegian",
    "persian",
    "portuguese",
    "punjabi",
    "romanian",
    "russian",
    "sanskrit",
    "serbian",
    "spanish",
    "swahili",
    "swedish",
    "tagalog",
    "tamil",
    "telugu",
    "thai",
    "turkish",
    "ukrainian",
    "urdu",
    "vietnamese",
    "welsh",
    "yoruba",
    "zulu",
}

GENERIC: Final = frozenset(
    "country city town state place area abroad overseas here there home pet pets animal animals company bank airline"
    " card"
    " child children kid kids parent parents relative relatives person color colour food drink fruit meal sport game"
    " job virus disease".split()
)
"""Words for any member of a kind."""
