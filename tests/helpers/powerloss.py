"""powerloss.py MPBATCH LIST SEED ROUNDS: resumes from disks as a power failure may leave them.

disk/ is a directory in which the helper disk.so has watched a run (disk.log): the run directory
disk/run, and disk/marks, where task I makes the file I as it ends. Each round takes a random instant of
that log and makes disk/run anew as POSIX allows it to be after a power failure then: what had been synced is
there; of what was written later any sectors of 512 bytes may be missing, and the end; names are surely
there only if their directory was synced since. Then the run is resumed, and from what the tasks did it is
seen that each has run, and that none ran again whose success and output had been synced.
Outputs must be what they have to be, or be said to be missing. Task I prints what its function output() says.
"""
import os
import random
import shutil
import struct
import subprocess
import sys

HEAD = struct.Struct("<B3xIIIQQQ")
SECTOR = 512
SYNC_BEGUN, SYNC_DONE = ord("f"), ord("F")


def output(index):
    return b"".join(b"task %d line %d\n" % (index, i) for i in range(index * 7 % 160))


class Node:
    """A file or directory: what is on disk for sure, and what was done to it since."""

    def __init__(self, kept):
        self.kept, self.later, self.begun = kept, [], 0

    def sync(self, done):
        if not done:
            self.begun = len(self.later)
            return
        for change in self.later[: self.begun]:
            self.kept = change(self.kept)
        self.later, self.begun = self.later[self.begun :], 0

    def now(self):
        kept = self.kept.copy()
        for change in self.later:
            kept = change(kept)
        return kept


