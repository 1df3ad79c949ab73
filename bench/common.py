"""What the programs of this directory share: where things are, and how to run them."""
import os
import pathlib
import platform
import shlex
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def find_mpbatch():
    name = os.environ.get("MPBATCH") or HERE.parent / "build/mpbatch"
    return shutil.which(name) or shutil.which("mpbatch") or fail(f"no {name}")


def call(command, stdout=subprocess.PIPE, environ=None):
    """Runs COMMAND; what it prints, if STDOUT is not given; ends us if it fails."""
    environ = dict(environ or os.environ)
    if os.geteuid() == 0:
        environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=stdout, env=environ, text=True)
    if done.returncode != 0:
        fail(f"{shlex.join(map(str, command))} ended with {done.returncode}")
    return done.stdout


def say(text):
    print(text, file=sys.stderr)


def fail(text):
    sys.exit(f"bench/{pathlib.Path(sys.argv[0]).name}: {text}")


def cpu_model():
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return platform.machine()
