"""Jinja with shorter ways for what a page does hundreds of times (PERF-1); what it writes stays the same.

Writing a value, calling a macro and reading a field go through code that serves all that a template can have. Here
the ordinary case is asked for first, and everything else goes Jinja's own way.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from functools import _lru_cache_wrapper, partial
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import markupsafe
from flask.templating import Environment
from jinja2 import Template, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.environment import TemplateModule
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, Macro
from jinja2.utils import missing
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

_escape_text: Callable[[str], str] = markupsafe._escape_inner  # type: ignore[attr-defined]  # noqa: SLF001 - in C
_ORDINARY = frozenset({FunctionType, MethodType, BuiltinFunctionType, _lru_cache_wrapper})
_OF_EVERY_DICT = frozenset(dir(dict))
# What is joined out of safe pieces is safe: without asking each time whether it is an object that knows its own markup.
safe: Callable[[str], Markup] = partial(str.__new__, Markup)
_ICON = "components/icon.html"
_IMPORTS = "from jinja2.runtime import "


def escape(value: Any) -> str:
    """A value as the page has it: as ``markupsafe.escape``, but not marked as safe, since it is only joined."""
    kind = type(value)
    if kind is str:
        return _escape_text(value)
    if kind is Markup:
        return value  # type: ignore[no-any-return]
    if kind is int:
        return str(value)
    return markupsafe.escape(value)


class QuickMacro(Macro):
    """A macro with a quick way in."""

    def draw(self, eval_ctx: EvalContext, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """The same as calling it.

        :raises TypeError: it does not take what it is given
        """
        given = len(args)
        if self.catch_kwargs or self.catch_varargs or given > self._argument_count:
            return super().__call__(eval_ctx, *args, **kwargs)
        arguments = [*args]
        if given < self._argument_count:
            arguments += [kwargs.pop(name, missing) for name in self.arguments[given:]]
        if self.caller and not self.explicit_caller:
            caller = kwargs.pop("caller", None)
            if caller is None:
                caller = self._environment.undefined("No caller defined", name="caller")
            arguments.append(caller)
        if kwargs:  # there is one that it does not take: Jinja says so
            taken = zip(self.arguments[given:], arguments[given:], strict=False)
            kwargs.update({name: value for name, value in taken if value is not missing})
            return super().__call__(eval_ctx, *args, **kwargs)
        drawn = self._func(*arguments)
        if eval_ctx.autoescape and type(drawn) is not Markup:
            return safe(drawn)
        return drawn


class _Context(Context):
    """What a template calls things through."""

    def call(self, called: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """As Jinja's own: macros, and functions that do not ask for the context, are called at once."""
        kind = type(called)
        is_macro = kind is QuickMacro
        if is_macro or (kind in _ORDINARY and not hasattr(called, "jinja_pass_arg")):
            if kwargs:
                kwargs.pop("_block_vars", None)
                kwargs.pop("_loop_vars", None)
            if is_macro:
                return called.draw(self.eval_ctx, args, kwargs)  # type: ignore[attr-defined]
            try:
                return called(*args, **kwargs)
            except StopIteration:
                return self.environment.undefined("a callable raised a StopIteration exception")
        return super().call(called, *args, **kwargs)


class _Template(Template):
    """A template whose imports are found quickly."""

    def _get_default_module(self, importer: Context | None = None) -> TemplateModule:
        # Jinja compares all names of both templates' globals at each import; here every template has the environment's
        # and none of its own, so that as many names are the same names.
        known: TemplateModule | None = self._module
        if known is not None and importer is not None and len(importer.globals_keys) == len(self.environment.globals):
            return known
        return super()._get_default_module(importer)


class _DrawnIcons(NodeTransformer):
    """Writes an icon with a fixed name into the compiled template: a page has dozens."""

    def __init__(self, draw: Callable[..., Markup]) -> None:
        self._draw = draw

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 - Jinja names it
        self.generic_visit(node)
        if not isinstance(node.node, nodes.Name) or node.node.name != "icon" or node.dyn_args or node.dyn_kwargs:
            return node
        given = [one.value for one in node.args if isinstance(one, nodes.Const)]
        named = {one.key: one.value.value for one in node.kwargs if isinstance(one.value, nodes.Const)}
        if len(given) + len(named) < len(node.args) + len(node.kwargs):
            return node
        return nodes.Const(self._draw(*given, **named), lineno=node.lineno)


def _imports_icon(source: nodes.Template) -> bool:
    return any(
        "icon" in each.names and isinstance(each.template, nodes.Const) and each.template.value == _ICON
        for each in source.find_all(nodes.FromImport)
    )


class _Generator(CodeGenerator):
    """Writes ``a.b`` into a compiled template as what it nearly always is, an attribute that is there."""

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:  # noqa: N802 - Jinja names it
        self.write("(_found if (_found := getattr((_of := ")
        self.visit(node.node, frame)
        self.write(f"), {node.attr!r}, missing)) is not missing else environment.getattr(_of, {node.attr!r}))")


class QuickEnvironment(Environment):
    """Flask's environment of templates, whose compiled templates use the ways above."""

    code_generator_class = _Generator
    context_class = _Context
    template_class = _Template

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._loaded: dict[str, Template] = {}

    def get_template(
        self,
        name: str | Template,
        parent: str | None = None,
        globals: MutableMapping[str, Any] | None = None,  # noqa: A002 - Jinja names it
    ) -> Template:
        """As Jinja's own: one that was loaded and cannot change is at hand."""
        if globals is not None or self.auto_reload or type(name) is not str:
            return super().get_template(name, parent, globals)
        found = self._loaded.get(name)
        if found is None:
            found = self._loaded[name] = super().get_template(name, parent)
        return found

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The environment's globals themselves: with some of its own, a template would look in two places for each.

        :raises NotImplementedError: it has
        """
        if d:
            raise NotImplementedError("Templates here have no globals of their own: give it in the context.")
        return self.globals

    def getattr(self, obj: Any, attribute: str) -> Any:
        """``obj.attribute`` in a template, which may be a key; a key of a dictionary needs no exception to be found."""
        if type(obj) is dict and attribute not in _OF_EVERY_DICT:
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        try:
            return getattr(obj, attribute)
        except AttributeError:
            return super().getattr(obj, attribute)

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        # A hook of Jinja's. On the same line, so that lines in tracebacks stay right.
        draw: Any = self.globals.get("drawn_icon")
        if draw is not None and _imports_icon(source):
            source = _DrawnIcons(draw).visit(source)
        imports, _, rest = super()._generate(source, *args, **kwargs).partition("\n")
        if not imports.startswith(_IMPORTS):
            message = f"Jinja compiles templates in another way than this was made for: {imports[:60]}"
            raise RuntimeError(message)
        return f"{imports}; from {__name__} import QuickMacro as Macro, escape, safe as Markup\n{rest}"
