"""What a problem is filed under: the domain whose keywords its words hold. Pure.

A word that belongs to one domain alone counts three, one that others use as well counts one; three are needed. The
domain with most wins, of equals the one that is configured first. Where no domain is sure there is none: ``other`` is
what a person says, never a guess. A configured domain without keywords here is known by its own name.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Final

from memory.sessions.wording import folded, words

SURE: Final = 3
OTHER: Final = "other"
"""A domain that only a person says."""
_PLURAL_CHARS: Final = 3

_STRONG: Final[Mapping[str, str]] = {
    "active_directory": "active directory|domain controller|group policy|gpo|gpupdate|ldap|kerberos|domain join"
    "|organizational unit"
    "|account lockout|locked out|unlock my account|reset my password|password reset|domain account|ad account"
    "|windows login|user account"
    "|mot de passe|kennwort|contraseña"
    "|mot de passe oublié|compte bloqué|compte verrouillé|passwort|konto gesperrt|benutzerkonto|cuenta bloqueada",
    "networking": "vpn|wi-fi|wifi|wlan|router|dns|dhcp|firewall|ethernet|ip address|subnet|gateway|latency|packet"
    " loss|network|lan"
    "|bandwidth|proxy server|internet connection|no internet|réseau|netzwerk|red inalámbrica"
    "|network drive|connexion internet|internetverbindung|kein internet|sin internet|conexión a internet|pare-feu"
    "|vpn client|tunnel",
    "m365": "m365|office 365|microsoft 365|o365|sharepoint|onedrive|microsoft teams|ms teams|exchange online|power"
    " automate|intune",
    "hardware": "keyboard|mouse|monitor|laptop|docking station|dock|battery|charger|hard drive|hard disk|ssd|ram"
    "|motherboard|fan|webcam"
    "|headset|usb|touchpad|graphics card|power supply|clavier|écran|tastatur|bildschirm|teclado|pantalla"
    "|hinge|speaker|speakers|microphone|ordinateur portable|akku|ladegerät|netzteil|souris|maus|ratón|batería|portátil",
    "endpoint": "endpoint|blue screen|bsod|windows update|device driver|mdm|workstation|boot loop|slow computer"
    "|computer is slow"
    "|pc is slow|laptop is slow|defender|bitlocker"
    "|task manager|bluescreen|safe mode|startup|écran bleu|pantalla azul",
    "virtualization": "vmware|hyper-v|virtual machine|vm|esxi|vsphere|vcenter|citrix|snapshot|hypervisor|proxmox"
    "|virtualbox|docker"
    "|container|kubernetes|pod|vdi",
    "security": "phishing|malware|ransomware|virus|antivirus|breach|suspicious|hacked|two-factor|2fa|mfa"
    "|vulnerability|certificate"
    "|quarantine|spyware|compromised|data leak"
    "|password leak|stolen|scam|fraudulent|hameçonnage|piraté|verdächtig|gehackt|sospechoso|pirateado",
    "backup": "backup|backups|restore point|restore a file|deleted file|recover|recovery|veeam|retention|sauvegarde"
    "|datensicherung|respaldo"
    "|sicherung|wiederherstellen|wiederherstellung|restaurer|copia de seguridad|copias de seguridad",
    "email": "calendar|e-mail|email|mail|mailbox|inbox|outlook|smtp|imap|spam|calendar invite|out of office|newsletter"
    "|courriel|correo|postfach"
    "|forwarding rule|mail rule|inbox rule|junk|distribution list|shared mailbox|messagerie|boîte de réception"
    "|postausgang|posteingang|weiterleitung|weiterleiten|correo electrónico|bandeja de entrada",
    "printing": "plotter|printer|printers|print|prints|printing|toner|ink|cartridge|print queue|spooler|paper jam"
    "|scanner"
    "|scan|imprimante"
    "|drucker|druckt|impresora"
    "|printout|print job|imprimer|impression|cartouche|drucken|druckauftrag|druckerwarteschlange|tintenpatrone"
    "|imprimir|cartucho",
    "cloud": "aws|azure|gcp|google cloud|s3|ec2|lambda|terraform|cloudformation|load balancer|cloud",
    "software": "install|installation|uninstall|license key|app crashes|crash|crashes|build|build failure|compile"
    "|compiler|pipeline|ci"
    "|unit test|stack trace|exception|npm|pip|maven|gradle|dependency|plugin|browser|excel|word|database|sql"
    "|postgres|postgresql|mysql"
    "|deadlock|query|api|deploy|deployment|logiciel|programa"
    "|commit|merge|linker|compilation|compiles|test suite|unit tests|lint|package|version conflict|replica"
    "|replication|primary key|table lock|connection pool|datenbank|base de données|base de datos|anwendung"
    "|kompilieren|compilation échoue",
    "billing": "invoice|invoices|billing|billed|refund|charge|charged|payment|subscription|credit card|receipt|price"
    "|overcharged"
    "|direct debit|facture|remboursement|rechnung|erstattung|factura|reembolso"
    "|debited|double charge|charged twice|vat|direct debit|credit note|bill|bills|renewal|prélèvement|prélevé"
    "|facturé|abonnement|rechnungen|abgebucht|abbuchung|lastschrift|mahnung|zahlung|erstattet|gutschrift|facturas"
    "|cobro|cobraron|cobrado|suscripción|pago|recibo",
}
_WEAK: Final[Mapping[str, str]] = {
    "active_directory": "password|login|log in|sign in|account|permissions|group|domain",
    "networking": "connect|connection|internet|online|offline|ping|port|tunnel|cable|timeout",
    "m365": "teams|exchange|office|meeting|license|calendar",
    "hardware": "grinding|burnt|smoke|smell|screen|computer|device|display|cable|port|noise|power|overheating",
    "endpoint": "windows|driver|update|computer|pc|reboot|restart|slow|freeze|freezes",
    "virtualization": "host|cluster|image|guest|memory",
    "security": "password|access|link|attachment|alert|login|block|blocked",
    "backup": "restore|deleted|lost|copy|file|files|tape|snapshot",
    "email": "send|sent|receive|rule|rules|folder|attachment|message|signature|calendar",
    "printing": "paper|tray|queue|page|pages|blank|duplex|feeder",
    "cloud": "bucket|region|instance|server|storage|scale|cluster",
    "software": "app|application|program|version|error|update|code|bug|log|server|outage|test|tests",
    "billing": "paid|pay|account|plan|money|card|amount|month|twice|cancel",
}


def domain_of(text: str, domains: Sequence[str]) -> str | None:
    """The configured domain that a problem's words belong to; None where none is sure."""
    return _best(text, tuple(domains))


