"""What is taken out of texts, and what must stay. Every value here is made up."""

from __future__ import annotations

import itertools
import re
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory.redaction import Finding, RedactionError, Redactor, build_redactor
from memory.redaction.personal import find_personal
from memory.redaction.presidio import NotInstalled, build_finder

# Keys are put together here, so that no scanner of secrets takes these lines for leaks.
BODY = "q7Zr2Lm9Xc4Vb8Nt1Kp6Ws3Yd5Hg0JfAeUi2Oo4"
HEX = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
JWT = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiI0MiIsIm5hbWUiOiJBIn0" + ".dGhlLXNpZ25hdHVyZS1pcy1ub3QtcmVhbA"
PEM = "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA3Tz2mr7SZiAMfQyuvBjM9Oi\n-----END RSA PRIVATE KEY-----"

GONE = [
    # Secrets by their shape
    ("the key is sk-" + BODY, "the key is [secret]"),
    ("OPENAI=sk-proj-" + BODY, "OPENAI=[secret]"),
    ("use sk-ant-api03-" + BODY + " there", "use [secret] there"),
    ("AKIA" + "QYLPMN5HHHFPZAM2 in us-east-1", "[secret] in us-east-1"),
    ("maps with AIza" + BODY[:35] + ", please", "maps with [secret], please"),
    ("push with ghp_" + BODY[:36], "push with [secret]"),
    ("github_pat_11ABCDEFG0" + BODY, "[secret]"),
    ("the runner has glpat-" + BODY[:20] + ".", "the runner has [secret]."),
    ("bot: xoxb-1234567890-" + BODY[:24], "bot: [secret]"),
    ("stripe sk_" + "live_" + BODY[:24] + " is the live one", "stripe [secret] is the live one"),
    ("hf_" + BODY[:34] + " downloads the model", "[secret] downloads the model"),
    ("npm_" + BODY[:36], "[secret]"),
    ("SG." + BODY[:22] + "." + BODY[:38], "[secret]"),
    ("the cookie was " + JWT, "the cookie was [secret]"),
    ("Authorization: Bearer " + JWT, "Authorization: Bearer [secret]"),
    ("key file:\n" + PEM + "\nend", "key file:\n[secret]\nend"),
    ("https://hooks.slack.com/services/T0000/B0000/" + BODY[:24], "https://hooks.slack.com/services/[secret]"),
    # Secrets by what stands before them
    ("DB_PASSWORD=correcthorse", "DB_PASSWORD=[secret]"),
    ('password: "Tr0ub4dor&3"', 'password: "[secret]"'),
    ("{'password': 'swordfish9'}", "{'password': '[secret]'}"),
    ("my password is hunter2", "my password is [secret]"),
    ("My password is Sunshine!", "My password is [secret]!"),
    ("the wifi password is blue-tiger-77, ok?", "the wifi password is [secret], ok?"),
    ("Le mot de passe est Soleil2024.", "Le mot de passe est [secret]."),
    ("mot de passe du serveur est k4rib0u", "mot de passe du serveur est [secret]"),
    ("mdp : azerty123", "mdp : [secret]"),
    ("mon mdp c'est loutre77", "mon mdp c'est [secret]"),
    ("I changed the password to w1nter-rose", "I changed the password to [secret]"),
    ("login with 'maple42' as the password", "login with '[secret]' as the password"),
    ("the PIN is 4821", "the PIN is [secret]"),
    ("code PIN : 90317", "code PIN : [secret]"),
    ("api_key = " + HEX, "api_key = [secret]"),
    ('"apiKey": "' + HEX + '"', '"apiKey": "[secret]"'),
    ("SERVICE_TOKEN=" + HEX, "SERVICE_TOKEN=[secret]"),
    ("client_secret: " + BODY, "client_secret: [secret]"),
    ("aws_secret_access_key = " + BODY + "/+", "aws_secret_access_key = [secret]"),
    ("la clé d'API est " + HEX, "la clé d'API est [secret]"),
    ("session token: 550e8400-e29b-41d4-a716-446655440000", "session token: [secret]"),
    ("postgres://app:s3cr3t-pw@db:5432/app", "postgres://app:[secret]@db:5432/app"),
    ("redis://:p4ssw0rd@cache:6379/0", "redis://:[secret]@cache:6379/0"),
    ("git clone https://" + BODY[:24] + "@git.corp/x.git", "git clone https://[secret]@git.corp/x.git"),
    ("Server=db;User=sa;Password=N0rthW1nd;", "Server=db;User=sa;Password=[secret];"),
    ("AccountName=x;AccountKey=" + BODY + "==;", "AccountName=x;AccountKey=[secret];"),
    ("curl -u admin:o0psie http://x", "curl -u admin:[secret] http://x"),
    ("log in as admin with password maple42x", "log in as admin with password [secret]"),
    ("the wifi code is 9821-AB", "the wifi code is [secret]"),
    ("digicode : 48A12", "digicode : [secret]"),
    # Personal data
    ("write to marie.curie@radium.fr today", "write to [email] today"),
    ("Cc: o'neil+lists@mail.example.co.uk;", "Cc: [email];"),
    ("josé@müller.de", "[email]"),
    ("jane [at] mail [dot] org", "[email]"),
    ("call me on +33 6 12 34 56 78", "call me on [phone]"),
    ("mon numéro : 06 12 34 56 78", "mon numéro : [phone]"),
    ("tél. 01.42.68.53.00", "tél. [phone]"),
    ("0612345678 le soir", "[phone] le soir"),
    ("(212) 736-5000 is the desk", "[phone] is the desk"),
    ("phone 212-736-5000.", "phone [phone]."),
    ("+1-415-555-2671", "[phone]"),
    ("reach me at 4152007986", "reach me at [phone]"),
    ("+44 20 7946 0958 or +49 30 901820", "[phone] or [phone]"),
    ("020 7946 0018", "[phone]"),
    ("Tel: +1 (555) 010-9999", "Tel: [phone]"),
    ("my number is 07700 900123", "my number is [phone]"),
    ("numéro de sécurité sociale 1 85 05 78 006 084 36", "numéro de sécurité sociale [id]"),
    ("10 Downing Street, London SW1A 2AA", "[address]"),
    ("FR14 2004 1010 0505 0001 3M02 606", "[iban]"),
    ("IBAN : DE89370400440532013000.", "IBAN : [iban]."),
    ("pay GB29NWBK60161331926819 now", "pay [iban] now"),
    ("card 4111 1111 1111 1111 exp 12/27", "card [card] exp 12/27"),
    ("5555-5555-5555-4444", "[card]"),
    ("amex 378282246310005", "amex [card]"),
    ("my SSN is 536-90-4399", "my SSN is [id]"),
    ("NIR 2 69 05 49 588 157 80", "NIR [id]"),
    ("NINO: AB 12 34 56 C", "NINO: [id]"),
    ("DNI 12345678Z", "DNI [id]"),
    ("codice fiscale RSSMRA85T10A562S", "codice fiscale [id]"),
    ("BSN 111222333", "BSN [id]"),
    ("CPF 390.533.447-05", "CPF [id]"),
    ("passport number 12AB34567", "passport number [id]"),
    ("she logs in from 203.0.113.77", "she logs in from [ip]"),
    ("ssh root@198.51.100.23", "ssh root@[ip]"),
    ("the printer is 192.168.1.20:631", "the printer is [ip]:631"),
    ("AAAA 2001:db8:85a3::8a2e:370:7334", "AAAA [ip]"),
    ("I live at 221B Baker Street, London", "I live at [address]"),
    ("ship to 1600 Pennsylvania Avenue, Washington, DC 20500", "ship to [address]"),
    ("j'habite 12 rue des Lilas, 75011 Paris", "j'habite [address]"),
    ("au 5 bis avenue Victor Hugo", "au [address]"),
    ("Hauptstraße 5, 10115 Berlin", "[address]"),
    ("postcode SW1A 1AA", "postcode [address]"),
    ("born on 12 March 1984", "born on [birthdate]"),
    ("née le 03/07/1991 à Lyon", "née le [birthdate] à Lyon"),
]

