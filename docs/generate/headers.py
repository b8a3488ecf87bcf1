"""The public headers as data: what they declare, and which comment belongs to what.

The rules, which CONTRIBUTING.md states for those who write headers:

- The comment at the top of a file is its introduction.
- A comment of the form "---- title ----" begins a section. A comment right behind it that is followed by a blank line is the section's
  text, and holds for everything in it.
- A comment before a declaration belongs to it and to those that follow without a blank line or another such comment: a family, which
  gets one page. A comment behind a declaration, on its last line, belongs to that one alone. Without a comment before them each has a page,
  but that the macro and the _init of a struct go with it.
- Members of structs and enums have theirs before them or behind them; one behind the opening brace belongs to the whole.
"""

import dataclasses
import re

# What the headers need for themselves.
INTERNAL = re.compile(r"SSHIO_(API|PRINTF|BEGIN|END|ERROR_ENUM|\w*_H)$")
HIDDEN_COMMA = "\x01"     # in comments, while commas end enumerators
TITLE = re.compile(r"-{4} (.*) -{4}$", re.S)


class Malformed(Exception):
    """Something stands in a header that these rules do not cover."""


@dataclasses.dataclass
class Comment:
    text: str               # paragraphs with their line breaks, without the stars
    spaced: bool = False    # a blank line follows
    trailing: bool = False  # it stands behind a declaration


@dataclasses.dataclass
class Member:
    name: str
    code: str               # "const char *username", "SSHIO_DISC_RESERVED = 4", without comments
    comment: str = ""


@dataclasses.dataclass
class Item:
    """One declaration."""
    kind: str               # function, variable, struct, enum, opaque, callback, constant, macro, table
    name: str
    code: str               # normalised, without comments and semicolon
    comment: str = ""       # its own
    members: list = dataclasses.field(default_factory=list)
    result: str = ""        # of functions
    parameters: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Family:
    comment: str
    items: list

    @property
    def name(self):
        """The name of its page: that of its first type with members, else of its first item."""
        return next((item.name for item in self.items if item.kind in ("struct", "enum")), self.items[0].name)


@dataclasses.dataclass
class Section:
    title: str = ""
    text: str = ""
    families: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Header:
    name: str               # "sshio/base.h"
    text: str
    sections: list

    def families(self):
        return [family for section in self.sections for family in section.families]


def unwrap(raw):
    """The text of a comment without its frame; words of a line that a macro's continuation broke are joined."""
    body = re.sub(r"\s*\\\n\s*", " ", raw)[2:-2]
    lines = [re.sub(r"^\s*\* ?", "", line).rstrip() if line.lstrip().startswith("*") else line.strip() for line in body.split("\n")]
    return "\n".join(lines).strip()


def only_c(text):
    """The half of each conditional that C programs see; guards and includes go as well."""
    out, keep = [], [True]
    for line in text.split("\n"):
        directive = re.match(r"\s*#\s*(if|ifdef|ifndef|else|endif|include)\b(.*)", line)
        word = directive.group(1) if directive else None
        if word in ("if", "ifdef", "ifndef"):
            keep.append(keep[-1] and "__cplusplus" not in line)
        elif word == "else":
            keep[-1] = keep[-2] and not keep[-1]
        elif word == "endif":
            keep.pop()
        elif word is None and keep[-1]:
            out.append(line)
    return "\n".join(out)


def end_of_declaration(text, at):
    """Behind the semicolon, or the comma of an enumerator, that ends what begins at a place."""
    depth = 0
    for match in re.compile(r'/\*.*?\*/|"(?:[^"\\]|\\.)*"|[(){}\[\];,]', re.S).finditer(text, at):
        mark = match.group()
        if mark in "({[":
            depth += 1
        elif mark in ")}]":
            depth -= 1
        elif mark == ";" and depth == 0:
            return match.end()
    raise Malformed(f"a declaration does not end: {text[at:at + 60]!r}")