@functools.lru_cache(maxsize=256)
def _best(text: str, domains: tuple[str, ...]) -> str | None:
    told = " ".join(words(text)).replace("'", " ").split()
    # A plural counts as its singular.
    single = frozenset(told) | {word[:-1] for word in told if word.endswith("s") and len(word) > _PLURAL_CHARS}
    said = f" {' '.join(told)} "
    scored = [(_points(said, single, domain), -at, domain) for at, domain in enumerate(domains) if domain != OTHER]
    points, _, domain = max(scored, default=(0, 0, ""))
    return domain if points >= SURE else None


def _points(said: str, single: frozenset[str], domain: str) -> int:
    strong, weak = _terms(domain)
    return 3 * _count(said, single, strong) + _count(said, single, weak)


@functools.cache
def _terms(domain: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The strong and the weak keywords of a domain, folded."""
    strong = _STRONG.get(domain) or re.sub(r"[_\-]+", " ", folded(domain))
    return _folded(strong), _folded(_WEAK.get(domain, ""))


def _folded(terms: str) -> tuple[str, ...]:
    return tuple(" ".join(words(term)) for term in terms.split("|") if words(term))


def _count(said: str, single: frozenset[str], terms: Sequence[str]) -> int:
    return sum(f" {term} " in said if " " in term else term in single for term in terms)
