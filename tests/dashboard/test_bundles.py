"""Modules joined to one (app/dashboard/bundles.py): what comes out runs in Node and does what the modules do themselves."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from app.dashboard.bundles import join_modules, join_styles
from tests.support.binaries import node

TREE = {
    "js/page.js": """/** The page. */
import { a, twice as double } from "./parts.js";
import {
  c,
} from "../lib/index.js";
import "./effect.js";
// Said once.
export const shown = [a(), double(2), c, globalThis.effects];
export { a as again };
""",
    "js/parts.js": """import { c } from "../lib/c.js";
const local = 1;
export function a() {
  return local + c;
}
export async function later() {}
export class Thing {}
const twice = (n) => n * 2;
export { twice };
""",
    "js/effect.js": "globalThis.effects = (globalThis.effects ?? 0) + 1;\n",
    "lib/index.js": """export { c } from "./c.js";\n""",
    "lib/c.js": """import "../js/effect.js";
const local = 40; /* kept: it shares its line */
export const c = local;
""",
}
LATER = {
    **TREE,
    "js/page.js": TREE["js/page.js"] + 'export const extra = () => import("./extra.js");\n',
    "js/extra.js": """import { a } from "./parts.js";
import "./effect.js";
import { own } from "./own.js";
export const told = [a(), own, globalThis.effects];
""",
    "js/own.js": "export const own = 7;\n",
}
SHOW_LATER = (
    "import(process.argv[1]).then(({ extra }) => extra()).then(({ told }) => console.log(JSON.stringify(told)))"
)
SHOW = "import(process.argv[1]).then(({ shown, again }) => console.log(JSON.stringify([shown, again()])))"


def run(script: Path, show: str = SHOW) -> str:
    done = subprocess.run(
        [str(node()), "--input-type=module", "-e", show, str(script)],
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    return done.stdout


def lay_out(tree: dict[str, str], folder: Path) -> None:
    (folder / "package.json").write_text('{"type": "module"}')
    for path, code in tree.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(code)


def test_joined_modules_do_what_they_do_apart(tmp_path: Path) -> None:
    lay_out(TREE, tmp_path)
    joined = tmp_path / "joined.js"
    joined.write_text(join_modules("js/page.js", TREE.__getitem__))
    assert run(joined) == run(tmp_path / "js" / "page.js") == "[[41,4,40,1],41]\n"


def test_what_a_page_imports_later_shares_all_that_the_page_has(tmp_path: Path) -> None:
    lay_out(LATER, tmp_path)
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "page.js").write_text(join_modules("js/page.js", LATER.__getitem__))
    later = join_modules("js/extra.js", LATER.__getitem__, page="js/page.js")
    (tmp_path / "bundle" / "page+extra.js").write_text(later)
    apart, joined = (run(tmp_path / folder / "page.js", SHOW_LATER) for folder in ("js", "bundle"))
    assert joined == apart == "[41,7,1]\n"
    assert "own = 7" in later
    assert "local" not in later


def test_what_is_imported_later_imports_nothing_even_later() -> None:
    tree = LATER | {"js/own.js": 'export const own = import("./parts.js");\n'}
    with pytest.raises(ValueError, match="imported later itself"):
        join_modules("js/extra.js", tree.__getitem__, page="js/page.js")


def test_comments_of_their_own_line_stay_behind() -> None:
    joined = join_modules("js/page.js", TREE.__getitem__)
    assert "The page" not in joined
    assert "Said once" not in joined
    assert "/* kept: it shares its line */" in joined


@pytest.mark.parametrize(
    "line",
    [
        'import x from "./c.js";',
        'import * as x from "./c.js";',
        "export default 1;",
        "export let x = 1;",
        'import "far";',
    ],
)
def test_a_form_that_is_not_known_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"page\.js"):
        join_modules("page.js", {"page.js": f"{line}\n", "c.js": ""}.__getitem__)


def test_modules_that_import_each_other_are_refused() -> None:
    circle = {"a.js": 'import "./b.js";\n', "b.js": 'import "./a.js";\n'}
    with pytest.raises(ValueError, match="imports itself"):
        join_modules("a.js", circle.__getitem__)


def test_style_sheets_keep_their_order() -> None:
    assert join_styles(["/* One\n   two. */\na {\n}\n", "b {\n}\n"]) == "a {\n}\nb {\n}\n"
