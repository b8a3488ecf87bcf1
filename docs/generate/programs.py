"""Pages of the tools and of config files: hand-written frames in docs/man/, with lists that come from the tables of the sources.

A frame is mdoc(7) from ".Sh NAME" on. A line "@WORD argument@" stands for lines that are made:

    @NAME@, @SYNOPSIS@, @OPTIONS@, @MISSING@   of the tool that the page is about, by its name: sshio-ssh.1 is of "ssh"
    @TOOLS@                                    all tools
    @KEYWORDS side@, @FOREIGN side@, @RETIRED side@     side is CLIENT or SERVER
    @ESCAPES@                                  the escape sequences of terminal sessions
    @CHAPTERS@                                 the headers

A tool without a frame gets a page of its tables alone, in section 1.
"""

import dataclasses
import pathlib
import re

import headers
import mdoc
import prose
import reference
import tables

OF_TOOL = ("NAME", "SYNOPSIS", "OPTIONS", "MISSING")
INT_MAX = ("=INT32_MAX", "2147483647")
# What a value of a kind is, for kinds that need no more than that.
KINDS = {
    "VALUE_STRING": "a text", "VALUE_TIME": "a time", "VALUE_LIST": "texts", "VALUE_APPEND": "a text; every line adds one",
    "VALUE_APPEND_LIST": "texts; every line adds some", "VALUE_NAMED": "a name and words; every line adds one", "VALUE_FLAG": "yes or no",
    "VALUE_REST": "the rest of the line", "VALUE_REKEY": "bytes, and a time or nothing", "VALUE_STARTUPS": "a number, or three as in 10:30:100",
}


@dataclasses.dataclass
class Option:
    letter: str
    kind: str
    argument: str
    keyword: str
    help: str


@dataclasses.dataclass
class Tool:
    name: str
    summary: str
    operands: str
    options: list


def fields_of(source, struct):
    body = re.search(r"struct %s \{(.*?)\n\};" % struct, source, re.S).group(1)
    return [headers.member_name(part) for member in headers.members_of(body)[1] for part in headers.split_commas(member.code)]


def read_tools(project):
    """By name, in the order in which the program lists them."""
    folder = project / "tools"
    definitions = (folder / "options.h").read_text(encoding="utf-8")
    option_fields, tool_fields = fields_of(definitions, "tool_option"), fields_of(definitions, "tool")
    found = {}
    for path in sorted(folder.glob("*.c")):
        source = path.read_text(encoding="utf-8")
        row = tables.initialiser(source, r"const struct tool tool_\w+")
        if not isinstance(row, list):
            continue
        tool = tables.by_name(row, tool_fields)
        rows = tables.initialiser(source, r"struct tool_option %s\[\]" % tool["options"].lstrip("= "))
        options = [tables.by_name(fields, option_fields) for _, fields in rows]
        found[tool["name"]] = Tool(tool["name"], tool["summary"], tool["operands"], [
            Option(o["letter"], o["kind"].lstrip("="), o["argument"], o["keyword"], o["help"]) for o in options])
    listed = re.findall(r"&tool_(\w+)", re.search(r"tools\[\] = \{(.*?)\}", (folder / "sshio.c").read_text(encoding="utf-8"), re.S).group(1))
    return {name: found[name] for name in (variable.replace("_", "-") for variable in listed)}


def read_escapes(project):
    """Key and help, as texts."""
    source = (project / "tools" / "escapes.c").read_text(encoding="utf-8")
    rows = tables.initialiser(source, r"\} commands\[ESCAPE_COMMANDS\]")
    return [(fields["name"], fields["help"]) for fields in (tables.by_name(row, ["key", "name", "help"]) for _, row in rows)]


class Keywords:
    """The keywords of config files."""

    def __init__(self, project):
        folder = project / "src" / "config"
        source = (folder / "keywords.c").read_text(encoding="utf-8")
        definitions = (folder / "keywords.h").read_text(encoding="utf-8")
        self.rows = [(name, tables.by_name(row, fields_of(definitions, "keyword")))
                     for name, row in tables.initialiser(source, r"struct keyword rows\[KEYWORD_COUNT\]")]
        self.foreign = [tables.by_name(row, fields_of(definitions, "foreign_keyword"))
                        for _, row in tables.initialiser(source, r"struct foreign_keyword foreign\[\]")]
        self.old_names = {}
        for _, (name, identity) in tables.initialiser(source, r"\} old_names\[\]"):
            self.old_names.setdefault(identity[1].lstrip("="), []).append(name[1])
        self.notes = read_notes(project / "docs" / "man" / "keywords.txt")

    def of(self, side):
        rows = [(identity, row) for identity, row in self.rows if row["sides"] in ("=" + side, "=BOTH")]
        return sorted(rows, key=lambda pair: pair[1]["name"].lower())

    def foreign_of(self, side, retired):
        return [row for row in self.foreign if row["sides"] in ("=" + side, "=BOTH") and (row["retired"] == "=true") == retired]


