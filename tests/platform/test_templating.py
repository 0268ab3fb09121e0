"""The shorter ways through Jinja write what Jinja's own way writes, whatever a template holds (PERF-1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.templating import Environment
from jinja2 import DictLoader, TemplateSyntaxError, pass_context
from jinja2.exceptions import UndefinedError
from jinja2.runtime import Context
from markupsafe import Markup

from app.domain.vocabulary import Role
from app.http.templating import QuickEnvironment, QuickMacro

pytestmark = [pytest.mark.spec("PERF-1")]

_TEMPLATES = {
    "macros": """{% macro pair(a, b='<two>') %}{{ a }}-{{ b }}{% endmacro %}
        {%- macro box(title=none) %}[{{ title }}:{{ caller() if caller else 'alone' }}]{% endmacro %}
        {%- macro each(items) %}{% for item in items %}{{ caller(item, loop.index) }}{% endfor %}{% endmacro %}
        {%- macro all() %}{{ varargs }}{{ kwargs | dictsort }}{% endmacro %}
        {%- macro needs_caller() %}{{ caller() }}{% endmacro %}""",
    "frame": "<{% block head %}base {{ kept }}{% endblock %}|{% block body %}{% endblock %}>",
}
_USE = "{% from 'macros' import pair, box, each, all, needs_caller %}"
_PAGES = [
    "{{ value }}",
    "{{ value }}{{ value | string }}{{ value ~ '<' }}{{ '<' ~ value }}",
    "{% set kept %}<b>{{ value }}</b>{% endset %}{{ kept }}{{ kept | length }}",
    "{% for each in [value, value] %}{{ loop.index }}{{ each }}{{ loop.last }}{% endfor %}",
    "{% autoescape false %}{{ value }}{% endautoescape %}{{ value }}",
    "{% filter upper %}{{ value }}<i>{% endfilter %}",
    f"{_USE}{{{{ pair(value) }}}}{{{{ pair(b=value, a='&') }}}}{{{{ pair(value, value) }}}}{{{{ pair() }}}}",
    f"{_USE}{{% call box(value) %}}<p>{{{{ value }}}}</p>{{% endcall %}}{{{{ box() }}}}{{{{ box(title=value) }}}}",
    f"{_USE}{{% call(one, at) each([value, 1]) %}}{{{{ one }}}}{{{{ at }}}}{{% endcall %}}",
    f"{_USE}{{{{ all(value, 2, c=value) }}}}{{{{ all() }}}}",
    f"{_USE}{{% set made = pair(value) %}}{{{{ made }}}}{{{{ made is string }}}}{{{{ [made] | join('<') }}}}",
    "{% extends 'frame' %}{% set kept = value %}{% block head %}{{ super() }}!{% endblock %}{% block body %}{{ value }}{% endblock %}",  # noqa: E501
    "{{ a_dict.key }}{{ a_dict.items is callable }}{{ a_dict['items'] }}{{ a_dict.none }}{{ a_dict.copy is callable }}",
    "{{ thing.name }}{{ thing.lost is defined }}{{ thing['of key'] }}{{ thing.by_key }}{{ none.x is defined }}",
    "{% for each in thing.chain.items if each.name %}{{ each.name }}{{ each.lost.name if each.lost else loop.index }}{% endfor %}",  # noqa: E501
    "{% macro of(it, word=thing.name) %}{{ it.chain.chain.name }}{{ word }}{{ caller().lower() }}{% endmacro %}{% call of(thing) %}{{ thing.chain.name.upper() }}{% endcall %}",  # noqa: E501
    "{{ thing.fails is defined }}{{ thing.chain.a_dict.key }}{{ thing.chain.a_dict.lost is defined }}{{ [thing.name, thing.chain.name] | join(thing.chain.name) }}",  # noqa: E501
    "{{ shout(value) }}{{ seen(value) }}{{ thing.method('<') }}{{ value.__class__.__name__ }}{{ stops() is defined }}",
    "{{ '%s' | format(value) }}{{ value is none }}{{ (value or '<') }}{{ [value] }}{{ {'<': value} }}",
]  # fmt: skip


class _Drawn:
    def __html__(self) -> str:
        return "<hr>"


class _Named(str):
    __slots__ = ()


class _Told:
    def __str__(self) -> str:
        return "<told & 'quoted'>"


class _Thing:
    name = "<name>"

    def __getitem__(self, key: str) -> str:
        if key in {"of key", "by_key"}:
            return "<item>"
        raise KeyError(key)

    def method(self, text: str) -> str:
        return text * 2

    @property
    def chain(self) -> _Thing:
        return self

    @property
    def items(self) -> list[_Thing]:
        return [self, self]

    @property
    def a_dict(self) -> dict[str, str]:
        return {"key": "<deep>"}

    @property
    def fails(self) -> str:
        raise AttributeError("by itself")

    @property
    def breaks(self) -> str:
        raise LookupError("was not read")


def _shout(value: object) -> str:
    return f"{value}!"


def _stops() -> None:
    raise StopIteration


@pass_context
def _seen(context: Context, value: object) -> str:
    return f"{context.name}:{value}"


_VALUES = [
    "plain", "<b>&\"'</b>", "", Markup("<b>safe</b>"), 7, True, None, 1.5, Decimal("1.50"), _Drawn(), _Named("<x>"),
    _Told(), Role.MENTOR, ["<", Markup("<")], b"<",
]  # fmt: skip
_GIVEN = {
    "a_dict": {"key": "<value>", "items": "<items>"}, "thing": _Thing(), "shout": _shout, "seen": _seen,
    "stops": _stops,
}  # fmt: skip


def _environment(kind: type[Environment], pages: Mapping[str, str]) -> Environment:
    return kind(Flask(__name__), loader=DictLoader({**_TEMPLATES, **pages}), autoescape=True)


@pytest.mark.parametrize("page", _PAGES)
@pytest.mark.parametrize("value", _VALUES, ids=lambda value: type(value).__name__)
def test_it_writes_what_jinja_writes(page: str, value: object) -> None:
    quick, plain = (_environment(kind, {"page": page}) for kind in (QuickEnvironment, Environment))
    given = {**_GIVEN, "value": value}
    assert quick.get_template("page").render(given) == plain.get_template("page").render(given)
    assert quick.get_template("page").render(given) == plain.get_template("page").render(given), "asked once more"


@pytest.mark.parametrize(
    "page, error",
    [
        (f"{_USE}{{{{ pair(1, 2, 3) }}}}", TypeError),
        (f"{_USE}{{{{ pair(1, c=3) }}}}", TypeError),
        (f"{_USE}{{% call pair(1) %}}x{{% endcall %}}", TypeError),
        (f"{_USE}{{{{ needs_caller() }}}}", UndefinedError),
        ("{{ lost.name }}", UndefinedError),
        ("{{ lost() }}", UndefinedError),
        ("{{ thing.lost.name }}", UndefinedError),
        ("{{ thing.chain.breaks }}", LookupError),
        ("{% if %}", TemplateSyntaxError),
    ],
)
def test_it_refuses_what_jinja_refuses(page: str, error: type[Exception]) -> None:
    told = []
    for kind in (QuickEnvironment, Environment):
        with pytest.raises(error) as refused:
            _environment(kind, {"page": page}).get_template("page").render(thing=_Thing())
        told.append(str(refused.value))
    assert told[0] == told[1]


def test_the_ways_are_the_short_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    page = f"{_USE}{{% call box(value) %}}{{{{ value }}}}{{% endcall %}}{{{{ shout(a_dict.key) }}}}"
    template = _environment(QuickEnvironment, {"page": page}).get_template("page")
    drawn: list[str | None] = []
    draw: Callable[..., str] = QuickMacro.draw
    monkeypatch.setattr(QuickMacro, "draw", lambda self, *given: drawn.append(self.name) or draw(self, *given))
    monkeypatch.setattr(Context, "call", lambda *_: pytest.fail("Jinja's own way"))
    assert template.render(value="<", **_GIVEN) == "[&lt;:&lt;]&lt;value&gt;!"
    assert drawn == ["box", None], "the macro and what it was called with"


def test_a_traceback_names_the_templates_line() -> None:
    page = "one\ntwo\n{{ 1 / none }}"
    with pytest.raises(TypeError) as broken:
        _environment(QuickEnvironment, {"page": page}).get_template("page").render()
    assert broken.traceback[-1].lineno == 2, "counted from 0"


def test_a_template_with_globals_of_its_own_is_refused() -> None:
    environment: Any = _environment(QuickEnvironment, {"page": "{{ x }}"})
    with pytest.raises(NotImplementedError, match="give it in the context"):
        environment.get_template("page", globals={"x": 1})
    assert "x" not in environment.globals


def _with_icons(drawn: list[str]) -> Environment:
    def draw(name: str, label: str | None = None, **more: str) -> Markup:
        drawn.append(name)
        return Markup("<i>{} {} {}</i>").format(name, label, more.get("class"))

    pages = {"components/icon.html": "{% set icon = drawn_icon %}", "page": _ICONS, "other": _OTHER}
    environment = _environment(QuickEnvironment, pages)
    environment.globals["drawn_icon"] = draw
    return environment


_ICONS = """{% from 'components/icon.html' import icon %}{{ icon('one') }}{{ icon('two', label='<') }}
{{- icon('three', **{'class': 'c'}) }}{{ icon(name) }}{% set kept = icon('four') %}{{ kept ~ '<' }}"""
_OTHER = "{% macro icon(name) %}own {{ name }}{% endmacro %}{{ icon('one') }}"


def test_an_icon_with_a_fixed_name_stands_in_the_compiled_template() -> None:
    drawn: list[str] = []
    template = _with_icons(drawn).get_template("page")
    assert drawn == ["one", "two", "four"]
    page = "<i>one None None</i><i>two &lt; None</i><i>three None c</i><i>five None None</i><i>four None None</i>&lt;"
    assert template.render(name="five") == page
    assert template.render(name="five") == page
    assert sorted(drawn) == sorted(["one", "two", "four", *["three", "five"] * 2])


def test_an_icon_of_a_templates_own_is_left_alone() -> None:
    drawn: list[str] = []
    assert _with_icons(drawn).get_template("other").render() == "own one"
    assert drawn == []
