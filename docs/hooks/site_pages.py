"""Pages of the documentation that are made from the code whenever the site is built: rules, gallery, assumed figures.

A hook of MkDocs; ``mkdocs.yml`` names it. Each function that makes a page returns its Markdown and can be called alone.
"""

from __future__ import annotations

import ast
import html
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import neuroalign
from neuroalign.command_line.rule_terminal import cost_lines, needs_lines
from neuroalign.profile import available_profiles, load_profile
from neuroalign.profile.provenance import describe
from neuroalign.quantise.rule_choices import RuleChoices
from neuroalign.quantise.rule_sheet import RuleSheet, program_lines, rule_sheet
from neuroalign.rule import LearningRule
from neuroalign.rule.mathml import rule_mathml
from neuroalign.rules import RULES

GALLERY = Path(__file__).resolve().parents[1] / "gallery"
SHOWN_ON = ("loihi2", "loihi1")
STEPS = 1000
"""Steps of the check whose picture a rule's page shows."""


def on_files(files: Any, config: Any) -> Any:
    """Add the made pages and their pictures to the site."""
    from mkdocs.structure.files import File

    made: dict[str, str | bytes] = {"rules/index.md": rules_index(), "api/index.md": public_names()}
    for name in RULES:
        picture = rule_picture(name)
        made[f"rules/{name}.md"] = rule_page(name, pictured=picture is not None)
        if picture is not None:
            made[f"rules/{name}.png"] = picture
    pictures = Path(config.config_file_path).parent / config.extra["pictures"]
    made["gallery/index.md"] = gallery_index()
    for script in gallery_scripts():
        said = run_script(script, pictures)
        made[f"gallery/{script.stem}.md"] = gallery_page(script, said)
        made[f"gallery/{script.stem}.png"] = (pictures / f"{script.stem}.png").read_bytes()
    for path, content in made.items():
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Links to the gallery's scripts, which a reader of the repository follows, lead to their pages here."""
    return to_made_pages(markdown)


def to_made_pages(markdown: str) -> str:
    """``](gallery/NAME.py)`` as the page that is made of the script, and the gallery's README as its index."""
    return re.sub(
        r"(\]\((?:\.\./)*gallery/)(?:(\d\d_\w+)\.py|README\.md)\)", lambda m: f"{m[1]}{m[2] or 'index'}.md)", markdown
    )


def on_page_content(content: str, page: Any, config: Any, files: Any) -> str:
    """References in docstrings become plain code; the first use of each word of the glossary leads to its line."""
    path = page.file.src_uri
    content = content.replace("::</p>", ":</p>")  # the mark of a literal block in docstrings
    content = without_roles(content)
    if path == "glossary.md" or path.startswith("api/"):
        return content
    return with_words(content, "../" * path.count("/") + "glossary.html", glossary())


def without_roles(content: str) -> str:
    """``:func:`~package.name``` as the code ``name``."""
    return re.sub(r":[a-z]+:<code>~?(?:[\w.]+\.)?(\w+)</code>", r"<code>\1</code>", content)


def glossary() -> dict[str, tuple[str, str]]:
    """Word (and each of its other forms) to its anchor and its meaning without marks, from the glossary's own lines."""
    text, found = (GALLERY.parent / "glossary.md").read_text(encoding="utf-8"), {}
    for anchor, words, meaning in re.findall(
        r'^<a id="([\w-]+)"></a>\*\*(.+?)\*\*: (.+?)(?=\n\n|\Z)', text, re.M | re.S
    ):
        plain = re.sub(r"\[([^\]]+)\]\([^)]*\)|[`*]", lambda m: m[1] or "", " ".join(meaning.split()))
        for word in words.split(", "):
            found[word] = (anchor, plain)
    return found


def with_words(content: str, page: str, words: dict[str, tuple[str, str]]) -> str:
    """The page's HTML, where the first use of each word in running text is a link that says what it means."""
    left = dict(words)
    inside, parts = 0, re.split(r"(<[^>]+>)", content)
    for k, part in enumerate(parts):
        tag = re.match(r"<(/?)(a|code|pre|h[1-6]|math|script|summary|svg)\b", part)
        if tag:
            inside += -1 if tag[1] else 1
        if tag or inside or part.startswith("<") or not left:
            continue
        parts[k] = re.sub(_any_of(left), lambda m: _word_link(m[0], page, left), part)
    return "".join(parts)


def _any_of(words: dict[str, tuple[str, str]]) -> str:
    return r"\b(?:" + "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) + r")s?\b"


