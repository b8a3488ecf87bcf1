"""Tables in C sources as data: the initialisers of arrays and structs, read as far as this project's tables need it."""

import re

TOKEN = re.compile(r"""\s+|//[^\n]*|/\*.*?\*/|(?P<string>"(?:[^"\\]|\\.)*")|(?P<char>'(?:[^'\\]|\\.)')|(?P<word>\w+)|(?P<mark>.)""", re.S)
ESCAPES = {"n": "\n", "t": "\t", "0": "\0"}


def unescape(literal):
    return re.sub(r"\\(.)", lambda found: ESCAPES.get(found.group(1), found.group(1)), literal[1:-1])


class Parser:
    """Values are str for texts and characters, dict for what stands in braces (positions and designators → values), and
    str with a leading "=" for any other expression."""

    def __init__(self, text, macros):
        self.tokens = [found for found in TOKEN.finditer(text) if found.lastgroup]
        self.macros = macros
        self.at = 0

    def peek(self, ahead=0):
        return self.tokens[self.at + ahead].group() if self.at + ahead < len(self.tokens) else ""

    def braces(self):
        """A list of (designator or None, value)."""
        self.at += 1
        found = []
        while self.peek() != "}":
            name = self.designator()
            found.append((name, self.value()))
            if self.peek() == ",":
                self.at += 1
        self.at += 1
        return found

    def designator(self):
        if self.peek() not in (".", "["):
            return None
        name = self.peek(1)
        while self.peek() != "=":
            self.at += 1
        self.at += 1
        return name

    def value(self):
        if self.peek() == "{":
            return self.braces()
        text, other, depth = "", [], 0
        while self.peek() and (depth > 0 or self.peek() not in (",", "}", ";")):
            token = self.tokens[self.at]
            depth += (token.group() == "(") - (token.group() == ")")
            if token.lastgroup in ("string", "char"):
                text += unescape(token.group())
            elif token.group() in self.macros and self.macros[token.group()] is not None:
                text += self.macros[token.group()]
            else:
                other.append(token.group())
            self.at += 1
        return text if not other else "=" + " ".join(other)


def text_macros(source):
    """Macros that stand for one text."""
    return {name: unescape(value) for name, value in re.findall(r'^#define (\w+) ("(?:[^"\\]|\\.)*")\s*$', source, flags=re.M)}


def initialiser(source, declaration):
    """What a table or struct, found by a pattern for its declaration up to the "=", is initialised with."""
    found = re.search(declaration + r"\s*=\s*", source)
    if not found:
        return None
    return Parser(source[found.end():], text_macros(source)).value()


def by_name(row, names):
    """A row of a struct's initialiser as a dict, positions by their names; what is not there or NULL is None."""
    fields, position = dict.fromkeys(names), 0
    for designator, value in row:
        if designator is not None:
            position = names.index(designator)
        fields[names[position]] = None if value == "=NULL" else value
        position += 1
    return fields
