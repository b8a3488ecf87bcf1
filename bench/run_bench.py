"""Measures sshio, OpenSSH and the wire limit in one run: alternating, several rounds, medians and ratios.

    bench/run_bench.py [--build FOLDER] [--quick] [--small] [--rounds N] [--syscalls] [--cipher CIPHER[+MAC]]

Prints a table and writes bench.json and bench.svg into FOLDER/bench. Rates move from machine to machine; the ratios within one run hold,
and CPU seconds are steadier than rates on a machine that others use. Everything listens on 127.0.0.1 and ends with the run.
"""

import argparse
import contextlib
import json
import os
import pathlib
import pwd
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
GIBI, MEBI = 1 << 30, 1 << 20
CIPHERS = ["aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com"]
LIMIT = 300                     # seconds for any one program


def find(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def run(argv, **more):
    """Runs a program; its output, and the CPU seconds that it and its children took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([str(word) for word in argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT, **more)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, argv))}: status {done.returncode}\n{done.stderr.decode(errors='replace')[-2000:]}")
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def process_cpu(pid):
    """CPU seconds of a process and of its children that have ended."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def one_core(servers):
    """Both ends of all that is measured meanwhile share one processor: servers, and the programs that are started."""
    before = os.sched_getaffinity(0)
    core = {max(before)}
    for pid in [0, *(server.child.pid for server in servers)]:
        os.sched_setaffinity(pid, core)
    try:
        yield
    finally:
        for pid in [0, *(server.child.pid for server in servers)]:
            os.sched_setaffinity(pid, before)


class Server:
    """A server in the background: its port and its CPU time."""

    def __init__(self, argv, port, log):
        self.port, self._log = port, log
        with open(log, "wb") as output:
            self.child = subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        end = time.monotonic() + 20
        while not self._accepts():
            if self.child.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"{argv[0]} does not listen:\n{pathlib.Path(log).read_text()[-2000:]}")
            time.sleep(0.02)

    def _accepts(self):
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), timeout=1):
            return True
        return False

    def cpu(self):
        return process_cpu(self.child.pid)

    def stop(self):
        self.child.terminate()
        self.child.wait(10)


