#!/usr/bin/env bash
# runs: local mpi3
# What a run reads is nothing that it writes: the task list and files of values survive whatever is named as an output,
# by any name.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

echo 'touch ran' >jobs.txt
printf 'a\nb\n' >values
cp jobs.txt jobs.before
cp values values.before
ln -s jobs.txt link
ln values hard
mkdir below

# survives WHAT-IT-SAYS ARG...: refused, and nothing is lost.
survives() {
	refused "$@"
	cmp jobs.txt jobs.before && cmp values values.before || fail "$*: an input is lost"
	[ ! -e ran ] || fail "$*: something has run"
}

survives "option --output-file: jobs.txt is the run's task list, which would be lost" --output-file jobs.txt jobs.txt
survives "option --output-file: ./below/../jobs.txt is the run's task list" --output-file ./below/../jobs.txt jobs.txt
survives "option --output-file: link is the run's task list" --output-file link jobs.txt
survives "option --joblog: $PWD/jobs.txt is the run's task list" --joblog "$PWD/jobs.txt" jobs.txt
survives "option --output-file: values is the run's file of values" --output-file values -a values -- touch ran
survives "option --joblog: hard is the run's file of values" --joblog hard -- touch ran ::: 1 :::: values
survives "option --joblog: same is the run's --output-file" --output-file same --joblog same jobs.txt
survives "the output file of task 1: values is the run's file of values" --stdout 'value{1}' -- touch ran ::: s :::: values
survives "the output file of task 1: hard is the run's file of values" --stdout hard -- touch ran :::: values
survives "the output file of task 1: ../jobs.txt is the run's task list" --cwd below --stderr ../jobs.txt jobs.txt
survives "its own input" --stdin '{}' --stdout './{}' -- sh -c 'touch ran' ::: values
