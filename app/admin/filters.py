"""Filters of the generated lists that take bad input as a sentence and never as an error."""

from __future__ import annotations

from enum import StrEnum
from typing import Any
from uuid import UUID

from flask_admin.contrib.sqla import filters
from flask_admin.model.filters import convert

from app.admin.fields import Cleaned, ConsoleFilterConverter


def words_of(member: StrEnum) -> str:
    """A value of the vocabulary as people read it."""
    return member.value.replace("_", " ").capitalize()


class _Chosen(Cleaned):
    """One of an enumeration's values; Flask-Admin's own breaks on an unknown one."""

    def __init__(self, column: Any, name: str, **kwargs: Any) -> None:
        self._kind: type[StrEnum] = column.type.enum_class
        kwargs["options"] = [(member.value, words_of(member)) for member in self._kind]
        super().__init__(column, name, **kwargs)

    def clean(self, value: str) -> StrEnum:
        return self._kind(value)


class ChosenFilter(_Chosen):
    def operation(self) -> str:
        return "is"

    def apply(self, query: Any, value: StrEnum, alias: Any = None) -> Any:
        return query.filter(self.get_column(alias) == value)


class NotChosenFilter(_Chosen):
    def operation(self) -> str:
        return "is not"

    def apply(self, query: Any, value: StrEnum, alias: Any = None) -> Any:
        return query.filter(self.get_column(alias).is_distinct_from(value))


class IdFilter(Cleaned):
    """An exact id."""

    def operation(self) -> str:
        return "is"

    def clean(self, value: str) -> UUID:
        return UUID(value.strip())

    def apply(self, query: Any, value: UUID, alias: Any = None) -> Any:
        return query.filter(self.get_column(alias) == value)


class TextFilter(filters.BaseSQLAFilter):
    """An exact text: what an index can answer."""

    def operation(self) -> str:
        return "is"

    def clean(self, value: str) -> str:
        return value.replace("\0", "").strip()

    def apply(self, query: Any, value: str, alias: Any = None) -> Any:
        return query.filter(self.get_column(alias) == value)


class SafeFilterConverter(ConsoleFilterConverter):
    """Knows our enumerations, ids and texts: ``filter_converter = SafeFilterConverter()``."""

    @convert("enum")
    def conv_enum(self, column: Any, name: str, options: Any = None, **kwargs: Any) -> list[Any]:
        return [kind(column, name, **kwargs) for kind in (ChosenFilter, NotChosenFilter)]

    @convert("uuid")
    def conv_uuid(self, column: Any, name: str, **kwargs: Any) -> list[Any]:
        return [IdFilter(column, name, **kwargs)]

    @convert("string", "text", "unicode", "unicodetext")
    def conv_string(self, column: Any, name: str, **kwargs: Any) -> list[Any]:
        return [TextFilter(column, name, **kwargs)]
