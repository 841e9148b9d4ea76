"""No secret stands in a file: keys, SAS tokens, connection strings and passwords are refused, and never shown.

The texts themselves are searched, before anything else looks at them. What is found is masked in the source file,
so that no diagnostic, whatever it is about, can print it.
"""

from __future__ import annotations

import re
from functools import cache

from compiler.diagnostics.model import Bag
from compiler.diagnostics.span import SourceFile, Span

# A key that says what it holds, and a value that looks like one: sixteen characters or more, letters and digits.
_NAMED = (
    r"(?im:^[ \t]*(?:- *)?[\w\-]*(?:api_?key|secret_?key|account_?key|access_?key|client_?secret|password|sas_?token)"
    r"[\"']?[ \t]*:[ \t]+[\"']?((?=[^\s\"']*[0-9])(?=[^\s\"']*[a-z])[a-z0-9+/=_\-.~%]{16,})[\"']?[ \t]*$)"
)
# (what it is, where the secret is: group 1). Patterns are anchored on words that do not stand in ordinary specs.
_PATTERNS: tuple[tuple[str, str], ...] = (
    ("a storage account key", r"AccountKey\s*=\s*([A-Za-z0-9+/]{40,}={0,2})"),
    ("a shared access key", r"SharedAccessKey\s*=\s*([A-Za-z0-9+/]{30,}={0,2})"),
    ("a SAS token", r"[?&;]sig=([A-Za-z0-9%+/]{20,}(?:%3[dD]|=){0,2})"),
    ("a private key", r"(-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z))"),
    ("a password in a URL", r"[a-z][a-z0-9+.\-]*://[^\s/:@'\"{}$]+:([^\s/@'\"{}$]{3,})@[A-Za-z0-9]"),
    ("a password in a connection string", r"(?i:password|pwd)\s*=\s*([^\s;'\"{}$]{4,})(?=;)"),
    ("an access key of AWS", r"\b((?:AKIA|ASIA)[0-9A-Z]{16})\b"),
    ("a token of GitHub", r"\b((?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})\b"),
    ("an API key", r"\b(sk-[A-Za-z0-9_\-]{20,})\b"),
    ("a token of Hugging Face", r"\b(hf_[A-Za-z0-9]{30,})\b"),
    ("a signed token", r"\b(eyJ[A-Za-z0-9_\-]{10,}\.eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,})"),
    ("a secret", _NAMED),
)


@cache  # compiled for the first text that holds a hint; most hold none
def _one() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for _, pattern in _PATTERNS))


# A line without any of these words can hold none of the above, and looking for a word is cheap.
_HINTS = (
    *("key", "sig=", "password", "pwd", "secret", "token", "@"),
    *("akia", "asia", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat", "sk-", "hf_", "eyj"),
)


def secrets(source: SourceFile, bag: Bag) -> None:
    """Report and mask every literal secret of a text."""
    text = source.text
    for start, end in _suspicious(text):
        for match in _one().finditer(text, start, end):
            group = match.lastindex or 1
            begin, stop = match.span(group)
            source.mask(begin, stop)
            bag.redact(match.group(group))
            bag.add(
                "P0910",
                f"{_PATTERNS[group - 1][0]} is written out",
                Span(source, begin, stop),
                help="let the script read it from Key Vault, and revoke this one: it has been seen",
            )


def _suspicious(text: str) -> list[tuple[int, int]]:
    """The lines that hold a hint, as ranges; a private key takes the rest of the text with it."""
    lowered = text.lower()
    if len(lowered) != len(text):  # a few letters change their length with their case
        return [(0, len(text))]
    starts: dict[int, int] = {}
    for hint in _HINTS:
        at = lowered.find(hint)
        while at >= 0:
            end = lowered.find("\n", at)
            end = len(text) if end < 0 else end
            starts[lowered.rfind("\n", 0, at) + 1] = end
            at = lowered.find(hint, end)
    if (key := lowered.find("-----begin")) >= 0:
        starts[lowered.rfind("\n", 0, key) + 1] = len(text)
    return sorted(starts.items())


def is_secret(text: str) -> bool:
    """Whether a value from elsewhere (``--set``) looks like a secret."""
    return _one().search(text) is not None