def read_notes(path):
    """name → text: paragraphs that begin with "Name:" or "Name, SIDE:"; lines with # are comments."""
    text = "\n".join(line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    notes = {}
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        name, note = paragraph.split(":", 1)
        notes[name] = " ".join(note.split())
    return notes


def value_text(row):
    """What may stand as the value of a keyword."""
    kind = row["kind"].lstrip("=")
    if kind == "VALUE_CHOICE":
        words = row["choices"].split(" ")
        return "one of " + ", ".join(words[:-1]) + " and " + words[-1]
    if kind == "VALUE_NUMBER":
        low, high = row["min"].lstrip("="), row["max"]
        return f"a number from {low} on" if high in INT_MAX else f"a number from {low} to {high.lstrip('=')}"
    return KINDS[kind]


class Programs:
    def __init__(self, project, marker, chapters):
        self.frames = project / "docs" / "man"
        self.tools = read_tools(project)
        self.keywords = Keywords(project)
        self.escapes = read_escapes(project)
        self.marker = marker
        self.chapters = chapters    # of section 3: pages
        self.makers = {"NAME": self.name, "SYNOPSIS": self.synopsis, "OPTIONS": self.option_list, "MISSING": self.missing,
                       "TOOLS": self.tool_list, "KEYWORDS": self.keyword_list, "FOREIGN": self.foreign, "RETIRED": self.retired,
                       "ESCAPES": self.escape_list, "CHAPTERS": self.chapter_list}
        self.marker.names |= {path.name: "page" for path in self.frames.glob("*.[1-9]")} | {f"sshio-{name}.1": "page" for name in self.tools}

    def all_pages(self):
        written = set()
        for path in sorted(self.frames.glob("*.[1-9]")):
            tool = self.tools.get(path.stem.removeprefix("sshio-"))
            written.add(path.stem)
            yield self.page(path.stem, int(path.suffix[1:]), tool, path.read_text(encoding="utf-8"))
        for tool in self.tools.values():
            if f"sshio-{tool.name}" not in written:
                yield self.page(f"sshio-{tool.name}", 1, tool, "@NAME@\n@SYNOPSIS@\n.Sh DESCRIPTION\n@OPTIONS@\n.Sh SEE ALSO\n.Xr sshio 1\n")

    def page(self, name, section, tool, frame):
        lines, literal = [], False
        for line in frame.rstrip("\n").split("\n"):
            literal = line.startswith(".Bd") or (literal and not line.startswith(".Ed"))
            place = re.fullmatch(r"@(\w+)(?: (\w+))?@", line)
            if place:
                argument = [place.group(2)] if place.group(2) else [tool] if place.group(1) in OF_TOOL else []
                lines += self.makers[place.group(1)](*argument)
            elif not line.startswith('.\\"'):
                lines += [line] if literal or line.startswith(".") else mdoc.wrapped(line)
        described = next((line[4:] for line in lines if line.startswith(".Nd ")), "")
        return reference.Page(name, section, described, lines)

    # ---- tools ----

    def name(self, tool):
        return [".Sh NAME", f".Nm sshio-{tool.name}", f".Nd {mdoc.words(tool.summary)}"]

    def synopsis(self, tool):
        shown = [option for option in tool.options if option.kind != "OPTION_MISSING"]
        letters = "".join(option.letter for option in shown if option.argument is None)
        lines = [".Sh SYNOPSIS", f".Nm sshio Cm {tool.name}"]
        lines += [f".Op Fl {mdoc.argument(letters)}"] if letters else []
        lines += [f".Op Fl {option.letter} Ar {mdoc.argument(option.argument)}" for option in shown if option.argument is not None]
        return lines + operands(tool.operands)

    def option_list(self, tool):
        lines = ["The options are:", ".Bl -tag -width Ds"]
        for option in tool.options:
            if option.kind == "OPTION_MISSING":
                continue
            argument = f" Ar {mdoc.argument(option.argument)}" if option.argument is not None else ""
            lines += [f".It Fl {mdoc.argument(option.letter)}{argument}", *self.marker.sentence(prose.finish(option.help)), *same_as(option)]
        return lines + [".It Fl -help", "This text, in short.", ".El"]

    def missing(self, tool):
        rows = [option for option in tool.options if option.kind == "OPTION_MISSING"]
        lines = [".Bl -tag -width Ds -compact"]
        for option in rows:
            argument = f" Ar {mdoc.argument(option.argument)}" if option.argument is not None else ""
            lines += [f".It Fl {mdoc.argument(option.letter)}{argument}", *mdoc.plain(option.help)]
        return lines + [".El"] if rows else ["None."]

    def escape_list(self):
        lines = [".Bl -tag -width Ds"]
        for key, text in self.escapes:
            lines += [f".It Ic {mdoc.argument('~' + key)}", *mdoc.plain(prose.finish(text))]
        return lines + [".It Ic ~~", "The character itself.", ".El"]

    def tool_page(self, tool):
        frame = next(self.frames.glob(f"sshio-{tool.name}.[1-9]"), pathlib.Path("x.1"))
        return f"sshio-{tool.name}", int(frame.suffix[1:])

    def tool_list(self):
        lines = [".Bl -tag -width Ds"]
        for tool in self.tools.values():
            name, section = self.tool_page(tool)
            lines += [f".It Cm {tool.name}", *mdoc.plain(prose.finish(tool.summary)), "See", f".Xr {name} {section} ."]
        return lines + [".El"]

    # ---- keywords ----

    def keyword_list(self, side):
        lines = [".Bl -tag -width Ds"]
        for identity, row in self.keywords.of(side):
            told = [prose.finish(row["help"])]
            told += [self.keywords.notes[key] for key in (row["name"], f"{row['name']}, {side}") if key in self.keywords.notes]
            default = f"; default {row['fallback']}" if row["fallback"] is not None else ""
            told.append(f"Value: {value_text(row)}{default}.")
            if row["tokens"] is not None:
                told.append(f"Tokens: {row['tokens']}.")
            if identity in self.keywords.old_names:
                told.append("Older names: " + ", ".join(self.keywords.old_names[identity]) + ".")
            lines.append(f".It Cm {row['name']}")
            for text in told:
                for sentence in prose.sentences(text):
                    lines += self.marker.sentence(sentence)
        return lines + [".El"]

    def foreign(self, side):
        lines = [".Bl -tag -width Ds -compact"]
        for row in self.keywords.foreign_of(side, retired=False):
            values = {None: "no value", "*": "any value"}.get(row["harmless"], (row["harmless"] or "").replace(" ", ", "))
            optional = "; other values are only noted" if row["optional"] else ""
            lines += [f".It Cm {row['name']}", *mdoc.plain(values + optional)]
        return lines + [".El"]

    def retired(self, side):
        names = [row["name"] for row in self.keywords.foreign_of(side, retired=True)]
        return [f".Cm {name} ," for name in names[:-1]] + [f".Cm {names[-1]} ."]

    # ---- the library ----

    def chapter_list(self):
        lines = [".Bl -tag -width Ds"]
        for page in self.chapters:
            lines += [f".It Xr {page.name} {page.section}", *mdoc.plain(prose.finish(page.summary))]
        return lines + [".El"]


def same_as(option):
    """What else does the same as an option."""
    if option.kind == "OPTION_KEYWORD":
        return ["The same as the keyword", f".Cm {option.keyword} ."]
    if option.kind == "OPTION_SETTING":
        return ["The same as", f".Fl o Ar {option.keyword} ."]
    return []


def operands(text):
    """ "[user@]host [command ...]" in macros."""
    line, glued = [], True
    for token in re.findall(r"\s+|\[|\]|[^\s\[\]]+", text):
        if token.isspace():
            glued = False
            continue
        if line and glued:
            line.append("Ns")
        line.append({"[": "Oo", "]": "Oc"}.get(token) or ("Ar " if token != "..." else "No ") + token)
        glued = token != "["
        if token == "[":
            glued = False
    text = " ".join(line).replace(" Ns Oc", " Oc")
    return ["." + text] if text else []
