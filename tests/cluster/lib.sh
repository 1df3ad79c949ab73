# shellcheck shell=bash
# A cluster on one machine for tests, and what its tests have in common. Sourced, not run.
#
#   file            does
#   cluster         runs a command in such a cluster, by hand: cluster hosts|slurm [COMMAND...]
#   on              on HOST COMMAND...: runs it in a host, as ssh would; also mpirun's launch agent
#   test_hosts.sh   mpirun over h1 h2 h3: balance, binding, the death of a rank
#   test_slurm.sh   sbatch, srun and scancel on n1 n2 n3
#
#   kind    hosts       what runs
#   hosts   h1 h2 h3    nothing: mpirun starts its daemons through `on`
#   slurm   n1 n2 n3    munged and slurmctld on the head, a slurmd on each
#
# Everything lives in namespaces of its own (pid, mount, net, uts, ipc): the head's, whose first
# process is the script, and in it a net, mount and uts namespace per host. So nothing has a name on
# the machine, runs side by side cannot meet, and the death of that first process is the whole
# tear-down, however it dies. /run/cluster is what the hosts share, as a cluster's home directories;
# /tmp, /dev/shm and /dev/full (where runs
# claim cores) are each host's own. MPBATCH is the binary under test (default: from PATH); in
# the cluster it is mpbatch in PATH.
#
# A test sources this, calls cluster_enter KIND first, and exits 0, 77 (skipped, and says why), or
# anything else.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
shared=/run/cluster
user=nobody # submits the jobs

skip() {
    echo "skipped: $*"
    exit 77
}

fail() {
    echo "FAILED: $*"
    if [[ -n ${SLURM_CONF:-} ]]; then tail -n 15 $shared/log/*; fi
    exit 1
}

step() {
    echo "- $* (${SECONDS} s)"
}

# wait_until SECONDS COMMAND...: 1 if it has not succeeded by then
wait_until() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < end)) || return 1
        sleep 0.05
    done
}

need() {
    local tool
    for tool; do command -v "$tool" >/dev/null || skip "no $tool here"; done
}

### Outside: start the script again inside, and see that nothing is left ###

# cluster_enter KIND ARGUMENTS...: returns inside the cluster; outside it runs the calling script
# inside, with these arguments, and exits with its status.
cluster_enter() {
    local kind=$1 names
    shift
    if [[ -n ${CLUSTER_ID:-} ]]; then
        case $kind in
        hosts) names=(h1 h2 h3) ;;
        slurm) names=(n1 n2 n3) ;;
        *) fail "no such kind of cluster: $kind" ;;
        esac
        trap 'echo "FAILED: line $LINENO: $BASH_COMMAND"' ERR
        set -E
        hosts_up "${names[@]}"
        if [[ $kind = slurm ]]; then slurm_up; fi
        baseline=" $(processes) "
        return
    fi
    check_machine "$kind"
    run_inside "$@"
}

namespaces=(unshare --mount --uts --ipc --net --pid --fork --kill-child --mount-proc)

check_machine() {
    local reason
    PATH=$PATH:/usr/sbin:/sbin
    need unshare nsenter setpriv ip mpirun
    [[ $(mpirun --version) == *"Open MPI"* ]] || skip "mpirun is not Open MPI's"
    (($(nproc) >= 2)) || skip "needs two cores"
    if [[ $1 = slurm ]]; then
        ((EUID == 0)) || skip "SLURM's daemons need root"
        need munged slurmctld slurmd sbatch srun
    elif ((EUID != 0)); then
        namespaces+=(--map-root-user)
    fi
    reason=$("${namespaces[@]}" sh -c '
        mount -t tmpfs none /run && mount -t tmpfs none /tmp && hostname head &&
        ip link add br0 type bridge && ip link add v1 type veth peer name v2' 2>&1) ||
        skip "namespaces are not allowed here: $reason"
}

# What a cluster could leave behind on the machine, one per line.
machine_state() {
    local id=$1
    awk '{ print "mount", $5 }' /proc/self/mountinfo
    find /sys/class/net/ /run/netns -mindepth 1 -maxdepth 1 2>/dev/null || true
    find /sys/fs/cgroup -type d -name '*slurm*' 2>/dev/null || true
    find /tmp "${TMPDIR:-/tmp}" /dev/shm -maxdepth 1 -name '*.[hn][1-3].*' 2>/dev/null || true
    grep -lsz "^CLUSTER_ID=$id\$" /proc/[0-9]*/environ || true
}

left_over() {
    comm -13 <(sort <<<"$before") <(machine_state "$1" | sort)
}

nothing_left() {
    [[ -z $(left_over "$1") ]]
}