def pieces(text):
    """Comments and declarations in their order, as Comment and str; None for a blank line."""
    at, fresh = 0, True
    while at < len(text):
        blank = re.compile(r"\s+").match(text, at)
        if blank:
            lines = blank.group().count("\n")
            fresh = fresh or lines > 0
            if lines > 1:
                yield None
            at = blank.end()
            continue
        if text.startswith("/*", at):
            end = text.index("*/", at) + 2
            spaced = re.compile(r"[ \t]*\n\s*\n").match(text, end) is not None
            yield Comment(unwrap(text[at:end]), spaced, not fresh)
        elif text.startswith("#", at):
            # A comment may stand behind a definition, inside its continued lines or after them.
            line = re.compile(r"(?:/\*.*?\*/|\\\n|[^\n])*", re.S).match(text, at)
            code = line.group()
            end = line.end()
            behind = re.search(r"/\*.*\*/\s*$", code, re.S)
            yield code[:behind.start()] if behind else code
            if behind:
                yield Comment(unwrap(behind.group()), trailing=True)
        else:
            mark = re.compile(r"(SSHIO_BEGIN|SSHIO_END)\b").match(text, at)
            end = mark.end() if mark else end_of_declaration(text, at)
            if not mark:
                yield text[at:end]
        at, fresh = end, False


def without_comments(code):
    return " ".join(re.sub(r"/\*.*?\*/", " ", code, flags=re.S).replace("\\\n", " ").split())


def split_commas(text):
    """The parts between commas that stand in no brackets."""
    parts, depth = [""], 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts if part.strip()]


def member_name(code):
    pointer = re.search(r"\(\*(\w+)", code)
    return pointer.group(1) if pointer else re.findall(r"\w+", re.sub(r"\[.*?\]", "", code))[-1]


def enumerators(body):
    """The body of an enum as that of a struct: the commas behind enumerators, and the one that the last lacks, become semicolons."""
    hidden = re.sub(r"/\*.*?\*/", lambda found: found.group().replace(",", HIDDEN_COMMA), body, flags=re.S)
    if not re.sub(r"/\*.*?\*/", "", hidden, flags=re.S).rstrip().endswith(","):
        hidden = re.sub(r"(?<=\S)(?=\s*(?:/\*[^/]*\*/\s*)?$)", ",", hidden, count=1)
    return re.sub(r",(?![^()]*\))", ";", hidden)


def members_of(body):
    """(comment of the whole, members) of what stands between braces."""
    whole, leading, members = "", "", []
    if re.match(r"[ \t]*/\*", body):
        end = body.index("*/") + 2
        whole, body = unwrap(body[body.index("/*"):end]).replace(HIDDEN_COMMA, ","), body[end:]
    for piece in pieces(body):
        if isinstance(piece, Comment):
            text = piece.text.replace(HIDDEN_COMMA, ",")
            if piece.trailing and members:
                members[-1].comment = join(members[-1].comment, text)
            else:
                leading = text
        elif piece is not None:
            code = without_comments(piece).rstrip(";,").replace(HIDDEN_COMMA, ",").strip()
            if code:
                members.append(Member(member_name(code.split("=")[0]), code, leading))
                leading = ""
    return whole, members


def join(first, second):
    if not first:
        return second
    return first + ("; " if not first.endswith((".", ";", ":")) else " ") + second


def compound(code, kind):
    body = code[code.index("{") + 1:code.rindex("}")]
    name = re.search(r"\}\s*(\w*)\s*;$", code).group(1)
    whole, members = members_of(enumerators(body) if kind == "enum" else body)
    if not name:    # of an enum that only names numbers: that of the first
        return Item(kind, members[0].name, "enum { ... }", whole, members)
    return Item(kind, name, f"typedef {kind} {name} {{ ... }} {name}", whole, members)


def function(code):
    plain = re.sub(r"\s*SSHIO_PRINTF\(.*?\)", "", without_comments(code).rstrip(";"))
    found = re.match(r"SSHIO_API (.*?)(sshio_\w+)\((.*)\)$", plain)
    if not found:
        raise Malformed(f"this is no declaration of a function: {plain}")
    return Item("function", found.group(2), plain.removeprefix("SSHIO_API "), result=found.group(1).strip(),
                parameters=split_commas(found.group(3)))