class Write:
    def __init__(self, offset, data):
        self.offset, self.data = offset, data

    def __call__(self, content):
        return self.put(content, self.offset, self.data)

    @staticmethod
    def put(content, offset, data):
        content.extend(bytes(max(0, offset - len(content))))
        content[offset : offset + len(data)] = data
        return content

    def torn(self, content, chance):
        at, end = self.offset, self.offset + len(self.data)
        while at < end:
            upto = min(end, (at // SECTOR + 1) * SECTOR)
            if random.random() < chance:
                self.put(content, at, self.data[at - self.offset : upto - self.offset])
            at = upto
        return content


def cut(length):
    return lambda content: content[:length]


def name(entry, node):
    return lambda names: {**names, entry: node}


def unname(entry):
    return lambda names: {n: node for n, node in names.items() if n != entry}


def move(entry, other):
    def change(names):
        if entry not in names:
            return names
        return {**unname(entry)(names), other: names[entry]}

    return change


class Disk:
    def __init__(self, root):
        self.root, self.top, self.inodes = root, Node({}), {}
        self.marks = {}

    def find(self, path):
        node = self.top
        for part in path[len(self.root) :].split("/")[1:]:
            node = node and node.now().get(part)
        return node

    def change(self, path, what):
        self.find(os.path.dirname(path)).later.append(what)

    def take(self, what, path, other, inode, offset, data, now):
        entry = os.path.basename(path)
        if path.startswith(self.root + "/marks/"):
            if chr(what) == "w":
                self.marks.setdefault(int(entry), now)
        elif what in (SYNC_BEGUN, SYNC_DONE):
            node = self.inodes.get(inode) or self.find(path)
            node.sync(what == SYNC_DONE)
        elif chr(what) == "c":
            self.inodes[inode] = Node(bytearray())
            self.change(path, name(entry, self.inodes[inode]))
        elif chr(what) == "m":
            self.inodes.pop(inode, None)
            self.change(path, name(entry, Node({})))
        elif chr(what) == "w":
            self.inodes[inode].later.append(Write(offset, data))
        elif chr(what) == "t":
            self.inodes[inode].later.append(cut(offset))
        elif chr(what) == "l":
            self.change(other, name(os.path.basename(other), self.find(path)))
        elif chr(what) == "r":
            self.change(path, move(entry, os.path.basename(other)))
        elif chr(what) == "u":
            self.change(path, unname(entry))

    def synced(self):
        """The tasks whose success and output were synced; that their files keep their names is implied."""
        run, tasks = self.top.now().get("run"), set()
        for entry, node in run.now().items() if run else ():
            if not entry.startswith("journal."):
                continue
            lines = bytes(node.kept).decode().split("\n")[1:-1]
            columns = lines[0].split("\t") if lines else []
            for line in lines[1:]:
                record = dict(zip(columns, line.split("\t")))
                if record["reason"] == "ok" and self.holds(run, record):
                    tasks.add(int(record["index"]))
        return tasks

    @staticmethod
    def holds(run, record):
        wanted = output(int(record["index"]))
        if not wanted:
            return True
        file, offset, _ = record["store"].rsplit(":", 2)
        node = run.now().get(file)
        return node and node.kept[int(offset) :][: len(wanted)] == wanted


def read_log(path):
    with open(path, "rb") as log:
        data = log.read()
    events, at = [], 0
    while at < len(data):
        what, path_len, other_len, length, inode, offset, now = HEAD.unpack_from(data, at)
        at += HEAD.size
        path = data[at : at + path_len].decode()
        other = data[at + path_len : at + path_len + other_len].decode()
        at += path_len + other_len
        events.append((what, path, other, inode, offset, data[at : at + length], now))
        at += length
    return events


def content_after(node):
    """A file: in one of four ways none, some first, some or all of what was not synced is there."""
    content, way = bytearray(node.kept), random.randrange(4)
    some = [[], node.later[: random.randint(0, len(node.later))], node.later, node.later][way]
    chance = random.choice((0.1, 0.5, 0.9)) if way < 3 else 1
    for change in some:
        if isinstance(change, Write):
            content = change.torn(content, chance)
        elif random.random() < chance:
            content = change(content)
    if some and random.random() < 0.5:
        content = content[: random.randint(min(len(node.kept), len(content)), len(content))]
    return content


def names_after(node):
    names, way = dict(node.kept), random.randrange(3)
    upto = random.randint(0, len(node.later))
    for i, change in enumerate(node.later):
        if i < upto if way == 0 else random.random() < 0.5 if way == 1 else True:
            names = change(names)
    return names


def build(node, path):
    if not isinstance(node.kept, dict):
        with open(path, "wb") as file:
            file.write(content_after(node))
        return
    os.mkdir(path)
    for entry, below in names_after(node).items():
        build(below, path + "/" + entry)


def fail(text):
    print("FAIL: " + text)
    sys.exit(1)


def call(where, *arguments, codes=(0,)):
    done = subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, timeout=200)
    if done.returncode not in codes:
        fail(f"{where}: {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr.decode()}")
    return done


def wrong_outputs(where, mpbatch, tasks, missing_is_fine):
    shutil.rmtree("outputs", ignore_errors=True)
    call(where, mpbatch, "output", "disk/run", "--export", "outputs", codes=(0, 1) if missing_is_fine else (0,))
    for index in range(1, tasks + 1):
        path = f"outputs/{index}.out"
        if missing_is_fine and not os.path.exists(path):
            continue
        with open(path, "rb") as file:
            shown = file.read()
        if shown != output(index):
            fail(f"{where}: the output of task {index} is {shown!r}")


def check(where, mpbatch, jobs, disk, tasks):
    has_journal = any(n.startswith("journal.") for n in os.listdir("disk/run")) if os.path.isdir("disk/run") else False
    if has_journal:
        call(where, mpbatch, "report", "--csv", "disk/run")
        wrong_outputs(where, mpbatch, tasks, True)
    call(where, mpbatch, "status", "disk/run", codes=(0, 2))
    call(where, mpbatch, "-q", "--resume", "-j", "4", "--output", "store", "--run-dir", "disk/run", jobs)
    ran = {int(n) for n in os.listdir("disk/marks")}
    if ran & disk.synced():
        fail(f"{where}: synced and run again: {sorted(ran & disk.synced())}")
    never = set(range(1, tasks + 1)) - ran - set(disk.marks)
    if never:
        fail(f"{where}: never run: {sorted(never)}")
    wrong_outputs(where, mpbatch, tasks, False)
    report = call(where, mpbatch, "report", "--csv", "disk/run").stdout.decode().split("\r\n")
    if {int(line.split(",")[1]) for line in report[1:-1] if ",ok," in line} != set(range(1, tasks + 1)):
        fail(f"{where}: the journals do not have a success of every task")
    call(where, mpbatch, "status", "disk/run")
    return len(ran), len(disk.synced())


def main():
    mpbatch, jobs, seed, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    events = read_log("disk.log")
    with open(jobs, encoding="utf-8") as file:
        tasks = len(file.readlines())
    for number in range(1, rounds + 1):
        random.seed(seed * 1000003 + number)
        instant = random.randint(0, len(events))
        disk = Disk(os.path.abspath("disk"))
        for event in events[:instant]:
            disk.take(*event)
        shutil.rmtree("disk")
        build(disk.top, "disk")
        os.mkdir("disk/marks")
        where = f"seed {seed}, round {number}, instant {instant} of {len(events)}"
        ran, synced = check(where, mpbatch, jobs, disk, tasks)
        print(f"{where}: {len(disk.marks)} had ended, {synced} were synced, {ran} ran")


main()
