"""Which disputes a list shows, as a frozen value that reads from and writes to an address (DSP-2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from app.domain.errors import Invalid
from app.domain.vocabulary import DisputeCategory, DisputePriority


class Tab(StrEnum):
    """The parts of the queue."""

    OPEN = "open"
    MINE = "mine"
    UNASSIGNED = "unassigned"
    WAITING = "waiting"
    RESOLVED = "resolved"


TAB_LABELS = {
    Tab.OPEN: "Open",
    Tab.MINE: "Mine",
    Tab.UNASSIGNED: "Unassigned",
    Tab.WAITING: "Waiting",
    Tab.RESOLVED: "Closed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeFilter:
    """What to show. ``session`` shows those of one session, open and closed alike, with the tab ``open`` left out."""

    tab: Tab = Tab.OPEN
    priorities: tuple[DisputePriority, ...] = ()
    categories: tuple[DisputeCategory, ...] = ()
    assignee_id: UUID | None = None

    def arguments(self) -> dict[str, list[str]]:
        """As address arguments; what is as by default is left out."""
        found = {
            "tab": [self.tab.value] if self.tab is not Tab.OPEN else [],
            "priority": [each.value for each in self.priorities],
            "category": [each.value for each in self.categories],
            "assignee": [str(self.assignee_id)] if self.assignee_id else [],
        }
        return {name: values for name, values in found.items() if values}

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the tab leaves something out."""
        return bool(self.priorities or self.categories or self.assignee_id)

    def without(self, name: str) -> DisputeFilter:
        """The same filter with one argument taken away."""
        field = {"priority": "priorities", "category": "categories", "assignee": "assignee_id"}[name]
        return replace(self, **{field: getattr(DisputeFilter(), field)})

    def on(self, tab: Tab) -> DisputeFilter:
        """The same filter on another tab; whose they are is said by *mine* and *unassigned* themselves."""
        names_somebody = tab in {Tab.MINE, Tab.UNASSIGNED}
        return replace(self, tab=tab, assignee_id=None if names_somebody else self.assignee_id)


def read_dispute_filter(arguments: Mapping[str, Sequence[str]]) -> DisputeFilter:
    """The filter of an address. Unknown names are ignored; a value that cannot be used is refused by name.

    :raises Invalid: ``fields`` says of each bad argument what would be right
    """
    wrong: dict[str, str] = {}

    def several(name: str, kind: type[StrEnum]) -> tuple[StrEnum, ...]:
        chosen = {text.strip() for value in arguments.get(name, ()) for text in value.split(",")} - {""}
        if chosen - {member.value for member in kind}:
            wrong[name] = f"Use one of: {', '.join(member.value for member in kind)}."
        return tuple(member for member in kind if member.value in chosen)

    tab_text, assignee_text = (" ".join(arguments.get(name, ("",))[-1:]).strip() for name in ("tab", "assignee"))
    tab = next((member for member in Tab if member.value == tab_text), None)
    if tab_text and tab is None:
        wrong["tab"] = f"Use one of: {', '.join(member.value for member in Tab)}."
    assignee = None
    try:
        assignee = UUID(assignee_text) if assignee_text else None
    except ValueError:
        wrong["assignee"] = "Choose a person from the list."
    found = DisputeFilter(
        tab=tab or Tab.OPEN,
        priorities=several("priority", DisputePriority),  # type: ignore[arg-type]  # of the kind that was given
        categories=several("category", DisputeCategory),  # type: ignore[arg-type]  # as above
        assignee_id=assignee,
    )
    if wrong:
        raise Invalid("Some filters of this address cannot be used.", fields=wrong)
    return found