STAYS = [
    "upgrade to version 1.2.3.4 first",
    "the driver is v10.0.19041.1",
    "we upgraded from 1.2.3.4 to 1.3.0.7",
    "Chrome/120.0.0.0 Safari/537.36",
    "requires foo>=1.2.3.4",
    "see section 4.2.1.3 of the manual",
    "numpy 2.4.6 and torch 2.13.0",
    "bind to 127.0.0.1:8080 or 0.0.0.0",
    "the mask is 255.255.255.0",
    "the VPC is 10.0.0.0/16",
    "::1 is this machine, std::vector::iterator is not",
    "it runs from 12:30:45 to 13:00:00",
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8 broke it",
    "git show a1b2c3d",
    "id 550e8400-e29b-41d4-a716-446655440000",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    'etag W/"33a64df551425fcc55e4d42a148795d9f25f89d4"',
    "order 112-4567890-1234567 arrived",
    "order number 4111111111111111",
    "invoice 2024-000123",
    "facture n° 20240315-0042",
    "ticket #4821734 is closed",
    "ISBN 978-3-16-148410-0",
    "EAN 4006381333931",
    "SIRET 732 829 320 00074",
    "tracking number 1Z999AA10123456784",
    "on 2024-03-15 at 14:30",
    "le 15/03/2024 à 14h30",
    "from 01.02.2024 until 05.02.2024",
    "timestamp 1700000000",
    "epoch 1700000000123",
    "it costs $1,234.56 or 1 234,56 €",
    "un budget de 12 500 000 euros",
    "salaries between 45 000 and 60 000",
    "0.123456789 is the ratio",
    "pi is 3.14159265358979",
    "listen on port 5432, then 8080",
    "max_tokens: 4096 and temperature 0.7",
    "the token limit is 128000",
    "a token is about four characters",
    "the password must have at least 12 characters",
    "password: string",
    "hash the password sha256 first",
    "the security code is required",
    "see clause 252.227-7013",
    "text created 1589478378",
    "text of 2012-2022",
    "call me on 2027-03-15 or 16.03.2027",
    "password: required, at least 12 characters",
    "my password is not working",
    "my password is incorrect",
    "the password was changed yesterday",
    "the password is stored hashed",
    "mon mot de passe est expiré",
    "le mot de passe doit avoir 12 caractères",
    'password = os.environ["DB_PASSWORD"]',
    "password=${DB_PASSWORD}",
    "PASSWORD=<your password>",
    "api_key = settings.api_key",
    "api_key: str | None = None",
    "the secret is to rest the dough overnight",
    "the key is under the mat",
    "primary key: user_id",
    "sk-learn-compatible-estimators are fine",
    "use --user and --host flags",
    "basic authentication is enabled",
    "git clone git@github.com:octo/repo.git",
    "icon@2x.png and @babel/core@7.24.0",
    "@dataclass and @pytest.mark.parametrize",
    "meet @ noon, or at 5 pm",
    "https://docs.python.org/3/library/re.html",
    "http://localhost:3000/users/42?page=2",
    "the file -----BEGIN PRIVATE KEY----- header",
    "2 USB drives, 3 place holders and 4 square metres",
    "5 Way handshake",
    "we walk 10 minutes on the road to town",
    "10 rue is French for nothing",
    "Boeing 747-400 and A320-200",
    "RFC 7231, CVE-2024-12345, PEP 8",
    "rows 1000000 to 2000000",
    "x = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]",
    "0x7fff5fbff8c0 and 0b10101010",
    "serial number 8675309123",
    "AES-256-GCM with SHA-512",
    "48.8566, 2.3522 is Paris",
    "sizes 10-12-14-16",
    "arXiv:2301.12345 and 10.1000/182",
    "the score was 21-19 21-17",
    "the 2020-2024 plan, Q3 2025",
    "in 1984 he was born",
]


