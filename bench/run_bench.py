"""Measures sshio, OpenSSH and the wire limit in one run: alternating, several rounds, medians and ratios.

    bench/run_bench.py [--build FOLDER] [--quick] [--small | --files] [--file-mib MIB] [--far-mib MIB] [--rounds N] [--syscalls] [--cipher CIPHER[+MAC]]

Prints a table and writes bench.json and bench.svg into FOLDER/bench. Rates move from machine to machine; the ratios within one run hold,
and CPU seconds are steadier than rates on a machine that others use. Everything listens on 127.0.0.1 and ends with the run.
"""

import argparse
import dataclasses
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

import far
import sftp_rows
from bed import CIPHERS, GIBI, MEBI, MEMORY, TOP, Bench, find, one_core, run


@dataclasses.dataclass(frozen=True)
class Scale:
    """How much of everything."""
    rounds: int
    bulk: int               # bytes
    echoes: int             # in all rounds; also of sessions, of which there are fewer
    logins: int
    crowd: tuple            # connections, and sessions of each
    files: sftp_rows.Sizes  # over the long way the file is smaller, for all: OpenSSH moves 20 MB a second there


FULL = Scale(5, GIBI, 20000, 500, (50, 20), sftp_rows.Sizes(file=2 * GIBI, far_file=256 * MEBI, tree=2000, entries=10000))
QUICK = Scale(1, 128 * MEBI, 2000, 50, (50, 20), sftp_rows.Sizes(file=128 * MEBI, far_file=32 * MEBI, tree=200, entries=1000))
SMOKE = Scale(1, 4 * MEBI, 100, 2, (2, 3), sftp_rows.Sizes(file=4 * MEBI, far_file=MEBI, tree=20, entries=300))


# ---- what is measured ----

def medians(samples):
    """Of each field of the samples of each row."""
    return {key: {field: statistics.median(sample[field] for sample in values) for field in values[0]}
            for key, values in samples.items()}


def bulk_rows(bench):
    """Names of the rows and how each is measured: client, server."""
    rows = [("sshio - sshio", "sshio", "sshio")]
    if "openssh" in bench.servers:
        rows += [("ssh - sshd", "openssh", "openssh"), ("sshio - sshd", "sshio", "openssh"), ("ssh - sshio", "openssh", "sshio")]
    return rows


def measure_bulk(bench, ciphers, size, rounds):
    """All rows in turn, round after round, so that what the machine does meanwhile hits all of them."""
    samples = {}
    for number in range(rounds):
        for cipher in ciphers:
            samples.setdefault((cipher, "-", "wire limit"), []).append(bench.wire_limit(cipher, size))
            for name, client, server in bulk_rows(bench):
                for direction in ("get", "put"):
                    key = (cipher, direction, name)
                    samples.setdefault(key, []).append(bench.transfer(client, server, direction, cipher, size))
        print(f"round {number + 1} of {rounds} done", file=sys.stderr)
    return medians(samples)


def echo_rows(bench, count):
    """Names of the rows, and the program that sends one byte there and back so many times. Where a server runs cat the byte passes
    its pipes as well; ssh's pipes are those of the program that measures."""
    wirelimit, suite = bench.programs / "wirelimit", CIPHERS[0]

    def through(server, program=None):
        return [wirelimit, "--echo", count, *bench.ssh_client(server, suite, "exec cat", program)]

    rows = {"plain TCP": [wirelimit, "--echo", count],
            "sshio - sshio": bench.sshio_client("sshio", suite, "echo", "bench echo", count, 1),
            "sshio ssh - sshio sshd, cat": through("sshio sshd", [bench.tool, "ssh"])}
    if "openssh" in bench.servers:
        rows |= {"ssh - sshd, cat": through("openssh plain"),
                 "sshio - sshd, cat": bench.sshio_client("openssh plain", suite, "echo", "exec cat", count, 1)}
    return rows


