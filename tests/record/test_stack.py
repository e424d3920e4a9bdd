"""The text of a stack, and how its paths are shortened."""

import functools
import itertools
import os
import subprocess
import sys
import sysconfig
import threading

import pytest

from tracefunc._interpreter import FREE_THREADED
from tracefunc._record import stacks as _stack
from tracefunc._record.live_frames import all_frames
from tracefunc._record.stacks import PathLabels, longest_first, resolved, shorten, stack_text

pytestmark = pytest.mark.both_engines

HERE = os.path.basename(__file__)
LABELS = [("/opt/env/lib", "$SITE_PACKAGES"), ("/opt/env", "$VIRTUAL_ENV"), ("/home/me", "~")]

posix = pytest.mark.skipif(os.sep != "/", reason="POSIX paths")


# --- paths ---


@posix
@pytest.mark.parametrize(
    ("path", "base", "short"),
    [
        ("/opt/env/lib/a.py", "", "$SITE_PACKAGES/a.py"),
        ("/opt/env/a.py", "", "$VIRTUAL_ENV/a.py"),
        ("/opt/env", "", "$VIRTUAL_ENV"),
        ("/opt/environment/a.py", "", "/opt/environment/a.py"),
        ("/opt/a.py", "", "/opt/a.py"),
        ("/home/me/b/c.py", "", "~/b/c.py"),
        ("/home/me/b/c.py", "/home/me/b", "c.py"),
        ("/home/me/b/d/c.py", "/home/me/b", "d/c.py"),
        ("/home/me/bc.py", "/home/me/b", "~/bc.py"),
        ("/home/me/b", "/home/me/b", "~/b"),
        ("/home/me/b/../c.py", "/home/me/b", "../c.py"),
        ("/home/me/b//c.py", "/home/me/b", "c.py"),
        ("/home/me/../x.py", "", "~/../x.py"),
        ("/x.py", "/", "/x.py"),
        ("b/c.py", "b", "c.py"),
        ("b/c.py", "", "b/c.py"),
        ("b/c.py", "/home/me", "b/c.py"),
        ("home/me/c.py", "", "home/me/c.py"),
        ("<string>", "", "<string>"),
        ("<frozen runpy>", "/home/me", "<frozen runpy>"),
        ("<ipython-input-1-abc>", "<ipython-input-1-abc>", "<ipython-input-1-abc>"),
        ("", "", ""),
    ],
)
def test_shorten(path, base, short):
    assert shorten(path, base, LABELS) == short


@posix
def test_the_first_label_that_fits_wins():
    assert shorten("/a/b", "", [("/a", "1"), ("/a", "2")]) == "1/b"


def test_longest_directory_first_and_ties_in_order():
    labels = [("/a", "1"), ("/bbb", "2"), ("/c", "3"), ("/dd", "4"), ("/eee", "5")]
    assert [label for _, label in longest_first(labels)] == ["2", "5", "4", "1", "3"]


