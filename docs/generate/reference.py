"""Pages of section 3: one for each family of declarations, a link for each other name in it, and one for each header."""

import dataclasses

import headers
import mdoc
import prose

ORIGIN = "the Python library AsyncSSH"


@dataclasses.dataclass
class Page:
    name: str
    section: int
    summary: str
    lines: list
    links: list = dataclasses.field(default_factory=list)   # other names under which it is found


def chapter_name(header):
    """sshio/base.h → sshio_base.h, the name of the page about it."""
    return header.name.replace("/", "_")


def all_text(family):
    parts = [family.comment]
    for item in family.items:
        parts += [item.comment, *(member.comment for member in item.members)]
    return " ".join(part for part in parts if part)


def family_summary(family):
    return prose.summary(family.comment or next((item.comment for item in family.items if item.comment), family.name))


class Reference:
    def __init__(self, chapters):
        self.headers = chapters
        self.pages = {}         # name → name of its page
        self.error_codes = {}   # code → general sentence
        kinds = {}
        for header in chapters:
            for family in header.families():
                for item in family.items:
                    self.pages[item.name] = family.name
                    kinds[item.name] = item.kind
                    self.note_members(item, family, kinds)
        self.marker = mdoc.Marker(kinds, self.error_codes)

    def note_members(self, item, family, kinds):
        prose.NAMES.update(headers.member_name(parameter) for parameter in item.parameters if parameter != "...")
        prose.NAMES.update(member.name for member in item.members if item.kind == "struct")
        if item.kind == "table":
            self.error_codes.update((member.name, member.comment) for member in item.members)
        if item.kind in ("table", "enum"):
            for member in item.members:
                self.pages[member.name] = family.name
                kinds[member.name] = "enumerator"

    def all_pages(self):
        for header in self.headers:
            for section in header.sections:
                for family in section.families:
                    yield self.family_page(header, section, family)
            yield self.chapter_page(header)

    # ---- a family ----

    def family_page(self, header, section, family):
        self.marker.own = {item.name for item in family.items}
        summary = family_summary(family)
        parts = prose.divide(family.comment)
        own = [(item, prose.divide(prose_of_clauses(item.comment))) for item in family.items]
        lines = [".Sh NAME", *names(family), f".Nd {mdoc.words(summary)}", ".Sh SYNOPSIS", ".In sshio.h"]
        for item in family.items:
            lines += synopsis(item)
        lines += self.description(header, section, family, parts, own)
        lines += self.results(family, parts, own)
        lines += self.errors(family, parts, own)
        lines += self.see_also(header, family, section)
        lines += self.history(parts.origins + [name for _, its in own for name in its.origins])
        return Page(family.name, 3, summary, lines, [item.name for item in family.items if item.name != family.name])

    def description(self, header, section, family, parts, own):
        lines = [".Sh DESCRIPTION", *self.marker.paragraphs(parts.description)]
        told = [(item, its) for item, its in own if its.description or its.results]
        if len(family.items) == 1 and not parts.description:
            for _, its in told:
                lines += self.marker.paragraphs(its.description)
        elif told:
            lines.append(".Bl -tag -width Ds")
            for item, its in told:
                lines += [item_line(item), *self.marker.paragraphs(its.description)]
                for sentence in its.results:
                    lines += self.marker.sentence(sentence)
            lines.append(".El")
        for item in family.items:
            lines += self.members(item, len(family.items) > 1)
        lines += self.common(header, section)
        lines = without_idle_breaks(lines)
        return lines if len(lines) > 1 else lines + self.marker.sentence(prose.finish(family_summary(family)))

    def common(self, header, section):
        """What holds for all of a section; when it is long, where it stands."""
        text = list(prose.paragraphs(section.text))
        if len(text) > 1:
            return [".Pp", "What holds for all of its kind stands under", f".Dq {mdoc.words(capital(section.title))}", "in", f".Xr {chapter_name(header)} 3 ."]
        return [f".Ss {mdoc.words(capital(section.title))}", *self.marker.paragraphs(text)] if text else []

    def members(self, item, several):
        shown = [member for member in item.members if member.name != "reserved" and "(" not in member.name
                 and not member.code.startswith("SSHIO_ERRORS(")]
        if not shown:
            return []
        lines = []
        if several and item.kind != "table":
            lines = [".Pp", f"The {'members' if item.kind == 'struct' else 'values'} of", f".Vt {item.name}", "are:"]
        elif item.kind == "struct":
            lines = [".Pp", "Its members are:"]
        if item.kind == "enum" and not any(member.comment for member in shown):
            return lines + [".Bd -literal", *(mdoc.escape(member.code) for member in shown), ".Ed"]
        lines.append(".Bl -tag -width Ds")
        for member in shown:
            mark = "Vt" if item.kind == "struct" else "Er" if item.kind == "table" else "Dv"
            lines.append(f".It {mark} {mdoc.argument(member.code)}")
            if member.name == "size" and not member.comment:
                lines.append("Of this struct.")
            lines += self.marker.paragraphs([p for p in everything(member.comment)])
        return lines + [".El"]

    def results(self, family, parts, own):
        lines = []
        for sentence in parts.results:
            lines += self.marker.sentence(sentence)
        if len(family.items) == 1 and not parts.description:
            for _, its in own:
                for sentence in its.results:
                    lines += self.marker.sentence(sentence)
        usual = [item.name for item, its in own if item.kind == "function" and item.result == "int" and not its.results]
        if usual and not parts.results:
            lines += [*listed("Fn", usual), ("returns" if len(usual) == 1 else "return") + " 0, or a negative error code, whose details",
                      "." + self.marker.macro("sshio_error_last"), "gives."]
        return [".Sh RETURN VALUES", *lines] if lines else []

    def errors(self, family, parts, own):
        if not any(item.kind == "function" and item.result == "int" for item in family.items):
            return []
        lines, several = [], len(own) > 1
        meanings, rest = prose.explained(parts.errors + ([] if several else own[0][1].errors))
        for sentence in rest:
            lines += self.marker.sentence(sentence)
        for item, its in own if several else []:
            for sentence in its.errors:
                lines += [f".Fn {item.name} :", *self.marker.sentence(sentence)]
        codes = prose.codes(all_text(family), self.error_codes)
        if codes:
            lines += [".Bl -tag -width Ds"]
            for code in codes:
                general = self.error_codes[code] + (": " + meanings[code] if code in meanings else "")
                lines += [f".It Bq Er {code}", *self.marker.sentence(prose.finish(general))]
            lines += [".El"]
        return [".Sh ERRORS", *lines] if lines else []

    def see_also(self, header, family, section):
        named = set(prose.words(all_text(family) + " " + section.text))
        for item in family.items:
            named |= {word for word in prose.words(item.code) if self.marker.names.get(word) in ("struct", "enum", "callback")}
        pages = {self.pages[name] for name in named if name in self.pages}
        pages |= {self.pages["sshio_error_code"]} if any("SSHIO_E" in word for word in named) else set()
        pages.discard(family.name)
        entries = [(name, 3) for name in sorted(pages | {chapter_name(header)})] + [("sshio", 7)]
        return see_also(entries)

    def history(self, origins):
        lines = []
        for name in origins:
            quoted = name.strip('"')
            lines += [f"It follows {ORIGIN}, where it is", f".Ql {mdoc.argument(quoted)} ."] if name else [f"It is newer than {ORIGIN}."]
        return [".Sh HISTORY", *lines] if lines else []

    # ---- a header ----

    def chapter_page(self, header):
        self.marker.own = set()
        parts = prose.divide(header.text)
        summary = prose.summary(header.text)
        lines = [".Sh NAME", f".Nm {chapter_name(header)}", f".Nd {mdoc.words(summary)}", ".Sh SYNOPSIS", f".In {header.name}", ".Sh DESCRIPTION"]
        lines += self.marker.paragraphs(everything(header.text))
        for section in header.sections:
            if section.title:
                lines += [f".Ss {mdoc.words(capital(section.title))}", *self.marker.paragraphs(list(prose.paragraphs(section.text)))]
            lines += [".Bl -tag -width Ds"]
            for family in section.families:
                lines += [f".It Xr {family.name} 3", *mdoc.plain(prose.finish(family_summary(family)))]
            lines += [".El"]
        return Page(chapter_name(header), 3, summary, lines + see_also([("sshio", 7)]) + self.history(parts.origins))


