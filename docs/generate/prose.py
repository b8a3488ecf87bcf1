"""The text of comments: paragraphs, sentences, and the names in them."""

import dataclasses
import re

SUMMARY_MAX = 76
ERROR = r"(?:SSHIO_)?E(?:_?[A-Z]{3,})(?:_[A-Z]+)*\b"
# What stands between a code and the case that it is for.
CAUSE = r"(?:: | (?=(?:when|if|after|behind|in|for|once) ))"
# A new sentence begins behind a full stop, but for that of an abbreviation.
BREAK = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)(?<!etc\.)\s+")


@dataclasses.dataclass
class Paragraph:
    sentences: list         # of str
    literal: bool = False   # lines that stay as they are


def paragraphs(text):
    """Blank lines divide paragraphs; lines that are indented stay as they are."""
    for block in re.split(r"\n\s*\n", text):
        for literal, lines in runs(block.split("\n")):
            if literal:
                yield Paragraph(lines, literal=True)
            else:
                yield Paragraph(sentences(" ".join(lines)))


def runs(lines):
    current, literal = [], False
    for line in lines:
        if not line.strip():
            continue
        indented = line.startswith("  ")
        if current and indented != literal:
            yield literal, current
            current = []
        literal = indented
        current.append(line)
    if current:
        yield literal, current


def sentences(text):
    return BREAK.split(" ".join(text.split()))


def is_error(sentence):
    """Whether a sentence says when the function fails, and nothing else."""
    return re.match(r"(In addition,? |Also )?" + ERROR, sentence) is not None or re.match(r"Errors as ", sentence) is not None


def is_result(sentence):
    return re.match(r"(returns|Returns|Its result|fn's result)\b", sentence) is not None


ORIGIN = re.compile(r"\(?[Rr]eference: (.*?)\.?\)?\.?")
NEWER = re.compile(r"\(?newer than the reference\)?\.?")


def origin(sentence):
    """What a sentence says of the API that this one follows: names in it, "" for nothing of the kind; None = no such sentence."""
    found = ORIGIN.fullmatch(sentence)
    return found.group(1) if found else "" if NEWER.fullmatch(sentence) else None


# Names of parameters and members, which keep their small letter at the beginning of a sentence.
NAMES = set()


def finish(sentence):
    """A clause as a sentence: with a full stop, and a capital unless it begins with a name or a code."""
    if not sentence.endswith((".", "?", "!", ":")):
        sentence += "."
    first = sentence.split(" ")[0].strip("(,;:.")
    is_name = first in NAMES and re.match(r"\w+( NULL|:| =| \d)", sentence)
    if first.isalpha() and first.islower() and not is_name and first != "s":
        sentence = sentence[0].upper() + sentence[1:]
    return sentence


@dataclasses.dataclass
class Parts:
    """A comment by what its sentences are about."""
    description: list = dataclasses.field(default_factory=list)     # of Paragraph
    results: list = dataclasses.field(default_factory=list)         # of str, as the next two
    errors: list = dataclasses.field(default_factory=list)
    origins: list = dataclasses.field(default_factory=list)


def divide(text):
    parts = Parts()
    for paragraph in paragraphs(text):
        if paragraph.literal:
            parts.description.append(paragraph)
            continue
        rest = []
        for sentence in paragraph.sentences:
            if origin(sentence) is not None:
                parts.origins.append(origin(sentence))
            else:
                kind = parts.errors if is_error(sentence) else parts.results if is_result(sentence) else rest
                kind.append(finish(sentence))
        if rest:
            parts.description.append(Paragraph(rest))
    return parts


def summary(text):
    """The first thing that a comment says, without a full stop, for the line of a name."""
    first = re.match(r"(?:\([^()]*\)|(?!; ).)*", sentences(text.split("\n\n")[0])[0].rstrip(".")).group()
    if len(first) > SUMMARY_MAX:
        first = re.sub(r" \([^()]*\)", "", first)
    for mark in (": ", ", "):
        parts = first.split(mark)
        while len(parts) > 1 and len(mark.join(parts)) > SUMMARY_MAX:
            parts.pop()
        first = mark.join(parts)
    word = first.split(" ")[0]
    if re.fullmatch(r"[A-Z][a-z]*,?", word):
        first = first[0].lower() + first[1:]
    return first.rstrip(";:,")


def full_code(word):
    return word if word.startswith("SSHIO_") else "SSHIO_" + word


def codes(text, known):
    """The error codes that a text names, in their order, with or without their prefix; but not what something else ends with."""
    found = [full_code(word) for word in re.findall(r"(?<!with )\b(?:SSHIO_)?E[A-Z_]{3,}\b", text)]
    return list(dict.fromkeys(name for name in found if name in known))


def explained(sentences_):
    """(code → what it means here, the sentences that say more than that)."""
    meanings, rest = {}, []
    for sentence in sentences_:
        parts = re.split(r"; (?=%s)|, (?=%s(?:%s|,|$))" % (ERROR, ERROR, CAUSE), sentence.rstrip("."))
        for part in parts:
            found = re.fullmatch(r"(?:In addition,? |Also )?(%s)%s(.*)" % (ERROR, CAUSE), part, re.S)
            if found:
                meanings[full_code(found.group(1))] = found.group(2)
            elif re.sub(r"%s|and|In addition|[,; ]" % ERROR, "", part):
                rest.append(finish(part))
    return meanings, rest


def words(text):
    """What may be names in a text."""
    return re.findall(r"\b(?:sshio|SSHIO)_\w+", text)
