"""What URL an endpoint may have."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from carewire_runtime.addresses import is_address, is_public

_LONGEST: Final = 2000


@dataclass(frozen=True, slots=True)
class UrlPolicy:
    """What this deployment allows beyond HTTPS to public addresses: for development and tests."""

    allow_http: bool = False
    allow_private: bool = False

    def problem(self, url: str) -> str | None:
        """Say what is wrong with a URL and how to mend it, never repeating it; None where it is fine.

        A name's addresses are checked at each call, not here: they change.
        """
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            return "is no URL; write https://host/path"
        schemes = ("https", "http") if self.allow_http else ("https",)
        if parts.scheme not in schemes or not host or len(url) > _LONGEST:
            return f"must be an absolute {' or '.join(schemes)} URL of at most {_LONGEST} characters"
        if parts.username is not None or parts.password is not None:
            return "must hold no user name or password; send credentials in a header"
        if parts.fragment or any(character.isspace() for character in url):
            return "must hold no fragment and no white space"
        if not self.allow_private and (host == "localhost" or (is_address(host) and not is_public(host))):
            return "must not point into a private network; use a public address"
        return None