def measure_echo(bench, count, rounds):
    """Both ends on one core: on two, most of the time is that of waking the other one."""
    samples = {}
    with one_core(bench.servers.values()):
        for _ in range(rounds):
            for name, argv in echo_rows(bench, count // rounds).items():
                samples.setdefault(name, []).append(json.loads(run(argv)[0]))
    return medians(samples)


def measure_sessions(bench, count, rounds):
    """Sessions one after the other on one connection, a second; on one core, as echoes are. sshd's `true` is a process and its shell; its internal SFTP server,
    whose input ends at once, is the nearest that it has to a command inside the process. The client is the same for all."""
    rows = {"sshio, in the process": ("sshio", ["exec", "bench noop", count])}
    if "openssh" in bench.servers:
        rows |= {"sshd, true": ("openssh plain", ["exec", "exec true", max(count // 20, 50)]),
                 "sshd, internal-sftp": ("openssh plain", ["subsystem", "sftp", max(count // 20, 50)])}
    samples = {}
    with one_core(bench.servers.values()):
        for _ in range(rounds):
            for name, (server, words) in rows.items():
                took = json.loads(run(bench.sshio_client(server, None, *words))[0])
                samples.setdefault(name, []).append({"rate": took["bytes"] / took["seconds"]})
    return medians(samples)


def measure_crowd(bench, crowd, rounds):
    """Many sessions on each of many connections, with and without one that reads nothing until all others have ended."""
    samples = {}
    for _ in range(rounds):
        for name, slow in (("all read", 0), ("one does not", 1)):
            words = ["crowd", *crowd, 1 << 18, slow]
            samples.setdefault(name, []).append(json.loads(run(bench.sshio_client("sshio", CIPHERS[0], *words))[0]))
    return medians(samples)


def measure_small(bench, scale):
    """Round trips, commands, crowds and logins."""
    count, rounds, logins = scale.echoes, scale.rounds, scale.logins
    results = {"echo": measure_echo(bench, count, rounds), "sessions": measure_sessions(bench, count // 4 // rounds, rounds),
               "crowd": measure_crowd(bench, scale.crowd, rounds)}

    def measure(name, *words):
        results[name] = json.loads(run(bench.sshio_client("sshio", None, *words))[0])

    measure("handshake", "handshake", logins)
    before = bench.servers["sshio"].cpu()
    measure("handshake_16", "handshake", logins * 2, 16)
    results["handshake_16"]["server_cpu_ms"] = (bench.servers["sshio"].cpu() - before) / (logins * 2) * 1000
    return results


def count_syscalls(bench, size):
    """System calls for each 32 KiB packet, of the client alone, by strace."""
    strace = find("strace")
    if strace is None:
        raise SystemExit("--syscalls needs strace")
    counts = {}
    for direction, words in (("get", ["get", f"bench source {size}", size]), ("put", ["put", "bench sink", size])):
        table = bench.folder / "strace"
        run([strace, "-c", "-f", "-o", table, *bench.sshio_client("sshio", CIPHERS[0], *words)])
        total = table.read_text().strip().splitlines()[-1].split()     # % time, seconds, usecs/call, calls, …
        counts[direction] = int(total[3]) / (size / 32768)
    return counts


# ---- what is shown ----

def ratio(results, key, other):
    return results[key]["rate"] / results[other]["rate"] if other in results else None


def bulk_table(results):
    """One dictionary a line of the table."""
    lines = []
    for (cipher, direction, name), values in sorted(results.items()):
        lines.append({"cipher": cipher, "direction": direction, "pair": name,
                      **{field: round(value, 3) for field, value in values.items()},
                      "of_limit": ratio(results, (cipher, direction, name), (cipher, "-", "wire limit")),
                      "of_openssh": ratio(results, (cipher, direction, name), (cipher, direction, "ssh - sshd"))})
    return lines


def print_bulk(lines):
    print(f"{'cipher':40} {'':4} {'client - server':16} {'MB/s':>8} {'of limit':>9} {'of OpenSSH':>11} {'client CPU':>11} {'server CPU':>11}")
    for line in lines:
        print(f"{line['cipher']:40} {line['direction']:4} {line['pair']:16} {line['rate']:8.0f} "
              + "".join(f"{line[field]:{width}.2f}" if line[field] is not None else " " * width
                        for field, width in (("of_limit", 10), ("of_openssh", 12)))
              + f"{line['client_cpu']:12.2f}{line['server_cpu']:12.2f}")
    print("CPU: seconds per GiB; of sshd and what it starts, only what has ended when it is read.")


def print_echo(rows):
    tcp, openssh = rows["plain TCP"]["median_us"], rows.get("ssh - sshd, cat", {}).get("median_us")
    print(f"{'echo of 1 byte, both ends on one core':40} {'median us':>10} {'p99 us':>8} {'TCP +':>8} {'of OpenSSH':>11}")
    for name, row in rows.items():
        print(f"{name:40} {row['median_us']:10.1f} {row['p99_us']:8.1f} {row['median_us'] - tcp:8.1f}"
              + (f" {row['median_us'] / openssh:11.2f}" if openssh else ""))


def print_small(small):
    print_echo(small["echo"])
    ours = small["sessions"]["sshio, in the process"]["rate"]
    print("open, exec, close, one after the other, both ends on one core")
    for name, row in small["sessions"].items():
        print(f"{name:40} {row['rate']:10.0f} a second" + (f", of which ours is {ours / row['rate']:.1f} x" if row["rate"] != ours else ""))
    print("many sessions on many connections, each 256 KiB")
    for name, row in small["crowd"].items():
        print(f"{name:40} {row['seconds']:10.3f} s for {row['sessions']:.0f}; one takes {row['median_ms']:.0f} ms, the last {row['last_ms']:.0f}")
    print(f"login               {small['handshake']['median_us']:8.0f} us median, one after the other")
    parallel = small["handshake_16"]
    print(f"logins, 16 at once  {parallel['bytes'] / parallel['seconds']:8.0f} a second, {parallel['fails']} failed, "
          f"{parallel['server_cpu_ms']:.2f} ms of the server's CPU each")


SVG_BAR, SVG_LEFT, SVG_WIDTH = 18, 330, 900


def draw(lines, path):
    """A bar for each line of the table, grouped by cipher."""
    longest = max(line["rate"] for line in lines)
    height = SVG_BAR * len(lines) + 50
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{SVG_WIDTH}" height="{height}" font-family="sans-serif" font-size="12">',
             f'<rect width="{SVG_WIDTH}" height="{height}" fill="white"/>',
             '<text x="10" y="20" font-size="14">One channel over loopback, MB/s (median)</text>']
    for number, line in enumerate(lines):
        top = 35 + number * SVG_BAR
        width = line["rate"] / longest * (SVG_WIDTH - SVG_LEFT - 80)
        colour = "#888" if line["pair"] == "wire limit" else "#2a6fb0" if line["pair"] == "sshio - sshio" else "#9cc3e6"
        label = f"{line['cipher'].split('@')[0]} {line['direction'] if line['direction'] != '-' else ''} {line['pair']}"
        parts.append(f'<text x="{SVG_LEFT - 8}" y="{top + 12}" text-anchor="end">{label}</text>')
        parts.append(f'<rect x="{SVG_LEFT}" y="{top}" width="{width:.1f}" height="{SVG_BAR - 4}" fill="{colour}"/>')
        parts.append(f'<text x="{SVG_LEFT + width + 5:.1f}" y="{top + 12}">{line["rate"]:.0f}</text>')
    path.write_text("\n".join(parts + ["</svg>\n"]))


def build_release(build):
    if not (build / "build.ninja").exists():
        subprocess.run(["meson", "setup", str(build), "--buildtype=release"], cwd=TOP, check=True)
    programs = ["bench/wirelimit", "bench/sshio-bench", "bench/delay_proxy", "tools/sshio"]
    subprocess.run(["ninja", "-C", str(build), *programs], check=True, stdout=subprocess.DEVNULL)


def measure_files(bench, args, scale):
    """Nothing when there is no room for them."""
    sizes = scale.files
    free, needed = shutil.disk_usage(args.folder).free, sftp_rows.room_needed(sizes)
    if free < needed:
        print(f"No files: {args.folder} has {free // MEBI} MiB free, {needed // MEBI} are needed (see --folder, --file-mib)")
        return None
    results = sftp_rows.measure(bench, args.folder, (args.cipher or CIPHERS)[0], sizes, scale.rounds)
    marks, way = sftp_rows.judge(results, sizes), far.measure_way(bench, sizes.file)
    sftp_rows.show(results, marks, way)
    return {"rows": results, "marks": marks, "way": way}


def measure_channels(bench, args, scale):
    lines = [] if args.small else bulk_table(measure_bulk(bench, args.cipher or CIPHERS, scale.bulk, scale.rounds))
    if lines:
        print_bulk(lines)
    small = measure_small(bench, scale)
    print_small(small)
    syscalls = count_syscalls(bench, scale.bulk) if args.syscalls else None
    if syscalls:
        print(f"system calls a packet  get {syscalls['get']:.2f}, put {syscalls['put']:.2f} (client)")
    return {"bulk": lines, "small": small, "syscalls": syscalls}


def scale_of(args):
    """What the options make of it."""
    scale = SMOKE if args.smoke else QUICK if args.quick else FULL
    sizes = dataclasses.replace(scale.files, file=args.file_mib * MEBI if args.file_mib else scale.files.file,
                                far_file=args.far_mib * MEBI if args.far_mib else scale.files.far_file)
    return dataclasses.replace(scale, rounds=args.rounds or scale.rounds, files=sizes)


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=TOP / "build-release", help="a release build; made when it is not there")
    parser.add_argument("--quick", action="store_true", help="one round of 128 MiB")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--cipher", action="append", metavar="CIPHER[+MAC]", help="instead of the usual ones; may be repeated")
    parser.add_argument("--small", action="store_true", help="no bulk transfers and no files: latencies, sessions and logins only")
    parser.add_argument("--files", action="store_true", help="files by SFTP only")
    parser.add_argument("--smoke", action="store_true", help="as a test: a little of everything, with what is built, and nothing is written")
    parser.add_argument("--file-mib", type=int, metavar="MIB", help="size of the large file; default 2048")
    parser.add_argument("--far-mib", type=int, metavar="MIB", help="size of the file over the long way; default 256")
    parser.add_argument("--folder", type=pathlib.Path, default=MEMORY if MEMORY.is_dir() else tempfile.gettempdir(),
                        help=f"where files are, in memory at best; default {MEMORY}")
    parser.add_argument("--syscalls", action="store_true", help="count system calls by strace as well")
    return parser.parse_args()


def write(results, build):
    (build / "bench" / "bench.json").write_text(json.dumps(results, indent=1) + "\n")
    if results.get("bulk"):
        draw(results["bulk"], build / "bench" / "bench.svg")
    print(f"Written: {build}/bench/bench.json" + (", bench.svg" if results.get("bulk") else ""))


def main():
    args = parse_args()
    build = args.build.resolve()
    if not args.smoke:
        build_release(build)
    results, scale = {}, scale_of(args)
    with tempfile.TemporaryDirectory(prefix="sshio-bench-") as folder:
        bench = Bench(build, pathlib.Path(folder))
        try:
            if not args.files:
                results = measure_channels(bench, args, scale)
            if not args.small:
                results["files"] = measure_files(bench, args, scale)
        finally:
            bench.stop()
    if not args.smoke:
        write(results, build)


if __name__ == "__main__":
    main()