run_inside() {
    local id=$$.$RANDOM status=0 child path before
    path=$(command -v "${MPBATCH:-mpbatch}") && path=$(realpath "$path") || path=
    before=$(machine_state "$id")
    # In the background, or a trap would wait for it; env because bash has such a child ignore INT.
    setpriv --pdeathsig KILL env --default-signal=INT,QUIT -u TMPDIR CLUSTER_ID="$id" \
        MPBATCH="$path" "${namespaces[@]}" bash "$0" "$@" <&0 &
    child=$!
    trap 'kill -KILL $child' INT TERM HUP
    wait "$child" || status=$?
    trap '' INT TERM HUP
    if ! wait_until 10 nothing_left "$id"; then
        echo "FAILED: left behind on the machine:"
        left_over "$id"
        exit 1
    fi
    exit "$status"
}

### Inside: the hosts ###

hosts_up() {
    local name n=0
    mount -t tmpfs -o mode=755 cluster /run
    mkdir -p $shared/{bin,hosts,log,home}
    chmod 1777 $shared/home
    cp "$here/on" $shared/bin/
    if [[ -n $MPBATCH ]]; then cp "$MPBATCH" $shared/bin/mpbatch; fi
    mkdir $shared/examples
    cp "$here"/../../examples/slurm/*.sbatch $shared/examples/
    mount -t tmpfs -o mode=1777 cluster /tmp
    mount -t tmpfs -o mode=1777 cluster /dev/shm
    cd $shared/home
    hostname head
    {
        echo "127.0.0.1 localhost"
        echo "10.77.0.254 head"
        for name; do echo "10.77.0.$((n += 1)) $name"; done
    } >$shared/etc-hosts
    mount --bind $shared/etc-hosts /etc/hosts
    ip link set lo up
    ip link add br0 type bridge
    ip addr add 10.77.0.254/24 dev br0
    ip link set br0 up
    n=0
    for name; do host_up "$name" $((n += 1)); done

    export PATH=$shared/bin:$PATH
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    export OMPI_MCA_plm_rsh_agent=$shared/bin/on PRTE_MCA_plm_ssh_agent=$shared/bin/on
    export OMPI_MCA_pml=ob1 OMPI_MCA_btl=tcp,vader,self
}

# A host is a process that holds its namespaces; its pid is in a file.
host_up() {
    local name=$1 n=$2 pid
    # shellcheck disable=SC2016 # expanded in there
    unshare --net --uts --mount sh -c '
        hostname "$1" && mount -t tmpfs -o mode=1777 "$1" /tmp &&
        touch /tmp/full && chmod 666 /tmp/full && mount --bind /tmp/full /dev/full &&
        mount -t tmpfs -o mode=1777 "$1" /dev/shm && ip link set lo up &&
        echo $$ >"$2.new" && mv "$2.new" "$2" && exec sleep infinity' \
        sh "$name" "$shared/hosts/$name" </dev/null >/dev/null &
    wait_until 10 test -e "$shared/hosts/$name" || fail "host $name did not come up"
    read -r pid <"$shared/hosts/$name"
    ip link add "$name" type veth peer name eth0 netns "$pid"
    ip link set "$name" master br0 up
    nsenter --target "$pid" --net ip addr add "10.77.0.$n/24" dev eth0
    nsenter --target "$pid" --net ip link set eth0 up
}

# Everything in it is killed at once, as when its power fails; only what holds its namespaces stays.
host_dies() {
    local keeper pid uts
    keeper=$(<"$shared/hosts/$1")
    uts=$(readlink "/proc/$keeper/ns/uts")
    for pid in $(processes); do
        if [[ $pid != "$keeper" && $(readlink "/proc/$pid/ns/uts") = "$uts" ]]; then
            kill -KILL "$pid" 2>/dev/null || true
        fi
    done
}

### Inside: SLURM ###

slurm_up() {
    local name
    export SLURM_CONF=$shared/slurm.conf
    cat >"$SLURM_CONF" <<END
ClusterName=test
SlurmctldHost=head(10.77.0.254)
SlurmUser=root
AuthType=auth/munge
CredType=cred/munge
StateSaveLocation=$shared/slurmctld
SlurmdSpoolDir=$shared/slurmd.%n
SlurmctldPidFile=$shared/slurmctld.pid
SlurmdPidFile=$shared/slurmd.%n.pid
SlurmctldLogFile=$shared/log/slurmctld
SlurmdLogFile=$shared/log/slurmd.%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/affinity
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
MpiDefault=none
MailProg=/bin/true
KillWait=15
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=1
NodeName=n[1-3] NodeAddr=10.77.0.[1-3] CPUs=2
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
    # /run is ours, so these are munge's default places.
    mkdir -m 755 /run/munge
    (umask 077 && head -c 128 /dev/urandom >/run/munge/key)
    munged --key-file=/run/munge/key --seed-file=/run/munge/seed --log-file=/run/munge/log \
        --pid-file=/run/munge/pid
    slurmctld
    for name in n1 n2 n3; do on $name slurmd -N $name; done
    wait_until 30 slurm_ready || fail "SLURM did not come up: $(sinfo 2>&1)"
}

slurm_ready() {
    [[ $(sinfo --noheader --states=idle --format=%D 2>/dev/null) = 3 ]]
}

as_user() {
    setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups env HOME=$shared/home "$@"
}

job_field() {
    scontrol --oneliner show job "$1" | tr ' ' '\n' | sed -n "s/^$2=//p"
}

job_ended() {
    case $(job_field "$1" JobState) in
    PENDING | RUNNING | COMPLETING | CONFIGURING | SUSPENDED | "") return 1 ;;
    esac
}

### Inside: what the tests ask ###

need_mpbatch() {
    [[ -n $MPBATCH ]] || fail "no mpbatch in PATH: set MPBATCH"
    [[ $(ldd "$shared/bin/mpbatch") == *libmpi.so* ]] || skip "mpbatch is built without Open MPI"
}

# The pids of this cluster, on one line.
processes() {
    local dir
    for dir in /proc/[0-9]*; do
        if [[ ${dir#/proc/} != "$BASHPID" ]]; then echo -n "${dir#/proc/} "; fi
    done
}

only_baseline() {
    local pid
    for pid in $(processes); do
        [[ $baseline == *" $pid "* ]] || return 1
    done
}

# No process but the daemons within SECONDS, and no file of mpbatch's in a host's own directories.
assert_clean() {
    local file files
    wait_until "$1" only_baseline || fail "processes left behind: $(ps -e -o pid,ppid,args)"
    for file in "$shared"/hosts/*; do
        files=$(on "${file##*/}" "find /tmp /dev/shm -name '*mpbatch*'")
        [[ -z $files ]] || fail "files left on ${file##*/}: $files"
    done
}

