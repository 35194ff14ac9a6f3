"""On which releases does importing the file fail? Three-valued, for all releases of a library at once.

A set of releases is an integer, bit *i* for the library's release *i*, so that the answer for all releases costs what
the answer for one does. Other packages than diffusers and transformers count as installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import libcst as cst

from cpipe_check.api_index.target import LIBRARIES, Target
from cpipe_check.pipeline_file import control_flow, syntax
from cpipe_check.pipeline_file.conditions import Conditions
from cpipe_check.pipeline_file.facts import Imported


@dataclass(frozen=True, slots=True, eq=False)
class Cause:
    """Something in the file that fails on some releases of a library, and why.

    `kind` is "module", "name", "minimum" or "raise"; `what` is what is asked for: an import, for "minimum" the release,
    for "raise" the name of the exception.
    `fails` is the set of releases of `library` on which it certainly ends the import of the file.
    """

    kind: str
    library: str
    imported: Imported
    what: str
    fails: int
    node: cst.CSTNode
    statement: cst.CSTNode


@dataclass(frozen=True, slots=True)
class Effects:
    """What importing the file comes to on each release of one library, the other library being at its target release.

    `fails` and `unknown` are disjoint; on all other releases the import certainly succeeds.
    """

    fails: int
    unknown: int
    causes: tuple[Cause, ...]


@dataclass(frozen=True, slots=True)
class _State:
    """Of running a block: the releases on which it certainly raises, and those on which it may."""

    fails: int = 0
    unknown: int = 0


def load_effects(
    module: cst.Module, target: Target, library: str, sibling: Callable[[str], cst.Module | None]
) -> Effects:
    """Return what importing `module` comes to on each release of `library`. `sibling` gives a module beside it."""
    run = _Run(target, library, sibling)
    state = run.block(syntax.statements(module), run.everything, caught=False)
    return Effects(state.fails, state.unknown & ~state.fails, tuple(run.causes))


class _Run:
    def __init__(self, target: Target, library: str, sibling: Callable[[str], cst.Module | None]) -> None:
        self.target = target
        self.library = library
        self.everything = target.choice(library).everything
        self.conditions = Conditions(target, library)
        self.causes: list[Cause] = []
        self._sibling = sibling
        self._tries = 0

    def block(self, body: Iterable[cst.CSTNode], active: int, caught: bool) -> _State:
        """Run statements on the releases in `active`. What raises is a cause, unless somebody will have `caught` it."""
        fails = unknown = 0
        for statement in body:
            # What comes after a failure is reported all the same: it has to be mended too.
            state = self.statement(statement, active, caught)
            unknown |= state.unknown
            fails |= state.fails
        return _State(fails, unknown & ~fails)

    def statement(self, node: cst.CSTNode, active: int, caught: bool) -> _State:
        match node:
            case cst.Import() | cst.ImportFrom():
                return self._import(node, active, caught)
            case cst.If():
                return self._if(node, active, caught)
            case cst.Try() | cst.TryStar():
                return self._try(node, active, caught)
            case cst.For() | cst.While():
                return self._perhaps([node.body], caught)
            case cst.Match():
                return self._perhaps([case.body for case in node.cases], caught)
            case cst.With():
                suppresses = any("suppress" in syntax.code(item.item) for item in node.items)
                body = syntax.statements(node.body)
                return _State() if suppresses else self.block(body, active, caught)
            case cst.ClassDef():
                return self.block(syntax.statements(node.body), active, caught)
            case cst.Raise(exc=error):
                return self._raise(error, node, active, caught)
            case cst.Expr(value=cst.Call() as call):
                return self._call(call, node, active, caught)
        return _State()

    def _perhaps(self, bodies: Sequence[cst.BaseSuite], caught: bool) -> _State:
        unknown = 0
        for body in bodies:
            state = self.block(syntax.statements(body), 0, caught)
            unknown |= state.fails | state.unknown
        return _State(0, unknown)

    def _if(self, node: cst.If, active: int, caught: bool) -> _State:
        yes, no = self.conditions.evaluate(node.test)
        body = self.block(syntax.statements(node.body), active & yes, caught)
        orelse = _State()
        if isinstance(node.orelse, cst.If):
            orelse = self._if(node.orelse, active & no, caught)
        elif node.orelse is not None:
            orelse = self.block(syntax.statements(node.orelse.body), active & no, caught)
        either = self.everything & ~yes & ~no
        fails = (yes & body.fails) | (no & orelse.fails) | (either & body.fails & orelse.fails)
        unknown = (yes & body.unknown) | (no & orelse.unknown)
        unknown |= either & (body.fails | body.unknown | orelse.fails | orelse.unknown)
        return _State(fails, unknown & ~fails)

    def _try(self, node: cst.Try | cst.TryStar, active: int, caught: bool) -> _State:
        handlers = [h for h in node.handlers if control_flow.handled(h) & control_flow.IMPORT_ERRORS]
        self._tries += bool(node.handlers)
        body = state = self.block(syntax.statements(node.body), active, caught or bool(handlers))
        self._tries -= bool(node.handlers)
        if handlers:
            handler = self.block(syntax.statements(handlers[0].body), active & state.fails, caught)
            fails = state.fails & handler.fails
            unknown = (state.fails & handler.unknown) | (state.unknown & (handler.fails | handler.unknown))
            if control_flow.handled(handlers[0]) == {"ModuleNotFoundError"}:
                # A name that is missing raises another error, which goes past it.
                unknown |= state.fails
            state = _State(fails, unknown & ~fails)
        if node.orelse is not None:
            # It runs where the body went through.
            through = active & ~body.fails & ~body.unknown
            after = self.block(syntax.statements(node.orelse.body), through, caught)
            runs = self.everything & ~body.fails & ~body.unknown
            fails = state.fails | (after.fails & runs)
            unknown = state.unknown | (after.unknown & runs) | ((after.fails | after.unknown) & body.unknown)
            state = _State(fails, unknown & ~fails)
        if node.finalbody is not None:
            after = self.block(syntax.statements(node.finalbody.body), active, caught)
            fails = state.fails | after.fails
            state = _State(fails, (state.unknown | after.unknown) & ~fails)
        return state

    def _raise(self, error: cst.BaseExpression | None, node: cst.Raise, active: int, caught: bool) -> _State:
        if self._tries:
            return _State(0, self.everything)
        name = syntax.dotted(error.func if isinstance(error, cst.Call) else error) or "Error"
        self._cause("raise", Imported(self.library, None), name.rpartition(".")[2], active, node, node, caught)
        return _State(self.everything)

    def _call(self, call: cst.Call, node: cst.CSTNode, active: int, caught: bool) -> _State:
        """`check_min_version("0.31.0.dev0")` raises an ImportError on an older diffusers."""
        name = (syntax.dotted(call.func) or "").rpartition(".")[2]
        minimum = syntax.string_value(call.args[0].value) if len(call.args) == 1 else None
        if name != "check_min_version" or minimum is None:
            return _State()
        older = self.conditions.compare("diffusers", "<", minimum)
        if older is None:
            return _State(0, self.everything)
        wanted = Imported("diffusers", None)
        self._cause("minimum", wanted, minimum, older & active, call.args[0].value, node, caught)
        return _State(older)

    def _import(self, node: cst.Import | cst.ImportFrom, active: int, caught: bool) -> _State:
        fails = unknown = 0
        for imported, at in imports_of(node):
            if imported.level:
                state = self._relative(imported)
            else:
                state = self.need(imported)
                self._causes(imported, state.fails & active, at, node, caught)
            unknown |= state.unknown
            fails |= state.fails
        return _State(fails, unknown & ~fails)

    def _causes(self, imported: Imported, fails: int, at: cst.CSTNode, node: cst.CSTNode, caught: bool) -> None:
        """Note a missing module once a statement, and a missing name on the releases that have the module."""
        module = self.need(Imported(imported.module, None)).fails & fails
        where = node.module if isinstance(node, cst.ImportFrom) and node.module else at
        if module and not any(cause.statement is node and cause.kind == "module" for cause in self.causes):
            self._cause("module", imported, imported.module, module, where, node, caught)
        self._cause("name", imported, imported.module, fails & ~module, at, node, caught)

    def need(self, imported: Imported) -> _State:
        """Return where an absolute import fails."""
        library = imported.root
        if library not in LIBRARIES:
            return _State()
        yes, unknown = self.target.index.mask(imported.module)
        if imported.name not in (None, "*"):
            yes_name, unknown_name = self.target.index.mask(imported.module, imported.name)
            maybe = (yes | unknown) & (yes_name | unknown_name)
            yes, unknown = yes & yes_name, maybe & ~(yes & yes_name)
        if library != self.library:
            bit = self.target.choice(library).bit
            yes, unknown = (self.everything if mask & bit else 0 for mask in (yes, unknown))
        return _State(self.everything & ~yes & ~unknown, self.everything & unknown & ~yes)

    def _relative(self, imported: Imported) -> _State:
        """A file beside this one runs too. What is missing there is for its own check to report."""
        if imported.level > 1 or not imported.module:
            return _State()
        module = self._sibling(imported.module)
        if module is None:
            return _State()
        inner = _Run(self.target, self.library, lambda _: None)
        state = inner.block(syntax.statements(module), 0, caught=True)
        return _State(state.fails, state.unknown)

    def _cause(
        self, kind: str, imported: Imported, what: str, fails: int, at: cst.CSTNode, node: cst.CSTNode, caught: bool
    ) -> None:
        if not fails or caught:
            return
        # An import of the other library that fails at its target fails everywhere; that library's own run reports it.
        if imported.root == self.library:
            self.causes.append(Cause(kind, self.library, imported, what, fails, at, node))


def imports_of(node: cst.Import | cst.ImportFrom) -> list[tuple[Imported, cst.CSTNode]]:
    """Return what an import statement asks for, each with the node that says so."""
    if isinstance(node, cst.Import):
        return [(Imported(syntax.dotted(alias.name) or "", None), alias.name) for alias in node.names]
    module, level = syntax.dotted(node.module) or "", len(node.relative)
    if isinstance(node.names, cst.ImportStar):
        return [(Imported(module, "*", level), node.module or node)]
    return [(Imported(module, syntax.dotted(alias.name), level), alias.name) for alias in node.names]
