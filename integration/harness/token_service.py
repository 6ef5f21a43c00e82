"""A token service as GHCR and Quay have one: tokens for a docker-registry, by GET and by POST.

The distribution project describes both ways (docs/spec/auth: token.md and oauth.md). What it was
asked is kept as it came, so that a test can say whose secrets arrived here. It can be told at any
time to fail (`harness.faults`). That a registry refuses tokens issued before ("revoked") is the
registry's business: that is for a scripted one to play.
"""

import itertools
import json
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote_plus

from harness import accounts
from harness.accounts import Account
from harness.faults import Fault
from harness.scripted import Answer, Scripted, Seen
from harness.signing import Signer

ISSUER = "token service of the tests"
# docker-registry takes a token for a minute longer than it says (registry/auth/token: Leeway).
REGISTRY_LEEWAY_SECONDS = 60
EVERYTHING = frozenset({"pull", "push", "delete", "*"})

Form = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Asked:
    """A request for a token."""

    seen: Seen

    @property
    def method(self) -> str:
        """GET or POST, if the client knows what it does."""
        return self.seen.method

    @property
    def target(self) -> str:
        """Path and query."""
        return self.seen.target.decode("latin-1")

    @property
    def authorization(self) -> str | None:
        """The Authorization header, if there was one."""
        values = self.seen.all("authorization")
        return values[0].decode("latin-1") if values else None

    @property
    def account(self) -> Account | None:
        """Whom the client says it is, by header or by form."""
        if self.authorization:
            return accounts.read_basic(self.authorization)
        if "password" in self.form:
            return Account(self.one("username"), self.one("password"))
        return None

    @property
    def form(self) -> Form:
        """What it asks for: the query of a GET, the body of a POST."""
        query = self.target.partition("?")[2]
        return parse_qs(self.seen.body.decode("latin-1") if self.method == "POST" else query)

    def one(self, name: str) -> str:
        """The first value of a parameter, or nothing."""
        return next(iter(self.form.get(name, ())), "")

    @property
    def scopes(self) -> list[str]:
        """Every scope: the parameter may repeat, and hold several between spaces."""
        return [scope for value in self.form.get("scope", ()) for scope in value.split()]

    def holds(self, secret: str) -> bool:
        """Whether a secret is anywhere in it, plain or in an encoding that clients use."""
        seen = self.seen
        headers = [f"{name}: {value.decode('latin-1')}" for name, value in seen.headers]
        texts = [self.target, seen.body.decode("latin-1"), *headers]
        account = accounts.read_basic(self.authorization or "")
        decoded = [account.user, account.password] if account else []
        return any(secret in text or secret in unquote_plus(text) for text in [*texts, *decoded])


@dataclass(frozen=True)
class User:
    """A user of the service."""

    password: str
    actions: frozenset[str] = EVERYTHING


@dataclass
class Habits:
    """In what token services differ. Each may be changed while the service runs."""

    users: dict[str, User] = field(default_factory=dict)
    # Repositories that begin so are everybody's to pull.
    public: Sequence[str] = ("public/",)
    # What clients are told: `expires_in`.
    lifetime: int = 300
    # When a docker-registry begins to refuse a token, from its issue on. None: when it was told to expire.
    refused_after: float | None = None
    # Some know GET alone. Those give no refresh tokens, as a refresh token is used by POST: docker, which
    # prefers one to the password, does not fall back.
    takes_post: bool = True
    # Where the answer to a GET has the token: Docker Hub sends both.
    token_fields: Sequence[str] = ("token", "access_token")
    # GHCR refuses who may have nothing of what was asked; Docker Hub gives a token for nothing.
    refuses_empty_grants: bool = False
    # The actions that it understands; another one makes it answer 400 to all (Quay). None: all of them.
    understands: frozenset[str] | None = None
    fault: Fault | None = None


