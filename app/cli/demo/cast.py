"""The people of the demonstration: all invented, none of them real."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from app.domain.vocabulary import Role

Hours = dict[int, list[tuple[str, str, str]]]
PASSWORD = "welcome to the demo"  # noqa: S105 - printed at every start, on data that is worth nothing
WORKDAYS = range(5)

STAFF = (
    ("Amara Osei", "support@demo.example", Role.SUPPORT, "Europe/London"),
    ("Jonas Brandt", "jonas.support@demo.example", Role.SUPPORT, "Europe/Berlin"),
    ("Priya Raman", "priya.support@demo.example", Role.SUPPORT, "Asia/Kolkata"),
    ("Helena Costa", "admin@demo.example", Role.ADMIN, "Europe/Lisbon"),
    ("Marcus Hale", "marcus.admin@demo.example", Role.ADMIN, "America/New_York"),
    ("Rui Nakata", "ops@demo.example", Role.OPS, "Asia/Tokyo"),
)
FIRST_MENTOR = ("Ines Castellano", "mentor@demo.example")
FIRST_MENTEE = ("Tom Achterberg", "mentee@demo.example")

ZONES = (
    "Europe/Berlin", "Europe/London", "America/New_York", "America/Los_Angeles", "America/Sao_Paulo", "Asia/Kolkata",
    "Asia/Tokyo", "Australia/Sydney", "Africa/Nairobi", "Asia/Kathmandu", "Europe/Madrid", "America/Toronto",
)  # fmt: skip
CURRENCY_OF = {
    "Europe/London": "GBP", "America/New_York": "USD", "America/Los_Angeles": "USD", "America/Toronto": "USD",
    "America/Sao_Paulo": "USD", "Asia/Tokyo": "JPY",
}  # fmt: skip
# Minor units per hour: the lower and the upper end.
RATES = {"EUR": (3_500, 14_000), "GBP": (3_000, 12_000), "USD": (4_000, 16_000), "JPY": (5_000, 18_000)}

_FIRST = tuple(
    (  # noqa: SIM905 - a list of names reads better as text
        "Aisha Akira Alba Anders Bea Bogdan Camila Chidi Clara Dario Deniz Elif Emeka Esther Farah Felix Gwen Hana "
        "Hugo Ida Imran Isla Jamal Jana Javier Kaito Karin Kwame Lara Leo Lina Luca Maya Mateo Mina Nadia Nils Noor "
        "Olga Omar Petra Quinn Rafa Rosa Sami Selma Tariq Tess Uma Viktor Wanda Yara Yusuf Zoe "
    ).split()
)
_LAST = tuple(
    (  # noqa: SIM905 - a list of names reads better as text
        "Abebe Alvarez Andersen Bakker Barros Bauer Bello Bianchi Byrne Chandra Cohen Dang Delgado Dimitrov Eriksen "
        "Farouk Ferrari Fischer Fofana Garcia Gupta Haas Ibrahim Ivanova Jansen Joshi Kaya Keita Kim Kovacs Laurent "
        "Lopez Mbeki Meyer Moreno Mori Nguyen Novak Nwosu Okoro Olsson Park Pereira Petrov Rao Rossi Sato Silva Singh "
        "Sousa Tamm Vargas Virtanen Weiss Yamada Zhou "
    ).split()
)

# What a mentor is, knows and offers.
TRADES = (
    ("Engineering manager, twelve teams later", ("Leadership", "Engineering management"),
     ("First months as a manager", "One-to-ones that matter")),
    ("Product lead in healthcare", ("Product", "Discovery"), ("Product strategy review", "Talking to users")),
    ("Staff engineer, distributed systems", ("System design", "Backend"), ("System design practice", "Design review")),
    ("Designer and design manager", ("UX design", "Portfolio"), ("Portfolio review", "Design critique")),
    ("Data scientist turned founder", ("Data science", "Startups"), ("Your first data hire", "Model to product")),
    ("Recruiter for technical roles", ("Interviews", "Career change"), ("Mock interview", "CV and story")),
    ("Marketing director, software as a service", ("Marketing", "Growth"), ("Positioning workshop", "Launch plan")),
    ("Finance lead for young companies", ("Finance", "Startups"), ("Your first budget", "Preparing to raise")),
    ("Researcher in machine learning", ("Machine learning", "Research"), ("Reading group for one", "Paper plan")),
    ("Security engineer", ("Security", "Backend"), ("Threat model together", "Into security")),
)  # fmt: skip
TOPICS = (
    "Preparing for a lead interview", "Portfolio review before applying", "My first team: where do I begin?",
    "Scaling our checkout service", "Moving from research to industry", "Pricing for a small product",
    "How do I say no to my boss?", "Feedback on my talk", "From support into product", "Reading a balance sheet",
    "A roadmap nobody believes in", "Returning after parental leave", "Choosing between two offers",
    "Our data model, second opinion", "Negotiating my salary", "Hiring the first engineer",
    "Getting unstuck with my thesis", "Threats to our login page", "A launch on no budget", "Working with designers",
)  # fmt: skip
DETAILS = (
    "I have read the usual books; I would like to talk about our case.",
    "Two pages of notes will follow the day before.",
    "I would be glad of honest words more than of kind ones.",
    "I have about six weeks to decide.",
    "",
)
PRAISE = (
    (5, "Clear, kind and to the point. I left with a plan."),
    (5, "Worth every minute."),
    (5, "Asked the one question nobody had asked me."),
    (4, "Very helpful; a little short on time."),
    (4, "Good advice, and notes afterwards."),
    (4, ""),
    (3, "Nice talk, but we drifted from my topic."),
    (2, "Started late and hurried."),
    (1, "Not what the description promised."),
)
REASONS = (
    ("schedule_conflict", "A meeting was moved onto this hour."),
    ("no_longer_needed", "The decision was made without me."),
    ("emergency", "My child is ill."),
    ("technical", "My machine is at the repair shop."),
    ("other", "I booked the wrong topic."),
)
MENTOR_REASONS = (
    ("illness", "I have lost my voice."),
    ("schedule_conflict", "A customer needs me at that hour."),
    ("emergency", "A burst pipe at home."),
)
SUPPORT_REASONS = (
    "The mentor wrote to us: power is out in the whole town. Both agreed to cancel.",
    "Booked twice by mistake through two browsers; the mentee asked us to cancel this one.",
    "The mentee reported that the profile does not fit the topic. Cancelled as goodwill.",
)


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    email: str
    timezone: str


def people(random: Random, count: int, first: tuple[str, str], domain: str) -> list[Person]:
    """Invented people with different names; the first one's address is for signing in."""
    names = [f"{given} {family}" for given in _FIRST for family in _LAST]
    chosen = random.sample(names, count - 1)
    rest = [Person(name, f"{name.lower().replace(' ', '.')}@{domain}", random.choice(ZONES)) for name in chosen]
    return [Person(*first, "Europe/Berlin"), *rest]


def weekly_hours(random: Random) -> Hours:
    """A week as people have it: office hours, evenings, weekends, or mornings with a long lunch."""
    day: list[tuple[str, str, str]]
    match random.randrange(4):
        case 0:
            day = [("09:00", "17:00", "AVAILABLE"), ("12:00", "13:00", "BREAK")]
            return dict.fromkeys(WORKDAYS, day)
        case 1:
            day = [("17:30", "21:30", "AVAILABLE")]
            return {**dict.fromkeys(WORKDAYS, day), 5: [("10:00", "14:00", "AVAILABLE")]}
        case 2:
            day = [("08:00", "12:00", "AVAILABLE"), ("14:00", "18:30", "AVAILABLE")]
            return dict.fromkeys((0, 1, 3, 4), day)
        case _:
            day = [("07:00", "11:00", "AVAILABLE")]
            return {
                **dict.fromkeys((1, 2, 3), day),
                5: [("09:00", "16:00", "AVAILABLE")],
                6: [("20:00", "00:30", "AVAILABLE")],
            }
