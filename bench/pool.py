#!/usr/bin/env python3
"""What a user would write without mpbatch: pool.py TASK-LIST runs its lines on all cores."""
import multiprocessing
import os
import subprocess
import sys


def run(command):
    return subprocess.call(command, shell=True)


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        commands = file.read().splitlines()
    with multiprocessing.Pool(len(os.sched_getaffinity(0))) as pool:
        sys.exit(any(pool.map(run, commands)))