class TokenService:
    """The service, on a port that the kernel chose."""

    def __init__(
        self,
        signer: Signer,
        users: Iterable[Account] = (),
        service: str = "registry.test",
        path: str = "/token",
        hostname: str = "127.0.0.1",
    ) -> None:
        self.service = service
        self.habits = Habits({account.user: User(account.password) for account in users})
        self._signer = signer
        self._path = path
        self._hostname = hostname
        self._refresh: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self._server = Scripted()
        self._server.script = self._answer

    @property
    def realm(self) -> str:
        """The URL in the challenges of its registries."""
        return f"http://{self._hostname}:{self.port}{self._path}"

    @property
    def port(self) -> int:
        """The port of 127.0.0.1 that it listens on."""
        return self._server.port

    @property
    def requests(self) -> list[Asked]:
        """Everything it was asked since the last `forget`, in order; also what it failed to answer."""
        return [Asked(seen) for seen in self._server.seen]

    def forget(self) -> None:
        """Forgets what it was asked."""
        self._server.forget()

    def saw(self, secret: str) -> bool:
        """Whether a secret arrived here."""
        return any(asked.holds(secret) for asked in self.requests)

    def registry_settings(self) -> dict[str, object]:
        """What a docker-registry is configured with to trust it (its `auth` section)."""
        return {
            "token": {
                "realm": self.realm,
                "service": self.service,
                "issuer": ISSUER,
                "rootcertbundle": str(self._signer.certificate),
            }
        }

    def token(self, user: str, scopes: Iterable[str]) -> str:
        """A token, without asking for one."""
        return self._issue(user, self._access(user, scopes))

    def close(self) -> None:
        """Stops listening."""
        self._server.close()

    def _answer(self, seen: Seen) -> Answer:
        broken = self.habits.fault and self.habits.fault(seen)
        if broken:
            return broken
        asked = Asked(seen)
        if asked.target.partition("?")[0] != self._path:
            return _refusal(404, "NOT_FOUND", "there is nothing here")
        if asked.method == "GET":
            return self._get(asked)
        if asked.method == "POST" and self.habits.takes_post:
            return self._post(asked)
        return _refusal(404, "UNSUPPORTED", "not this way")

    def _get(self, asked: Asked) -> Answer:
        user = ""
        if asked.authorization is not None:
            if asked.account is None or not self._knows(asked.account):
                return _refusal(401, "UNAUTHORIZED", "wrong user or password")
            user = asked.account.user
        if not self._understands(asked.scopes):
            return _refusal(400, "INVALID_REQUEST", "Unable to decode repository and actions")
        access = self._access(user, asked.scopes)
        if asked.scopes and not access and self.habits.refuses_empty_grants:
            return _refusal(403, "DENIED", "requested access to the resource is denied")
        told = dict.fromkeys(self.habits.token_fields, self._issue(user, access))
        is_offline = asked.one("offline_token") == "true" and self.habits.takes_post
        return self._granted(told, user if is_offline else "")

    def _post(self, asked: Asked) -> Answer:
        """RFC 6749 sections 4.3 and 6, as the distribution project's oauth.md has them."""
        user = self._user_of_post(asked)
        if user is None:
            return _refusal(401, "UNAUTHORIZED", "wrong user, password or refresh token")
        told = {"access_token": self._issue(user, self._access(user, asked.scopes))}
        told["scope"] = " ".join(asked.scopes)
        return self._granted(told, user if asked.one("access_type") == "offline" else "")

    def _user_of_post(self, asked: Asked) -> str | None:
        kind = asked.one("grant_type")
        if kind == "refresh_token":
            return self._refresh.get(asked.one("refresh_token"))
        account = asked.account
        return account.user if kind == "password" and account and self._knows(account) else None

    def _knows(self, account: Account) -> bool:
        user = self.habits.users.get(account.user)
        return user is not None and user.password == account.password

    def _understands(self, scopes: Iterable[str]) -> bool:
        known = self.habits.understands
        return known is None or all(
            scope.startswith("repository:") and known.issuperset(scope.rpartition(":")[2].split(","))
            for scope in scopes
        )

    def _access(self, user: str, scopes: Iterable[str]) -> list[dict[str, object]]:
        entries: list[dict[str, object]] = []
        for scope in scopes:
            # A name may hold colons itself, as `host:port/repository` does.
            kind, _, rest = scope.partition(":")
            name, _, actions = rest.rpartition(":")
            granted = [action for action in actions.split(",") if action in self._allowed(user, name)]
            if granted:
                entries.append({"type": kind, "name": name, "actions": granted})
        return entries

    def _allowed(self, user: str, name: str) -> frozenset[str]:
        if user:
            return self.habits.users[user].actions
        return frozenset({"pull"} if name.startswith(tuple(self.habits.public)) else ())

    def _issue(self, user: str, access: list[dict[str, object]]) -> str:
        now, until = time.time(), self.habits.refused_after
        lasts = self.habits.lifetime if until is None else until - REGISTRY_LEEWAY_SECONDS
        claims = {"iss": ISSUER, "sub": user, "aud": self.service, "access": access}
        times = {"iat": int(now), "nbf": int(now) - 5, "exp": int(now + lasts)}
        return self._signer.token({**claims, **times, "jti": str(next(self._numbers))})

    def _granted(self, told: Mapping[str, object], offline_user: str) -> Answer:
        """An answer with a token, and with a refresh token for who wants one and has a name."""
        document = {**told, "expires_in": self.habits.lifetime}
        document["issued_at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        if offline_user:
            refresh = f"refresh-{secrets.token_hex(16)}"
            self._refresh[refresh] = offline_user
            document["refresh_token"] = refresh
        return _json(200, document)


def _refusal(status: int, code: str, message: str) -> Answer:
    return _json(status, {"errors": [{"code": code, "message": message}]})


def _json(status: int, document: object) -> Answer:
    return Answer(status, [("Content-Type", "application/json")], json.dumps(document).encode())