@pytest.fixture(scope="module")
def redact():
    return build_redactor()


@pytest.mark.parametrize(("text", "left"), GONE)
def test_what_is_secret_or_personal_is_replaced_by_its_kind(redact, text, left):
    assert redact(text) == left, "the value is gone, and the words around it stay"


@pytest.mark.parametrize("text", STAYS)
def test_what_only_looks_like_it_stays(redact, text):
    assert redact(text) == text, "nobody's secret, and nobody's data"


def test_offsets_refer_to_the_text_as_it_was_given(redact):
    text = "Mail jo@sea.org or call +33 6 12 34 56 78."
    found = redact.find(text)
    assert [(kind, text[start:end]) for kind, start, end in found] == [
        ("email", "jo@sea.org"),
        ("phone", "+33 6 12 34 56 78"),
    ], "in order, each where it stands"


@pytest.mark.parametrize("hidden", ["\u200b", "\u202e", "\ufeff", "\u2060", "\u00ad"])
def test_characters_that_nobody_sees_hide_nothing(redact, hidden):
    text = f"write to jo{hidden}@se{hidden}a.org, my password is hun{hidden}ter2"
    assert redact(text) == "write to [email], my password is [secret]", "they are looked through"
    (mail, _) = redact.find(text)
    assert text[mail.start : mail.end] == f"jo{hidden}@se{hidden}a.org", "and offsets count them"


def test_where_findings_overlap_secrets_come_first(redact):
    assert redact("postgres://app:jo@sea.org@db/x") == "postgres://app:[secret]@sea.org@db/x", "the password is one"


def test_a_secret_told_once_is_one_everywhere(redact):
    told = "My password is hunter2x. I typed hunter2x, not hunter2xy."
    assert redact(told) == "My password is [secret]. I typed [secret], not hunter2xy.", "also where nothing tells it"
    asked, answered = redact.find_all(("my password is hunter2x", "I have set it to hunter2x."))
    assert [len(asked), len(answered)] == [1, 1], "in the other texts of a conversation, too"
    assert redact("the password is sunshine. I like sunshine") == "the password is [secret]. I like sunshine", "a word"


