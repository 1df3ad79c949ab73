#!/bin/bash
# The transport's contract, kept by the MPI transport with 1, 2, 3 and 8 ranks: the program is run by the
# mpirun of the MPI it was built with.
set -euo pipefail

program=./tests/contract/contract_mpi
case $(ldd "$program") in
*libmpich*) launch=(mpirun.mpich) ;;
*) launch=(mpirun.openmpi --oversubscribe) ;;
esac
command -v "${launch[0]}" >/dev/null || launch[0]=mpirun
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
for ranks in 1 2 3 8; do
    echo "$ranks ranks"
    timeout -k 5 100 "${launch[@]}" -n $ranks "$program" $ranks </dev/null
done
