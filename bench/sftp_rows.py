"""Files by SFTP: what is copied and listed, by whom, what is expected of it, and the tables of that.

Each row is an operation; those who do it take turns, round after round. Client and server are in the order "client - server".
"""

import contextlib
import dataclasses
import filecmp
import os
import pathlib
import shutil
import statistics
import sys
import tempfile

from bed import FAR_MS, GIBI, MEBI
from sftp_clients import operate

SMALL_FILE = 4096
OURS, THEIRS = "sshio - sshio", "sftp - sshd"
PAIRS = {OURS: ("sshio", "sshio files"), THEIRS: ("openssh", "openssh plain"),
         "sshio - sshd": ("sshio", "openssh plain"), "sftp - sshio": ("openssh", "sshio files")}
WIRE = "wire limit"
PEAK_MAX = 32       # MiB


@dataclasses.dataclass(frozen=True)
class Sizes:
    """What is copied: bytes of a file, of one over the long way, and numbers of small files and of entries in a directory."""
    file: int
    far_file: int
    tree: int
    entries: int


@dataclasses.dataclass(frozen=True)
class Mark:
    text: str
    least: bool             # else most
    limit: float
    value: callable         # of a row's pairs


def ratio(pair, limit):
    return Mark(f"{pair}, of {THEIRS}", True, limit, lambda pairs: pairs[THEIRS]["seconds"] / pairs[pair]["seconds"])


def quiet_cpu(field):
    return Mark(f"{field.split('_')[0]} CPU seconds a GiB", False, 0.45, lambda pairs: pairs[OURS][field] / pairs[OURS]["bytes"] * GIBI)


OF_LIMIT = Mark("of the wire limit", True, 0.65, lambda pairs: pairs[WIRE]["seconds"] / pairs[OURS]["seconds"])
BOTH_WAYS = [ratio("sshio - sshd", 1), ratio("sftp - sshio", 1)]


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    words: tuple            # of the client's command; paths below the folder of files
    bytes: int              # 0 = it is no matter of bytes
    marks: list
    pairs: list
    far: bool = False


def rows_of(sizes):
    """get and put of a large file, of one over a long way and of small files, and a directory."""
    far, near = f"{sizes.far_file // MEBI} MiB, {FAR_MS} ms", f"{sizes.file // MEBI} MiB"
    both = [OURS, THEIRS]

    def copies(name, size, source, marks, pairs, is_far=False):
        return [Row(f"{verb} {name}", (f"sftp-{verb}", source, "copy"), size, marks[verb], pairs, is_far) for verb in ("get", "put")]

    return [*copies(near, sizes.file, "large", {"get": [ratio(OURS, 2.5), OF_LIMIT, quiet_cpu("server_cpu"), *BOTH_WAYS],
                                                "put": [ratio(OURS, 2.5), quiet_cpu("client_cpu"), *BOTH_WAYS]}, [WIRE, *PAIRS]),
            *copies(f"{sizes.tree} small files", 0, "tree", dict.fromkeys(("get", "put"), [ratio(OURS, 5)]), both),
            Row(f"list {sizes.entries} entries", ("sftp-list", "entries"), 0, [ratio(OURS, 2)], both),
            *copies(far, sizes.far_file, "far", dict.fromkeys(("get", "put"), [ratio(OURS, 5)]), both, True)]


# ---- files ----

def write_file(path, size):
    """Of bytes that are no holes."""
    block = os.urandom(MEBI)
    with open(path, "wb") as file:
        for start in range(0, size, MEBI):
            file.write(block[:min(MEBI, size - start)])


@contextlib.contextmanager
def files(where, sizes):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sshio-bench-", dir=where))
    try:
        write_file(folder / "copy", sizes.file)     # a virtual machine may have to be given the memory first
        (folder / "copy").unlink()
        write_file(folder / "large", sizes.file)
        write_file(folder / "far", sizes.far_file)
        for name, count, size in (("tree", sizes.tree, SMALL_FILE), ("entries", sizes.entries, 0)):
            (folder / name).mkdir()
            for number in range(count):
                write_file(folder / name / f"file-{number:05}", size)
        yield folder
    finally:
        shutil.rmtree(folder)


def room_needed(sizes):
    return 2 * sizes.file + 2 * sizes.far_file + 3 * sizes.tree * SMALL_FILE


def remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()


def same(one, other):
    """Also in content."""
    if one.is_dir():
        names = sorted(os.listdir(one))
        return names == sorted(os.listdir(other)) and filecmp.cmpfiles(one, other, names, shallow=False)[0] == names
    return filecmp.cmp(one, other, shallow=False)


# ---- measuring ----