def _word_link(said: str, page: str, left: dict[str, tuple[str, str]]) -> str:
    """A link for a word that was not met before; all its forms are then known."""
    word = said if said in left else said.removesuffix("s")
    if word not in left:
        return said
    anchor, meaning = left[word]
    for form in [form for form, (other, _) in left.items() if other == anchor]:
        del left[form]
    return f'<a class="word" href="{page}#{anchor}" title="{html.escape(meaning)}">{said}</a>'


def rules_index() -> str:
    """A table of all rules."""
    rows = [(f"[{rule.name}]({rule.name}.md)", rule.title, rule.source) for rule in (make() for make in RULES.values())]
    return "# Rules by name\n\n" + _table(("rule", "what it is", "source"), rows)


def rule_page(name: str, *, pictured: bool = False) -> str:
    """Equation, symbols, what each chip makes of the rule, a picture, and its limits."""
    rule = RULES[name]()
    parts = [
        f"# {rule.title}",
        f"Rule `{name}`. {rule.source}. {_sentence(rule.locality)}",
        f'## Equation\n\n```text\n{rule.equation}\n```\n\nWith its constants, as the model computes it:\n\n<div class="equations">{rule_mathml(rule)}</div>',
        _table(("symbol", "meaning", "unit"), [(f"`{s}`", meaning, unit) for s, meaning, unit in rule.symbols]),
        *(_on_profile(rule, profile) for profile in SHOWN_ON),
    ]
    if pictured:
        parts.append(
            f"## Chip against float\n\n![Weights of {name} over time and at the end, float model and {SHOWN_ON[0]}]"
            f"({name}.png)\n\n{STEPS} steps of seeded spikes on {SHOWN_ON[0]}: `neuroalign rule check {name} --profile "
            f"{SHOWN_ON[0]} --steps {STEPS} --fit --backend emulator` gives the figures behind it."
        )
    limits = [_sentence(note) for note in rule.notes] or ["None are known beyond those of the forms above."]
    parts.append("## Limits\n\n" + "\n".join(f"- {limit}" for limit in limits))
    return "\n\n".join(parts) + "\n"


def _on_profile(rule: LearningRule, profile: str) -> str:
    sheet = rule_sheet(rule, load_profile(profile), 1e-3, RuleChoices())
    if sheet.held is None:
        return f"## On {profile}\n\nRefused: {sheet.refusal}"
    lines = [*cost_lines(sheet.cost), *needs_lines(sheet.needs)] if sheet.cost and sheet.needs else []
    return "\n\n".join(
        (
            f"## On {profile}\n\nForm `{sheet.form}`, steps of {sheet.dt:g} s.",
            f"```text\n{program_lines(sheet.held.program)}```",
            _constants(sheet),
            "\n".join(f"- {line}" for line in lines),
        )
    )


def _constants(sheet: RuleSheet) -> str:
    rows = []
    for row in sheet.held.rows if sheet.held else ():
        figures = ("", "", "")
        if row.stored:
            figures = (
                f"{row.float_value:.6g}",
                f"{row.stored_value:.6g} (`{row.stored}`)",
                f"{row.relative_error:.3%}",
            )
        rows.append((f"`{row.quantity}`", *figures, row.status, row.note))
    return _table(("what", "model", "on chip", "error", "status", "note"), rows) if rows else "Nothing is rounded."


def rule_picture(name: str) -> bytes | None:
    """Weights over time, chip against float; nothing where the chip refuses the rule or it has no trial."""
    from neuroalign.errors import NeuroalignError
    from neuroalign.export.excerpt_learning import Learnt
    from neuroalign.export.figures.learning import learning
    from neuroalign.rule_check import CheckOptions, check_rule

    try:
        check = check_rule(
            RULES[name](), load_profile(SHOWN_ON[0]), RuleChoices(), CheckOptions(("emulator",), steps=STEPS, fit=True)
        )
    except NeuroalignError:
        return None
    question, runs = check.question, {run.label: run.weights for run in check.runs}
    what = Learnt(name, (question,), runs[question.reference], ((question.candidate, runs[question.candidate]),))
    return learning("learning", what, check.sheet.dt).png