def test_resolved_drops_what_is_not_set_and_follows_links(tmp_path):
    (tmp_path / "real").mkdir()
    try:
        (tmp_path / "link").symlink_to(tmp_path / "real")
    except OSError:
        pytest.skip("no symbolic links here")
    places = [("", "none"), (str(tmp_path / "link" / "x"), "x")]
    assert resolved(places) == [(os.path.realpath(tmp_path / "real" / "x"), "x")]


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A configuration of which each directory is known; its names are longer the later they are asked for."""
    root = os.path.realpath(tmp_path)
    paths = {key: os.path.join(root, key) for key in ("purelib", "platlib", "stdlib", "platstdlib")}
    monkeypatch.setattr(sysconfig, "get_paths", lambda: paths)
    for name in ("prefix", "base_prefix", "exec_prefix", "base_exec_prefix"):
        monkeypatch.setattr(sys, name, os.path.join(root, name))
    monkeypatch.setenv("VIRTUAL_ENV", os.path.join(root, "venv"))
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, os.path.join(root, "home"))
    monkeypatch.setattr(_stack, "_installed", None)
    return root


@pytest.mark.parametrize(
    ("directory", "label"),
    [
        ("venv", "$VIRTUAL_ENV"),
        ("home", "~"),
        ("prefix", "$PYTHON_PREFIX"),
        ("base_prefix", "$PYTHON_BASE"),
        ("exec_prefix", "$PYTHON_EXEC_PREFIX"),
        ("base_exec_prefix", "$PYTHON_BASE_EXEC_PREFIX"),
        ("purelib", "$SITE_PACKAGES"),
        ("platlib", "$PLAT_SITE_PACKAGES"),
        ("stdlib", "$PYTHON_STDLIB"),
        ("platstdlib", "$PYTHON_PLAT_STDLIB"),
    ],
)
def test_every_label(fake, directory, label):
    path = os.path.join(fake, directory, "module.py")
    assert PathLabels("").shorten(path) == label + os.sep + "module.py"
    assert PathLabels(os.path.join(fake, "elsewhere")).shorten(path) == label + os.sep + "module.py"
    assert PathLabels(os.path.join(fake, directory)).shorten(path) == "module.py"


ORDER = [
    "VIRTUAL_ENV",
    "~",
    "prefix",
    "base_prefix",
    "exec_prefix",
    "base_exec_prefix",
    "purelib",
    "platlib",
    "stdlib",
    "platstdlib",
]
NAMES = ["$VIRTUAL_ENV", "~", "$PYTHON_PREFIX", "$PYTHON_BASE", "$PYTHON_EXEC_PREFIX", "$PYTHON_BASE_EXEC_PREFIX",
         "$SITE_PACKAGES", "$PLAT_SITE_PACKAGES", "$PYTHON_STDLIB", "$PYTHON_PLAT_STDLIB"]  # fmt: skip


@pytest.mark.parametrize("first", range(10))
def test_of_equal_directories_the_earlier_label(fake, monkeypatch, first):
    same = os.path.join(fake, "same")
    paths = {key: same if i >= first else "" for i, key in enumerate(ORDER)}
    monkeypatch.setattr(sysconfig, "get_paths", lambda: {k: v for k, v in paths.items() if v and k in ORDER[6:]})
    monkeypatch.setenv("VIRTUAL_ENV", paths["VIRTUAL_ENV"])
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, paths["~"] or os.path.join(fake, "other"))
    for name in ORDER[2:6]:
        monkeypatch.setattr(sys, name, paths[name])
    assert PathLabels("").shorten(os.path.join(same, "m.py")) == NAMES[first] + os.sep + "m.py"


def test_the_environment_is_read_when_the_trace_starts(fake, monkeypatch):
    before = PathLabels("")
    monkeypatch.setenv("VIRTUAL_ENV", os.path.join(fake, "other"))
    path = os.path.join(fake, "venv", "m.py")
    assert before.shorten(path) == os.path.join("$VIRTUAL_ENV", "m.py")
    assert PathLabels("").shorten(path) == path
    monkeypatch.delenv("VIRTUAL_ENV")
    assert PathLabels("").shorten(os.path.join(fake, "other", "m.py")) == os.path.join(fake, "other", "m.py")


def test_the_installation_is_looked_up_once(fake, monkeypatch):
    calls = []
    monkeypatch.setattr(sysconfig, "get_paths", lambda: calls.append(1) or {})
    for _ in range(3):
        PathLabels("").shorten(os.path.join(fake, "x.py"))
    assert len(calls) == 1
    PathLabels("")
    monkeypatch.setattr(sys, "prefix", os.path.join(fake, "moved"))
    assert PathLabels("").shorten(os.path.join(fake, "moved", "x.py")) == os.path.join("$PYTHON_PREFIX", "x.py")
    assert len(calls) == 2


def test_sysconfig_is_imported_only_for_a_stack():
    program = """