def measure_pair(bench, folder, row, pair, suite, compare=True):
    """One operation, and whether it did what it should."""
    client, server = PAIRS[pair]
    target = folder / "copy"
    words = [row.words[0], *(folder / name for name in row.words[1:])]
    sample, entries = operate(bench, client, server, bench.far(server) if row.far else server, suite, words)
    if row.words[0] == "sftp-list":
        expected = len(os.listdir(words[1]))
        if entries not in (expected, expected + 2):     # with . and .. or without
            raise SystemExit(f"{row.name}, {pair}: {entries} entries")
    elif compare and not same(words[1], target):
        raise SystemExit(f"{row.name}, {pair}: the copy differs")
    remove(target)
    return {**sample, "bytes": row.bytes}


def measure_wire(bench, row, suite):
    limit = bench.wire_limit(suite, row.bytes)
    return {"seconds": row.bytes / limit["rate"] / 1e6, "client_cpu": limit["client_cpu"] * row.bytes / GIBI,
            "server_cpu": limit["server_cpu"] * row.bytes / GIBI, "bytes": row.bytes}


def measure(bench, where, suite, sizes, rounds):
    """{row: {pair: {field: median}}}, of peaks the highest. Copies are compared in the first round."""
    near = bench.start_for_files()
    rows, samples = rows_of(sizes), {}
    with files(where, sizes) as folder:
        for number in range(rounds):
            for row in rows:
                for pair in row.pairs:
                    if pair == WIRE:
                        sample = measure_wire(bench, row, suite)
                    elif PAIRS[pair][1] in near and (bench.sftp or PAIRS[pair][0] == "sshio"):
                        sample = measure_pair(bench, folder, row, pair, suite, compare=number == 0)
                    else:
                        continue
                    samples.setdefault(row.name, {}).setdefault(pair, []).append(sample)
            print(f"files: round {number + 1} of {rounds} done", file=sys.stderr)
    return {name: {pair: {field: (max if field.endswith("peak") else statistics.median)(sample[field] for sample in values)
                          for field in values[0]}
                   for pair, values in pairs.items()}
            for name, pairs in samples.items()}


def judge(results, sizes):
    """One dictionary for each mark that can be told: without OpenSSH there is nothing to compare with."""
    marks = []
    for row in rows_of(sizes):
        for mark in row.marks:
            with contextlib.suppress(KeyError):
                value = mark.value(results[row.name])
                met = value >= mark.limit if mark.least else value <= mark.limit
                marks.append({"row": row.name, "mark": mark.text, "least": mark.least, "limit": mark.limit, "value": value, "met": met})
    highest = max(pairs[OURS][field] for pairs in results.values() for field in ("client_peak", "server_peak"))
    marks.append({"row": "all rows", "mark": "MiB of memory of either side, at most", "least": False, "limit": PEAK_MAX, "value": highest,
                  "met": highest <= PEAK_MAX})
    return marks


# ---- what is shown ----

def column(value, width, digits=2):
    return " " * width if value is None else f"{value:{width}.{digits}f}"


def print_pair(name, pair, pairs):
    values, theirs, wire = pairs[pair], pairs.get(THEIRS), pairs.get(WIRE)
    size, seconds = values["bytes"], values["seconds"]

    def per_gibi(field):
        return values[field] / size * GIBI if size else None

    print(f"{name:24} {pair:14} {seconds * 1000:9.1f}" + column(size / seconds / 1e6 if size else None, 8, 0)
          + column(wire and wire["seconds"] / seconds, 9) + column(theirs and theirs["seconds"] / seconds, 12)
          + column(per_gibi("client_cpu"), 12) + column(per_gibi("server_cpu"), 12)
          + column(values.get("client_peak"), 12, 1) + column(values.get("server_peak"), 12, 1))


def show(results, marks, way):
    print(f"{'files by SFTP':24} {'client - server':14} {'ms':>9} {'MB/s':>7} {'of limit':>8} {'x OpenSSH':>11} {'client CPU':>11} {'server CPU':>11}"
          f" {'client MiB':>11} {'server MiB':>11}")
    for name, pairs in results.items():
        for pair in pairs:
            print_pair(name, pair, pairs)
    print("CPU: seconds per GiB. MiB: the most in memory, sums of sftp and its ssh, and of sshd's processes for one connection.")
    print(f"The way of {FAR_MS} ms: {way['there_and_back_ms']:.1f} ms there and back, plain TCP {way['rate']:.0f} MB/s over it")
    for mark in marks:
        print(f"{mark['row']:24} {mark['mark']:44} {mark['value']:8.2f} {'>=' if mark['least'] else '<='} {mark['limit']:<6g}"
              + ("met" if mark["met"] else "MISSED"))