def prose_of_clauses(comment):
    """A comment behind a declaration is clauses; those that are about results and errors become sentences of their own."""
    sentences = []
    for clause in comment.split("; "):
        if sentences and not (prose.is_error(clause) or prose.is_result(clause) or prose.origin(clause) is not None):
            sentences[-1] += "; " + clause
        else:
            sentences.append(clause)
    return " ".join(prose.finish(sentence) for sentence in sentences if sentence)


def everything(comment):
    parts = prose.divide(comment)
    rest = parts.results + parts.errors
    return parts.description + ([prose.Paragraph(rest)] if rest else [])


def without_idle_breaks(lines):
    """Breaks between paragraphs do nothing right behind a heading."""
    return [line for number, line in enumerate(lines) if line != ".Pp" or not lines[number - 1].startswith((".Sh", ".Ss"))]


def capital(text):
    return text[0].upper() + text[1:]


def names(family):
    items = [item.name for item in family.items]
    return [f".Nm {name} ," for name in items[:-1]] + [f".Nm {items[-1]}"]


def listed(macro, words):
    """a, b and c."""
    if len(words) == 1:
        return [f".{macro} {words[0]}"]
    return [f".{macro} {word} ," for word in words[:-2]] + [f".{macro} {words[-2]}", "and", f".{macro} {words[-1]}"]


def item_line(item):
    macro = {"function": "Fn", "macro": "Dv", "constant": "Dv", "table": "Dv"}.get(item.kind, "Vt")
    return f".It {macro} {item.name}"


def synopsis(item):
    if item.kind == "function":
        return [f".Ft {mdoc.argument(item.result)}", f".Fo {item.name}", *(f".Fa {mdoc.argument(one)}" for one in item.parameters), ".Fc"]
    if item.kind in ("macro", "constant", "table"):
        return [f".Fd {mdoc.words(item.code)}"]
    return [f".Vt {mdoc.argument(item.code)} ;"]


def see_also(entries):
    ordered = sorted(entries, key=lambda entry: (entry[1], entry[0].lower()))
    lines = [f".Xr {name} {section} ," for name, section in ordered]
    return [".Sh SEE ALSO", *lines[:-1], lines[-1][:-2]]