class Bench:
    """The programs, keys and servers of one run."""

    def __init__(self, build, folder):
        self.programs, self.tool, self.folder = build / "bench", build / "tools" / "sshio", folder
        self.user = pwd.getpwuid(os.getuid()).pw_name
        self.sshd, self.ssh = find("sshd"), find("ssh")
        for name in ("host", "user"):
            run([find("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", folder / name])
        self.servers = {}
        try:
            self._start_servers()
        except BaseException:
            self.stop()
            raise

    def _start_servers(self):
        self.servers["sshio"] = self._start_sshio()
        self.servers["sshio sshd"] = self._start_tool()
        if self.sshd and self.ssh:
            self.servers["openssh"] = self._start_sshd("sshd", 'ForceCommand exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"')
            self.servers["openssh plain"] = self._start_sshd("sshd_plain", "Subsystem sftp internal-sftp")

    def _start_sshio(self):
        port = free_port()
        return Server([self.programs / "sshio-bench", "server", "--port", port, "--host-key", self.folder / "host",
                       "--authorized-keys", self.folder / "user.pub"], port, self.folder / "sshio.log")

    def _start_tool(self):
        port = free_port()
        config = self.folder / "tool_config"
        config.write_text(f"Port {port}\nListenAddress {HOST}\nHostKey {self.folder}/host\nStrictModes no\nPermitRootLogin yes\n"
                          f"AuthorizedKeysFile {self.folder}/user.pub\nPidFile none\n")
        return Server([self.tool, "sshd", "-D", "-e", "-f", config], port, self.folder / "tool.log")

    def _start_sshd(self, name, line):
        port = free_port()
        if os.getuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
        config = self.folder / f"{name}_config"
        config.write_text(f"Port {port}\nListenAddress {HOST}\nHostKey {self.folder}/host\nPidFile none\nUsePAM no\nStrictModes no\n"
                          f"AuthorizedKeysFile {self.folder}/user.pub\nPermitRootLogin yes\nMaxStartups 500\nMaxSessions 100\n"
                          f"SetEnv SHLVL=2\n{line}\n")
        return Server([self.sshd, "-D", "-e", "-f", config], port, self.folder / f"{name}.log")

    def stop(self):
        for server in self.servers.values():
            server.stop()

    def sshio_client(self, server, suite, *words):
        cipher, _, mac = (suite or "").partition("+")
        argv = [self.programs / "sshio-bench", "client", "--port", self.servers[server].port, "--user", self.user,
                "--identity", self.folder / "user", *(["--cipher", cipher] if cipher else []),
                *(["--mac", mac] if mac else []), *words]
        return argv

    def ssh_client(self, server, suite, command, program=None):
        cipher, _, mac = suite.partition("+")
        return [*(program or [self.ssh]), "-F", "none", "-o", "UserKnownHostsFile=/dev/null", "-o", "GlobalKnownHostsFile=/dev/null",
                "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
                "-o", "Compression=no", "-o", f"Ciphers={cipher}", *(["-o", f"MACs={mac}"] if mac else []), "-i", self.folder / "user", "-l", self.user,
                "-p", self.servers[server].port, HOST, command]

    # What the two servers are told to do.
    def source(self, server, size):
        return f"bench source {size}" if server == "sshio" else f"exec head -c {size} /dev/zero"

    def sink(self, server):
        return "bench sink" if server == "sshio" else "exec cat >/dev/null"

    def transfer(self, client, server, direction, cipher, size):
        """Rate and CPU of one transfer. ssh's own start and login are in its seconds, so it is also timed for nothing at all."""
        before = self.servers[server].cpu()
        if client == "sshio":
            words = ["get", self.source(server, size), size] if direction == "get" else ["put", self.sink(server), size]
            output, cpu = run(self.sshio_client(server, cipher, *words))
            seconds = json.loads(output)["seconds"]
        else:
            seconds, cpu = self._ssh_transfer(server, direction, cipher, size)
            seconds -= self._ssh_transfer(server, direction, cipher, 0)[0]
        return {"rate": size / seconds / 1e6, "client_cpu": cpu / size * GIBI,
                "server_cpu": (self.servers[server].cpu() - before) / size * GIBI}

    def _ssh_transfer(self, server, direction, cipher, size):
        start = time.monotonic()
        if direction == "get":
            with open(os.devnull, "wb") as nowhere:
                cpu = self._run_quietly(self.ssh_client(server, cipher, self.source(server, size)), stdout=nowhere)
        else:
            feeder = subprocess.Popen(["head", "-c", str(size), "/dev/zero"], stdout=subprocess.PIPE)
            cpu = self._run_quietly(self.ssh_client(server, cipher, self.sink(server)), stdin=feeder.stdout, stdout=subprocess.DEVNULL)
            feeder.wait()
        return time.monotonic() - start, cpu

    def _run_quietly(self, argv, **streams):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([str(word) for word in argv], check=True, timeout=LIMIT, **streams)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def wire_limit(self, cipher, size):
        line = json.loads(run([self.programs / "wirelimit", "--bytes", size, cipher])[0])
        return {"rate": line["bytes"] / line["seconds"] / 1e6, "client_cpu": line["recv_cpu"] / line["bytes"] * GIBI,
                "server_cpu": line["send_cpu"] / line["bytes"] * GIBI}


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


def measure_crowd(bench, rounds):
    """1,000 sessions on 50 connections, with and without one that reads nothing until all others have ended."""
    samples = {}
    for _ in range(rounds):
        for name, slow in (("all read", 0), ("one does not", 1)):
            words = ["crowd", 50, 20, 1 << 18, slow]
            samples.setdefault(name, []).append(json.loads(run(bench.sshio_client("sshio", CIPHERS[0], *words))[0]))
    return medians(samples)


def measure_small(bench, quick):
    """Round trips, commands, crowds and logins."""
    count, rounds = (2000, 2) if quick else (20000, 5)
    logins = 50 if quick else 500
    results = {"echo": measure_echo(bench, count, rounds), "sessions": measure_sessions(bench, count // 4 // rounds, rounds),
               "crowd": measure_crowd(bench, rounds)}

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
    print("1,000 sessions on 50 connections, each 256 KiB")
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
    subprocess.run(["ninja", "-C", str(build), "bench/wirelimit", "bench/sshio-bench", "tools/sshio"], check=True, stdout=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=TOP / "build-release", help="a release build; made when it is not there")
    parser.add_argument("--quick", action="store_true", help="one round of 128 MiB")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--cipher", action="append", metavar="CIPHER[+MAC]", help="instead of the usual ones; may be repeated")
    parser.add_argument("--small", action="store_true", help="no bulk transfers: latencies, sessions and logins only")
    parser.add_argument("--syscalls", action="store_true", help="count system calls by strace as well")
    args = parser.parse_args()
    build = args.build.resolve()
    build_release(build)
    size, rounds = (128 * MEBI, args.rounds or 1) if args.quick else (GIBI, args.rounds or 5)
    with tempfile.TemporaryDirectory(prefix="sshio-bench-") as folder:
        bench = Bench(build, pathlib.Path(folder))
        try:
            lines = [] if args.small else bulk_table(measure_bulk(bench, args.cipher or CIPHERS, size, rounds))
            if lines:
                print_bulk(lines)
            small = measure_small(bench, args.quick)
            print_small(small)
            syscalls = count_syscalls(bench, size) if args.syscalls else None
            if syscalls:
                print(f"system calls a packet  get {syscalls['get']:.2f}, put {syscalls['put']:.2f} (client)")
        finally:
            bench.stop()
    (build / "bench" / "bench.json").write_text(json.dumps({"bulk": lines, "small": small, "syscalls": syscalls}, indent=1) + "\n")
    if lines:
        draw(lines, build / "bench" / "bench.svg")
    print(f"Written: {build}/bench/bench.json" + (", bench.svg" if lines else ""))


if __name__ == "__main__":
    main()
