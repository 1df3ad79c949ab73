#!/usr/bin/env python3
"""A program run for every set of parameters, on all cores of one machine: where mpbatch comes from."""
import multiprocessing
import subprocess
import sys

args = ["-foo 123", "-bar 456", "-baz 789"]


def run(a):
    return subprocess.call("./my-program " + a, shell=True)


if __name__ == "__main__":
    with multiprocessing.Pool() as pool:
        sys.exit(any(pool.map(run, args)))
