"""The sandbox's team: its people, groups, projects and API keys, and the tools that its people use.

All people and keys are invented. The default team has 14 people and 4 API keys. The additional people and keys of a
larger team are generated.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from random import Random
from typing import NamedTuple

DEFAULT_PEOPLE = 14
MOST_PEOPLE = 5000
DEFAULT_KEYS = 4
MOST_KEYS = 500
FIRST_DAY = date(2023, 1, 1)
"""The first day that can have usage."""


@dataclass(frozen=True)
class Person:
    """A member who uses tools from `first_day` to `last_day`, both inclusive."""

    email: str
    role: str
    status: str
    group_ids: tuple[int, ...]
    habits: tuple[str, ...] = ()
    """The tools that this person uses. A tool that is listed twice is used twice as often."""
    first_day: date = FIRST_DAY
    last_day: date = date.max
    by_api: bool = False
    """Whether this person mostly uses API keys instead of the web application."""


class Group(NamedTuple):
    group_id: int
    name: str


class Project(NamedTuple):
    reference: str
    name: str


class ApiKey(NamedTuple):
    api_key_id: str
    display_name: str
    status: str
    created_at: str

    def works_on(self, day: date) -> bool:
        """Return whether the key works on `day`. A now inactive key worked until the end of the year it was created."""
        made = date.fromisoformat(self.created_at[:10])
        return made <= day and (self.status == "active" or made.year == day.year)


@dataclass(frozen=True)
class Team:
    people: tuple[Person, ...]
    groups: tuple[Group, ...]
    projects: tuple[Project, ...]
    api_keys: tuple[ApiKey, ...]

    @cached_property
    def project_names(self) -> dict[str, str]:
        return {project.reference: project.name for project in self.projects}

    @cached_property
    def group_names(self) -> dict[str, str]:
        """The name of each person's first group, by email. People without a group are omitted."""
        names = {group.group_id: group.name for group in self.groups}
        return {one.email: names[one.group_ids[0]] for one in self.people if one.group_ids}


class Tool(NamedTuple):
    """A tool. `credits` is the price of one use, and `usual_uses` is the mean number of uses per session."""

    credits: int
    usual_uses: float


WITHOUT_BREAKDOWN = "Asset Download"
PARTLY_ATTRIBUTED = "Video Generator"

TOOLS = {
    "AI Image Models": Tool(40, 14),
    "Image Editor": Tool(25, 9),
    "Upscaler": Tool(60, 5),
    "Video Generator": Tool(350, 3),
    "Background Remover": Tool(3, 18),
    "Sound Effects": Tool(10, 4),
    "Icon Generator": Tool(15, 7),
    "Asset Download": Tool(90, 6),
}

GROUPS = (Group(11, "Brand Studio"), Group(24, "Campaigns"), Group(37, "Product Engineering"), Group(52, "Motion"))

PROJECTS = (
    Project("7c1f0a52-4a8e-4f0b-9d55-0b8f6f2f1a01", "Autumn Catalogue"),
    Project("2e9b6c34-91d7-4c6e-8a13-5d0c7e4b9a02", "Harbour Rebrand"),
    Project("b40d2f18-6c3a-4e97-b7c2-91e5a8d06c03", "Trade Fair 2026"),
    Project("59e8c7d1-0f24-4b6a-a3d9-c64b1f7e2d04", "Onboarding Films"),
    Project("d3a61b90-8e57-4d12-9f4c-2a7b5c9e0e05", "App Illustrations"),
    Project("f8427e6c-35b1-4a09-8c6d-7e1d0b3a4f06", "Café Menü & Posters"),
)

API_KEYS = (
    ApiKey("fpk-3f9c1e7a52b0", "Website thumbnails", "active", "2023-02-06T09:14:00.000Z"),
    ApiKey("fpk-80d4b6e1c927", "Catalogue pipeline", "active", "2023-09-18T13:40:25.000Z"),
    ApiKey("fpk-c5127fa9d36e", "Render farm", "active", "2024-11-04T07:55:10.000Z"),
    ApiKey("fpk-19ab80e4f75d", "Old prototype", "inactive", "2023-01-11T16:02:43.000Z"),
)