def public_names() -> str:
    """Every name of the package with what it is and its example, in the order of ``help(neuroalign)``."""
    told = inspect.getdoc(neuroalign) or ""
    names = sorted(
        (n for n in neuroalign.__all__ if not n.startswith("_")), key=lambda n: re.search(rf"\b{n}\b", told).start()
    )  # type: ignore[union-attr]
    parts = [
        "# Public names",
        "What `import neuroalign` offers, and [what stays as it is](../versioning.md). Arrays are numpy's, tensors of torch are "
        "taken as they are; `Recording.to_xarray()` and `ConversionTable.to_frame()` lead to xarray and pandas. In a notebook "
        "networks, rules, profiles, placements, recordings, tables, agreements and deployments show themselves as tables. In the "
        "examples `network.nir` is the demonstration's network and `spikes.npz` eight of its images; a test runs them all.",
    ]
    for name in names:
        words = inspect.getdoc(getattr(neuroalign, name)) or ""
        example = words.partition("Examples\n--------\n")[2].strip()
        first = re.sub(
            r":\w+:`~?(?:[\w.]+\.)?(\w+)`|``", lambda m: f"`{m[1]}`" if m[1] else "`", words.partition("\n\n")[0]
        )
        parts.append(f"## {name}\n\n{' '.join(first.split())}\n\n```pycon\n{example}\n```")
    return "\n\n".join(parts) + "\n"


def assumed_page() -> str:
    """Every figure of every profile that is assumed rather than documented, and every limit that nobody has checked."""
    parts = [
        "# Assumed rather than measured",
        "Profiles take each figure from a source and say which. Where there is none, the figure is assumed, and a report "
        "that leans on it says so; where a limit is unknown, it is not checked, and the verdict says that too. This page "
        "is made from the profiles; `neuroalign profile show NAME` lists every figure with its source and grade.",
        "No chip was at hand. The emulator equals Lava bit for bit, and one recorded chip trace "
        "([emulator](emulator.md)); everything else about chips is documentation, and nothing here is a measurement of "
        "ours on silicon.",
    ]
    for name in available_profiles():
        rows = describe(load_profile(name))
        guessed = [(f"`{r.path}`", r.value, r.source, r.note) for r in rows if r.status == "assumed"]
        unknown = [f"`{r.path}`" for r in rows if r.value is None]
        parts.append(f"## {name}")
        parts.append(_table(("figure", "taken as", "from", "note"), guessed) if guessed else "Nothing is assumed.")
        parts.append(f"Not checked: {', '.join(unknown)}." if unknown else "No limit is left unchecked.")
    return "\n\n".join(parts) + "\n"


def gallery_scripts() -> list[Path]:
    """Scripts of the gallery, in order."""
    return sorted(GALLERY.glob("*.py"))


def gallery_index() -> str:
    """All pictures with their titles."""
    parts = ["# Gallery", "Each is a script that runs as it stands and ends in a picture."]
    for script in gallery_scripts():
        title = title_and_text(script)[0]
        parts.append(f"## [{title}]({script.stem}.md)\n\n[![{title}]({script.stem}.png)]({script.stem}.md)")
    return "\n\n".join(parts) + "\n"


def gallery_page(script: Path, said: str) -> str:
    """The script, what it printed, its picture."""
    title, text = title_and_text(script)
    code = script.read_text(encoding="utf-8").split('"""', 2)[2].strip()
    printed = f"It prints:\n\n```text\n{said.strip()}\n```\n\n" if said.strip() else ""
    return f"# {title}\n\n{text}\n\n![{title}]({script.stem}.png)\n\n```python\n{code}\n```\n\n{printed}"


def title_and_text(script: Path) -> tuple[str, str]:
    """First line of the docstring, without its full stop, and the rest."""
    words = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or script.stem
    title, _, text = words.partition("\n")
    return title.strip().rstrip("."), text.strip()


def run_script(script: Path, pictures: Path) -> str:
    """Run a script of the gallery in ``pictures``, unless its picture is newer than it; what it printed.

    Raises
    ------
    RuntimeError
        If the script fails or leaves no picture.
    """
    pictures.mkdir(parents=True, exist_ok=True)
    picture, said = pictures / f"{script.stem}.png", pictures / f"{script.stem}.txt"
    if picture.exists() and said.exists() and picture.stat().st_mtime > script.stat().st_mtime:
        return said.read_text(encoding="utf-8")
    root = GALLERY.parents[1]
    start = (
        f"import sys, runpy; sys.path.insert(0, {str(root)!r}); runpy.run_path({str(script)!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", start], cwd=pictures, capture_output=True, text=True, check=False)
    if done.returncode or not picture.exists():
        raise RuntimeError(f"{script.name} failed: {done.stderr.strip()[-800:] or 'it left no picture'}")
    said.write_text(done.stdout, encoding="utf-8")
    return done.stdout


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _table(head: tuple[str, ...], rows: Any) -> str:
    lines = ["| " + " | ".join(_cell(v) for v in row) + " |" for row in (head, *rows)]
    return "\n".join((lines[0], "|" + "---|" * len(head), *lines[1:]))


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
