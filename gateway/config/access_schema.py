"""The keys of ``gateway.yaml`` that say whose tickets and which people are believed."""

from typing import Annotated

from pydantic import Field

from gateway.config.access_fields import AccountName, HeaderName, KeySetUrl, PasswordHash
from gateway.config.fields import Id, SecretField, Subnet, Text
from gateway.config.site_schema import Keys
from gateway.model.company import AccountRole, Settings

_SETTINGS = Settings()


class TicketsKeys(Keys):
    """Tickets of viewers."""

    secret: SecretField | None = Field(
        default=None,
        description="Reference to the key that signs tickets, 32 bytes at least; the company's "
        "website signs with the same.",
        examples=["{env: TICKET_SECRET}"],
    )
    keys: tuple[Text, ...] = Field(
        default=(),
        max_length=16,
        description="Files with the website's public keys (PEM: P-256 for ES256, Ed25519 for "
        "EdDSA), relative to this directory.",
        examples=["[website.pem]"],
    )
    jwks_url: KeySetUrl | None = Field(
        default=None,
        description="Address of the website's public keys as a JSON Web Key Set.",
        examples=["https://uk.example.ru/.well-known/jwks.json"],
    )
    issuer: Text | None = Field(
        default=None,
        description="What every ticket must name as its iss.",
        examples=["https://uk.example.ru"],
    )
    audience: Text | None = Field(
        default=None,
        description="What every ticket must name as its aud.",
        examples=["cams.example.ru"],
    )


class AccountKeys(Keys):
    """Somebody of the company."""

    name: AccountName = Field(description="Name to sign in with.", examples=["anna"])
    role: AccountRole = Field(
        description="What the person may do: administrator (everything) or technician (look "
        "after the cameras of some sites).",
        examples=["technician"],
    )
    hash: PasswordHash | None = Field(
        default=None,
        description="Hash of the password, as `gateway password` prints it, or a reference to "
        "it; left out for people of the company's sign-on.",
        examples=['"$argon2id$v=19$m=65536,t=3,p=4$..."'],
    )
    sites: tuple[Id, ...] = Field(
        default=(),
        max_length=1000,
        description="Sites that a technician works at; an administrator sees all.",
        examples=["[lenina-12]"],
    )


class SignOnKeys(Keys):
    """The company's own sign-on, by a proxy in front."""

    header: HeaderName = Field(
        description="Header in which the proxy names the user; the proxy must remove it from "
        "what browsers send.",
        examples=["X-Remote-User"],
    )
    role_header: HeaderName | None = Field(
        default=None,
        description="Header with the user's role (administrator or technician); without it the "
        "account of the same name says it.",
        examples=["X-Remote-Role"],
    )
    sites_header: HeaderName | None = Field(
        default=None,
        description="Header with a technician's sites, separated by commas; without it the "
        "account of the same name says it.",
        examples=["X-Remote-Sites"],
    )
    addresses: tuple[Subnet, ...] = Field(
        alias="from",
        min_length=1,
        max_length=64,
        description="Networks of the proxies; headers from anywhere else are not believed.",
        examples=["[127.0.0.1/32]"],
    )


class AuditKeys(Keys):
    """The record of who watched."""

    days: Annotated[int, Field(ge=1, le=3650)] = Field(
        default=_SETTINGS.audit_days,
        description="Days after which the record of a viewing is deleted.",
        examples=["30"],
    )
