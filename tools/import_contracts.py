"""Kinds of contracts for import-linter that pyproject.toml uses: layers with the compiled module, and lazy imports."""

import ast
import re
from importlib.util import find_spec
from pathlib import Path

from importlinter import Contract, ContractCheck, fields, output
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract

COMPILED = "_fastmon"
CYTHON_IMPORT = re.compile(r"^[ \t]*from[ \t]+(\.*)([\w.]*)[ \t]+c?import[ \t]+(\([^)]*\)|[^\n#]*)", re.MULTILINE)


def folder_of(package):
    """The folder of a package that may be imported by its name, without importing it."""
    return Path(find_spec(package).origin).parent


def module_named(graph, names):
    """The longest prefix of dotted names that is a module of the graph, as one name; None where none is."""
    for length in range(len(names), 0, -1):
        if ".".join(names[:length]) in graph.modules:
            return ".".join(names[:length])
    return None


def relative(package, dots, module):
    """The absolute names of what a relative import in a module of `package` mentions."""
    return package[: len(package) - dots + 1] + (module.split(".") if module else [])


def add_compiled(graph, package):
    """Add the compiled module, what its sources and its stub import, and the modules that import it."""
    folder, compiled = folder_of(package), f"{package}.{COMPILED}"
    graph.add_module(compiled)

    def add(importer, names, line, text):
        imported = module_named(graph, names)
        if imported and imported != importer and compiled in (importer, imported):
            graph.add_import(importer=importer, imported=imported, line_number=line, line_contents=text)

    for file in [*folder.glob(f"{COMPILED}.py[xi]"), *folder.glob("_native/*.pxi")]:
        source = file.read_text(encoding="utf-8")
        for match in CYTHON_IMPORT.finditer(source):
            dots, module, names = match.groups()
            base = relative([package], len(dots), module) if dots else module.split(".")
            line = source.count("\n", 0, match.start()) + 1
            for name in re.findall(r"(\w+)(?:\s+as\s+\w+)?", names.strip("()")):
                add(compiled, [*base, name], line, match.group().strip())
    for file in folder.rglob("*.py"):
        within = [package, *file.relative_to(folder).with_suffix("").parts]
        importer = ".".join(within[:-1] if within[-1] == "__init__" else within)
        source = file.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(source)) if COMPILED in source else ():
            if isinstance(node, ast.ImportFrom):
                base = relative(within[:-1], node.level, node.module) if node.level else node.module.split(".")
                for name in node.names:
                    add(importer, [*base, name.name], node.lineno, ast.unparse(node))


class CompiledLayers(LayersContract):
    """Layers that hold for the compiled module as well."""

    def check(self, graph, verbose):
        add_compiled(graph, self.session_options["root_packages"][0])
        return super().check(graph, verbose)


class CompiledForbidden(ForbiddenContract):
    """Forbidden imports, of the compiled module as well."""

    def check(self, graph, verbose):
        add_compiled(graph, self.session_options["root_packages"][0])
        return super().check(graph, verbose)


class OnlyInFunctions(Contract):
    """A module imports what is in a package only when one of its functions runs."""

    type_name = "only_in_functions"
    importer = fields.ModuleField()
    imported = fields.ModuleField()

    def check(self, graph, verbose):
        package, *names = self.importer.name.split(".")
        source = folder_of(package).joinpath(*names).with_suffix(".py").read_text(encoding="utf-8")
        functions = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
        inside = {line for function in functions for line in range(function.lineno, function.end_lineno + 1)}
        found = []
        for imported in graph.find_modules_directly_imported_by(self.importer.name):
            if f"{imported}.".startswith(f"{self.imported.name}."):
                details = graph.get_import_details(importer=self.importer.name, imported=imported)
                found += [(imported, d["line_number"]) for d in details if d["line_number"] not in inside]
        return ContractCheck(kept=not found, metadata={"found": sorted(found)})

    def render_broken_contract(self, check):
        for imported, line in check.metadata["found"]:
            output.print_error(f"{self.importer.name}:{line} imports {imported} outside of a function")