_DESIGN = ("AI Image Models", "AI Image Models", "Image Editor", "Upscaler", "Background Remover")
_CAMPAIGN = ("AI Image Models", "Image Editor", "Video Generator", "Icon Generator", "Background Remover")
_CODE = ("AI Image Models", "Background Remover", "Upscaler", "Icon Generator")
_FILM = ("Video Generator", "Video Generator", "Sound Effects", "Upscaler", "AI Image Models")
_BY_GROUP = {11: _DESIGN, 24: _CAMPAIGN, 37: _CODE, 52: _FILM}

_DOMAIN = "harbour-studio.example"


def _member(name: str, *groups: int, role: str = "member", first: date = FIRST_DAY) -> Person:
    habits = _BY_GROUP[groups[0]] if groups else _CAMPAIGN
    return Person(f"{name}@{_DOMAIN}", role, "active", groups, habits, first, by_api=37 in groups)


_CORE = (
    Person(f"nora.lindqvist@{_DOMAIN}", "owner", "active", (), ("AI Image Models", "Image Editor")),
    _member("tomas.rivera", 24, role="admin"),
    _member("aiko.tanaka", 37, role="admin"),
    _member("ines.carvalho", 11),
    _member("jonas.weber", 11),
    _member("zoe.martin", 11, first=date(2023, 9, 4)),
    _member("omar.haddad", 24),
    _member("freya.olsen", 24, first=date(2024, 3, 11)),
    _member("ravi.menon", 37),
    _member("marta.nowak", 52),
    _member("luca.bianchi", 52, first=date(2024, 10, 1)),
    Person(f"lena.fischer@{_DOMAIN}", "member", "inactive", (11,), _DESIGN, FIRST_DAY, date(2025, 5, 30)),
    Person(f"paul.moreau@{_DOMAIN}", "member", "active", ()),
    Person(f"sam.okafor@{_DOMAIN}", "member", "invited", (52,)),
)

_FIRST_NAMES = ("ada", "ben", "carla", "dino", "emil", "fatma", "greta", "hugo", "ida", "joao", "kaya", "liam")
_LAST_NAMES = ("abel", "berg", "costa", "duval", "engel", "foster", "gomez", "holm", "ito", "jansen", "kim")


def _colleague(number: int) -> Person:
    first = _FIRST_NAMES[number % len(_FIRST_NAMES)]
    last = _LAST_NAMES[number % len(_LAST_NAMES)]
    return _member(f"{first}.{last}.{number}", GROUPS[number % len(GROUPS)].group_id)


_PURPOSES = ("Shop banners", "Newsletter", "Packaging", "Staging", "Nightly batch", "Intranet", "Partner portal")


def _generated_key(number: int) -> ApiKey:
    """Generate an API key created between 2023 and 2025; every fifth key is inactive."""
    random = Random(f"API key {number}")
    made = datetime(2023, 1, 1) + timedelta(seconds=random.randrange(1096 * 24 * 3600))
    name, status = f"{_PURPOSES[number % len(_PURPOSES)]} {number}", "active" if number % 5 else "inactive"
    return ApiKey(f"fpk-{random.getrandbits(48):012x}", name, status, f"{made.isoformat()}.000Z")


def make_team(people: int = DEFAULT_PEOPLE, keys: int = DEFAULT_KEYS) -> Team:
    """Return the team before any event, with `people` members (1 to 5,000) and `keys` API keys (0 to 500)."""
    if not (1 <= people <= MOST_PEOPLE and 0 <= keys <= MOST_KEYS):
        raise ValueError(f"people must be from 1 to {MOST_PEOPLE}, and keys from 0 to {MOST_KEYS}")
    generated = tuple(_colleague(number) for number in range(people - len(_CORE)))
    generated_keys = tuple(_generated_key(number) for number in range(len(API_KEYS), keys))
    return Team((_CORE + generated)[:people], GROUPS, PROJECTS, (API_KEYS + generated_keys)[:keys])
