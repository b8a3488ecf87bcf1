#!/usr/bin/env python3
"""What is installed is enough: a program outside the tree is built against it, shared and static, and runs; there are pages to read.

usage: check_install.py BUILD PREFIX LIBDIR MANDIR VERSION        CC names the compiler, MESON another meson
"""

import os
import pathlib
import subprocess
import sys
import tempfile

PROGRAM = """
#include <sshio.h>
#include <stdio.h>
static int task(void *arg) { (void)arg; return sshio_task_self() != NULL ? 0 : 1; }
int main(void)
{
    puts(sshio_version());
    return sshio_main(task, NULL);
}
"""

# One of each section, and a page that is another name of one.
PAGES = ("man1/sshio-ssh.1", "man3/sshio_connect.3", "man3/sshio_conn_unref.3", "man5/sshio_config.5", "man7/sshio.7", "man8/sshio-sshd.8")


def run(command, **more):
    done = subprocess.run(command, text=True, capture_output=True, timeout=120, check=False, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def main():
    build, prefix, libdir, mandir, version = sys.argv[1:6]
    with tempfile.TemporaryDirectory() as folder:
        stage = pathlib.Path(folder) / "stage"
        root = stage / prefix.lstrip("/")
        lib = root / libdir
        run(os.environ.get("MESON", "meson").split() + ["install", "-C", build, "--no-rebuild", "--destdir", str(stage)])
        for path in (root / "include" / "sshio.h", root / "include" / "sshio" / "base.h", lib / "libsshio.so", lib / "libsshio.so.0",
                     lib / "libsshio.a", lib / "pkgconfig" / "sshio.pc", root / "bin" / "sshio",
                     *(root / mandir / page for page in PAGES)):
            if not path.exists():
                sys.exit(f"{path.relative_to(stage)} is not installed")
        source = pathlib.Path(folder) / "program.c"
        source.write_text(PROGRAM, encoding="utf-8")
        compiler = os.environ.get("CC", "cc").split()

        def pkg_config(*options):
            search = os.environ.get("PKG_CONFIG_PATH", "")
            env = {**os.environ, "PKG_CONFIG_PATH": f"{lib / 'pkgconfig'}:{search}"}
            return run(["pkg-config", f"--define-variable=prefix={root}", *options, "sshio"], env=env).split()

        flags = pkg_config("--cflags")
        shared, static = str(pathlib.Path(folder) / "shared"), str(pathlib.Path(folder) / "static")
        run(compiler + ["-std=c11", str(source), "-o", shared] + flags + pkg_config("--libs"))
        private = [flag for flag in pkg_config("--static", "--libs") if flag != "-lsshio"]
        run(compiler + ["-std=c11", str(source), "-o", static] + flags + [str(lib / "libsshio.a")] + private)
        for program, path in ((shared, str(lib)), (static, "")):
            said = run([program], env={**os.environ, "LD_LIBRARY_PATH": path}).strip()
            if said != version:
                sys.exit(f"{program} says {said}, not {version}")
    print("installed, built and run: shared and static")


main()