def test_findings_that_touch_stay_apart():
    redact = Redactor((lambda text: [Finding("id", 0, 2), Finding("phone", 2, 4), Finding("ip", 1, 3)],))
    assert redact.find("abcdef") == [Finding("id", 0, 2), Finding("phone", 2, 4)], "the one between overlaps both"


@pytest.mark.parametrize(("text", "left"), GONE)
def test_redacting_again_changes_nothing(redact, text, left):
    assert redact(left) == left, "what stands for a value is no value"


_PIECES = st.sampled_from(
    [text for text, _ in GONE] + STAYS + ["[secret]", "[email]", "password", ":", "=", "is", "@", "+", "0", "\n", "://"]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_PIECES | st.text(max_size=12), max_size=6).map(" ".join))
def test_redacting_is_idempotent_and_finds_nothing_in_what_it_left(text):
    redact = build_redactor()
    once = redact(text)
    assert redact(once) == once, "done once, it is done"
    spans = [(finding.start, finding.end) for finding in redact.find(text)]
    assert all(0 <= start < end <= len(text) for start, end in spans), "within the text"
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans)), "in order and apart"


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "1",
        "1 ",
        "-a",
        "a@",
        "a.",
        "password ",
        'password="',
        "a://",
        "-eyJaaaaaaaa",
        "12 Main ",
        "12 rue de ",
        "AB12 ",
        "4111 ",
        "a:",
        "[",
        "\n",
        "a\u200b",
        "-----BEGIN PRIVATE KEY-----",
        "FR14 2004 ",
        "curl ",
    ],
)
def test_long_texts_take_no_longer_than_their_length_says(redact, piece):
    # The test's time limit ends what takes the square of it.
    text = piece * (60_000 // len(piece))
    assert len(redact(text)) > 0, "it comes to an end"


# Engines


class FakeSpacy:
    def __init__(self, *installed):
        self.installed = installed

    def is_package(self, name):
        return name in self.installed


class FakePresidio:
    """What the adapter uses of presidio_analyzer: it takes capitalised words for people, and "noon" for a time."""

    def __init__(self, *installed):
        self.modules = {
            "presidio_analyzer": self,
            "presidio_analyzer.nlp_engine": self,
            "spacy.util": FakeSpacy(*installed),
        }
        self.asked = []

    def NlpEngineProvider(self, nlp_configuration):
        self.configuration = nlp_configuration
        return SimpleNamespace(create_engine=lambda: "engine")

    def AnalyzerEngine(self, nlp_engine, supported_languages):
        return SimpleNamespace(analyze=self.analyze)

    def analyze(self, text, language):
        self.asked.append(language)
        for match in re.finditer(r"Ada|Bob|noon", text):
            kind, score = ("DATE_TIME", 0.9) if match[0] == "noon" else ("PERSON", 0.4 if match[0] == "Bob" else 0.85)
            yield SimpleNamespace(entity_type=kind, start=match.start(), end=match.end(), score=score)


def test_presidio_finds_beside_the_rules():
    fake = FakePresidio("en_core_web_sm", "fr_core_news_md")
    redact = Redactor((find_personal, build_finder(fake.modules.__getitem__)))
    assert redact("Ada met Bob at noon, ada@sea.org") == "[person] met Bob at noon, [email]", "what it is sure of"
    models = [model["model_name"] for model in fake.configuration["models"]]
    assert models == ["en_core_web_sm", "fr_core_news_md"], "models that are here, none from the network"
    assert set(fake.asked) == {"en", "fr"}, "in both languages"


def test_presidio_reads_long_texts_in_pieces():
    fake = FakePresidio("en_core_web_sm")
    text = "lorem " * 40_000 + "Ada"
    assert Redactor((build_finder(fake.modules.__getitem__),)).find(text) == [
        Finding("person", len(text) - 3, len(text))
    ], "offsets count from the whole text's beginning"
    assert len(fake.asked) == 3, "no piece is longer than what it takes"


def test_presidio_without_a_language_model_is_an_error():
    with pytest.raises(NotInstalled, match="no language model"):
        build_finder(FakePresidio().modules.__getitem__)


def test_an_engine_that_is_not_installed_is_a_clear_error():
    with pytest.raises(RedactionError, match="pip install presidio-analyzer"):
        build_redactor("presidio")


def test_an_unknown_engine_is_an_error():
    with pytest.raises(RedactionError, match="rules and presidio"):
        build_redactor("magic")