import sys
before = {*sys.modules}
from tracefunc._record import stacks as _stack
_stack.PathLabels("x")
print(sorted({"sysconfig", "inspect", "re", "types", "typing"} & ({*sys.modules} - before)))
"""
    command = [sys.executable, "-W", "error", "-c", program]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "[]\n"


# --- stacks ---


def here():
    """The line of the caller, in this file."""
    return sys._getframe(1).f_lineno


def leaf(anchor):
    return stack_text(sys._getframe(), anchor.__code__)


LEAF = f"leaf ({HERE}:{leaf.__code__.co_firstlineno})"


def outer(depth):
    if depth:
        return outer(depth - 1)
    return leaf(outer)


def test_one_line_per_frame_outermost_first():
    first = outer.__code__.co_firstlineno
    assert outer(0) == f"outer ({HERE}:{first + 3})\n{LEAF}"


def test_recursion_starts_at_the_outermost():
    first = outer.__code__.co_firstlineno
    recursion = f"outer ({HERE}:{first + 2})\n" * 2
    assert outer(2) == f"{recursion}outer ({HERE}:{first + 3})\n{LEAF}"


def test_the_target_itself():
    assert leaf(leaf) == LEAF


def test_not_on_the_stack():
    assert leaf(outer) == ""

    def start():
        texts = []
        thread = threading.Thread(target=lambda: texts.append(leaf(start)))
        thread.start()
        thread.join()
        return texts

    assert start() == [""]


def twin(anchor):
    return leaf(anchor)


def test_an_equal_code_object_is_another_one():
    copy = twin.__code__.replace()
    assert copy == twin.__code__
    assert stack_text(sys._getframe(), copy) == ""
    assert twin(twin).startswith("twin ")

    class Holder:
        __code__ = copy

    assert twin(Holder) == ""


def test_names_are_qualified_and_lines_are_where_frames_stand():
    lines = []

    class Class:
        def method(self):
            lines.append(here() + 1)
            return (lambda: leaf(anchor))()

    def anchor():
        lines.append(here() + 2)
        return "".join(
            text for text in [Class().method()]
        )  # fmt: skip

    text = anchor()
    prefix = "test_names_are_qualified_and_lines_are_where_frames_stand.<locals>."
    entries = [line for line in text.split("\n") if "<genexpr>" not in line]
    assert entries == [
        f"{prefix}anchor ({HERE}:{lines[0]})",
        f"{prefix}Class.method ({HERE}:{lines[1]})",
        f"{prefix}Class.method.<locals>.<lambda> ({HERE}:{lines[1]})",
        LEAF,
    ]


def decorate(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


@decorate
@decorate
def decorated(anchor):
    return stack_text(sys._getframe(), anchor.__code__)


def test_the_first_line_of_a_decorated_function_is_its_first_decorator():
    def anchor():
        return decorated(anchor)

    code = decorated.__wrapped__.__wrapped__.__code__
    lines = anchor().split("\n")
    assert lines[-1] == f"decorated ({HERE}:{code.co_firstlineno})"
    assert [line.split(" ")[0] for line in lines[1:-1]] == ["decorate.<locals>.wrapper"] * 2


def test_the_interpreter_starts_a_function_on_its_first_line():
    """So PY_START's own line could be shown as well, and is the same."""
    seen = []
    monitoring, tool = sys.monitoring, 4
    code = decorated.__wrapped__.__wrapped__.__code__

    def started(code, offset):
        seen.append(sys._getframe(1).f_lineno)

    monitoring.use_tool_id(tool, "test_stack")
    try:
        monitoring.register_callback(tool, monitoring.events.PY_START, started)
        monitoring.set_local_events(tool, code, monitoring.events.PY_START)
        decorated(decorated)
    finally:
        monitoring.set_local_events(tool, code, 0)
        monitoring.register_callback(tool, monitoring.events.PY_START, None)
        monitoring.free_tool_id(tool)
    assert seen == [code.co_firstlineno]


def test_generators_stand_where_they_are_resumed():
    def numbers():
        yield leaf(anchor)
        yield 1

    def anchor():
        return next(numbers())

    names = [line.split(" ")[0].rpartition(".")[2] for line in anchor().split("\n")]
    assert names == ["anchor", "numbers", "leaf"]


def test_other_files_and_code_without_a_file():
    space = {"leaf": leaf}
    exec("def via(anchor):\n\n    return leaf(anchor)", space)

    def anchor():
        return [via(anchor) for via in [functools.partial(space["via"])]][0]

    entries = anchor().split("\n")
    assert entries[1:] == ["via (<string>:3)", LEAF]
    assert entries[0].endswith(f" ({HERE}:{anchor.__code__.co_firstlineno + 1})")


def test_the_standard_library_has_a_label():
    import re

    def anchor():
        return re.sub("x", lambda match: leaf(anchor), "x")

    library = [line for line in anchor().split("\n") if line.startswith("sub ")]
    assert len(library) == 1
    assert "$" in library[0] or "~" in library[0]
    assert os.path.join("re", "__init__.py") in library[0]


def test_labels_are_shared_by_the_stacks_of_a_trace(fake):
    labels = PathLabels("")
    labels.shorten(os.path.join(fake, "home", "x"))

    def anchor():
        return stack_text(sys._getframe(), anchor.__code__, labels)

    assert anchor() == anchor()
    assert __file__ in labels._shortened


def test_nothing_keeps_the_frames_alive():
    import gc
    import weakref

    class Local:
        pass

    def anchor():
        local = Local()
        assert leaf(anchor)
        return weakref.ref(local)

    gc.disable()
    try:
        assert anchor()() is None
    finally:
        gc.enable()


@pytest.mark.slow
@pytest.mark.skipif(FREE_THREADED, reason="threads run on meanwhile: all_frames() gives none")
def test_all_frames_are_those_of_one_moment():
    """A thread that goes on while its stack is walked would suspend a generator, and the walk end there."""
    begun, ended = threading.Barrier(5), threading.Event()

    def work():
        begun.wait(60)
        any(ended.is_set() for _ in itertools.count())

    threads = [threading.Thread(target=work) for _ in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        begun.wait(60)
        seen = {sum(frame.f_code is work.__code__ for frame in all_frames()) for _ in range(10_000)}
    finally:
        ended.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)
    assert seen == {4}
    assert sys._getframe() in all_frames()
