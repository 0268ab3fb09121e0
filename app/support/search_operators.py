"""What may be typed into the search box beside words: ``status:cancelled mentor:ada from:2026-01-01`` (SL-2).

Each operator stands for one argument of the list's address, so that whatever is typed is the same filter, with the same
indexes, as one that is clicked together. What the values mean is decided where the address is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

LONGEST: Final = 400
# A name with a colon and what follows it up to a blank; words in quotation marks; anything else up to a blank.
_TOKEN = re.compile(r'([A-Za-z][A-Za-z_-]*):(?:"([^"]*)"|(\S*))|"([^"]*)"|\S+')
_UNDERSCORED: Final = frozenset({"status", "meeting_type", "refund", "cancelled_by", "reason", "queue"})


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator.

    :param argument: of the list's address; ``on`` fills two
    :param example: a whole one, for the help
    :param meaning: in a few words
    :param is_several: whether it may be given more than once, or with commas
    """

    argument: str
    example: str
    meaning: str
    is_several: bool = False


OPERATORS: Final[dict[str, Operator]] = {
    "status": Operator("status", "status:cancelled,no-show", "One or several statuses", is_several=True),
    "from": Operator("from", "from:2026-01-31", "Starts on that day or later"),
    "to": Operator("to", "to:2026-02-28", "Starts on that day or before"),
    "on": Operator("on", "on:2026-01-31", "Starts on that day"),
    "mentor": Operator("mentor", "mentor:ada", "Name, or start of the e-mail, of the mentor"),
    "mentee": Operator("mentee", 'mentee:"sam lee"', "The same of the mentee"),
    "type": Operator("meeting_type", "type:video", "video, audio, chat or in-person", is_several=True),
    "refund": Operator("refund", "refund:pending", "none, pending, processed or failed", is_several=True),
    "reassigned": Operator("reassigned", "reassigned:yes", "Another mentor took over: yes or no"),
    "proposal": Operator("pending_reschedule", "proposal:yes", "Another time is being negotiated: yes or no"),
    "cancelled-by": Operator("cancelled_by", "cancelled-by:mentor", "mentor, mentee, admin or system", is_several=True),
    "reason": Operator("reason", "reason:emergency", "Why: schedule-conflict, illness, unpaid …", is_several=True),
    "currency": Operator("currency", "currency:EUR", "Priced in that currency", is_several=True),
    "queue": Operator(
        "queue",
        "queue:overdue",
        "overdue, without-link, reassignments, no-show-suggestions, pending-reschedules or suspended-mentors",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Typed:
    """A search box taken apart.

    :param words: what is left for the search, phrases still in their quotation marks
    :param arguments: of the list's address; an empty list takes the place of one that was there before
    :param names: by which operator each argument was given
    :param wrong: what cannot be understood, as a sentence that says what would be right; empty when all can
    """

    words: str = ""
    arguments: dict[str, list[str]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    wrong: str = ""


def take_apart(text: str) -> Typed:
    """This function will divide what was typed into operators and words. It never raises."""
    if len(text) > LONGEST:
        return Typed(wrong=f"Type at most {LONGEST} characters.")
    words: list[str] = []
    given: dict[str, list[str]] = {}
    for token in _TOKEN.finditer(text):
        name, quoted, plain, phrase = token.groups()
        value = (quoted if quoted is not None else plain or "").strip(' "')
        operator = (name or "").lower().replace("_", "-")
        if phrase is not None:
            words += [f'"{" ".join(phrase.split())}"'] if phrase.strip() else []
        elif operator in OPERATORS:
            if not value:
                return Typed(wrong=f"What should {operator}: be? For example {OPERATORS[operator].example}.")
            given.setdefault(operator, []).append(value)
        elif name and value:
            return Typed(wrong=_unknown(name, token.group()))
        else:
            words.append(token.group())
    for operator, values in given.items():
        if len(set(values)) > 1 and not OPERATORS[operator].is_several:
            return Typed(wrong=f"{operator}: can be one thing only, and is given {len(values)} times.")
    return _as_arguments(" ".join(words), given)


def _as_arguments(words: str, given: dict[str, list[str]]) -> Typed:
    arguments: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for operator, values in given.items():
        argument = OPERATORS[operator].argument
        if argument in _UNDERSCORED:
            values = [value.lower().replace("-", "_") for value in values]  # noqa: PLW2901 - the same values, as they are kept
        if argument == "on":
            found = {"from": values, "to": values}
        elif argument == "currency":
            found = {argument: [value.upper() for value in values]}
        elif argument in {"mentor", "mentee"}:
            # An id is that person; anything else is looked for among the names.
            by_id = _is_id(values[0])
            found = {argument: values if by_id else [], f"{argument}_name": [] if by_id else values}
        else:
            found = {argument: values}
        arguments |= found
        names |= dict.fromkeys(found, operator)
    return Typed(words, arguments, names)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _unknown(name: str, token: str) -> str:
    known = ", ".join(f"{operator}:" for operator in OPERATORS)
    return (
        f"There is no {name[:40]}: to search by. There are {known}. "
        f'To look for these very words, put them in quotation marks: "{token[:60]}".'
    )
