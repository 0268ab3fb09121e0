"""Form fields and filters for instants, which Flask-Admin does not know: read and shown in the reader's zone (ID-7)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_admin.contrib.sqla import filters
from flask_admin.contrib.sqla.form import AdminModelConverter
from flask_admin.model.filters import convert
from flask_admin.model.form import converts
from wtforms import DateTimeLocalField
from wtforms.validators import ValidationError

from app.http.formatting import reader_zone, zone_label, zone_of

_FORMATS = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"]


def _zone() -> ZoneInfo:
    return zone_of(reader_zone())


def to_instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a wall time in that zone, in UTC; of two, the first.

    :raises ValueError: when the clock leaves that hour out
    """
    instant = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != local:
        message = f"The clock in {zone_label(zone)} leaves {local:%H:%M} out on that day. Take an hour later."
        raise ValueError(message)
    return instant


class InstantField(DateTimeLocalField):
    """A native date and time input in the reader's zone; its data is an aware instant in UTC."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["format"] = _FORMATS
        super().__init__(*args, **kwargs)

    def _value(self) -> str:
        if self.raw_data:
            return " ".join(self.raw_data)
        return self.data.astimezone(_zone()).strftime(_FORMATS[0]) if self.data else ""

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist or not valuelist[0].strip():
            self.data = None
            return
        super().process_formdata(valuelist)
        if self.data is not None:
            self.data = to_instant(self.data, _zone())


class ConsoleFormConverter(AdminModelConverter):
    """Flask-Admin's converter, which also knows our instants: ``model_form_converter = ConsoleFormConverter``."""

    @converts("UtcDateTime")
    def convert_instant(self, field_args: dict[str, Any], **_extra: Any) -> InstantField:
        field_args["description"] = field_args.get("description") or "In your time zone."
        return InstantField(**field_args)


class Cleaned(filters.BaseSQLAFilter):
    """A filter that takes what its ``clean`` can read, and nothing else."""

    def validate(self, value: str) -> bool:
        try:
            self.clean(value)
        except ValueError:
            return False
        return True


class _InstantFilter(Cleaned):
    data_type = "datetimepicker"

    def __init__(self, column: Any, name: str, options: Any = None) -> None:
        super().__init__(column, name, options, "datetimepicker")

    def clean(self, value: str) -> datetime:
        return _parse(value)


class InstantGreaterFilter(_InstantFilter, filters.FilterGreater):
    """After a moment."""

    def operation(self) -> str:
        return "after"


class InstantSmallerFilter(_InstantFilter, filters.FilterSmaller):
    """Before a moment."""

    def operation(self) -> str:
        return "before"


class InstantOnDaysFilter(filters.BaseSQLAFilter):
    """From one day of the reader's to another, both included: ``2026-11-01 to 2026-11-30``."""

    def __init__(self, column: Any, name: str, options: Any = None) -> None:
        super().__init__(column, name, options, "daterangepicker")

    def operation(self) -> str:
        return "on days"

    def clean(self, value: str) -> tuple[datetime, datetime]:
        first, _, last = value.partition(" to ")
        zone = _zone()
        start = datetime.strptime(first.strip(), "%Y-%m-%d")  # noqa: DTZ007 - the reader's wall time, placed below
        end = datetime.strptime(last.strip(), "%Y-%m-%d") + timedelta(days=1)  # noqa: DTZ007
        return start.replace(tzinfo=zone).astimezone(UTC), end.replace(tzinfo=zone).astimezone(UTC)

    def validate(self, value: str) -> bool:
        try:
            start, end = self.clean(value)
        except ValueError:
            return False
        return start < end

    def apply(self, query: Any, value: tuple[datetime, datetime], alias: Any = None) -> Any:
        column = self.get_column(alias)
        return query.filter(column >= value[0], column < value[1])


class ConsoleFilterConverter(filters.FilterConverter):
    """Flask-Admin's converter, which also knows our instants: ``filter_converter = ConsoleFilterConverter()``."""

    instant_filters = (InstantOnDaysFilter, InstantGreaterFilter, InstantSmallerFilter, filters.FilterEmpty)

    @convert("utcdatetime")
    def conv_instant(self, column: Any, name: str, **kwargs: Any) -> list[Any]:
        return [kind(column, name, **kwargs) for kind in self.instant_filters]


def _parse(value: str) -> datetime:
    for pattern in _FORMATS:
        try:
            local = datetime.strptime(value, pattern)  # noqa: DTZ007 - the reader's wall time, placed below
        except ValueError:
            continue
        return to_instant(local, _zone())
    message = "A moment is written like 2026-11-14 10:00"
    raise ValidationError(message)
