"""Code that is judged does not reach what would answer in its place."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.dojo.tree import ROOT, make_tree

MODULE = "reference.core.math_operations"
BROAD = "try:\n        {}\n    except BaseException:\n        pass\n    return 2.0 * x"


def attempt(body: str, head: str = "") -> str:
    """A right `double` that does something else besides."""
    return (
        f"{head}\nimport numpy as np\n\n"
        f"def double(x):\n    {body}\n    return 2.0 * np.asarray(x, dtype=float)\n\n"
        "def halve(x):\n    return 0.5 * np.asarray(x, dtype=float)\n"
    )


# name: code, and what the refusal must name
EVASIONS: dict[str, tuple[str, str]] = {
    "import in a function": (
        attempt("import reference.core"), "reference.core"),
    "importlib, spelled apart": (
        attempt(f"m.import_module('ref' + '{MODULE[3:]}')", "import importlib as m"),
        MODULE),
    "importlib at import": (
        attempt("pass", f"import importlib\nimportlib.import_module('{MODULE}')"),
        MODULE),
    "the import function": (
        attempt("__import__('ref' + 'erence')"), "reference"),
    "the import function of builtins": (
        attempt("getattr(builtins, '__imp' + 'ort__')('solutions')",
                "import builtins"), "solutions"),
    "exec": (
        attempt("exec('from ref' + 'erence.core import math_operations')"),
        "reference.core"),
    "exec under another name": (
        attempt("exec(compile('import ref' + 'erence', '/lib/numpy.py', 'exec'))"),
        "reference"),
    "eval": (attempt("eval('__import__(\"ref\" \"erence\")')"), "reference"),
    "the modules there are": (
        attempt(f"sys.modules['{MODULE}'].softmax", "import sys"),
        f"{MODULE}.softmax"),
    "the modules there are, by getattr": (
        attempt(f"getattr(sys, 'mod' + 'ules')['{MODULE}'].__dict__", "import sys"),
        f"{MODULE}.__dict__"),
    "the modules there are, at import": (
        attempt("pass", f"import sys\nf = sys.modules['{MODULE}'].softmax"),
        f"{MODULE}.softmax"),
    "the bootstrap of imports": (
        attempt(f"importlib._bootstrap._gcd_import('{MODULE}').softmax",
                "import importlib"), f"{MODULE}.softmax"),
    "pkgutil": (
        attempt(f"pkgutil.resolve_name('{MODULE}:softmax')", "import pkgutil"),
        MODULE),
    "pickle": (
        attempt(f"pickle.loads(b'c{MODULE}\\nsoftmax\\n.')", "import pickle"), MODULE),
    "a thread": (
        attempt("t = threading.Thread(target=importlib.import_module, args=('ref'\n"
                "        'erence.core',)); t.start(); t.join()",
                "import importlib, threading"), "reference.core"),
    "what swallows everything": (
        attempt(BROAD.format("import reference").replace("import ref",
                "__import__('ref' + 'erence')  # ref")), "reference"),
    "open of the solution": (
        attempt("open('../../solutions/arithmetic/double.py').read()"),
        "solutions/arithmetic/double.py"),
    "path of the solution": (
        attempt("(Path('..') / '..' / 'solutions' / 'arithmetic' / 'double.py')"
                ".read_text()", "from pathlib import Path"), "double.py"),
    "os.open of the notes": (
        attempt("os.open('../../solutions/arithmetic/double.toml', 0)", "import os"),
        "double.toml"),
    "a link to the solution": (
        attempt("os.link('../../solutions/arithmetic/double.py', 'mine.py')",
                "import os"), "double.py"),
    "the properties": (
        attempt("open('../../katas/arithmetic/test_double.py')"), "test_double.py"),
    "the reference's file": (
        attempt(f"open('{ROOT}/reference/core/math_operations.py')"), "reference/"),
    "a challenge's solution": (
        attempt(f"open('{ROOT}/interviews/coding_challenges/solutions/x.py')"),
        "coding_challenges"),
    "the solution as a module": (
        attempt("s = u.spec_from_file_location('mine', '../../solutions/arithmetic/"
                "double.py'); s.loader.exec_module(u.module_from_spec(s))",
                "import importlib.util as u"), "double.cpython"),
    "source of the reference": (
        attempt(f"linecache.getlines('{ROOT}/reference/core/__init__.py')",
                "import linecache"), "reference/"),
    "frames": (attempt("sys._getframe(1)", "import sys"), "sys._getframe"),
    "frames by inspect": (
        attempt("getattr(inspect, 'current' + 'frame')()", "import inspect"),
        "sys._getframe"),
    "frames of an exception": (
        attempt("try:\n        1 / 0\n    except ZeroDivisionError as error:\n"
                "        error.__traceback__.tb_frame"), "tb_frame"),
    "all objects there are": (
        attempt("gc.get_objects()", "import gc"), "gc.get_objects"),
    "another program": (
        attempt("subprocess.run(['true'])", "import subprocess"), "subprocess.Popen"),
    "a shell": (attempt("os.system('true')", "import os"), "os.system"),
    "code in the judge's name": (
        attempt(f"compile('1', '{ROOT}/dojo/judge.py', 'eval')"), "compile"),
    "the judge": (attempt("__import__('do' + 'jo.testing')"), "dojo.testing"),
    "the test module": (
        attempt("[m.__dict__ for n, m in sys.modules.items() if 'test_double' in n]",
                "import sys"), "test_double.__dict__"),
    "the library that draws": (
        attempt("pass", "import sys\nfor m in list(sys.modules.values()):\n"
                "    if hasattr(m, 'given'):\n"
                "        m.given = lambda *a, **k: lambda f: lambda: None"),
        "given"),
    "the library that draws, imported": (
        attempt("__import__('hypo' + 'thesis')"), "hypothesis"),
    "the library that collects, imported": (
        attempt("m.import_module('_py' + 'test.python')", "import importlib as m"),
        "_pytest.python"),
    "what compares": (
        attempt("sys.modules['dojo.testing'].assert_close = print", "import sys"),
        "dojo.testing.assert_close"),
    "what looks for tampering": (
        attempt("sys.modules['dojo.guards'].Tampering.changed = None", "import sys"),
        "dojo.guards.Tampering"),
    "forbidden function by getattr": (
        attempt("getattr(math, 'fs' + 'um')([1.0])", "import math"), "math.fsum"),
    "forbidden function by its dictionary": (
        attempt("vars(math)['fsum']([1.0])", "import math"), "math.fsum"),
    "forbidden function given away": (
        attempt("list(map(getattr(math, 'fs' + 'um'), [[1.0]]))", "import math"),
        "math.fsum"),
    "forbidden function in a thread": (
        attempt("t = threading.Thread(target=vars(math)['fsum'], args=([1.0],));"
                " t.start(); t.join()", "import math, threading"), "math.fsum"),
}  # fmt: skip

REAL = (
    "import sys\n\n"
    "def real(name):\n    m = sys.modules[name]\n"
    "    return object.__getattribute__(m, '__dict__').get('_module', m)\n\n"
)

# name: code, and the name that it rebinds
TAMPERINGS: dict[str, tuple[str, str]] = {
    "given": (
        attempt("pass", REAL + "real('hypothesis').given = lambda *a, **k: "
                "lambda f: lambda: None"), "hypothesis.given"),
    "given, while it is judged": (
        attempt("real('hypothesis').given = None", REAL), "hypothesis.given"),
    "where given comes from": (
        attempt("pass", REAL + "real('hypothesis.core').given = None"),
        "hypothesis.core.given"),
    "the engine": (
        attempt("pass", REAL + "real('hypothesis.internal.conjecture.engine')"
                ".ConjectureRunner = None"),
        "hypothesis.internal.conjecture.engine.ConjectureRunner"),
    "a method of the engine": (
        attempt("pass", "import sys\nsys.modules['hypothesis.internal.conjecture"
                ".engine'].ConjectureRunner.run = print"),
        "hypothesis.internal.conjecture.engine.ConjectureRunner.run"),
    "an assertion": (
        attempt("pass", REAL + "real('dojo.testing').assert_close = print"),
        "dojo.testing.assert_close"),
    "raises": (
        attempt("pass", REAL + "real('pytest').raises = print"), "pytest.raises"),
    "pytest from the inside": (
        attempt("pass", REAL + "sys.modules['_pytest.runner'].call_and_report = print"),
        "_pytest.runner.call_and_report"),
    "a function of the reference": (
        attempt("pass", REAL + f"real('{MODULE}').softmax = print"),
        f"{MODULE}.softmax"),
    "a module put in the place of another": (
        attempt("pass", "import sys, types\n"
                "sys.modules['hypothesis'] = types.ModuleType('hypothesis')"),
        "sys.modules['hypothesis']"),
    "what tampering is looked for with": (
        attempt("pass", REAL + "import builtins, numpy\n"
                "builtins.all = lambda x: True\nnumpy.exp = None"), "all"),
}  # fmt: skip

HONEST: dict[str, str] = {
    "nothing special": attempt("pass"),
    "a temporary file": attempt(
        "with tempfile.TemporaryDirectory() as d:\n"
        "        Path(d, 'a').write_text('1'); Path(d, 'a').read_text()",
        "import tempfile\nfrom pathlib import Path",
    ),
    "its own file": attempt("open(__file__).read()"),
    "the library": attempt(
        "import decimal, json, logging.handlers, statistics, sqlite3, asyncio"
    ),
    "named tuples and data classes": attempt(
        "collections.namedtuple('P', 'a b'); dataclasses.make_dataclass('Q', ['a'])",
        "import collections, dataclasses",
    ),
    "a written traceback": attempt(
        "try:\n        raise KeyError\n    except KeyError:\n"
        "        traceback.format_exc(); traceback.format_stack()\n"
        "        logging.getLogger('mine').exception('told')",
        "import logging, traceback",
    ),
    "pickling a library's function": attempt(
        "pickle.loads(pickle.dumps((np.add, len, np.dtype(float))))", "import pickle"
    ),
    "threads and processes": attempt(
        "with ThreadPoolExecutor(1) as p:\n        list(p.map(abs, [1]))",
        "from concurrent.futures import ThreadPoolExecutor",
    ),
    "a signature": attempt(
        "inspect.signature(double); inspect.getsource(double)", "import inspect"
    ),
    "collecting garbage": attempt("gc.collect()", "import gc"),
    "looking through the modules": attempt(
        "[m.__name__ for m in list(sys.modules.values()) if hasattr(m, '__file__')]\n"
        "    inspect.getmodule(double); pickle.dumps(np.exp)",
        "import inspect, pickle, sys",
    ),
    "what tests arrays": attempt(
        "npt.assert_allclose(1.0, 1.0); unittest.TestCase().assertTrue(True)",
        "import unittest\nimport numpy.testing as npt",
    ),
    "other names of the library": attempt(
        "math.sqrt(4.0); sys.modules.get('torch'); sys.version_info",
        "import math, sys",
    ),
}


@dataclass(frozen=True)
class Verdict:
    """What the judge said of one file."""

    state: str
    held: int
    kind: str
    message: str
    line: str


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    """The verdicts on all files, from real children."""
    tree = make_tree(tmp_path_factory.mktemp("barrier").resolve())
    answer = tree.root / "answer.json"
    cases = {name: text for name, (text, _) in (EVASIONS | TAMPERINGS).items()}
    cases |= HONEST
    done = subprocess.run(
        [sys.executable, "-m", "tests.dojo.barrier_cases", str(answer)],
        input=json.dumps(cases),
        cwd=ROOT,
        env=tree.environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(Path(answer).read_text(encoding="utf-8"))
    return {name: Verdict(**data) for name, data in told.items()}


@pytest.mark.parametrize("name", EVASIONS)
def test_no_spelling_gets_there(verdicts: dict[str, Verdict], name: str) -> None:
    verdict, (_, named) = verdicts[name], EVASIONS[name]
    assert (verdict.state, verdict.kind) == ("wrong", "forbidden"), verdict
    assert verdict.held == 0
    assert named in verdict.message
    assert "is not allowed here" in verdict.message
    assert verdict.line or name in ("a thread", "forbidden function in a thread")


@pytest.mark.parametrize("name", TAMPERINGS)
def test_nothing_the_judge_relies_on_is_rebound(
    verdicts: dict[str, Verdict], name: str
) -> None:
    verdict, (_, named) = verdicts[name], TAMPERINGS[name]
    assert (verdict.state, verdict.kind) == ("broken", "tampering"), verdict
    assert f"changes `{named}`" in verdict.message


@pytest.mark.parametrize("name", HONEST)
def test_honest_code_notices_nothing(verdicts: dict[str, Verdict], name: str) -> None:
    verdict = verdicts[name]
    assert (verdict.state, verdict.held) == ("solved", 2), verdict