# The pids whose command line is exactly this, in all hosts.
pids_of() {
    pgrep --exact --full "$*" || true
}

# count_is COUNT COMMAND LINE
count_is() {
    [[ $(pids_of "${@:2}" | wc -l) = "$1" ]]
}

# task_list COUNT: each says "task INDEX HOST CPUS" of itself, and lasts 50 ms
task_list() {
    local i
    for ((i = 1; i <= $1; i++)); do
        echo "echo \"task $i \$(hostname)" \
            "\$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status)\"; sleep 0.05"
    done
}

# journal FILE COLUMN...: these columns, found by name, of all attempts
journal() {
    local file=$1
    shift
    awk -F '\t' -v OFS='\t' -v wanted="$*" '
        /^#/ { next }
        !header {
            header = 1
            for (i = 1; i <= NF; i++) at[$i] = i
            n = split(wanted, name, " ")
            for (i = 1; i <= n; i++) if (!(name[i] in at)) { print "no column " name[i]; exit 1 }
            next
        }
        { for (i = 1; i <= n; i++) printf "%s%s", $at[name[i]], i < n ? OFS : "\n" }' "$file"
}

# check_run RUN_DIR OUTPUT COUNT HOST...: a run of task_list COUNT went well, by its journal and by
# what the tasks said themselves
check_run() {
    local file=$1/journal.1.tsv output=$2 count=$3 problems
    shift 3
    problems=$(diff <(seq "$count" | sed 's/$/\tok\t0/') \
        <(journal "$file" index reason exit | sort -n)) ||
        fail "not every task once and ok:"$'\n'"$problems"
    problems=$(diff <(journal "$file" index host cores | sort -n) \
        <(sed -n 's/^task //p' "$output" | tr ' ' '\t' | sort -n)) ||
        fail "journal (<) and tasks (>) differ in host or cores:"$'\n'"$problems"
    problems=$(diff <(printf '%s\n' "$@") <(journal "$file" host | sort -u)) ||
        fail "hosts wanted (<) and used (>):"$'\n'"$problems"
    problems=$(journal "$file" host rank slot cores | sort -u | shared_cpus)
    [[ -z $problems ]] || fail "slots do not have cores of their own: $problems"
    problems=$(journal "$file" host | sort | uniq -c | awk -v least=$((count / $# / 4)) '$1 < least')
    [[ -z $problems ]] || fail "too few tasks on a host: $problems"
}

# Of lines "host rank slot cores": those with a CPU that another slot of the host has, or unbound.
shared_cpus() {
    awk -F '\t' '
        $4 !~ /^[0-9,-]*[0-9]$/ { print; next }
        {
            n = split($4, range, ",")
            for (i = 1; i <= n; i++) {
                if (split(range[i], end, "-") == 1) end[2] = end[1]
                for (cpu = end[1]; cpu <= end[2]; cpu++) if (owner[$1, cpu]++) print
            }
        }'
}
