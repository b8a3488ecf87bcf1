"""Writing mdoc(7): escapes, lines, and sentences with the names in them marked."""

import re
import textwrap

WIDTH = 76
SPECIAL = {"…": "...", "–": "\\(en", "—": "\\(em", "→": "->", "×": "x"}
DELIMITERS = tuple(".,;:!?)]")
MACRO = re.compile(r"[A-Z][a-z]|[%][A-Z]|[A-Z][a-z]{1,2}")


def escape(text):
    text = text.replace("\\", "\\e")
    return "".join(SPECIAL.get(char, char if ord(char) < 128 else f"\\[u{ord(char):04X}]") for char in text)


def words(text):
    """Text behind a macro that takes the rest of the line."""
    text = escape(text).replace('"', "\\(dq")
    return text + "\\&" if text.endswith(DELIMITERS) else text


def argument(text):
    """Text as one argument of a macro."""
    text = escape(text)
    if MACRO.fullmatch(text) or re.fullmatch(r"[.,;:!?()\[\]|]", text):
        return "\\&" + text
    if text.endswith(DELIMITERS):
        text += "\\&"
    if " " in text or '"' in text or text == "":
        return '"' + text.replace('"', '""') + '"'
    return text


def wrapped(text):
    """Text that is mdoc already, as lines that are not too long."""
    return textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def plain(text):
    """Words as lines of text."""
    lines = []
    for line in wrapped(text):
        line = escape(line)
        lines.append("\\&" + line if line[0] in ".'" else line)
    return lines


class Marker:
    """Makes lines of sentences. names: name → (macro and its arguments) or None; own: names of the page at hand."""

    def __init__(self, names, errors=()):
        self.names = names
        self.errors = errors
        self.own = set()

    def macro(self, word):
        """The macro line for a word that is a name, without its dot; None when it is a word like others."""
        full = "SSHIO_" + word
        if word in self.errors or full in self.errors:
            return "Er " + (word if word in self.errors else full)
        if word in self.own and word.startswith("sshio_"):
            return ("Fn " if self.names.get(word, "").startswith("function") else "Vt ") + word
        if word in self.names and word.startswith("sshio_"):
            return f"Xr {word} 3"
        if word in self.names or word == "NULL":
            return "Dv " + word
        if re.fullmatch(r"\.[a-z]\w+", word):
            return "Va " + word
        if re.fullmatch(r"\*[a-z]\w*", word):
            return "Fa " + word
        reference = re.fullmatch(r"([a-z][\w-]*)\((\d)\)", word)
        if reference and reference.group(1) + "." + reference.group(2) in self.names:
            return f"Xr {reference.group(1)} {reference.group(2)}"
        return None

    def word(self, word):
        """A macro line for a word with the punctuation around it, or None."""
        found = re.fullmatch(r"(\(*)(\*?\.?[A-Za-z][\w-]*(?:\(\d?\))?)(->\w+|'s|'s)?([,;:.?!)]*)", word)
        if not found:
            return None
        before, core, behind, after = found.groups()
        macro = self.macro(core.removesuffix("()"))
        if macro is None:
            return None
        if before and after.startswith(")") and before == "(" and not behind:
            line, after = f".Pq {macro}", after[1:]
        elif before:
            line = f".No \\&{before} Ns {macro}"
        else:
            line = "." + macro
        if behind:
            line += f" Ns {behind}"
        return line + "".join(" " + char for char in after)

    def sentence(self, text):
        """Lines of mdoc for one sentence."""
        lines, words = [], []
        for part in re.split(r"(`[^`]+`[,;:.)]*)", text):
            quoted = re.fullmatch(r"`([^`]+)`([,;:.)]*)", part)
            if quoted:
                lines += plain(" ".join(words))
                words = []
                lines.append(f".Ql {argument(quoted.group(1))}" + "".join(" " + char for char in quoted.group(2)))
                continue
            for word in part.split():
                macro = self.word(word)
                if macro is None:
                    words.append(word)
                    continue
                lines += plain(" ".join(words))
                words = []
                lines.append(macro)
        return lines + plain(" ".join(words))

    def paragraphs(self, paragraphs, first=""):
        """Lines for paragraphs, with first, a macro line or nothing, before the first of them and .Pp before the others."""
        lines = []
        for number, paragraph in enumerate(paragraphs):
            if number > 0 and not paragraph.literal:
                lines.append(".Pp")
            elif first:
                lines.append(first)
            if paragraph.literal:
                lines += [".Bd -literal", *(("\\&" if line[0] in ".'" else "") + escape(line) for line in paragraph.sentences), ".Ed"]
            else:
                for sentence in paragraph.sentences:
                    lines += self.sentence(sentence)
        return lines


def page(name, section, date, body):
    """A whole page."""
    head = ['.\\" Made from the sources by `make docs\'; changes belong there.', f".Dd {date}", f".Dt {name.upper()} {section}", ".Os"]
    return "\n".join(head + body) + "\n"
