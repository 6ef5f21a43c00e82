"""AWS Signature Version 4, written from its specification and not from the program that is tested."""

import datetime
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
MOST_SKEW = datetime.timedelta(minutes=15)


@dataclass(frozen=True)
class Key:
    """A pair of keys for a region."""

    access: str
    secret: str
    region: str = "us-east-1"


class Refused(Exception):
    """A signature that is not right: S3's code, and why."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(f"{code}: {why}")
        self.code = code


def sign(key: Key, method: str, host: str, target: str, body: bytes = b"") -> dict[str, str]:
    """The headers that authorise a request."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": host, "x-amz-date": now, "x-amz-content-sha256": hashlib.sha256(body).hexdigest()}
    names = sorted(headers)
    scope = f"{now[:8]}/{key.region}/s3/aws4_request"
    signature = _signature(key, method, target, headers, names, scope)
    credential = f"Credential={key.access}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
    return {**headers, "authorization": f"{ALGORITHM} {credential}"}


def check(key: Key, method: str, target: str, headers: Mapping[str, str]) -> None:
    """Raises `Refused` unless the headers, with names in lower case, sign this request with this key, now."""
    kind, _, rest = headers.get("authorization", "").partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
    if kind != ALGORITHM or set(parts) != {"Credential", "SignedHeaders", "Signature"}:
        raise Refused("AccessDenied", "this is not signed")
    access, _, scope = parts["Credential"].partition("/")
    if access != key.access:
        raise Refused("InvalidAccessKeyId", access)
    time = headers.get("x-amz-date", "")
    if scope != f"{time[:8]}/{key.region}/s3/aws4_request":
        raise Refused("AuthorizationHeaderMalformed", f"the scope is {scope}, the region {key.region}")
    moment = datetime.datetime.strptime(time, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
    if abs(datetime.datetime.now(datetime.UTC) - moment) > MOST_SKEW:
        raise Refused("RequestTimeTooSkewed", time)
    names = parts["SignedHeaders"].split(";")
    must = {"host", *(name for name in headers if name.startswith("x-amz-"))}
    if names != sorted(names) or not must <= set(names) or "x-amz-content-sha256" not in must:
        raise Refused("AccessDenied", f"of {sorted(must)} only {names} are signed")
    if parts["Signature"] != _signature(key, method, target, headers, names, scope):
        raise Refused("SignatureDoesNotMatch", f"{method} {target}")


def _signature(
    key: Key, method: str, target: str, headers: Mapping[str, str], names: list[str], scope: str
) -> str:
    path, _, query = target.partition("?")
    pairs = sorted((_escape(name), _escape(value)) for name, value in parse_qsl(query, keep_blank_values=True))
    canonical = [
        method,
        quote(unquote(path), safe="/-._~"),
        "&".join(f"{name}={value}" for name, value in pairs),
        *(f"{name}:{' '.join(headers[name].split())}" for name in names),
        "",
        ";".join(names),
        headers["x-amz-content-sha256"],
    ]
    digest = hashlib.sha256("\n".join(canonical).encode()).hexdigest()
    text = "\n".join([ALGORITHM, headers["x-amz-date"], scope, digest])
    secret = f"AWS4{key.secret}".encode()
    for part in scope.split("/"):
        secret = hmac.new(secret, part.encode(), hashlib.sha256).digest()
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def _escape(text: str) -> str:
    return quote(text, safe="-._~")