def macro(code):
    plain = without_comments(code)
    found = re.match(r"#define (\w+)(\([^)]*\))?\s*(.*)", plain)
    name, arguments, value = found.groups()
    if name == "SSHIO_ERRORS":
        rows = re.findall(r'X\((\w+), (-?\d+), "([^"]*)"\)', value)
        return Item("table", name, "#define SSHIO_ERRORS(X)",
                    members=[Member(row[0], f"{row[0]} = {row[1]}", row[2]) for row in rows])
    shown = f"#define {name}{arguments}" if arguments else f"#define {name} {value}"
    return Item("macro" if arguments or value.startswith(("(sshio_none_type", "((void", "{")) else "constant", name, shown)


def declaration(code):
    if code.startswith("#"):
        return macro(code)
    plain = without_comments(code)
    for kind in ("struct", "enum"):
        if re.match(r"typedef %s \w+ \{" % kind, plain):
            return compound(code, kind)
    if re.match(r"enum \{", plain):
        return compound(code, "enum")
    opaque = re.match(r"typedef struct (\w+) \w+;$", plain)
    if opaque:
        return Item("opaque", opaque.group(1), plain.rstrip(";"))
    callback = re.match(r"typedef .*\(\*(\w+)\)\(.*\);$", plain)
    if callback:
        return Item("callback", callback.group(1), plain.rstrip(";"))
    variable = re.match(r"extern SSHIO_API (.*?(\w+)(\[\d*\])?);$", plain)
    if variable:
        return Item("variable", variable.group(2), "extern " + variable.group(1))
    if plain.startswith("SSHIO_API "):
        return function(code)
    if re.match(r"struct \w+;$", plain):
        return None
    raise Malformed(f"what is this? {plain[:80]}")


def goes_with(item, first):
    """Whether something right behind a struct is its macro, or sets it to its defaults."""
    return first.kind == "struct" and (item.kind == "macro" or item.name == first.name + "_init")


class Reader:
    """Gathers pieces into sections and families."""

    def __init__(self):
        self.sections = [Section()]
        self.family = None
        self.leading = None
        self.last = None        # the item that a trailing comment belongs to
        self.untouched = False  # nothing stands yet in the section

    def take(self, piece):
        if piece is None:
            self.family = None
        elif isinstance(piece, Comment):
            self.take_comment(piece)
        else:
            self.take_code(piece)

    def take_comment(self, comment):
        title = TITLE.match(comment.text)
        if comment.trailing:
            if self.last is not None:
                self.last.comment = join(self.last.comment, comment.text)
        elif title:
            self.sections.append(Section(" ".join(title.group(1).split())))
            self.family, self.leading, self.untouched = None, None, True
            return
        elif self.untouched and comment.spaced:
            self.sections[-1].text = comment.text
        else:
            self.family, self.leading = None, comment.text
        self.untouched = False

    def take_code(self, code):
        item = declaration(code.strip())
        self.untouched = False
        if item is None:
            return
        self.last = item
        if INTERNAL.match(item.name):
            return
        if self.family is None or self.leading is not None:
            self.family = Family(self.leading or "", [])
            self.sections[-1].families.append(self.family)
            self.leading = None
        elif not self.family.comment and not goes_with(item, self.family.items[0]):
            # Nothing joins these: each stands alone.
            self.family = Family("", [])
            self.sections[-1].families.append(self.family)
        self.family.items.append(item)


def read_header(name, text):
    introduction = re.match(r"/\*.*?\*/", text, re.S).group()
    reader = Reader()
    for piece in pieces(only_c(text[len(introduction):])):
        reader.take(piece)
    return Header(name, re.sub(r"^%s: " % re.escape(name), "", unwrap(introduction)),
                  [section for section in reader.sections if section.families])


def read_all(project):
    """The chapters in the order in which sshio.h includes them."""
    include = project / "include"
    names = re.findall(r'#include "(.*)"', (include / "sshio.h").read_text(encoding="utf-8"))
    return [read_header(name, (include / name).read_text(encoding="utf-8")) for name in names]


def undocumented(header):
    """Names of what has no comment: neither its own nor that of a family. Members of a struct need one each, but for size and reserved,
    unless the whole has one behind it, as small values have."""
    for family in header.families():
        for item in family.items:
            if not family.comment and not item.comment and not goes_with(item, family.items[0]):
                yield item.name
            if item.kind == "struct":
                yield from (f"{item.name}.{member.name}" for member in item.members
                            if not member.comment and not item.comment and member.name not in ("size", "reserved"))
